"""Sealing and opening, encoding and decoding: each pair brings back what went in, and nothing else opens or decodes."""

from __future__ import annotations

import hmac
import json
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ledger import wire
from ledger.events import Event, MarkAmended, MarkRecorded, PupilRemoved
from ledger.people import Staff
from ledger.sessions import Session
from tests.golden.make import KEY, samples

STREAM = "1042/2024/2024-09-03/AM"
BY = Staff("s1", "A Clerk", "Attendance officer")
AMENDED = MarkAmended(by=BY, code="I", replaces="N", reason="a secret reason", detail="a secret detail")
SEALED = wire.seal(AMENDED, STREAM, 2, KEY)

texts = st.text(st.characters(codec="utf-8"), max_size=60)
json_values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: texts,
    tuple[str, ...]: st.lists(texts, max_size=4).map(tuple),
    dict[str, str]: st.dictionaries(texts, texts, max_size=4),
    dict[str, Any]: st.dictionaries(texts, json_values, max_size=4),
    tuple[dict[str, Any], ...]: st.lists(st.dictionaries(texts, json_values, max_size=4), max_size=3).map(tuple),
}
keys = st.binary(min_size=32, max_size=32)
versions = st.integers(1, 10_000)
streams = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Draw an event of any kind, its private fields filled with any text."""
    event = draw(st.sampled_from([sample.event for sample in samples()]))
    fields = {field.name: field.type for field in msgspec.structs.fields(event)}
    return msgspec.structs.replace(event, **{name: draw(VALUES[fields[name]]) for name in event.private})


# --- sealing --------------------------------------------------------------------------------------------------------


@given(events(), streams, versions, keys)
def test_what_is_sealed_and_stored_opens_to_what_it_was(event: Event, stream: str, version: int, key: bytes) -> None:
    stored = wire.encode(wire.seal(event, stream, version, key))
    found = wire.decode(stored)
    assert wire.open_sealed(found, stream, version, key) == event
    assert not any(getattr(found, name) for name in event.private)
    assert bool(found.sealed) == any(getattr(event, name) for name in event.private)


def test_an_event_without_text_needs_no_key() -> None:
    event = MarkRecorded(by=BY, code="/")
    assert wire.seal(event, STREAM, 1, None) is event
    with pytest.raises(AssertionError, match="no key"):
        wire.seal(AMENDED, STREAM, 1, None)


@given(streams, versions, keys)
def test_a_text_moved_to_another_event_or_under_another_key_is_refused(stream: str, version: int, key: bytes) -> None:
    assume((stream, version) != (STREAM, 2) and key != KEY)
    for place in ((stream, version, KEY), (STREAM, 2, key), (stream, version, key)):
        with pytest.raises(wire.WrongKey, match="not the one"):
            wire.open_sealed(SEALED, *place)
    with pytest.raises(wire.WrongKey):
        wire.open_sealed(SEALED, STREAM, 1, KEY)


@given(st.integers(0, len(SEALED.sealed) - 1), st.integers(1, 255))
def test_a_text_altered_anywhere_is_refused(place: int, change: int) -> None:
    altered = bytearray(SEALED.sealed)
    altered[place] ^= change
    with pytest.raises(wire.WrongKey):
        wire.open_sealed(msgspec.structs.replace(SEALED, sealed=bytes(altered)), STREAM, 2, KEY)
    with pytest.raises(wire.WrongKey):
        wire.open_sealed(msgspec.structs.replace(SEALED, sealed=SEALED.sealed[:place] or b"x"), STREAM, 2, KEY)


def test_no_two_sealings_are_alike() -> None:
    again = wire.seal(AMENDED, STREAM, 2, KEY)
    assert again != SEALED
    assert again.sealed[12:44] == SEALED.sealed[12:44]
    assert wire.open_sealed(again, STREAM, 2, KEY) == AMENDED


@given(keys, streams, versions)
def test_key_and_commitment_are_those_of_the_standard(key: bytes, stream: str, version: int) -> None:
    """Another implementation of RFC 5869 gives the same key, and HMAC the commitment to it."""
    derived = HKDFExpand(SHA256(), length=32, info=f"{stream}|{version}".encode()).derive(key)
    assert wire.event_key(key, stream, version) == derived
    committed = hmac.digest(derived, b"attendance commitment", "sha256")
    assert wire.seal(AMENDED, stream, version, key).sealed[12:44] == committed


@given(keys, streams, versions)
def test_a_text_that_the_first_release_sealed_is_opened(key: bytes, stream: str, version: int) -> None:
    derived = HKDFExpand(SHA256(), length=64, info=f"{stream}|{version}".encode()).derive(key)
    text = msgspec.json.encode({"reason": "secret"})
    blob = bytes(12) + derived[32:] + AESGCM(derived[:32]).encrypt(bytes(12), text, derived[32:])
    event = MarkAmended(by=BY, code="I", replaces="N", sealed=blob)
    assert wire.open_sealed(event, stream, version, key).reason == "secret"
    with pytest.raises(wire.WrongKey):
        wire.open_sealed(event, stream, version + 1, key)


def test_without_its_key_a_text_stays_sealed_and_the_codes_readable() -> None:
    found = wire.open_sealed(wire.decode(wire.encode(SEALED)), STREAM, 2, None)
    assert found == SEALED
    assert (found.code, found.replaces, found.reason, found.detail) == ("I", "N", "", "")


def test_a_session_is_stored_and_sealed_as_its_text() -> None:
    session = Session.parse("2025-11-03/AM")
    with_it, with_text = (MarkRecorded(by=BY, code="/", via=each) for each in (session, str(session)))
    assert wire.encode(with_it) == wire.encode(with_text)
    sealed = wire.seal(msgspec.structs.replace(AMENDED, reason=session), STREAM, 2, KEY)
    assert wire.open_sealed(sealed, STREAM, 2, KEY).reason == "2025-11-03/AM"


def test_what_is_neither_text_nor_value_is_not_written() -> None:
    with pytest.raises(TypeError, match="nothing says how a object is written"):
        wire.encode(MarkRecorded(by=BY, code=object(), via=""))  # type: ignore[arg-type]


def test_open_text_is_never_encoded() -> None:
    for event in (
        AMENDED,
        msgspec.structs.replace(SEALED, reason="more"),
        PupilRemoved(by=BY, last_day=date(2025, 7, 18), ground="x"),
    ):
        with pytest.raises(AssertionError, match="unsealed"):
            wire.encode(event)
    assert b"secret" not in wire.encode(SEALED)


# --- decoding -------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200) | st.recursive(json_values, lambda inner: st.lists(inner, max_size=3)).map(_json))
@example(b'{"type":"MarkRecorded","v":1,"c":"\xff"}')
@example(b"[" * 100_000)
def test_whatever_is_no_event_is_undecodable(state: bytes) -> None:
    with pytest.raises(wire.Undecodable):
        wire.decode(state)


@pytest.mark.parametrize(
    "found",
    [
        {},
        {"type": "MarkRecorded"},
        {"type": "MarkRecorded", "v": 1},
        {"type": "MarkRecorded", "v": 2, "c": "/"},
        {"type": "MarkRecorded", "v": "1", "c": "/"},
        {"type": "MarkUnheardOf", "v": 1, "c": "/"},
        {"type": ["MarkRecorded"], "v": 1, "c": "/"},
        {"type": "MarkRecorded", "v": 1, "c": {"a secret": "a secret"}},
        {"type": "MarkRecorded", "v": 1, "c": "/", "x": "a secret"},
    ],
)
def test_an_unknown_event_is_named_without_its_content(found: dict[str, Any]) -> None:
    with pytest.raises(wire.Undecodable) as caught:
        wire.decode(_json(found))
    assert str(caught.value) and "secret" not in str(caught.value)


LATER = {
    "another event": {"type": "MarkVoided", "v": 1},
    "another version": {"type": "MarkRecorded", "v": 2, "c": "/"},
    "another version with what was needed gone": {"type": "MarkRecorded", "v": 2, "code": "/"},
    "another field": {"type": "MarkRecorded", "v": 1, "c": "/", "later": 1},
}
DAMAGED = [b"", b"\xff{", b"[1]", b'{"type":"MarkRecorded","v":1}', b'{"type":"Mark/","v":1}', b'{"v":1,"c":"/"}']


@pytest.mark.parametrize("kind", LATER)
def test_what_a_later_release_wrote_is_told_from_what_is_damaged(kind: str) -> None:
    with pytest.raises(wire.Unknown, match="this release does not know"):
        wire.decode(_json(LATER[kind]))
    for state in DAMAGED:
        with pytest.raises(wire.Undecodable) as found:
            wire.decode(state)
        assert not isinstance(found.value, wire.Unknown)


# --- upcasts --------------------------------------------------------------------------------------------------------


def test_an_older_version_is_read_through_its_upcasts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions that never were: -1 spelt out a field's name, and 0 had another name for the event."""
    old = {"type": "MarkEntered", "v": -1, "symbol": "/", "by": ["s1", "A Clerk", "Attendance officer"]}
    with pytest.raises(wire.Undecodable):
        wire.decode(_json(old))
    shortened = {"type": old["type"], "v": 0, "c": old["symbol"], "by": old["by"]}
    monkeypatch.setitem(wire.UPCASTS, ("MarkEntered", -1), lambda _: shortened)
    with pytest.raises(wire.Undecodable):
        wire.decode(_json(old))
    monkeypatch.setitem(wire.UPCASTS, ("MarkEntered", 0), lambda e: e | {"type": "MarkRecorded", "v": 1})
    assert wire.decode(_json(old)) == MarkRecorded(by=BY, code="/")


