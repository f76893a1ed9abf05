"""The note of an archive: a checkpoint (C2SP) of the ledger at the archive's end, with the digest of its manifest.

attendance/117000                               origin: the name of the seal's key
133117                                          the last position in the archive
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the Merkle root there, base64
archive 5Yc2…=                                  SHA-256 of manifest.json, base64

— attendance/117000 Az3grlgtz…
"""

from __future__ import annotations

import base64
from hashlib import sha256
from pathlib import Path

from ledger import note
from ledger.durable import write_durably
from ledger.errors import Misconfigured
from ledger.note import VerifierKey
from ledger.seal import Seal
from projections.archive import NOTE, Held


def note_text(held: Held, origin: str) -> str:
    """Return the text that is signed for a manifest."""
    root = base64.b64encode(bytes.fromhex(held.manifest.root)).decode()
    digest = base64.b64encode(sha256(held.raw).digest()).decode()
    return f"{origin}\n{held.manifest.position}\n{root}\narchive {digest}\n"


def sign(folder: Path, held: Held, seal: Seal | None) -> bool:
    """Return whether the manifest is signed, after signing it where a seal is given and it was not."""
    if seal is None:
        return (folder / NOTE).is_file()
    if signed_by(folder, held, seal.key):
        return True
    if seal.private is None:
        raise Misconfigured(f"the folder {seal.folder} holds no private key, so nothing can be signed with it")
    signed = note.sign(note_text(held, seal.key.name), seal.key.name, seal.private)
    write_durably(folder / NOTE, signed.encode())
    return True


def signed_by(folder: Path, held: Held, key: VerifierKey) -> bool:
    """Return whether a key signed this very manifest."""
    try:
        text = note.open_note((folder / NOTE).read_text(encoding="utf-8"), key)
    except (OSError, UnicodeDecodeError, note.BadNote):
        return False
    return text == note_text(held, key.name)
