"""A school with one case and other children in it, its seal, and bundles of evidence from it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from commands.evidence import Bundle, bundle
from ledger.seal import Seal, new_seal, read
from ledger.sessions import parse_moment
from projections.audit.evidence import evidence, period_of, pinned
from tests.support.schools import OpenedSchool, open_school

VERIFY = Path(__file__).parents[2] / "commands" / "evidence" / "verify.py"
NAME = "attendance/117000"
HEAD = {"id": "head", "name": "H Example", "title": "Headteacher"}
HART = {"id": "hart", "name": "A Hart", "title": "Class teacher"}
OFFICE = {"id": "off", "name": "O Fice", "title": "Office"}
AUTHORITY = {"id": "la", "name": "L Authority", "title": "LA officer"}
OTHER = "canary.9"  # another child, whose number and words may be in no bundle about 1042
AWAY = ("2025-10-06", "2025-10-07", "2025-10-08", "2025-10-09", "2025-10-10")
LAST = date(2025, 10, 24)

Line = dict[str, Any]


def admission(pupil: str, name: str, parent: str, **more: Any) -> Line:
    parents = [{"id": f"{pupil}-a", "name": parent, "relationship": "mother", "lives_with": True, "contact_order": 1}]
    return {
        "command": "AdmitPupil", "at": "2025-09-02T09:00:00Z", "by": OFFICE, "pupil": pupil, "name": name,
        "born": "2017-03-09", "sex": "F", "starting_day": "2025-09-03", "year_group": "4", "class": "4W",
        "parents": parents, **more,
    }  # fmt: skip


def story() -> list[Line]:
    """Return an autumn: a holiday in October that nobody granted, what was done about it, and a referral."""
    return sorted(_story(), key=lambda line: parse_moment(line["at"]))


def _story() -> Iterator[Line]:
    school = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": "national-2024"}
    yield {"command": "OpenSchool", "at": "2025-09-01T08:00:00Z", "by": HEAD, **school}
    yield {
        "command": "OpenSchoolYear", "at": "2025-09-01T08:01:00Z", "by": HEAD, "year": "2025/26",
        "first_day": "2025-09-03", "last_day": "2026-07-21",
        "closed": [{"from": "2025-10-27", "to": "2025-10-31", "why": "Half term"}],
    }  # fmt: skip
    yield admission("1042", "Ada Example", "B Example", upn="B801200005001")
    yield admission(OTHER, "Canary Wren", "Canary Parent", groups=["canary group"])
    yield {
        "command": "RequestLeave", "at": "2025-09-15T10:00:00Z", "by": OFFICE, "pupil": "1042", "request": "LR-1",
        "parent": "1042-a", "received_on": "2025-09-15", "first": "2025-10-06/AM", "last": "2025-10-10/PM",
        "ground": "a cheap flight", "on_form": True,
    }  # fmt: skip
    yield {
        "command": "DecideLeave", "at": "2025-09-16T10:00:00Z", "by": HEAD, "pupil": "1042", "request": "LR-1",
        "granted": [], "reason": "not exceptional",
    }  # fmt: skip
    yield {
        "command": "DeclareClosure", "at": "2025-09-17T10:00:00Z", "by": HEAD, "sessions": ["2025-09-29/AM"],
        "code": "Y3", "pupils": [OTHER], "reason": "canary secret",
    }  # fmt: skip
    yield {
        "command": "DeclareClosure", "at": "2025-09-18T07:00:00Z", "by": HEAD, "sessions": ["2025-09-18/AM"],
        "code": "Y4", "reason": "no water",
    }  # fmt: skip
    day = date(2025, 9, 3)
    while day <= LAST:
        if day.weekday() < 5:
            yield from school_day(day)
        day += timedelta(days=1)
    yield {
        "command": "SendLetter", "at": "2025-10-25T09:00:00Z", "by": OFFICE, "pupil": "1042", "about": "attendance",
        "parents": ["1042-a"], "sent_on": "2025-10-25", "as_of": "2025-10-24", "said": "please ring us",
        "quoted": {"possible": 75, "attended": 64, "authorised": 1, "unauthorised": 10},
    }  # fmt: skip
    about = {"by": HEAD, "pupil": "1042", "notice": "PN-1"}
    yield {
        "command": "ConsiderPenalty", "at": "2025-10-25T10:00:00Z", **about, "parent": "1042-a",
        "considered_on": "2025-10-25", "route": "no support", "decision": "notice", "reasons": "a holiday in term",
    }  # fmt: skip
    named = [f"{day}/{half}" for day in AWAY for half in ("AM", "PM")]
    yield {
        "command": "ReferPenalty", "at": "2025-10-25T11:00:00Z", **about, "referred_on": "2025-10-25",
        "sessions": named, "reasons": "nothing else is appropriate",
    }  # fmt: skip


def school_day(day: date) -> Iterator[Line]:
    """Yield a day's registers; 1042 is away in October, ill one morning in September, and late once."""
    for half, mark, opens in (("AM", "/", "09:05"), ("PM", "\\", "13:20")):
        session, at = f"{day}/{half}", f"{day}T{opens}:00"
        marks = {OTHER: mark, "1042": mark}
        if str(day) in AWAY:
            marks["1042"] = "G"
        elif session in ("2025-09-10/AM", "2025-09-18/AM"):
            del marks["1042"]
        yield {"command": "TakeRegister", "at": at, "by": HART, "class": "4W", "session": session, "marks": marks}
        if "1042" not in marks:
            yield {"command": "CloseRegister", "at": f"{day}T09:11:00", "by": HART, "class": "4W", "session": session}
        if session == "2025-09-10/AM":
            yield {
                "command": "ReportAbsence", "at": f"{day}T09:30:00", "by": OFFICE, "pupil": "1042",
                "parent": "1042-a", "channel": "phone", "received_at": f"{day}T09:29:00", "sessions": [session],
                "said": "feverish since last night",
            }  # fmt: skip
            yield amendment(session, "I", "mother rang: fever", f"{day}T09:40:00")


