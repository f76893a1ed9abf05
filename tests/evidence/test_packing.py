"""A bundle is small, its packing the same everywhere, and nothing is signed that its own verifier refuses."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import commands.evidence
from commands.evidence import Bundle, Unverified, manifest
from commands.evidence.deflate import deflate
from ledger.seal import Seal
from tests.evidence.bundles import HART, OFFICE, Line, admission, amendment, made_of, sealed, story, verdict
from tests.support.schools import OpenedSchool, open_school

MOST = 150_000  # bytes of the bundle of a pupil's year


def unpacked(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(-15)
    found = inflater.decompress(packed) + inflater.flush()
    assert inflater.eof and not inflater.unused_data
    return found


@given(
    st.one_of(st.binary(max_size=300), st.text("ab", max_size=2000).map(str.encode), st.binary().map(lambda b: b * 99))
)
def test_what_is_packed_is_unpacked_by_anybody(data: bytes) -> None:
    assert unpacked(deflate(data)) == data


@pytest.mark.parametrize("data", [b"", b"a", b"a" * 100_000, bytes(range(256)) * 300, b"ab" * 70_000, bytes(70_000)])
def test_at_the_ends_of_its_window_and_blocks(data: bytes) -> None:
    assert unpacked(deflate(data)) == data


def test_it_packs_nearly_as_well_as_others_and_always_to_the_same_bytes(made: Bundle) -> None:
    for name in ("evidence.json", "events.jsonl", "evidence.pdf", "verify.py"):
        packed = deflate(made.members[name])
        theirs = zlib.compressobj(9, zlib.DEFLATED, -15)
        assert len(packed) < 1.06 * len(theirs.compress(made.members[name]) + theirs.flush()), name
    said = b"".join(f"{number} of {number % 7}; ".encode() for number in range(5_000))
    assert sha256(deflate(said)).hexdigest() == PACKED


PACKED = "464ec256e87fc46aceff79fa5e2002a11596c7840b4e32815f86f0570ad8bc56"


def test_it_is_a_zip_file_as_everybody_reads_them(made: Bundle) -> None:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(made.members)
        for each in archive.infolist():
            assert archive.read(each) == made.members[each.filename]
            assert (each.date_time, each.compress_type) == ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED)


def year() -> Iterator[Line]:
    """Yield a year of 1042: away every ninth session, each with a call, and with an amendment that says why."""
    yield from story()[:2]
    yield admission("1042", "Ada Example", "B Example")
    day, number = date(2025, 9, 3), 0
    while day <= date(2026, 7, 21):
        if day.weekday() < 5 and not date(2025, 10, 27) <= day <= date(2025, 10, 31):
            for half, mark, opens, later in (("AM", "/", "09:05", "09:30"), ("PM", "\\", "13:20", "14:00")):
                number += 1
                marks = {"1042": "N" if number % 9 == 0 else mark}
                taken = {"class": "4W", "session": f"{day}/{half}", "marks": marks}
                yield {"command": "TakeRegister", "at": f"{day}T{opens}:00", "by": HART, **taken}
                if number % 9 == 0:
                    yield {
                        "command": "LogContact", "at": f"{day}T{later}:00", "by": OFFICE, "pupil": "1042",
                        "contact": "1042-a", "channel": "phone", "outcome": f"no answer, call {number}",
                        "sessions": [f"{day}/{half}"],
                    }  # fmt: skip
                    reason = f"mother rang on day {number}: a cold and a cough since the evening"
                    yield amendment(f"{day}/{half}", "I", reason, f"{day}T{later}:30")
        day += timedelta(days=1)


def test_the_bundle_of_a_pupils_year_is_at_most_150_kilobytes(tmp_path: Path) -> None:
    school = open_school(keep=True).replay(year())
    seal = sealed(school, tmp_path / "seal")
    made = made_of(school, seal, as_of=date(2026, 7, 21))
    assert verdict(made.members, str(seal.key)) == ""
    assert len(made.content) <= MOST, {name: len(deflate(content)) for name, content in made.members.items()}


def test_nothing_is_signed_that_its_own_verifier_refuses(
    school: OpenedSchool, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = commands.evidence.paper
    monkeypatch.setattr(commands.evidence, "paper", lambda *told, **facts: wrong(*told, **facts | {"digest": "0" * 64}))
    with pytest.raises(Unverified, match="its own verifier would refuse it: the paper was made of other evidence"):
        made_of(school, seal, "PN-1")


def test_what_it_makes_is_signed(made: Bundle) -> None:
    """The negative control."""
    assert made.signature is not None and manifest({}) == "attendance evidence\n"
