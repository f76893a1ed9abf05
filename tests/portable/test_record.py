"""The portable record: every byte of it is held by the signature, and what it says by the sealed ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from ledger import note
from ledger.errors import Misconfigured
from ledger.note import VerifierKey, parse_key
from ledger.portable import BadRecord, PortableRecord, format_record, open_record
from ledger.seal import Seal, open_seal
from projections.portable import portable_record
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
    topics = {leaf.topic for year in former.record.years for leaf in year.leaves if not leaf.hash}
    assert topics == {"entry.MarkRecorded", "entry.MarkAmended", "notice.NoticeIssued", "notice.NoticeWithdrawn"}


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


# --- when it can be made --------------------------------------------------------------------------------------------


def test_later_rows_go_along_as_hashes_and_the_record_stays_the_same(former: Former, tmp_path: Path) -> None:
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
