"""What a bundle holds: the case as it was fixed, for ever; nothing of any other child; blockers stop it."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path

import pytest
from eventsourcing.persistence import StoredEvent
from pypdf import PdfReader

from commands.evidence import Bundle
from ledger import wire
from ledger.errors import Misconfigured, Refused
from ledger.note import open_note
from ledger.seal import BrokenSeal, Seal, open_seal
from ledger.streams import Owner, owner_of
from projections.asking.questions import Answers
from projections.audit.blockers import blockers
from projections.audit.evidence import evidence
from projections.audit.record import RecordLine
from projections.readmodel.tables import open_engine
from projections.records.registers import By, MarkAnswer
from tests.evidence.bundles import (
    OFFICE,
    OTHER,
    Line,
    data,
    later,
    made_of,
    notice,
    seal_again,
    sealed,
    story,
    told_school,
    verdict,
)
from tests.support.counts import count
from tests.support.schools import OpenedSchool, open_school


def pages(made: Bundle) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(made.members["evidence.pdf"])).pages]


# --- what it says ---------------------------------------------------------------------------------------------------


def test_it_is_the_case_as_its_referral_had_seen_it(school: OpenedSchool, made: Bundle) -> None:
    told = data(made)
    referral = next(row for row in school.rows() if row.topic == "notice.PenaltyReferred")
    assert told["case"]["position"] == referral.position == told["position"] + 1
    assert (told["as_of"], told["case"]["parent"], told["draft"]) == ("2025-10-25", "1042-a", False)
    assert told["certificate"] == {
        "possible": 75, "absent": 11, "attended": 64, "authorised": 1, "unauthorised": 10, "not_possible": 1,
        "missing": 0, "not_on_roll": 0,
    }  # fmt: skip
    assert told["penalty"]["verdicts"]["met"] and told["absence"]["verdicts"]["persistent"]
    amended = next(line for line in told["register"] if line["session"] == "2025-09-10/AM")
    assert [(mark["code"], mark["reason"]) for mark in amended["entries"]] == [("N", ""), ("I", "mother rang: fever")]
    kinds = [each["event"]["type"] for each in told["chronology"]]
    assert kinds == [
        "AbsenceReported", "LeaveRequested", "LeaveDecided", "ClosureDeclared", "LetterSent", "PenaltyConsidered",
    ]  # fmt: skip
    assert told["chronology"][4]["event"]["quoted"]["unauthorised"] == 10


def test_the_paper_says_the_same_tagged_and_for_the_archive(made: Bundle) -> None:
    paper = PdfReader(io.BytesIO(made.members["evidence.pdf"]))
    assert paper.trailer["/Root"]["/MarkInfo"]["/Marked"].value
    assert b"pdfaid:part" in made.members["evidence.pdf"]
    text = " ".join(" ".join(pages(made)).split())
    for said in (
        "section 566 of the Education Act 1996",
        "Ada Example could have attended 75 sessions",
        "mother rang: fever",
        "amended from N",
        "feverish since last night",
        "unauthorised 10",
        "Leave decided (LR-1)",
        "the threshold of 10 is reached with Fri 10 Oct 2025 PM",
        data(made)["seal"]["root"][:32],
    ):
        assert said in text, said
    assert "DRAFT" not in text


def test_a_notice_fixes_a_case_that_was_never_referred() -> None:
    school = told_school()
    seen = school.rows()[-1].position
    school.send(notice())
    told = data(made_of(school, case="PN-2"))
    assert (told["case"]["event"], told["as_of"]) == ("NoticeIssued", "2025-10-28")
    assert (told["position"], told["case"]["position"]) == (seen, seen + 2), "the officer was introduced in between"
    with pytest.raises(Refused, match="not_considered"):
        made_of(school, case="PN-3")


def test_the_digest_is_of_all_the_pupils_rows_also_of_years_that_are_not_in_the_bundle() -> None:
    school = told_school()
    about = {"at": "2025-10-26T09:00:00Z", "by": OFFICE}
    year = {"year": "2026/27", "first_day": "2026-09-03", "last_day": "2027-07-21"}
    school.send({"command": "OpenSchoolYear", **about, **year})
    ahead = {"received_on": "2025-10-26", "first": "2026-09-07/AM", "last": "2026-09-07/PM"}
    asked = {"command": "RequestLeave", "pupil": "1042", "request": "LR-9", "parent": "1042-a", "ground": "a wedding"}
    school.send({**asked, **about, **ahead})
    school.send(notice())
    made = made_of(school, case="PN-2")
    assert [line.split(" ")[0] for line in data(made)["case"]["lines"]] == ["1042/0", "1042/2025", "1042/2026"]
    assert b'"1042/2026/' not in made.members["events.jsonl"]
    assert verdict(made.members, None) == ""


def test_nothing_is_made_of_a_case_whose_events_are_not_those_that_had_been_seen() -> None:
    school, altered = told_school(), open_school()
    for row in school.rows():
        state = row.state.replace(b'"c":"I"', b'"c":"M"')
        stored = [StoredEvent(row.stream, row.version, row.topic, state)]
        altered.ledger.reads.insert_events(stored, at=row.recorded_at)
    with_keys = Answers(altered.ledger, open_engine(altered.ledger), school.keys)
    with pytest.raises(BrokenSeal, match="are not those on which PN-1 was decided"):
        made_of(altered._replace(answers=with_keys), case="PN-1")


def test_a_case_that_came_to_nothing_fixes_no_evidence() -> None:
    school = open_school().replay(story()[:-1])
    with pytest.raises(Misconfigured, match="neither referred"):
        made_of(school, case="PN-1")


# --- the same for ever ----------------------------------------------------------------------------------------------


def test_it_is_the_same_bytes_after_many_later_events(tmp_path: Path) -> None:
    school = told_school()
    school.send(notice())
    seal = sealed(school, tmp_path / "seal")
    at = "2025-10-24T16:00:00"
    referred, issued = made_of(school, seal, "PN-1"), made_of(school, seal, "PN-2")
    asked = made_of(school, seal, known_at=at, as_of=date(2025, 10, 24))
    assert len({referred.content, issued.content, asked.content}) == 3
    school.replay(later(count(5, 100)))
    before = school.rows()[-1].position
    for number in range(count(50, 10_000)):
        school.send(
            {
                "command": "LogContact", "at": "2026-07-01T10:00:00Z", "by": OFFICE, "pupil": "1042",
                "contact": "1042-a", "channel": "phone", "outcome": f"no answer, {number}", "sessions": [],
            }
        )  # fmt: skip
    seal_again(school, seal)
    assert school.rows()[-1].position >= before + count(50, 10_000)
    assert made_of(school, seal, "PN-1").content == referred.content
    assert made_of(school, seal, "PN-2").content == issued.content
    assert made_of(school, seal, known_at=at, as_of=date(2025, 10, 24)).content == asked.content
    fresh = Answers(school.ledger, open_engine(school.ledger), school.keys)
    for name, before_it_all in (("PN-1", referred), ("PN-2", issued)):
        assert made_of(school._replace(answers=fresh), seal, name).content == before_it_all.content


def test_every_store_gives_the_same_bytes(
    school: OpenedSchool, seal: Seal, made: Bundle, fresh_url: Callable[[], str]
) -> None:
    other = open_school(fresh_url())
    for at, rows in groupby(school.rows(), key=lambda row: row.recorded_at):
        other.ledger.reads.insert_events(
            [StoredEvent(row.stream, row.version, row.topic, row.state) for row in rows], at=at
        )
    with_keys = Answers(other.ledger, open_engine(other.ledger), school.keys)
    assert made_of(other._replace(answers=with_keys), seal, "PN-1").content == made.content
    other.close()


def test_it_is_proved_by_the_first_checkpoint_that_holds_it(tmp_path: Path) -> None:
    school = told_school()
    seal = sealed(school, tmp_path / "seal")
    first = made_of(school, seal, "PN-1").checkpoint
    school.replay(later(3))
    seal_again(school, seal)
    assert made_of(school, seal, "PN-1").checkpoint == first == seal.checkpoints()[0].size
    told = made_of(school, seal)
    assert told.checkpoint == seal.checkpoints()[1].size
    assert verdict(told.members, str(seal.key)) == ""


def test_what_is_not_sealed_yet_or_not_what_was_sealed_is_not_proved(tmp_path: Path) -> None:
    school = told_school()
    seal = sealed(school, tmp_path / "a")
    school.replay(later(1))
    with pytest.raises(Misconfigured, match="run 'attendance seal' first"):
        made_of(school, seal)
    with pytest.raises(BrokenSeal, match="not what was sealed"):
        made_of(told_school(), seal, "PN-1")  # the same story with other nonces


# --- nothing of any other child -------------------------------------------------------------------------------------


def test_nothing_of_any_other_child_is_in_it(made: Bundle) -> None:
    raw = b"\n".join(content for name, content in made.members.items() if name not in ("verify.py", "evidence.pdf"))
    rows = [json.loads(line) for line in made.members["events.jsonl"].splitlines()]
    states = b"\n".join(base64.b64decode(row["state"]) for row in rows)
    for seen in (raw, states, " ".join(pages(made)).encode()):
        assert re.search(b"canary", seen, re.IGNORECASE) is None
    assert {row["stream"].partition("/")[0] for row in rows} == {"1042", "school"}
    assert [each["why"] for each in data(made)["withheld"]] == ["a closure that names other pupils: left out"]


def test_the_canary_would_be_found(school: OpenedSchool) -> None:
    """The negative control: the other child is there, and in the same closure, class and school."""
    states = b"\n".join(row.state for row in school.rows())
    assert OTHER.encode() in states
    assert school.answers.particulars(school.answers.moment(), [OTHER])[OTHER].name == "Canary Wren"


def test_a_key_opens_one_text_and_no_other(school: OpenedSchool, made: Bundle) -> None:
    keys = data(made, "keys.json")
    rows = {row.position: row for row in school.rows()}
    given = {base64.b64decode(each) for each in keys.values()}
    assert len(given) == len(keys) > 5
    assert {owner_of(rows[int(place)].stream).name for place in keys} == {"1042", "school"}
    assert not given & {school.keys.get(Owner("1042", year)) for year in (0, 2025)}
    for place, row in rows.items():
        if str(place) not in keys and wire.holds_sealed(row.state):
            assert owner_of(row.stream).name in (OTHER, "school") or place > data(made)["position"]


# --- what stops it --------------------------------------------------------------------------------------------------


def last_day(*lines: Line) -> OpenedSchool:
    """Return the school with a Monday on which 1042 was not marked, and what came of it."""
    school = told_school()
    at = {"at": "2025-11-03T09:11:00", "by": OFFICE}
    return school.replay([{**at, **line} for line in lines])


N = {"command": "RecordMark", "pupil": "1042", "session": "2025-11-03/AM", "code": "N"}
LEAVE = {
    "command": "RequestLeave", "pupil": "1042", "request": "LR-2", "parent": "1042-a", "received_on": "2025-11-03",
    "first": "2025-11-03/PM", "last": "2025-11-04/PM", "ground": "a wedding",
}  # fmt: skip
ARRIVAL = {"command": "LogArrival", "pupil": "1042", "session": "2025-11-03/AM", "arrived_at": "2025-11-03T09:11:00"}


@pytest.mark.parametrize(
    ("lines", "rules"),
    [
        ([N], ["unresolved_n"]),
        ([{**N, "code": "O"}], []),
        ([{**N, "code": "O"}, LEAVE], ["leave_undecided"]),
        ([N, {**ARRIVAL, "reason": "overslept"}], []),
        ([{"command": "ChangeGroups", "pupil": "1042", "groups": ["SEN support"]}], ["missing_mark"]),
    ],
)
def test_blockers_are_named(lines: list[Line], rules: list[str]) -> None:
    told = data(made_of(last_day(*lines), as_of=date(2025, 11, 3), draft=True))
    assert [each["rule"] for each in told["blockers"]] == rules


@pytest.mark.parametrize(
    ("codes", "reason", "detail", "rules"),
    [
        ("NI", "a fever", "", []),
        ("NI", " ", "", ["reason_missing"]),
        ("NN", "", "", ["unresolved_n", "reason_missing"]),
        ("B", "", "swimming gala", []),
        ("B", "", " ", ["detail_missing"]),
    ],
)
def test_a_code_without_its_reason_or_detail_is_a_blocker(
    school: OpenedSchool, codes: str, reason: str, detail: str, rules: list[str]
) -> None:
    marks = [
        MarkAnswer(
            code=code, detail=detail, recorded_at="", by=By(name="O Fice", title="Office"), reason=reason, position=at,
            via="office", cites="",
        )
        for at, code in enumerate(codes, 1)
    ]  # fmt: skip
    line = RecordLine(session="2025-09-10/AM", code=codes[-1], original=codes[0], counts_as="attended", entries=marks)
    found = blockers(school.answers.moment(), "1042", [line], date(2025, 9, 3), date(2025, 9, 30), [])
    assert [finding.rule for finding in found] == rules


def test_words_that_cannot_be_read_any_more_are_a_blocker(tmp_path: Path) -> None:
    school = told_school()
    seal = sealed(school, tmp_path / "seal")
    with school.keys._engine.begin() as connection:  # type: ignore[union-attr]
        connection.exec_driver_sql("DELETE FROM pupil_year_keys WHERE owner = '1042' AND year = 2025")
    made = made_of(school, seal, "PN-1", draft=True)
    assert {each["rule"] for each in data(made)["blockers"]} == {"unreadable"}
    assert "(sealed)" in " ".join(pages(made))


def test_a_draft_says_so_on_every_page_and_in_the_data(school: OpenedSchool, seal: Seal) -> None:
    draft = made_of(school, seal, "PN-1", draft=True)
    assert data(draft)["draft"] is True
    assert all("DRAFT" in text for text in pages(draft)) and len(pages(draft)) > 3
    assert verdict(draft.members, str(seal.key)) == ""


# --- sealed or not --------------------------------------------------------------------------------------------------


def test_without_a_seal_it_says_so(school: OpenedSchool) -> None:
    made = made_of(school, case="PN-1")
    assert (made.signature, made.checkpoint, data(made)["seal"]) == (None, None, None)
    assert "Not sealed." in " ".join(pages(made))
    assert "proofs.json" not in made.members
    assert verdict(made.members, None) == ""


def test_the_file_and_its_manifest_are_signed_where_the_private_key_is(
    school: OpenedSchool, seal: Seal, made: Bundle, tmp_path: Path
) -> None:
    assert made.signature is not None
    assert "sha256" in open_note(made.signature, seal.key)
    assert "evidence.pdf" in open_note(made.members["manifest"].decode(), seal.key)
    public = open_seal(seal.folder)
    public.private = None
    unsigned = made_of(school, public, "PN-1")
    assert unsigned.signature is None
    assert verdict(unsigned.members, str(seal.key)) == "the manifest is not signed"
    assert verdict(unsigned.members, str(seal.key), unsigned=True) == ""


def test_evidence_is_read_from_the_same_answer_as_the_screens(school: OpenedSchool) -> None:
    moment = school.answers.moment(date(2025, 10, 24))
    found, _ = evidence(school.answers, moment, "1042", date(2025, 9, 3), date(2025, 10, 24))
    counts = found.absence.counts
    assert {name: found.certificate[name] for name in ("possible", "attended", "absent")} == {
        name: counts[name] for name in ("possible", "attended", "absent")
    }
