"""Who owns the database but not the keys can neither record in somebody's name nor edit a receipt unseen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import authorship
from ledger.keys import KeyStore
from ledger.store import Receipt
from ledger.streams import RECORDING
from tests.stores.envelopes import mark
from tests.support.schools import OpenedSchool, new_keys, open_school
from tests.support.tampering import alter, insert_raw

JOURNAL = Path(__file__).parents[1] / "examples" / "example-school.ndjson"
BY = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
AGAIN = {"command": "RecordMark", "pupil": "1043", "session": "2025-11-03/AM", "code": "/", "by": BY}


@pytest.fixture(params=["sqlite", "postgresql"])
def school(request: pytest.FixtureRequest) -> Iterator[OpenedSchool]:
    """A school whose last command made no event, after a register."""
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    opened = open_school(give())
    opened.replay(json.loads(line) for line in JOURNAL.read_text(encoding="utf-8").splitlines())
    register = {"command": "TakeRegister", "class": "4W", "session": "2025-11-03/AM", "by": BY}
    opened.send(register | {"marks": {"1042": "/", "1043": "/"}, "at": "2025-11-03T09:00:00"})
    assert opened.send(AGAIN | {"id": "again", "at": "2025-11-03T09:01:00"}).events == 0
    yield opened
    opened.close()


def found(school: OpenedSchool, keys: KeyStore | None = None) -> list[tuple[str, int | None]]:
    checked = authorship.checked(school.ledger, keys or school.keys)
    return [(finding.rule, finding.position) for finding in checked.findings]


def first_of_register(school: OpenedSchool) -> int:
    """Return the first position of the command that took the register."""
    taken = next(row.position for row in school.rows() if row.topic == "register.RegisterTaken")
    return max(first for first, *_ in school.ledger.reads.signed() if first <= taken)


def test_what_the_handler_recorded_fits_and_is_vouched_for_from_the_first_command_on(school: OpenedSchool) -> None:
    assert found(school) == []
    bare = [receipt for receipt in school.ledger.reads.signed() if receipt.mac is None]
    assert [receipt.first_position for receipt in bare] == [1]
    assert authorship.checked(school.ledger, school.keys).notes != []


ALTERED = {
    "another door": "UPDATE receipts SET door = 'console' WHERE first_position = {register}",
    "another id": "UPDATE receipts SET id = 'x' WHERE first_position = {register}",
    "another content": "UPDATE receipts SET digest = 'x' WHERE first_position = {register}",
    "without its code": "UPDATE receipts SET mac = NULL WHERE first_position = {register}",
    "an event in another stream": (
        "UPDATE stored_events SET originator_id = '1044/2025/2025-11-03/AM' "
        "WHERE originator_id = '1043/2025/2025-11-03/AM'"
    ),
    "an event of another kind": "UPDATE stored_events SET topic = 'entry.X' WHERE notification_id = {register} + 1",
    "an event gone": "DELETE FROM stored_events WHERE notification_id = {register} + 1",
}


@pytest.mark.parametrize("how", ALTERED)
def test_what_was_altered_without_the_keys_is_found(school: OpenedSchool, how: str) -> None:
    register = first_of_register(school)
    alter(school.ledger, ALTERED[how].format(register=register))
    assert found(school) == [("recorded_by", register)]


def test_the_receipt_of_a_command_without_events_is_held_too(school: OpenedSchool) -> None:
    alter(school.ledger, "UPDATE receipts SET door = 'x' WHERE id = 'again'")
    assert found(school) == [("recorded_by", None)]


def test_what_was_vouched_for_is_held_with_its_recorded_times(school: OpenedSchool) -> None:
    alter(school.ledger, "UPDATE stored_events SET recorded_at = recorded_at + 1 WHERE notification_id = 2")
    assert found(school) == [("recorded_by", None)]


def test_whoever_records_without_the_keys_is_found(school: OpenedSchool) -> None:
    row = insert_raw(school.ledger, "1044/2025/2025-11-03/AM", 1, "entry.MarkRecorded", b"{}")
    assert found(school) == [("recorded_by", row.position)]


def test_whoever_records_with_another_key_is_found(school: OpenedSchool) -> None:
    head, at = school.ledger.reads.head()
    school.ledger.append([mark("1044/2025/2025-11-03/AM")], receipt=Receipt("c", "", "cli"), at=at, key=b"x" * 32)
    assert found(school) == [("recorded_by", head + 1)]
    assert authorship.recording_key(school.ledger, school.keys) == school.keys.get(RECORDING)


def test_repairing_vouches_for_nothing_that_came_after_the_first_code(school: OpenedSchool) -> None:
    row = insert_raw(school.ledger, "1044/2025/2025-11-03/AM", 1, "entry.MarkRecorded", b"{}")
    alter(school.ledger, f"DELETE FROM receipts WHERE id = '{authorship.VOUCHED}'")
    authorship.recording_key(school.ledger, school.keys)
    assert not school.ledger.reads.recorded(authorship.VOUCHED)
    assert {position for _, position in found(school)} == {1} and row.position > 1


def test_other_keys_are_a_finding_and_no_keys_are_said(school: OpenedSchool) -> None:
    assert found(school, new_keys()) == [("recorded_by", None)]
    lost = KeyStore(None, "nowhere", lambda: "")
    assert authorship.checked(school.ledger, lost) == (
        [],
        ["who recorded was not checked, because the key store is missing"],
    )


def test_recorded_times_of_later_commands_are_not_held(school: OpenedSchool) -> None:
    """Which is what a seal is for: the database gives the time after the code was made."""
    register = first_of_register(school)
    alter(school.ledger, f"UPDATE stored_events SET recorded_at = recorded_at + 1 WHERE notification_id >= {register}")
    assert found(school) == []
