"""The ladder, the linter, leave and letters at the command line, on SQLite; and the paper they write, read back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.support.cases import HOLIDAY, MOTHER, PUPIL, Line, holiday, line, unexplained
from tests.support.terminal import run, write_journal

AS_OF = ("--as-of", "2025-12-12")


def untagged(lines: list[Line]) -> list[Line]:
    ordered = sorted(lines, key=lambda each: each["at"])
    return [{name: value for name, value in each.items() if name != "tag"} for each in ordered]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a folder for each story, with its ledger."""
    folders = {}
    for name, lines in {"holiday": holiday(), "support": unexplained()}.items():
        folders[name] = tmp_path_factory.mktemp(name)
        journal = write_journal(folders[name] / "story.ndjson", untagged(lines))
        assert run("replay", str(journal), "--ledger", f"sqlite:///{folders[name]}/attendance.db").code == 0
    return folders


@pytest.fixture
def holiday_school(folder: Path, built: dict[str, Path]) -> Path:
    return _copied(folder, built["holiday"])


@pytest.fixture
def support_school(folder: Path, built: dict[str, Path]) -> Path:
    return _copied(folder, built["support"])


def _copied(folder: Path, built: Path) -> Path:
    for file in built.glob("attendance.*"):
        shutil.copy(file, folder)
    return folder


