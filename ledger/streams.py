"""Names of streams: text, pupil first, so that one index range holds everything about one pupil's school year.

| stream | holds |
|---|---|
| `school` | opening, policies adopted, staff, imports |
| `school/clock` | clocks accepted, stamps that are wrong |
| `school/2024` | the school year: days, hours, closures |
| `school/2024/2024-09-03/AM/4W` | a register taken, a register closed |
| `1042/roll` | admission, class, contacts, groups, removal |
| `1042/2024/2024-09-03/AM` | the entry: an original mark and its amendments |
| `1042/2024/follow-up` | reports, contacts, arrivals |
| `1042/2024/leave/LR-1` | one request for leave |
| `1042/notice/PN-1` | one penalty notice |

A pupil may not be numbered `school`, so the two families never meet.
"""

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ledger.sessions import Half, Session, school_year

SCHOOL = "school"
CLOCK = "school/clock"
HALVES = tuple(half.name for half in Half)


def year_stream(year: int) -> str:
    return f"school/{year}"


def register_stream(session: Session, class_name: str) -> str:
    return f"school/{school_year(session.day)}/{session}/{class_name}"


def roll_stream(pupil: str) -> str:
    return f"{pupil}/roll"


def entry_stream(pupil: str, session: Session) -> str:
    return pupil + _places(session.day)[session.half]


@lru_cache(maxsize=1024)
def _places(day: date) -> tuple[str, ...]:
    # A session is named for every pupil of a register, more than once.
    return tuple(f"/{school_year(day)}/{day.isoformat()}/{half}" for half in HALVES)


def year_prefix(pupil: str, year: int) -> str:
    """Return how every stream of a pupil's school year begins, and no other."""
    return f"{pupil}/{year}/"


def follow_up_stream(pupil: str, year: int) -> str:
    return f"{pupil}/{year}/follow-up"


def leave_stream(pupil: str, year: int, request: str) -> str:
    return f"{pupil}/{year}/leave/{request}"


def notice_stream(pupil: str, notice: str) -> str:
    return f"{pupil}/notice/{notice}"


def entry_of(stream: str) -> tuple[str, Session]:
    """Return the pupil and session whose entry this stream is."""
    pupil, _, day, half = stream.split("/")
    return pupil, Session.parse(f"{day}/{half}")


def register_of(stream: str) -> tuple[Session, str]:
    """Return the session and class whose register this stream is."""
    _, _, day, half, class_name = stream.split("/")
    return Session.parse(f"{day}/{half}"), class_name


class Owner(NamedTuple):
    """Whose key seals the text of a stream: a pupil's (or the school's) and which school year's, 0 for no single
    year."""

    name: str
    year: int


# Whose key says who recorded (`ledger.authorship`); no pupil has a stroke in the number.
RECORDING = Owner("school/receipts", 0)


def owner_of(stream: str) -> Owner:
    name, _, rest = stream.partition("/")
    year = rest[:4]
    return Owner(name, int(year) if year.isdecimal() else 0)
