"""A former school and the portable records that it signs, for tests of moves: a few days of one pupil, and a seal.

`python -m tests.support.former` writes the record that the whole case receives. Sealed text has a nonce, so it would
come out different every time; it is written once, and kept beside the journal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ledger.seal import Seal, new_seal, read
from projections.audit.portable import portable_record
from tests.support.schools import OpenedSchool, open_school

EXAMPLES = Path(__file__).parents[1] / "examples"
KEPT, KEPT_KEY = EXAMPLES / "portable-record.json", EXAMPLES / "portable-record.pub"
OFFICE = {"id": "off", "name": "F Ormer", "title": "Office"}
PUPIL, PARENT, UPN, BORN = "77", "77-a", "B801200005001", "2016-03-09"
URN, NAME = "118000", "Former-firecrest School"
Line = dict[str, Any]


class Signed(NamedTuple):
    """The file of a record, and the verifier key of the seal that signed it."""

    text: str
    key: str

    def received(self, pupil: str, at: str, by: Mapping[str, str] = OFFICE, **more: Any) -> Line:
        """Return the line that receives it."""
        return {"command": "ReceiveRecord", "at": at, "by": dict(by), "pupil": pupil, "record": self.text,
                "key": self.key, **more}  # fmt: skip


def opening(first_day: str, last_day: str, urn: str = URN, **pupil: Any) -> list[Line]:
    """Return the lines that open a school, its year, and admit the pupil on the first day."""
    at, year = f"{first_day}T07:00", int(first_day[:4]) - (int(first_day[5:7]) < 8)
    parents = [{"id": f"{PUPIL}-{letter}", "name": f"Parent-firefinch {letter}"} for letter in "ab"]
    admitted = {"pupil": PUPIL, "name": "Ada-fieldfare Example", "born": BORN, "upn": UPN, "year_group": "4",
                "class": "4X", "starting_day": first_day, "parents": parents}  # fmt: skip
    school = {"urn": urn, "name": NAME, "la": "919", "estab": "2001", "policy": "national-2024"}
    return [
        {"command": "OpenSchool", "at": at, "by": OFFICE, **school},
        {"command": "OpenSchoolYear", "at": at, "by": OFFICE, "year": f"{year}/{year + 1 - 2000}",
         "first_day": first_day, "last_day": last_day},
        {"command": "AdmitPupil", "at": at, "by": OFFICE, **admitted, **pupil},
    ]  # fmt: skip


def marked(marks: Mapping[str, str], pupil: str = PUPIL) -> list[Line]:
    """Return the lines that record these marks, each in its session."""
    hours = {"AM": "09:00", "PM": "13:20"}
    return [
        {"command": "RecordMark", "at": f"{session[:10]}T{hours[session[11:]]}", "by": OFFICE, "pupil": pupil,
         "session": session, "code": code, "detail": "seen"}
        for session, code in sorted(marks.items())
    ]  # fmt: skip


def notice(name: str, at: str, *sessions: str, parent: str = PARENT) -> Line:
    return {"command": "IssuePenaltyNotice", "at": at, "by": OFFICE, "pupil": PUPIL, "notice": name, "parent": parent,
            "issued_on": at[:10], "sessions": list(sessions)}  # fmt: skip


def seal_of(school: OpenedSchool, folder: Path, name: str = f"attendance/{URN}") -> Seal:
    """Return a new seal that signed the school as it is."""
    seal = new_seal(folder, name)
    seal.sign(read(school.rows()))
    return seal


def seal_again(school: OpenedSchool, seal: Seal) -> None:
    seal.sign(read(school.rows(), {one.size for one in seal.checkpoints()}))


def signed(school: OpenedSchool, seal: Seal, as_of: date | None = None) -> Signed:
    """Return the pupil's record as of a day, left out the last."""
    _, text = portable_record(school.answers, school.answers.moment(as_of), PUPIL, seal)
    return Signed(text, str(seal.key))


def made(lines: Iterable[Line]) -> Signed:
    """Return the record of a school in which these lines happened."""
    with closing(open_school().replay(lines)) as school, tempfile.TemporaryDirectory() as folder:
        return signed(school, seal_of(school, Path(folder) / "seal"))


@cache
def in_july(born: str = BORN) -> Signed:
    """Return a record of two days in July 2023, with a notice."""
    marks = {"2023-07-03/AM": "/", "2023-07-03/PM": "O", "2023-07-04/AM": "G", "2023-07-04/PM": "\\"}
    issued = notice("PN-1", "2023-07-05T15:00", "2023-07-03/PM", "2023-07-04/AM")
    return made([*opening("2023-07-03", "2023-07-21", born=born), *marked(marks), issued])


def main() -> None:
    """Write the record that Sam of the whole case brings along: two weeks of October, three sessions unauthorised."""
    from tests.support.whole_case import SAM, admission

    sam = admission(SAM, "2025-11-10", "4")
    pupil = {name: sam[name] for name in ("name", "born", "upn")}
    days = [f"2025-10-{day:02}" for day in (13, 14, 15, 16, 17, 20, 21, 22, 23, 24)]
    marks = {f"{day}/{half}": code for day in days for half, code in (("AM", "/"), ("PM", "\\"))}
    marks |= {"2025-10-16/AM": "O", "2025-10-16/PM": "O", "2025-10-22/AM": "U"}
    record = made([*opening("2025-09-03", "2026-07-21", **pupil), *marked(marks)])
    KEPT.write_text(record.text, encoding="utf-8")
    KEPT_KEY.write_text(record.key + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
