"""The lines to type that settle a duty: one function for each, so that a verb is spelt in one place.

What a person has to say stands open at the end of a line (`--outcome`, `--reason`): pasted as it is, the line is
refused instead of recording something that nobody said.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import date

from ledger.sessions import Session


def _typed(*words: object) -> str:
    return shlex.join(["attendance", *map(str, words)])


def contact(pupil: str, person: str, sessions: Iterable[Session], channel: str = "phone") -> str:
    return _typed("contact", pupil, person, *sessions, "--channel", channel, "--outcome")


def amend(pupil: str, session: Session, *code: str) -> str:
    return _typed("amend", pupil, session, *code, *(["--reason"] if code else []))


def arrive(pupil: str, session: Session) -> str:
    return _typed("arrive", pupil, session)


def contacts(pupil: str) -> str:
    return _typed("contacts", pupil, "--parent")


def take(class_name: str, session: Session) -> str:
    return _typed("take", class_name, session)


def close(session: Session, class_name: str | None = None) -> str:
    return _typed("close", session, *(["--class", class_name] if class_name else []))


def letter(pupil: str, about: str, parents: Iterable[str], day: date, *, cites: str = "") -> str:
    to = [word for parent in parents for word in ("--parent", parent)]
    return _typed("letter", "sent", pupil, about, *to, *(["--cites", cites] if cites else []), "--sent-on", day)


def inform(pupil: str, agency: str, about: str, day: date) -> str:
    return _typed("inform", pupil, agency, about, day, "--person")


def support(pupil: str, step: str, stage: str, day: date, *, next_on: str = "") -> str:
    return _typed("support", pupil, step, stage, day, *(["--next-on", next_on] if next_on else []), "--outcome")


def evidence_seen(pupil: str, name: str, sessions: Sequence[str], day: date) -> str:
    return _typed("medical", "seen", pupil, name, *sessions, "--seen-on", day, "--what")


def decide_leave(pupil: str, request: str) -> str:
    return _typed("leave", "decide", pupil, request, "--reason")


def review_policy(name: str, day: date) -> str:
    return _typed("policy", name, day, "--review-on")


def name_role(role: str, day: date) -> str:
    return _typed("role", role, day, "--holder")
