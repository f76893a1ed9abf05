"""Signed notes and checkpoints: a published note, pairs that undo each other, and everything that is refused."""

from __future__ import annotations

import base64

import pytest

from ledger import note
from ledger.merkle import leaf_hash
from ledger.note import BadNote, Checkpoint, format_checkpoint, open_note, parse_checkpoint, parse_key, sign

# The example that the signed-note format is published with, its key and the note it signed.
PUBLISHED_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PUBLISHED_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PUBLISHED_NOTE = (
    PUBLISHED_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

PRIVATE = bytes(range(32))
NAME = "attendance/117000"
KEY = note.verifier_key(NAME, PRIVATE)
CHECKPOINT = Checkpoint(NAME, 133_117, leaf_hash(b"events"), 1_259, leaf_hash(b"years"))
TEXT = format_checkpoint(CHECKPOINT)
NOTE = sign(TEXT, NAME, PRIVATE)


def test_the_published_note_opens_with_its_key() -> None:
    assert open_note(PUBLISHED_NOTE, parse_key(PUBLISHED_KEY)) == PUBLISHED_TEXT


def test_what_was_signed_is_opened_and_what_was_formatted_is_parsed() -> None:
    assert parse_checkpoint(open_note(NOTE, KEY)) == CHECKPOINT
    assert parse_key(str(KEY)) == KEY


def test_a_checkpoint_says_until_when_and_by_which_rules() -> None:
    said = CHECKPOINT._replace(until="2026-03-27T15:55:00+00:00", rules="0f" * 32)
    text = format_checkpoint(said)
    assert text == f"{TEXT}until 2026-03-27T15:55:00+00:00\nrules {'0f' * 32}\n"
    assert parse_checkpoint(text) == said and not said.of_first_form and CHECKPOINT.of_first_form
    for broken in (text.replace("0f", "0F"), text + "more\n", text[:-1], text.replace("until", "since")):
        with pytest.raises(BadNote):
            parse_checkpoint(broken)


def test_every_single_byte_flipped_is_caught() -> None:
    raw = NOTE.encode()
    for place in range(len(raw)):
        for bit in (1, 0x20, 0x80):
            changed = bytes(byte ^ bit if at == place else byte for at, byte in enumerate(raw))
            try:
                text = open_note(changed.decode(), KEY)
            except (BadNote, UnicodeDecodeError):
                continue
            # Base64 has bits that say nothing; whatever still opens must say the same.
            assert text == TEXT


def test_another_key_under_the_same_name_signs_nothing_here() -> None:
    other = bytes(31) + b"\x01"
    with pytest.raises(BadNote, match="not signed by the key"):
        open_note(sign(TEXT, NAME, other), KEY)


def test_further_signatures_are_passed_over() -> None:
    witness = sign(TEXT, "a.witness", bytes(31) + b"\x02").rpartition("\n\n")[2]
    body, _, own = NOTE.rpartition("\n\n")
    assert open_note(f"{body}\n\n{witness}{own}", KEY) == TEXT


@pytest.mark.parametrize(
    "broken",
    [
        "",
        TEXT,
        NOTE.rstrip("\n"),
        NOTE.replace("— ", "-- "),
        NOTE + "\n",
        NOTE + "no signature\n",
        NOTE[:-9] + "é" + NOTE[-8:],
        NOTE.replace("\n\n", "\n"),
        "x" * 1_000_001 + NOTE,
    ],
)
def test_what_is_no_note_is_refused(broken: str) -> None:
    with pytest.raises(BadNote):
        open_note(broken, KEY)


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("133117", "0133117"),
        TEXT.replace("133117", "+133117"),
        TEXT.replace("133117", "many"),
        TEXT.replace("years ", "weeks "),
        TEXT.replace("years 1259", "years  1259"),
        TEXT + "more\n",
        TEXT[:-1],
        "\n".join(TEXT.split("\n")[:3]) + "\n",
        TEXT.replace(base64.b64encode(CHECKPOINT.root).decode(), "AAAA"),
    ],
)
def test_a_checkpoint_is_written_in_one_way_only(text: str) -> None:
    with pytest.raises(BadNote):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "text", ["", "name", "name+00000000+AAAA", "name+00000000+é", str(KEY).replace("+", "+0", 1), str(KEY)[:-4]]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        parse_key(text)
