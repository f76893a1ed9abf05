"""What was once released is read for ever: the bytes of events, and the numbers of codes."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Any, get_args

import msgspec
import pytest

from ledger import wire
from ledger.codes import CODES, CURRENT, table
from ledger.events import (
    AnyEvent,
    EntryEvent,
    Event,
    FollowUpEvent,
    LeaveEvent,
    NoticeEvent,
    RegisterEvent,
    RollEvent,
    SchoolEvent,
)
from ledger.policy import load
from tests.golden.make import CORPUS, KEY, Line, lines, samples

# (lines, SHA-256 of that many first lines). Add a pair with each release; never change one.
RELEASED = [
    (43, "554b0b24cc635427ae758ac169b09164f6306286e55d9f39d615f93292bc5fa1"),
    (97, "082b78124547e1f6f16490f41a848ab780d00bf8835b8cc1ca5bdc5fdbbae4ad"),
    (99, "95918dcf114a7439efdc08a3c85bc666cbc443b076adb911f08b4e5ffa4c81ac"),
    (101, "bd004cb56b179a07f22faf85f6e64f913318ed53bf6b91e92493511dac0940b1"),
    (105, "c73dee08020c981fcffa093e43a5f44a421ceba64261fcfeb8a63f63dedb54f4"),
    (109, "1340a2dc31abd8db6f8998095bd52db01175fb7fe117ca21d73694d75e48b935"),
    (110, "4aa945a517b17a0c2c57d02afca103ecb3641f151767ad5af2efc4b76d93c1e7"),
]
LINES = lines()
KINDS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(AnyEvent)}

every_line = pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)


def opened(line: Line) -> Any:
    return wire.open_sealed(wire.decode(line.state.encode()), line.stream, line.version, KEY)


def used(event: Event) -> set[str]:
    """Return the fields that say something, so that their bytes are in the corpus."""
    return {
        field.name
        for field in msgspec.structs.fields(event)
        if field.default is msgspec.NODEFAULT or getattr(event, field.name) != field.default
    }


# --- the corpus -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "digest"), RELEASED)
def test_no_released_line_was_changed(count: int, digest: str) -> None:
    first = CORPUS.read_bytes().splitlines(keepends=True)[:count]
    assert sha256(b"".join(first)).hexdigest() == digest


def test_every_event_is_in_the_union_of_its_family() -> None:
    assert set(_kinds(Event)) == set(KINDS.values())
    for family in (SchoolEvent, RollEvent, RegisterEvent, EntryEvent, LeaveEvent, NoticeEvent, FollowUpEvent):
        (kind,) = {each.kind for each in get_args(family)}
        assert {each for each in KINDS.values() if each.kind == kind} == set(get_args(family))


def _kinds(base: type[Event]) -> Iterator[type[Event]]:
    """Yield the classes of events, which are those that no other is made from."""
    for each in base.__subclasses__():
        yield from _kinds(each) if each.__subclasses__() else [each]


def test_every_line_is_released() -> None:
    assert RELEASED[-1][0] == len(LINES)
    assert [line.position for line in LINES] == list(range(1, len(LINES) + 1))


def test_every_kind_of_event_is_in_the_corpus_with_and_without_text() -> None:
    events = [wire.decode(line.state.encode()) for line in LINES]
    assert {type(event).__name__ for event in events} == set(KINDS)
    with_text = {type(event) for event in events if event.sealed}
    without = {type(event) for event in events if not event.sealed}
    assert with_text == {kind for kind in KINDS.values() if kind.private}
    assert without == set(KINDS.values())


def test_every_field_of_every_event_is_used_in_the_corpus() -> None:
    seen: dict[str, set[str]] = {name: set() for name in KINDS}
    for line in LINES:
        for event in (wire.decode(line.state.encode()), opened(line)):
            seen[type(event).__name__] |= used(event)
    missing = {
        name: {field.name for field in msgspec.structs.fields(kind)} - seen[name] - ({"sealed"} - set(kind.private))
        for name, kind in KINDS.items()
    }
    assert {name: fields for name, fields in missing.items() if fields} == {}


# --- each line ------------------------------------------------------------------------------------------------------


@every_line
def test_it_is_decoded_and_encoded_to_the_same_bytes(line: Line) -> None:
    event = wire.decode(line.state.encode())
    assert event.topic == line.topic
    if (type(event).__name__, event.v) not in wire.UPCASTS:
        assert wire.encode(event) == line.state.encode()


@every_line
def test_its_text_is_opened_with_the_key_and_only_with_it(line: Line) -> None:
    event = opened(line)
    said = {name: value for name in event.private if (value := getattr(event, name))}
    assert msgspec.json.decode(msgspec.json.encode(said)) == line.text
    assert not event.sealed
    if line.text:
        closed = wire.decode(line.state.encode())
        assert not any(getattr(closed, name) for name in closed.private)
        assert not any(str(value) in line.state for value in line.text.values() if len(str(value)) > 4)
        with pytest.raises(wire.WrongKey):
            wire.open_sealed(closed, line.stream, line.version, bytes(32))


@every_line
def test_its_leaf_hash_is_the_same(line: Line) -> None:
    row = (line.position, line.stream, line.version, line.topic, line.recorded_at, line.state.encode())
    assert wire.leaf(*row).hex() == line.leaf


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_it_means_what_it_meant(sample: Any) -> None:
    (line,) = [line for line in LINES if line.name == sample.name]
    assert opened(line) == sample.event


# --- the rules ------------------------------------------------------------------------------------------------------


# A ledger that keeps no policy of its own means these files. A correction is a new policy under a new name.
SHIPPED = {
    "policies/micklem-2025.toml": "cac035c08f502a3bbbc5d2cbba49914c6f854b80f80a676f9986f2c0ba146dd0",
    "policies/national-2024.toml": "478365d54c6427438ec6d13524f8a5ab234a12f7286d2db92fa0e672c07aabc5",
    "code_tables/df13ed85d4a4ac23.csv": "df13ed85d4a4ac2366840fd2ee1b4b45e4f8d263abb7ede2a9d2bf07a55f38cb",
}
RULES = {
    "micklem-2025": "43c46c0f5508cfa907cb72f9ab3c32304167ffada83459e07e202ee35bd0aba9",
    "national-2024": "5a9ae7ff648fdb536b9ccbc8baf02dee9884fea16394a431dcf80dc54248a7d3",
}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_file_of_rules_never_changes(name: str) -> None:
    assert sha256(resources.files("ledger").joinpath(name).read_bytes()).hexdigest() == SHIPPED[name]


def test_every_file_of_rules_is_released() -> None:
    files = {f"{folder}/{each.name}" for folder in ("policies", "code_tables") for each in _files(folder)}
    assert files == set(SHIPPED)


@pytest.mark.parametrize("name", RULES)
def test_the_digest_of_a_policy_is_always_worked_out_alike(name: str) -> None:
    assert load(name).rules == RULES[name]


def test_every_table_is_called_by_its_digest_and_todays_is_kept() -> None:
    kept = {each.name.removesuffix(".csv"): sha256(each.read_bytes()).hexdigest() for each in _files("code_tables")}
    assert all(digest.startswith(name) and table(digest).digest == digest for name, digest in kept.items())
    assert CURRENT.digest in kept.values()


def test_no_table_moves_or_drops_a_code_of_another() -> None:
    kept = [table(sha256(each.read_bytes()).hexdigest()).rows for each in _files("code_tables")]
    symbols = [[code.symbol for code in rows] for rows in [*sorted(kept, key=len), CODES]]
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(symbols))


def _files(folder: str) -> list[Traversable]:
    return sorted(resources.files("ledger").joinpath(folder).iterdir(), key=lambda each: each.name)


# --- codes ----------------------------------------------------------------------------------------------------------


def test_the_number_of_a_code_never_changes() -> None:
    """Read models hold these numbers: codes are only ever added, at the end."""
    order = r"/ \ L K V P W B D C1 M J1 S X C2 C T R I E Q Y1 Y2 Y3 Y4 Y5 Y6 Y7 G N O U Z # H F J Y"
    assert " ".join(code.symbol for code in CODES) == order
    assert [code.id for code in CODES] == list(range(len(CODES)))
