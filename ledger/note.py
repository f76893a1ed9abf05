"""Signed notes (C2SP signed-note, Ed25519) and the checkpoints that they carry.

A note is text, an empty line, and a line for each signature:

    attendance/117000                       origin: which ledger
    133117                                  how many events
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=   root over them, base64
    years 1259 5Yc2…=                       the tree of pupils' school years: its size and its root
    until 2026-03-27T15:55:00+00:00         when the last of the events was recorded
    rules 9f86d081…                         the digest of the policy and the code table in force there

    — attendance/117000 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=

The signature covers the text with its last line end. Which key it is by stands before it as four bytes, the beginning
of SHA-256(name, line end, 0x01, public key). A verifier key, as people hand it around, is `name+hex+base64`.
"""

from __future__ import annotations

import base64
import binascii
import re
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import LedgerError
from ledger.merkle import SIZE

ED25519 = b"\x01"
PRIVATE_KEY = 32  # bytes
SEPARATOR = "\n\n"
DASH = "— "
LONGEST = 1_000_000  # characters of a note, and
MOST_SIGNATURES = 100  # signature lines that are looked at
RULES = re.compile("[0-9a-f]{64}")


class BadNote(LedgerError):
    """A text that is no note, or one that the key did not sign."""


class Checkpoint(NamedTuple):
    """What a ledger was: its origin, how many events, their root, the tree of pupils' school years, when the last event
    was recorded, and the digest of the rules in force then. A checkpoint of the first form says neither of these two,
    and its tree has no lines of families (`ledger.seal`)."""

    origin: str
    size: int
    root: bytes
    years: int
    years_root: bytes
    until: str = ""
    rules: str = ""

    @property
    def of_first_form(self) -> bool:
        return not self.until


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the text of a checkpoint; the inverse of `parse_checkpoint`."""
    origin, size, root, years, years_root, until, rules = checkpoint
    text = f"{origin}\n{size}\n{_base64(root)}\nyears {years} {_base64(years_root)}\n"
    return text if checkpoint.of_first_form else f"{text}until {until}\nrules {rules}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Return the checkpoint that a text is. Raises BadNote unless it is written just as `format_checkpoint` does."""
    try:
        origin, size, root, extension, *more = text.split("\n")
        years, years_root = _said("years", extension).split(" ")
        until, rules = (_said("until", more[0]), _said("rules", more[1])) if len(more) > 1 else ("", "")
        found = Checkpoint(origin, int(size), _hash(root), int(years), _hash(years_root), until, rules)
    except (ValueError, IndexError, binascii.Error):
        raise BadNote("this is no checkpoint: expected origin, size, root and the line of years") from None
    if format_checkpoint(found) != text or (rules and not RULES.fullmatch(rules)):
        raise BadNote("this checkpoint is not written as checkpoints are")
    return found


def _said(word: str, line: str) -> str:
    """Return what a line says after its word. Raises ValueError for a line of another word."""
    if not line.startswith(f"{word} "):
        raise ValueError("another line")
    return line.removeprefix(f"{word} ")


class VerifierKey(NamedTuple):
    """A name and the public key that signs under it."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """Return the key as people hand it around; the inverse of `parse_key`."""
        return f"{self.name}+{self.id.hex()}+{_base64(ED25519 + self.public)}"


def parse_key(text: str) -> VerifierKey:
    """Return the verifier key that a text is. Raises BadNote."""
    name, _, rest = text.strip().partition("+")
    told, _, encoded = rest.partition("+")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:  # also what letters beyond ASCII raise
        decoded = b""
    key = VerifierKey(name, decoded[1:])
    if decoded[:1] != ED25519 or len(key.public) != SIZE or not is_name(name) or key.id.hex() != told:
        raise BadNote("this is no verifier key: expected name+hash+key as the seal's key.pub holds it")
    return key


def is_name(text: str) -> bool:
    """Return whether a text can name a signer: something, and neither blanks nor a plus in it."""
    return bool(text) and not any(character.isspace() or character == "+" for character in text)


def new_private_key() -> bytes:
    """Return the 32 bytes of a fresh Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate().private_bytes_raw()


def verifier_key(name: str, private: bytes) -> VerifierKey:
    """Return the public side of a private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return VerifierKey(name, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def sign(text: str, name: str, private: bytes) -> str:
    """Return the note of a text: signed under a name by a private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    assert text.endswith("\n") and SEPARATOR not in text and is_name(name), "no text that a note can hold"
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(text.encode())
    return f"{text}\n{DASH}{name} {_base64(verifier_key(name, private).id + signature)}\n"


def open_note(note: str, key: VerifierKey) -> str:
    """Return the text of a note that the key signed. Raises BadNote for every other.

    Signatures under other names or keys are passed over; the first one by this key decides.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, found, signatures = note.rpartition(SEPARATOR)
    if not found or len(note) > LONGEST or not signatures.endswith("\n"):
        raise BadNote("this is no signed note: expected a text, an empty line and signatures")
    text += "\n"
    lines = signatures[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise BadNote(f"this note has more than {MOST_SIGNATURES} signatures")
    signed = [bytes_ for name, bytes_ in map(_signature, lines) if (name, bytes_[:4]) == (key.name, key.id)]
    if not signed:
        raise BadNote(f"this note is not signed by the key of {key.name}")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signed[0][4:], text.encode())
    except InvalidSignature:
        raise BadNote(f"the signature under the name {key.name} is not of this text") from None
    return text


def _signature(line: str) -> tuple[str, bytes]:
    """Return the name and the bytes, those of the key's id first, of a signature line. Raises BadNote."""
    name, _, encoded = line.removeprefix(DASH).rpartition(" ")
    try:
        signed = base64.b64decode(encoded, validate=True)
    except ValueError:
        signed = b""
    if not line.startswith(DASH) or not is_name(name) or len(signed) <= 4:
        raise BadNote("a signature of this note is not written as signatures are")
    return name, signed


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _hash(text: str) -> bytes:
    raw = base64.b64decode(text, validate=True)
    if len(raw) != SIZE:
        raise ValueError("no hash")
    return raw
