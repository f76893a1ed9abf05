"""The portable record: every byte of it is held by the signature, and what it says by the sealed ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from ledger import note
from ledger.errors import Misconfigured
from ledger.note import VerifierKey, parse_key
from ledger.portable import LONGEST, BadRecord, PortableRecord, format_record, open_record
from ledger.seal import Seal, open_seal
from projections.audit.portable import portable_record
from tests.support.former import (
    PARENT,
    PUPIL,
    UPN,
    Line,
    made,
    marked,
    notice,
    opening,
    seal_again,
    seal_of,
    signed,
)
from tests.support.schools import OpenedSchool, open_school

MARKS = {"2024-09-03/AM": "N", "2024-09-03/PM": "\\", "2024-09-04/AM": "G"}


def story() -> list[Line]:
    amended = {"command": "AmendMark", "at": "2024-09-04T10:00", "by": opening("2024-09-03", "2025-07-22")[0]["by"],
               "pupil": PUPIL, "session": "2024-09-03/AM", "code": "I", "reason": "fever-fulvetta"}  # fmt: skip
    issued = [notice(f"PN-{number}", "2024-09-05T15:00", "2024-09-04/AM") for number in (1, 2)]
    withdrawn = {"command": "WithdrawPenaltyNotice", "at": "2024-09-05T15:10", "by": amended["by"], "pupil": PUPIL,
                 "notice": "PN-2", "reason": "address-flowerpecker"}  # fmt: skip
    return [*opening("2024-09-03", "2025-07-22"), *marked(MARKS), amended, *issued, withdrawn]


class Former(NamedTuple):
    school: OpenedSchool
    seal: Seal
    text: str

    @property
    def key(self) -> VerifierKey:
        return self.seal.key

    @property
    def record(self) -> PortableRecord:
        return open_record(self.text, self.key)[0]

    def forged(self, change: Callable[[PortableRecord], PortableRecord]) -> str:
        """Return a file that the seal's own key signed, of something else than the ledger says."""
        private = self.seal.private
        assert private is not None
        return format_record(change(self.record), lambda text: note.sign(text, self.key.name, private))


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Former:
    school = open_school().replay(story())
    seal = seal_of(school, tmp_path_factory.mktemp("former") / "seal")
    return Former(school, seal, signed(school, seal).text)


@cache
def strange_key() -> VerifierKey:
    return parse_key(made(opening("2024-09-03", "2025-07-22") + marked(MARKS)).key)


def test_it_says_what_the_ledger_said(former: Former) -> None:
    record = former.record
    codes = {entry.session: [mark.code for mark in entry.entries] for entry in record.entries}
    assert codes == {"2024-09-03/AM": ["N", "I"], "2024-09-03/PM": ["\\"], "2024-09-04/AM": ["G"]}
    assert (record.pupil.upn, record.pupil.number, record.school.urn) == (UPN, PUPIL, "118000")
    assert record.weeks == [date(2024, 9, 2)] and record.ledger == former.school.ledger.identity
    stood = {each.notice: (each.parent, each.state, each.sessions) for each in record.notices}
    named = ["2024-09-04/AM"]
    assert stood == {"PN-1": (PARENT, "open", named), "PN-2": (PARENT, "withdrawn", named)}
    positions = {mark.position: mark.recorded_at for entry in record.entries for mark in entry.entries}
    assert positions == former.school.answers.recorded_at(positions)


def test_nothing_that_the_next_school_does_not_need_can_be_read_in_it(former: Former) -> None:
    for words in ("fever-fulvetta", "address-flowerpecker", "seen", "F Ormer (Office)"):
        assert words not in former.text
    topics = {leaf.topic for year in former.record.years for leaf in year.leaves}
    assert topics == {"entry.MarkRecorded", "entry.MarkAmended", "notice.NoticeIssued", "notice.NoticeWithdrawn"}
    assert former.record.rules == former.school.answers.moment().policy.rules


def test_every_byte_that_is_changed_is_noticed(former: Former) -> None:
    content = former.text.encode()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        with pytest.raises((BadRecord, UnicodeDecodeError)):  # some are no text any more, which is as good
            open_record(flipped.decode(), former.key)
    for other in (former.text + "\n", former.text[:-1], " " + former.text, "", "{}"):
        with pytest.raises(BadRecord):
            open_record(other, former.key)


def test_a_signature_written_in_another_way_is_noticed(former: Former) -> None:
    """Base64 has bits at its end that decode to nothing, and a note may hold signatures of others."""
    file = json.loads(former.text)
    end = file["signed"].rindex("=")
    last = file["signed"][end - 1]
    other = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" if c != last)
    second = file["signed"].splitlines()[-1]
    for signed_otherwise in (
        file["signed"][: end - 1] + other + file["signed"][end:],
        file["signed"] + second + "\n",
        file["signed"][: end - 1] + "é" + file["signed"][end:],
        file["signed"].replace("\n\n", "\n\n" + second + "\n"),
    ):
        text = former.text.replace(
            json.dumps(file["signed"], ensure_ascii=False), json.dumps(signed_otherwise, ensure_ascii=False)
        )
        assert text != former.text
        with pytest.raises(BadRecord):
            open_record(text, former.key)


