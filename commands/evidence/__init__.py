"""The bundle: evidence about one pupil that a stranger can check, as one zip file.

| member | holds |
|---|---|
| `evidence.pdf` | the paper: certificate, register, totals, chronology, verdicts, policy |
| `evidence.json` | the same for programs |
| `events.jsonl` | the stored rows that it rests on, a line each |
| `codes.csv` | the table of codes that the policy was adopted with |
| `keys.json` | for each sealed text that is quoted the key that opens just that text, never a pupil's key |
| `checkpoint`, `verifier.key`, `proofs.json` | what was signed, by which key, and the proofs that the rows are in it |
| `verify.py`, `README.txt` | how a stranger checks all this |
| `manifest` | the SHA-256 of every other member, signed by the seal where its private key is here |

The same question is the same bytes for ever: no clock, members in order of name and packed by a compressor of our own
(`commands.evidence.deflate`), because compressors differ from one machine to another. A signature over the whole file
is given beside it, so that no byte of it can be changed unseen. Before anything is signed, `verify.py` checks it.
"""

from __future__ import annotations

import base64
import contextlib
import io
import struct
import zlib
from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from typing import NamedTuple

import msgspec

from commands.evidence import verify
from commands.evidence.deflate import deflate
from commands.evidence.paper import paper
from ledger import codes, note
from ledger.errors import LedgerError
from ledger.inclusion import Proofs, YearLines, YearProof, first_note, prove
from ledger.note import open_note, parse_checkpoint
from ledger.seal import Seal
from ledger.store import Row
from ledger.streams import SCHOOL, owner_of
from projections.asking.encoder import encode, plain
from projections.asking.questions import Answers, Moment
from projections.audit.evidence import EARLIER, Basis, later_rows, witnesses
from projections.audit.testimony import Evidence

# Of the zip format: version 2.0, deflated, on 1 January 1980 (the earliest it can say), readable to everybody.
VERSION, DEFLATED, EARLIEST, UNIX, READABLE = 20, 8, (1 << 5) + 1, 3 << 8, 0o100644 << 16


class Unverified(LedgerError):
    """The bundle's own verifier refuses it, so it is neither signed nor written."""


class Bundle(NamedTuple):
    """The zip file, and the signed note over it; none where nobody here can sign."""

    content: bytes
    signature: str | None
    members: dict[str, bytes]
    checkpoint: int | None


def bundle(
    answers: Answers, moment: Moment, found: Evidence, basis: Basis, seal: Seal | None, *, draft: bool
) -> Bundle:
    """Return the bundle of some evidence, proved against a seal where there is one.

    Raises Misconfigured where the ledger is not sealed so far, BrokenSeal where it is not what was sealed, Unverified
    where verify.py finds something wrong with what was made.
    """
    proofs, basis = _proofs(answers, moment, basis, seal) if seal else (None, basis)
    sealed = _sealed(proofs)
    evidence = encode({"bundle": "attendance evidence 1", "draft": draft, "seal": sealed, **plain(found)}) + b"\n"
    written = msgspec.json.decode(evidence, type=Evidence)
    members = {
        "README.txt": _shipped("README.txt"),
        "events.jsonl": b"".join(encode(_row(row)) + b"\n" for row in basis.rows),
        "codes.csv": codes.table_file(moment.policy.codes.digest),
        "evidence.json": evidence,
        # The paper holds the digest of what it was made of, so that none can pass for that of another pupil.
        "evidence.pdf": paper(moment, written, draft=draft, seal=sealed, digest=sha256(evidence).hexdigest()),
        "keys.json": encode({str(place): _base64(key) for place, key in basis.keys.items()}) + b"\n",
        "verify.py": _shipped("verify.py"),
    }
    if proofs is not None:
        members |= {
            "checkpoint": proofs.note.encode(),
            "proofs.json": encode(_proven(proofs, basis)) + b"\n",
            "verifier.key": f"{proofs.verifier}\n".encode(),
        }
    check(members, str(seal.key) if seal else None)
    members["manifest"] = _signed(manifest(members), seal).encode()
    content = _zip(members)
    digest = f"attendance evidence file\nsha256 {sha256(content).hexdigest()}\n"
    signature = note.sign(digest, seal.key.name, seal.private) if seal and seal.private else None
    return Bundle(content, signature, members, proofs.checkpoint.size if proofs else None)


