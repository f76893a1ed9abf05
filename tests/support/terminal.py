"""The command line as a person at a terminal has it, in this process: arguments in, exit code and both streams out."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from commands.cli import main

HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
BY = "head:H Example:Headteacher"


class Said(NamedTuple):
    """What one run said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What standard output holds, which must be JSON and nothing else."""
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one sentence on standard error of a run that was refused; anything else fails."""
        assert self.code == 2 and self.out == "", self
        assert self.err.startswith("attendance: ") and self.err.count("\n") == 1 and self.err.endswith("\n"), self
        return self.err.removeprefix("attendance: ").strip()


def run(*arguments: str, stdin: bytes = b"") -> Said:
    """Return what `attendance ARGUMENTS` says in the working folder."""
    streams = [io.TextIOWrapper(io.BytesIO(content), encoding="utf-8") for content in (stdin, b"", b"")]
    given, out, err = streams
    with patch.object(sys, "stdin", given), redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    for stream in (out, err):
        stream.flush()
    return Said(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))  # type: ignore[attr-defined]


def printed(*arguments: str) -> str:
    """Return what `attendance ARGUMENTS` prints in the working folder, on either stream, in order."""
    both = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO())), redirect_stdout(both), redirect_stderr(both):
        main(list(arguments))
    both.flush()
    return both.buffer.getvalue().decode()  # type: ignore[attr-defined]


def write_journal(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """Write a journal, everything in it signed by the head unless it says otherwise."""
    path.write_text("".join(json.dumps({"by": HEAD} | line) + "\n" for line in lines))
    return path


def small_school() -> list[dict[str, Any]]:
    """Return a journal: two pupils of 4W and one of R, a year, two days of registers, leave and notices."""
    parent = {"id": "1042-a", "name": "Beth Example", "phone": "01632 960001", "email": "b@example.org"}
    second = {"id": "1042-b", "name": "Carl Example"}
    days = {"starting_day": "2024-09-03"}
    issue = {"command": "IssuePenaltyNotice", "pupil": "1042", "parent": "1042-a", "sessions": ["2024-09-04/AM"]}
    return [
        {"command": "OpenSchool", "at": "2024-08-30T08:00:00Z", "urn": "117000", "name": "Example Primary",
         "la": "919", "estab": "2000", "policy": "national-2024"},
        {"command": "OpenSchoolYear", "at": "2024-08-30T08:01:00Z", "year": "2024/25", "first_day": "2024-09-03",
         "last_day": "2025-07-22", "closed": [{"from": "2024-10-28", "to": "2024-11-01", "why": "Half term"}]},
        {"command": "AdmitPupil", "at": "2024-09-02T09:00:00Z", "pupil": "1042", "name": "Ada Example",
         "born": "2016-03-09", "year_group": "4", "class": "4W", "parents": [parent, second],
         "groups": ["SEN support"], **days},
        {"command": "AdmitPupil", "at": "2024-09-02T09:01:00Z", "pupil": "1043", "name": "Zoë 🦊 [bold]Example",
         "born": "2016-02-29", "year_group": "4", "class": "4W", **days},
        {"command": "AdmitPupil", "at": "2024-09-02T09:02:00Z", "pupil": "9001", "name": "Finn Example",
         "born": "2020-05-01", "year_group": "R", "class": "RA", **days},
        {"command": "RequestLeave", "at": "2024-09-02T10:00:00Z", "pupil": "1042", "request": "LR-1",
         "parent": "1042-a", "received_on": "2024-09-02", "first": "2024-09-09/AM", "last": "2024-09-10/PM"},
        {"command": "DecideLeave", "at": "2024-09-02T10:01:00Z", "pupil": "1042", "request": "LR-1",
         "granted": [{"session": "2024-09-09/AM", "code": "C"}]},
        {"command": "RequestLeave", "at": "2024-09-02T10:02:00Z", "pupil": "1042", "request": "LR-2",
         "parent": "1042-a", "received_on": "2024-09-02", "first": "2024-09-11/AM", "last": "2024-09-11/PM"},
        {"command": "WithdrawLeave", "at": "2024-09-02T10:03:00Z", "pupil": "1042", "request": "LR-2"},
        {"command": "RequestLeave", "at": "2024-09-02T10:04:00Z", "pupil": "1042", "request": "LR-3",
         "parent": "1042-a", "received_on": "2024-09-02", "first": "2024-09-03/AM", "last": "2024-09-12/PM"},
        {"command": "TakeRegister", "at": "2024-09-03T08:05:00Z", "class": "4W", "session": "2024-09-03/AM",
         "marks": {"1042": "/", "1043": {"code": "B", "detail": "museum"}}},
        {"command": "CloseRegister", "at": "2024-09-03T08:10:30Z", "session": "2024-09-03/AM"},
        {"command": "CloseRegister", "at": "2024-09-03T12:30:30Z", "session": "2024-09-03/PM"},
        {"command": "CloseRegister", "at": "2024-09-04T08:10:30Z", "session": "2024-09-04/AM", "class": "4W"},
        {"command": "AmendMark", "at": "2024-09-04T09:00:00Z", "pupil": "1042", "session": "2024-09-03/PM",
         "code": "I", "reason": "mother rang: fever"},
        {**issue, "at": "2024-09-05T09:00:00Z", "notice": "PN-1", "issued_on": "2024-09-05"},
        {**issue, "at": "2024-09-05T09:01:00Z", "notice": "PN-2", "issued_on": "2024-09-05"},
        {**issue, "at": "2024-09-05T09:02:00Z", "notice": "PN-3", "issued_on": "2024-09-05", "parent": "1042-b"},
        {"command": "RecordPayment", "at": "2024-09-05T09:03:00Z", "pupil": "1042", "notice": "PN-1",
         "paid_on": "2024-09-05", "amount": 80},
        {"command": "WithdrawPenaltyNotice", "at": "2024-09-05T09:04:00Z", "pupil": "1042", "notice": "PN-3",
         "reason": "wrong address"},
    ]  # fmt: skip