def test_another_key_opens_nothing(former: Former) -> None:
    with pytest.raises(BadRecord, match="this key signed"):
        open_record(former.text, strange_key())


# --- signed by the key, and not what was sealed ---------------------------------------------------------------------


def with_code(record: PortableRecord) -> PortableRecord:
    (first, *rest) = record.entries
    (original, last) = first.entries
    wrong = msgspec.structs.replace(first, entries=[original, msgspec.structs.replace(last, code="O")])
    return msgspec.structs.replace(record, entries=[wrong, *rest])


def without_entry(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, entries=record.entries[1:])


def without_withdrawal(record: PortableRecord) -> PortableRecord:
    stands = [msgspec.structs.replace(each, state="open") for each in record.notices]
    return msgspec.structs.replace(record, notices=stands)


def without_notices(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, notices=[])


def leaves(record: PortableRecord, change: Callable[[list[Any]], list[Any]]) -> PortableRecord:
    years = [msgspec.structs.replace(year, leaves=change(year.leaves)) for year in record.years]
    return msgspec.structs.replace(record, years=years)


def without_rows(record: PortableRecord) -> PortableRecord:
    """Return it with the amendment left out altogether, in the entries as in the rows."""
    (first, *rest) = record.entries
    original = msgspec.structs.replace(first, entries=first.entries[:1])
    cut = leaves(record, lambda rows: [row for row in rows if row.topic != "entry.MarkAmended"])
    return msgspec.structs.replace(cut, entries=[original, *rest])


def with_row_changed(record: PortableRecord) -> PortableRecord:
    (first, *rest) = record.entries
    (original, last) = first.entries
    wrong = msgspec.structs.replace(first, entries=[original, msgspec.structs.replace(last, code="O")])

    def rewritten(row: Any) -> Any:
        return msgspec.structs.replace(row, state=row.state.replace(b'"c":"I"', b'"c":"O"'))

    changed = leaves(record, lambda rows: [rewritten(row) for row in rows])
    assert changed != record
    return msgspec.structs.replace(changed, entries=[wrong, *rest])


def of_another_pupil(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, pupil=msgspec.structs.replace(record.pupil, number="78"))


FORGERIES = [
    with_code, without_entry, without_withdrawal, without_notices, without_rows, with_row_changed, of_another_pupil,
    lambda record: leaves(record, lambda rows: rows[::-1]),
    lambda record: leaves(record, lambda rows: [msgspec.structs.replace(row, state=b"{}") for row in rows]),
    lambda record: msgspec.structs.replace(record, years=[]),
    lambda record: msgspec.structs.replace(record, checkpoint=record.checkpoint.replace("118000", "118001")),
]  # fmt: skip


@pytest.mark.parametrize("change", FORGERIES)
def test_whoever_holds_the_key_cannot_say_otherwise_than_the_sealed_ledger(
    former: Former, change: Callable[[PortableRecord], PortableRecord]
) -> None:
    with pytest.raises(BadRecord):
        open_record(former.forged(change), former.key)
    assert open_record(former.forged(lambda record: record), former.key)[0] == former.record


# --- what a school could want to leave out, signed by its own key -----------------------------------------------------


def without_entries(record: PortableRecord) -> PortableRecord:
    """Hide the unauthorised session: its rows are gone, and so is the entry."""
    kept = [entry for entry in record.entries if entry.entries[-1].code != "G"]
    gone = {mark.position for entry in record.entries if entry not in kept for mark in entry.entries}
    cut = leaves(record, lambda rows: [row for row in rows if row.position not in gone])
    return msgspec.structs.replace(cut, entries=kept)


def without_any_notice(record: PortableRecord) -> PortableRecord:
    years = [msgspec.structs.replace(year, leaves=[]) if year.year == 0 else year for year in record.years]
    return msgspec.structs.replace(record, years=years, notices=[])


def without_the_year(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, years=[y for y in record.years if y.year != 2024], entries=[])


def with_an_empty_year(record: PortableRecord) -> PortableRecord:
    """Say that there is no line of the year, with the lines that show that there is none of the year before."""
    before, after = (next(y for y in record.years if y.year == year) for year in (2023, 2024))
    years = [*record.years[:-1], msgspec.structs.replace(before, year=after.year)]
    return msgspec.structs.replace(record, years=years, entries=[])


def known_earlier(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, known_at=record.known_at - timedelta(seconds=1))


def at_an_earlier_position(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, position=record.position - 1)


def as_of_a_day_to_come(record: PortableRecord) -> PortableRecord:
    return msgspec.structs.replace(record, as_of=record.as_of + timedelta(days=1))


LEFT_OUT = {
    without_entries: "all rows that were sealed of the entries of the school year 2024",
    without_any_notice: "the notices, or the lines that show that there are none",
    without_the_year: "the rows of each school year that counts: 2023, 2024, and the notices",
    with_an_empty_year: "the entries of the school year 2024, or the lines that show that there are none",
    known_earlier: "the position and the time of its checkpoint",
    at_an_earlier_position: "the position and the time of its checkpoint",
    as_of_a_day_to_come: "a day that had come",
}