def _proofs(answers: Answers, moment: Moment, basis: Basis, seal: Seal) -> tuple[Proofs, Basis]:
    """Return the proofs of the basis against the first checkpoint that holds all of it, and the basis together with
    what shows when the moment was and which school years there are.

    Every row is held to its proof here. The bundle has the proofs of the school's rows, and of the one at the position
    of the moment: the pupil's own are held by the lines of their years, in the list of years that was signed, and a
    proof for each would be most of the bundle.
    """
    signed = first_note(seal, max(row.position for row in basis.rows))
    checkpoint = parse_checkpoint(open_note(signed, seal.key))
    later = later_rows(answers, basis, checkpoint.size)
    rows = sorted([*basis.rows, *witnesses(answers, moment, basis, checkpoint.size)])
    proofs = prove(seal, signed, rows, later, basis.owners)
    alone = {row.position for row in rows if owner_of(row.stream).name == SCHOOL} | {moment.position}
    return proofs._replace(
        rows={position: proof for position, proof in proofs.rows.items() if position in alone},
        years=_years(YearLines(seal, checkpoint), basis),
    ), basis._replace(rows=rows)


def _years(lines: YearLines, basis: Basis) -> list[YearProof]:
    """Return the lines of the pupil's years, those of the school's up to the last of them, and where the pupil or the
    school has none of a year the two lines that show it."""
    pupil, years = basis.owners[0].name, [owner.year for owner in basis.owners if owner.year]
    schools = {f"{SCHOOL}/{year}" for year in (0, *range(min(years) - EARLIER, max(years) + 1))}
    found = lines.of({f"{pupil}/{year}" for year in (0, *years)} | schools)
    shown = {proof.line.partition(" ")[0] for proof in found}
    for place in (f"{name}/{year}" for name in (pupil, SCHOOL) for year in years):
        if place not in shown:
            found += lines.around(place)
    return sorted({proof.place: proof for proof in found}.values(), key=lambda proof: proof.place)


def _sealed(proofs: Proofs | None) -> dict[str, object] | None:
    if proofs is None:
        return None
    checkpoint = proofs.checkpoint
    return {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}


def _row(row: Row) -> dict[str, object]:
    return {**row._asdict(), "state": _base64(row.state)}


def _proven(proofs: Proofs, basis: Basis) -> dict[str, object]:
    """Return the proofs as JSON has them: blank where a row is held by the line of its year. Of an owner's later rows
    the place of the first shows that all of them came later, because that line has them in order."""
    first = {each.owner: each for each in reversed(proofs.later)}
    return {
        "rows": {str(row.position): _base64(proofs.rows.get(row.position, b"")) for row in basis.rows},
        "later": [
            {
                "owner": f"{each.owner.name}/{each.owner.year}",
                "position": each.position,
                "leaf": _base64(each.leaf),
                "proof": _base64(each.proof) if each is first[each.owner] else "",
            }
            for each in proofs.later
        ],
        "years": [{"line": each.line, "index": each.place, "proof": _base64(each.proof)} for each in proofs.years],
    }


def check(members: Mapping[str, bytes], key: str | None) -> None:
    """Check members as a stranger does, before anybody signs them. Raises Unverified."""
    whole = {**members, "manifest": manifest(members).encode()}
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            verify.check(whole, key, unsigned=True)
        except verify.Wrong as wrong:
            raise Unverified(f"nothing was made, because its own verifier would refuse it: {wrong}") from None


def manifest(members: Mapping[str, bytes]) -> str:
    """Return the list of members with their digests."""
    lines = (f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(members.items()))
    return "attendance evidence\n" + "".join(lines)


def _signed(text: str, seal: Seal | None) -> str:
    return note.sign(text, seal.key.name, seal.private) if seal and seal.private else text


def _zip(members: Mapping[str, bytes]) -> bytes:
    """Return members as a zip file."""
    files, directory = bytearray(), bytearray()
    for name, content in sorted(members.items()):
        packed, spelt = deflate(content), name.encode()
        about = (0, DEFLATED, 0, EARLIEST, zlib.crc32(content), len(packed), len(content), len(spelt), 0)
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", UNIX | VERSION, VERSION, *about, 0, 0, 0, READABLE, len(files)
        )
        directory += spelt
        files += struct.pack("<4s5H3L2H", b"PK\x03\x04", VERSION, *about) + spelt + packed
    count, size = len(members), len(directory)
    return bytes(files + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, len(files), 0))


def verifier() -> bytes:
    """Return verify.py as it is shipped."""
    return _shipped("verify.py")


def _shipped(name: str) -> bytes:
    return resources.files("commands").joinpath("evidence", name).read_bytes()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