def test_an_older_version_that_still_decodes_is_upcast_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sealed text stays sealed, and opens as before."""
    old = wire.encode(SEALED).replace(b'"v":1', b'"v":0')
    with pytest.raises(wire.Undecodable, match="version 0"):
        wire.decode(old)
    monkeypatch.setitem(wire.UPCASTS, ("MarkAmended", 0), lambda e: e | {"v": 1, "c": "M"})
    found = wire.decode(old)
    assert found == msgspec.structs.replace(SEALED, code="M")
    assert wire.open_sealed(found, STREAM, 2, KEY).reason == AMENDED.reason


# --- leaves ---------------------------------------------------------------------------------------------------------

rows = st.tuples(versions, streams, versions, streams, st.integers(0, 2**60), st.binary(max_size=50))


@given(rows)
def test_a_leaf_is_the_hash_of_every_field_with_its_length(row: tuple[int, str, int, str, int, bytes]) -> None:
    hashed = sha256(b"\x00")
    for field in row:
        said = field if isinstance(field, bytes) else str(field).encode()
        hashed.update(len(said).to_bytes(8, "big"))
        hashed.update(said)
    assert wire.leaf(*row) == hashed.digest()


@given(rows, rows)
def test_other_rows_have_other_leaves(one: Any, other: Any) -> None:
    assert (wire.leaf(*one) == wire.leaf(*other)) == (one == other)


def test_what_moves_from_field_to_field_changes_the_leaf() -> None:
    assert wire.leaf(1, "ab", 1, "c", 1, b"d") != wire.leaf(1, "a", 1, "bc", 1, b"d")
    assert wire.leaf(11, "a", 1, "c", 1, b"d") != wire.leaf(1, "a", 11, "c", 1, b"d")