@pytest.mark.parametrize("change", LEFT_OUT)
def test_nothing_can_be_left_out_by_whoever_holds_the_key(
    former: Former, change: Callable[[PortableRecord], PortableRecord]
) -> None:
    with pytest.raises(BadRecord, match=LEFT_OUT[change]):
        open_record(former.forged(change), former.key)


def test_a_year_without_a_mark_is_shown_to_be_one(former: Former) -> None:
    (before,) = (year for year in former.record.years if year.year == 2023)
    assert not before.leaves and len(before.around) == 2
    assert all(f"{PUPIL}/" in each.line for each in before.around), "the pupil's own lines say enough"
    for around in ([], before.around[:1], before.around[1:], before.around[::-1]):

        def shown(record: PortableRecord, around: Any = around) -> PortableRecord:
            years = [msgspec.structs.replace(y, around=around) if y.year == 2023 else y for y in record.years]
            return msgspec.structs.replace(record, years=years)

        if around == before.around[::-1]:
            assert open_record(former.forged(shown), former.key)
            continue
        with pytest.raises(BadRecord, match="the entries of the school year 2023"):
            open_record(former.forged(shown), former.key)


def resigned(former: Former, content: str) -> str:
    private = former.seal.private
    assert private is not None
    statement = f"attendance portable record\nsha256 {sha256(content.encode()).hexdigest()}\n"
    signed = json.dumps(note.sign(statement, former.key.name, private), ensure_ascii=False)
    return f'{{"record":{content},"signed":{signed}}}\n'


def test_no_row_is_shown_as_a_hash_and_the_first_form_that_did_so_is_refused(former: Former) -> None:
    record = json.loads(former.text)["record"]
    kept = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    assert open_record(resigned(former, kept), former.key)[0] == former.record
    (year,) = (each for each in record["years"] if each["year"] == 2024)
    year["leaves"][0] = {"position": year["leaves"][0]["position"], "hash": "AAAA"}
    with pytest.raises(BadRecord, match="with every row whole"):
        open_record(resigned(former, json.dumps(record)), former.key)
    with pytest.raises(BadRecord, match="the first form does not show"):
        open_record(resigned(former, kept.replace("record 2", "record 1")), former.key)


def test_a_checkpoint_of_the_first_form_shows_nothing_of_entries(former: Former) -> None:
    """Its tree of years has no lines of entries, so every year would look like one without a mark."""
    text = former.record.checkpoint.partition("\nuntil ")[0] + "\n"
    private = former.seal.private
    assert private is not None
    signed = note.sign(text, former.key.name, private)
    with pytest.raises(BadRecord, match="seal the ledger again"):
        open_record(former.forged(lambda record: msgspec.structs.replace(record, checkpoint=signed)), former.key)


@pytest.mark.parametrize("text", ["[" * 9_000_000, '{"record":' + "[" * 100_000 + "]" * 100_000 + ',"signed":"x"}\n'])
def test_what_is_nested_without_end_is_refused(former: Former, text: str) -> None:
    with pytest.raises(BadRecord):
        open_record(text, former.key)


def test_what_is_too_long_is_refused_unread(former: Former) -> None:
    with pytest.raises(BadRecord, match="at most"):
        open_record(former.text + " " * LONGEST, former.key)


def test_numbers_beyond_all_calendars_are_refused(former: Former) -> None:
    for as_of in (date.min, date.max):
        with pytest.raises(BadRecord):
            open_record(
                former.forged(lambda record, as_of=as_of: msgspec.structs.replace(record, as_of=as_of)), former.key
            )


# --- when it can be made --------------------------------------------------------------------------------------------


def test_later_rows_stay_here_and_the_record_stays_the_same(former: Former, tmp_path: Path) -> None:
    school = open_school().replay(story())
    seal = seal_of(school, tmp_path / "seal")
    before = school.answers.moment(date(2024, 9, 5))
    first = portable_record(school.answers, before, PUPIL, seal)[1]
    school.replay(marked({"2024-09-06/AM": "U"}))
    assert portable_record(school.answers, before, PUPIL, seal)[1] == first
    with pytest.raises(Misconfigured, match="run 'attendance seal' first"):
        signed(school, seal)
    seal_again(school, seal)
    assert len(open_record(signed(school, seal).text, seal.key)[0].entries) == 4
    at = school.answers.moment(date(2024, 9, 5))
    assert len(open_record(portable_record(school.answers, at, PUPIL, seal)[1], seal.key)[0].entries) == 3


def test_nothing_is_signed_without_the_private_key_or_about_a_pupil_nobody_could_match(
    former: Former, tmp_path: Path
) -> None:
    public = tmp_path / "public"
    public.mkdir()
    (public / "key.pub").write_text(f"{former.key}\n")
    with pytest.raises(Misconfigured, match="holds no private key"):
        signed(former.school, open_seal(public))
    nameless = open_school().replay(opening("2024-09-03", "2025-07-22", upn=None))
    with pytest.raises(Misconfigured, match="no UPN"):
        signed(nameless, seal_of(nameless, tmp_path / "seal"))
