"""Bytes to events and back, and the sealing of their text.

Problem: an event is kept for ever and shown to strangers, but the words in it must be forgettable. So every event is
one readable JSON object (`type`, `v`, short names), and what could identify a child stands in it only as one sealed
blob. Destroying the key of a pupil's school year makes those words unreadable; codes, counts and proofs stay.

A blob is `nonce (12) | commitment (32) | AES-256-GCM ciphertext`. Its key comes from the owner's key by
HKDF-Expand-SHA256 (RFC 5869) with the stream and version as info, and the commitment from that key by HMAC: a blob
cannot be moved to another event, and no second key can open it to another text (GCM alone does not promise that).
Whoever is given just the key of one text, in a bundle of evidence, can check that as well. The first release took the
commitment from the owner's key instead, so only the owner of that can; such blobs are still opened.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest
from typing import Any, get_args

import msgspec

from ledger.errors import LedgerError
from ledger.events import AnyEvent, Event
from ledger.text import bare

NONCE, COMMITMENT = 12, 32
COMMITTED = b"attendance commitment"
LENGTHS = [length.to_bytes(8, "big") for length in range(4096)]
SHORT = [length.decode() for length in LENGTHS[:128]]

_encoder = msgspec.json.Encoder(enc_hook=bare)
_decoder = msgspec.json.Decoder(AnyEvent)
_text_decoder = msgspec.json.Decoder(dict[str, Any])  # msgspec knows JSON by this name

# What the decoder says to bytes that are no text, or are nested without end.
BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

# The fields of each type as they are written.
FIELDS = {
    kind.__name__: {"type", *(field.encode_name for field in msgspec.structs.fields(kind))}
    for kind in get_args(AnyEvent)
}

# (type, version found) -> a function from the old object to the next version's. Never delete one: the bytes stay.
UPCASTS: dict[tuple[str, int], Callable[[dict[str, object]], dict[str, object]]] = {}


class Undecodable(LedgerError):
    """Stored bytes that are no event of any released version."""


class Unknown(Undecodable):
    """Bytes that are whole, and say what only a later release knows: another type, version or field."""


class WrongKey(LedgerError):
    """A key that is not the one this text was sealed with, or a blob altered or moved from another event."""


def encode(event: Event) -> bytes:
    """Return the bytes of a sealed event; an event with private text still open is a mistake of ours."""
    assert not speaks(event), f"unsealed {event.topic}"
    return _encoder.encode(event)


def decode(state: bytes) -> AnyEvent:
    """Return the event, its text still sealed. Raises Undecodable, naming what was expected where, never the
    content."""
    try:
        event: AnyEvent = _decoder.decode(state)
    except BROKEN as error:
        return _upcast(state, str(error))
    if (type(event).__name__, event.v) in UPCASTS:
        return _upcast(state, "")
    if event.v != 1:
        raise Unknown(f"{type(event).__name__} has version {event.v}, which this release does not know")
    return event


def _upcast(state: bytes, error: str) -> AnyEvent:
    try:
        found = msgspec.json.decode(state)
        while step := UPCASTS.get((found["type"], found["v"])):
            found = step(found)
        event: AnyEvent = msgspec.convert(found, AnyEvent)
        return event
    except (*BROKEN, KeyError, TypeError):
        raise _undecodable(state, error or "the object has no type and version of ours") from None


def is_unknown(state: bytes) -> bool:
    """Whether these bytes are an event that only a later release knows."""
    try:
        decode(state)
    except Undecodable as error:
        return isinstance(error, Unknown)
    return False


def _undecodable(state: bytes, error: str) -> Undecodable:
    """Return what is wrong with bytes that are no event of ours: of a later release, or damaged."""
    try:
        found = msgspec.json.decode(state)
        name, version = found["type"], found["v"]
    except (*BROKEN, KeyError, TypeError):
        return Undecodable(error)
    if type(name) is not str or type(version) is not int or not name.isidentifier() or version < 1:
        return Undecodable(error)
    if name not in FIELDS:
        return Unknown(f"{name} is an event that this release does not know")
    if version > 1:
        return Unknown(f"{name} has version {version}, which this release does not know")
    if more := sorted(found.keys() - FIELDS[name]):
        return Unknown(f"{name} has {len(more)} fields that this release does not know".replace("1 fields", "a field"))
    return Undecodable(error)


def speaks(event: Event) -> bool:
    """Whether an event holds private text in the open, which must be sealed before it is stored."""
    # A list: most events have one such field or none, for which a generator costs more than it spares.
    return any([getattr(event, name) for name in event.private])


def seal(event: Event, stream: str, version: int, key: bytes | None) -> Event:
    """Return the event with its private text moved into `sealed`; the event itself where it has none."""
    text = {name: value for name in event.private if (value := getattr(event, name))}
    if not text:
        return event
    assert key is not None, f"no key for {event.topic}"
    encryption_key = event_key(key, stream, version)
    commitment, nonce = commitment_to(encryption_key), os.urandom(NONCE)
    blob = nonce + commitment + _aesgcm()(encryption_key).encrypt(nonce, _encoder.encode(text), commitment)
    blanks = {name: _defaults(type(event))[name] for name in text}
    return msgspec.structs.replace(event, sealed=blob, **blanks)


def open_sealed(event: AnyEvent, stream: str, version: int, key: bytes | None) -> AnyEvent:
    """Return the event with its text readable; unchanged (still sealed) where the key is gone. Raises WrongKey."""
    if not event.sealed or key is None:
        return event
    encryption_key = event_key(key, stream, version)
    blob = event.sealed
    commitment = blob[NONCE : NONCE + COMMITMENT]
    if not (
        compare_digest(commitment, commitment_to(encryption_key))
        or compare_digest(commitment, _first_commitment(key, encryption_key, stream, version))
    ):
        raise WrongKey(f"the key offered is not the one that sealed the text at version {version} of its stream")
    try:
        text = _aesgcm()(encryption_key).decrypt(blob[:NONCE], blob[NONCE + COMMITMENT :], commitment)
    except _invalid_tag():
        raise WrongKey(f"the text sealed at version {version} of its stream was altered") from None
    fields = msgspec.convert(_text_decoder.decode(text), _text_struct(type(event)), strict=False)
    return msgspec.structs.replace(event, sealed=b"", **msgspec.structs.asdict(fields))


def seems_sealed(state: bytes) -> bool:
    """Whether these bytes may hold sealed text: told without reading them as an event, and never wrongly denied."""
    return b'"x":' in state


def holds_sealed(state: bytes) -> bool:
    """Whether these bytes are an event with text sealed in it."""
    try:
        return bool(decode(state).sealed)
    except Undecodable:
        return False


def leaf(position: int, stream: str, version: int, topic: str, recorded_at: int, state: bytes) -> bytes:
    """Return the SHA-256 that stands for one stored row: every field, each preceded by its length, under the leaf
    prefix."""
    place, number, at = str(position), str(version), str(recorded_at)
    try:
        # A seal does this for every row there is, and as one text it takes two thirds of the time.
        head = (
            f"\0{SHORT[len(place)]}{place}{SHORT[len(stream)]}{stream}{SHORT[len(number)]}{number}"
            f"{SHORT[len(topic)]}{topic}{SHORT[len(at)]}{at}"
        ).encode("ascii")
    except (IndexError, UnicodeEncodeError):
        fields = [field.encode() for field in (place, stream, number, topic, at)]
        head = b"\0" + b"".join([_length(len(field)) + field for field in fields])
    return sha256(head + _length(len(state)) + state).digest()


def _length(count: int) -> bytes:
    return LENGTHS[count] if count < len(LENGTHS) else count.to_bytes(8, "big")


def event_key(key: bytes, stream: str, version: int) -> bytes:
    """Return the key that opens the text of just this event, from its owner's key."""
    # HKDF-Expand (RFC 5869 section 2.3) for 32 bytes is one HMAC block; the key is already uniformly random.
    return hmac_digest(key, f"{stream}|{version}".encode() + b"\x01", "sha256")


def commitment_to(encryption_key: bytes) -> bytes:
    """Return what is stored beside a text so that no other key can be passed off as its own."""
    return hmac_digest(encryption_key, COMMITTED, "sha256")


def _first_commitment(key: bytes, encryption_key: bytes, stream: str, version: int) -> bytes:
    """Return the commitment of the first release: the second block of the same expansion."""
    return hmac_digest(key, encryption_key + f"{stream}|{version}".encode() + b"\x02", "sha256")


@lru_cache
def _aesgcm() -> type:
    # Imported late: most commands and every query of codes never open a text.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM


def _invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag


@lru_cache
def _defaults(kind: type[Event]) -> dict[str, object]:
    """Return what each private field of `kind` holds when it says nothing."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    return {
        name: field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
        for name, field in fields.items()
        if name in kind.private
    }


@lru_cache
def _text_struct(kind: type[Event]) -> type[msgspec.Struct]:
    """Return a struct of just the private fields of `kind`, so that lists come back as the tuples they were."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    wanted = [(name, fields[name].type, default) for name, default in _defaults(kind).items()]
    return msgspec.defstruct(f"{kind.__name__}Text", wanted, frozen=True)