def amendment(session: str, code: str, reason: str, at: str) -> Line:
    return {
        "command": "AmendMark", "at": at, "by": OFFICE, "pupil": "1042", "session": session, "code": code,
        "reason": reason,
    }  # fmt: skip


def later(days: int) -> Iterator[Line]:
    """Yield what came after the referral: registers, and an amendment that would have changed everything."""
    yield amendment("2025-10-06/AM", "I", "a doctor's note came", "2025-11-03T09:00:00")
    day, left = date(2025, 11, 3), days
    while left:
        if day.weekday() < 5:
            yield from school_day(day)
            left -= 1
        day += timedelta(days=1)


def told_school() -> OpenedSchool:
    return open_school(keep=True).replay(story())


def notice() -> Line:
    """Return a notice that was issued without a referral, by somebody whom the ledger does not know yet."""
    return {
        "command": "IssuePenaltyNotice", "at": "2025-10-28T09:00:00Z", "by": AUTHORITY, "pupil": "1042",
        "notice": "PN-2", "parent": "1042-a", "issued_on": "2025-10-28",
        "sessions": [f"2025-10-{day:02}/AM" for day in range(6, 11)],
    }  # fmt: skip


def sealed(school: OpenedSchool, folder: Path) -> Seal:
    """Return a new seal that has signed the school as it is."""
    made = new_seal(folder, NAME)
    seal_again(school, made)
    return made


def seal_again(school: OpenedSchool, made: Seal) -> None:
    made.sign(read(school.rows(), {checkpoint.size for checkpoint in made.checkpoints()}))


def made_of(
    school: OpenedSchool,
    seal: Seal | None = None,
    case: str | None = None,
    *,
    known_at: str | None = None,
    as_of: date | None = None,
    draft: bool = False,
) -> Bundle:
    """Return the bundle about 1042, of a case or of the year to date."""
    moment, pin = school.answers.moment(as_of, parse_moment(known_at) if known_at else None), None
    if case:
        moment, pin = pinned(school.answers, moment, "1042", case)
    first, last = period_of(moment, pin)
    found, basis = evidence(school.answers, moment, "1042", first, last, pin)
    return bundle(school.answers, moment, found, basis, seal, draft=draft)


@cache
def verifier() -> ModuleType:
    """Return verify.py as a module."""
    spec = importlib.util.spec_from_file_location("verify", VERIFY)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def verdict(members: dict[str, bytes], key: str | None, *, unsigned: bool = False) -> str:
    """Return what verify.py says is wrong with members, blank where everything holds."""
    found = verifier()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            found.check(dict(members), key, unsigned)
        except found.Wrong as wrong:
            return str(wrong)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            return f"form: {type(error).__name__}"
    return ""


def with_manifest(members: dict[str, bytes], sign: Callable[[str], str] = lambda text: text) -> dict[str, bytes]:
    """Return members with a manifest that fits them, as anybody can write one."""
    rest = {name: content for name, content in members.items() if name != "manifest"}
    lines = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(rest.items()))
    return {**rest, "manifest": sign("attendance evidence\n" + lines).encode()}


def zipped(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def data(made: Bundle, name: str = "evidence.json") -> Any:
    return json.loads(made.members[name])