def pages(path: Path) -> list[str]:
    """Return the text of every page, its lines run together."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(path).pages]


# --- the ladder -----------------------------------------------------------------------------------------------------


def test_the_ladder_says_what_comes_next_and_how_to_record_it(holiday_school: Path) -> None:
    said = run("penalty", PUPIL, "--ladder", *AS_OF)
    assert said.code == 0 and "Penalty ladder (SIMULATED)" in said.out and "B Example" in said.out
    assert "check the referral, then refer the case to the authority" in said.out
    assert f"  attendance referral {PUPIL} --parent {MOTHER}" in said.out
    assert "no support > notice by H Example (Headteacher); saw 10 sessions at position" in said.out
    assert "as of 2025-12-12, as known at 2025-12-12T13:31:00+00:00" in said.out


def test_the_ladder_in_json_repeats_its_moment_and_names_nobody(holiday_school: Path) -> None:
    said = run("penalty", "--ladder", *AS_OF, "--json")
    (answer,) = said.json
    assert list(answer) == [
        "pupil", "as_of", "known_at", "position", "policy", "rules", "simulated", "threshold", "parents",
    ]  # fmt: skip
    assert [parent["parent"] for parent in answer["parents"]] == [MOTHER, "1042-b"]
    assert answer["parents"][0]["cases"][0]["considered"][0]["count"] == 10
    assert "Ada" not in said.out and "B Example" not in said.out


def test_the_case_shows_what_was_seen_and_that_a_later_amendment_undermines_it(holiday_school: Path) -> None:
    named = [PUPIL, "PN-1", *HOLIDAY]
    signs = ("--by", "head:H Example:Headteacher")
    assert run("case", "refer", *named, "--on", "2025-12-12", *signs).code == 0
    assert run("notice", "issue", *named, "--parent", MOTHER, "--issued-on", "2025-12-12", *signs).code == 0
    amend = run("amend", PUPIL, HOLIDAY[3], "I", "--reason", "a doctor's letter", *signs)
    assert amend.code == 0
    answer = run("penalty", PUPIL, "--ladder", *AS_OF, "--json").json[0]["parents"][0]["cases"][0]
    (referral,), notice = answer["referred"], answer["notice"]
    shown = run("penalty", PUPIL, "--ladder", *AS_OF).out
    for made in (referral, notice):
        seen = f"10 sessions under micklem-2025, seen up to position {made['seen']} ({made['digest'][:12]}…)"
        assert made["seen"] == made["position"] - 1 and seen in shown
    assert f"{HOLIDAY[3]} holds I now" in shown
    due = run("due", *AS_OF)
    assert f"PN-1 names {HOLIDAY[3]}, which holds I" in due.out


# --- the linter -----------------------------------------------------------------------------------------------------


def test_a_referral_that_is_ready_ends_with_0_and_is_written(holiday_school: Path) -> None:
    said = run("referral", PUPIL, "--parent", MOTHER, *AS_OF, "-o", "form.pdf")
    assert (said.code, said.err) == (0, "attendance: wrote form.pdf\n")
    assert "nothing blocks it" in said.out
    text = " ".join(pages(holiday_school / "form.pdf"))
    for shown in (
        "Ada Example", "B801200005001", "1 Imaginary Street, Exampleton", "B Example", "mother", "SIMULATED",
        "10 of 10 sessions", "2025-11-28/PM", "holiday, leave was refused", "N>G", "Every amendment in these weeks",
        "G Holiday the school did not grant", "not exceptional", "leave refused; to B Example; LR-1", "section 566",
    ):  # fmt: skip
        assert shown in text, shown
    assert "DRAFT" not in text and "Ben" not in text and "Sample" not in text
    position = run("referral", PUPIL, "--parent", MOTHER, *AS_OF, "--json").json[0]["position"]
    assert all(f"(position {position}" in page and "SIMULATED" in page for page in pages(holiday_school / "form.pdf"))


def test_a_blocked_referral_ends_with_1_and_is_written_as_a_draft_only(holiday_school: Path) -> None:
    amend = ("amend", PUPIL, HOLIDAY[0], "I", "--reason", "ill", "--by", "head:H Example:Headteacher")
    assert run(*amend).code == 0
    said = run("referral", PUPIL, "--parent", MOTHER, *AS_OF, "-o", "form.pdf")
    assert said.code == 1 and "form.pdf was not written" in said.err and not (holiday_school / "form.pdf").exists()
    assert "9 of 10 sessions count in this parent's own line" in said.out
    assert f"  attendance penalty {PUPIL} --as-of 2025-12-12" in said.out
    said = run("referral", PUPIL, "--parent", MOTHER, *AS_OF, "-o", "form.pdf", "--draft")
    assert (said.code, said.err) == (1, "attendance: wrote form.pdf, a draft\n")
    found = pages(holiday_school / "form.pdf")
    assert all("DRAFT" in page for page in found) and "threshold not met" in found[0]


def test_a_form_is_about_one_parent_and_a_parent_of_this_pupil(holiday_school: Path) -> None:
    assert run("referral", PUPIL, "-o", "form.pdf").sentence.startswith("malformed: --parent, expected the parent")
    assert run("referral", PUPIL, "--parent", "1043-a").sentence.startswith("unknown_person: --parent '1043-a'")
    assert run("referral", PUPIL, "--parent", MOTHER, "-o", "form.txt").sentence.startswith("'form.txt' ends in none")
    both = run("referral", PUPIL, *AS_OF, "--json")
    assert both.code == 1
    assert [(answer["parent"], answer["ready"]) for answer in both.json] == [(MOTHER, True), ("1042-b", False)]


def test_by_way_of_support_the_form_shows_the_notice_to_improve(support_school: Path) -> None:
    said = run("referral", PUPIL, "--parent", MOTHER, *AS_OF, "-o", "form.pdf")
    assert said.code == 0, said.out
    text = " ".join(pages(support_school / "form.pdf"))
    assert "until 2025-12-10, at most 3 sessions; 4 counted: failed" in text
    assert "meeting; held; B Example; a breakfast club was offered" in text and "no answer" in text


# --- leave ----------------------------------------------------------------------------------------------------------


def test_leave_is_shown_with_what_followed(holiday_school: Path) -> None:
    said = run("leave", "show", PUPIL, *AS_OF)
    assert said.code == 0 and "1042-a (by presumption)" in said.out and "refused" in said.out
    (answer,) = run("leave", "show", "--json", *AS_OF).json
    assert answer["requests"][0]["state"] == "refused" and answer["never_asked"] == []
    assert "N > G (refused LR-1)" in run("register", "4W", "2025-11-24").out


def test_the_refusal_letter_says_what_was_decided_and_what_may_follow(holiday_school: Path) -> None:
    said = run("leave", "letter", PUPIL, "LR-1", "--as-of", "2025-11-06", "-o", "letter.pdf")
    assert said.code == 0 and re.fullmatch(
        rf"attendance letter sent {PUPIL} 'leave refused' --parent {MOTHER} --sent-on 2025-11-06 "
        r"--as-of 2025-11-06 --seen [0-9]+ --cites LR-1\n",
        said.out,
    )
    (text,) = pages(holiday_school / "letter.pdf")
    for shown in (
        "Dear B Example", "6 November 2025", "Ada Example", "Leave of absence: refused", "not exceptional",
        "Monday 24 November 2025", "£160, reduced to £80", "21 days", "28 days", "£1,000", "£2,500", "3 months",
        "SIMULATED", "H Example Headteacher",
    ):  # fmt: skip
        assert shown in text, shown
    assert "Ben" not in text


def test_leave_that_waits_has_no_letter(holiday_school: Path) -> None:
    said = run("leave", "letter", PUPIL, "LR-1", "--as-of", "2025-11-05", "-o", "letter.pdf")
    assert said.sentence == "malformed: request 'LR-1', expected a request that has been decided"
    assert run("leave", "letter", PUPIL, "LR-9", "-o", "letter.pdf").sentence.startswith("no_such_leave")


# --- letters --------------------------------------------------------------------------------------------------------


def draft(about: str, *more: str) -> str:
    """Return the line that records the sending of a letter that was drafted."""
    said = run("letter", "draft", PUPIL, about, "--parent", MOTHER, *AS_OF, "-o", "letter.pdf", *more)
    assert said.code == 0, said.err
    return said.out


def test_a_letter_about_attendance_quotes_figures_with_their_definition_and_moment(support_school: Path) -> None:
    recorded = draft("attendance")
    (figures,) = run("absence", PUPIL, *AS_OF, "--json").json
    (text,) = pages(support_school / "letter.pdf")
    assert f"is {figures['attendance_percent']} %" in text and "below the 95 % at which" in text
    assert f"(position {figures['position']})" in text and "from 3 November 2025 up to and including" in text
    for name in ("possible", "attended", "authorised", "unauthorised"):
        assert f"--quote {name}={figures[name]}" in recorded and str(figures[name]) in text
    assert f"--seen {figures['position']}" in recorded and "Ben" not in text


def test_a_letter_quotes_what_was_known_then(support_school: Path) -> None:
    recorded = draft("attendance", "--known-at", "2025-11-11T12:00")
    assert "--quote unauthorised=3" in recorded  # the 11th in the morning is still N
    (text,) = pages(support_school / "letter.pdf")
    assert "As the register was known at 12:00 on 11 November 2025" in text


@pytest.mark.parametrize(
    ("about", "more", "shown"),
    [
        ("punctuality", (), ["late at 0 sessions", "taken at 08:55 and closes at 09:10"]),
        ("meeting", ("--when", "Monday at 15.30"), ["Monday at 15.30", "Invitation to a meeting"]),
        ("notice to improve", (), ["no more than 3 sessions", "breakfast club", "19 November", "10 December 2025"]),
        ("penalty", (), ["14 sessions without authority", "A penalty notice is being considered", "£160"]),
    ],
)
def test_each_occasion_has_its_letter(
    support_school: Path, about: str, more: tuple[str, ...], shown: list[str]
) -> None:
    assert draft(about, *more).startswith(f"attendance letter sent {PUPIL} ")
    text = " ".join(pages(support_school / "letter.pdf"))
    assert [words for words in shown if words not in text] == []


def test_what_there_is_nothing_to_write_about_is_not_written(support_school: Path) -> None:
    def said(about: str, *more: str) -> str:
        return run("letter", "draft", PUPIL, about, "--parent", MOTHER, *AS_OF, "-o", "letter.pdf", *more).sentence

    assert said("no contact") == f"no session of {PUPIL} is without a reason, so there is nothing to write about"
    assert said("penalty", "--case", "PN-9").startswith("not_considered: --case 'PN-9'")
    assert said("gossip").startswith("malformed: ABOUT 'gossip', expected one of: attendance")
    assert not (support_school / "letter.pdf").exists()


def test_without_keys_no_letter_can_be_addressed(support_school: Path) -> None:
    (support_school / "attendance.keys.db").unlink()
    said = run("letter", "draft", PUPIL, "attendance", "--parent", MOTHER, "-o", "letter.pdf")
    assert said.sentence == f"the particulars of {PUPIL} cannot be read without their keys"


def test_an_absence_without_a_reason_has_its_letter(folder: Path) -> None:
    lines = [each for each in unexplained() if each["tag"] not in ("code", "improve", "ended", "considered")]
    lines.append(line("2025-12-12T14:00", "SendLetter", about="report", parents=[MOTHER], sent_on="2025-12-12"))
    journal = write_journal(folder / "story.ndjson", untagged(lines))
    assert run("replay", str(journal)).code == 0
    assert "'no contact'" in draft("no contact")
    (text,) = pages(folder / "letter.pdf")
    assert "Monday 10 November 2025" in text and "tried to reach you 7 times" in text
    assert run("register", "4W", "2025-11-10").code == 0
