"""What a return to the authority says: the fields and tables that its form asks for, as known at the moment it is made.

The content is composed once and recorded with the return, so that what was sent can be printed again when the register
has moved on. Fields are pairs of a heading and a text, tables have headings and rows of text: one shape for the file,
the paper and the record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypedDict, cast

from ledger.codes import CodeTable
from ledger.events import ContactLogged, EnquiriesMade, EvidenceSeen, SicknessExpected
from ledger.grounds import ground
from ledger.sessions import LONDON
from projections.asking.questions import Answers, Moment
from projections.figures.cohorts import absence_answers
from projections.records.admission import Contact, RollAnswer, roll_answers
from projections.records.chronology import chronologies
from projections.records.known_event import FollowUp
from projections.returns.authority import Candidate

TITLES = {
    "attendance": "Attendance return",
    "unauthorised": "Return of unauthorised absence",
    "sickness": "Sickness return",
    "new pupil": "New pupil return",
    "deletion": "Deletion return",
    "ground I": "Continuous absence, ground I",
}
NOT_STATED = "not stated"
NONE = "–"  # of a half that is not part of it

Fields = Iterator[tuple[str, str]]
Tables = Iterator[tuple[str, list[str], list[list[str]]]]


class FormTable(TypedDict):
    """A table of a form: rows of text."""

    title: str
    headings: list[str]
    rows: list[list[str]]


class Content(TypedDict):
    """A form as it is sent and kept: fields as pairs of heading and text, tables, and what they were true for."""

    form: str
    title: str
    episode: str
    as_of: str
    known_at: str
    position: int
    policy: str
    rules: str
    fields: list[list[str]]
    tables: list[FormTable]


def form_of(content: Mapping[str, object]) -> Content | None:
    """Return the content that a return was recorded with, None where it is no form's: a return made elsewhere may be
    recorded with anything."""
    return cast(Content, content) if "fields" in content else None


class Stated(NamedTuple):
    """What the maker of a deletion return adds, where no removal has said it yet."""

    ground: str = ""
    destination: str = ""


def return_content(answers: Answers, moment: Moment, candidate: Candidate, stated: Stated = Stated()) -> Content:
    """Return the content of a return: `fields` as pairs, `tables` with title, headings and rows, and what it was true
    for."""
    # A new pupil's return may be made before the starting day, and is about the spell that begins then.
    day = max(moment.as_of, date.fromisoformat(candidate.until)) if candidate.form == "new pupil" else moment.as_of
    (register,) = roll_answers(answers, moment._replace(as_of=day), [candidate.pupil])
    chronology = chronologies(answers, moment, [candidate.pupil])[candidate.pupil]
    since = _since(candidate)
    parts: list[Fields] = [_pupil(register)]
    tables: list[Tables] = [_parents(register)]
    match candidate.form:
        case "new pupil":
            parts.append(_admission(register))
        case "deletion":
            parts.append(_deletion(register, candidate, stated))
        case "sickness":
            parts.append(_sickness(candidate, chronology))
            tables += [_sessions(candidate, moment.codes), _evidence(chronology)]
        case _:
            parts += [_absence(candidate), _year_to_date(answers, moment, candidate.pupil)]
            tables += [_sessions(candidate, moment.codes), _contacts(chronology, register, since, moment.as_of)]
            tables.append(_enquiries(chronology, since))
    opened = moment.school.opened
    assert opened is not None
    return {
        "form": candidate.form,
        "title": TITLES[candidate.form],
        "episode": candidate.episode,
        "as_of": candidate.as_of,
        "known_at": candidate.known_at,
        "position": candidate.position,
        "policy": candidate.policy,
        "rules": candidate.rules,
        "fields": [
            ["School", opened.name],
            ["URN", opened.urn],
            ["LA and establishment number", f"{opened.la}/{opened.estab}"],
            *([heading, text or NOT_STATED] for part in parts for heading, text in part),
        ],
        "tables": [
            {"title": title, "headings": headings, "rows": rows} for each in tables for title, headings, rows in each
        ],
    }


def sheet_of(content: Content) -> tuple[list[str], list[str]]:
    """Return a return as headings and one row, so that returns of one form can be put under each other."""
    headings = [heading for heading, _ in content["fields"]] + [table["title"] for table in content["tables"]]
    folded = ["; ".join(" ".join(filter(None, row)) for row in table["rows"]) for table in content["tables"]]
    return headings, [text for _, text in content["fields"]] + folded


def _since(candidate: Candidate) -> date:
    """Return the first day that a return is about: sessions counted over a year begin before they reach it."""
    sessions = [each.session.day for each in candidate.sessions]
    return min([date.fromisoformat(candidate.episode), *sessions])


def _pupil(register: RollAnswer) -> Fields:
    yield "Pupil number", register.pupil
    yield "UPN", register.upn
    yield "Full name", register.name
    yield "Sex", register.sex
    yield "Date of birth", register.born
    yield "Address", register.address
    yield "Class", register.class_name
    yield "Year group", register.year_group


def _admission(register: RollAnswer) -> Fields:
    """Yield the rest of the admission register, which a new pupil's return holds entire."""
    yield "E-mail", register.email
    yield "Starting day", register.starting_day
    yield "Last school", register.last_school


def _deletion(register: RollAnswer, candidate: Candidate, stated: Stated) -> Fields:
    removal = register.removal or {}
    form = register.moving_forms[-1] if register.moving_forms else {}
    key = stated.ground or removal.get("ground", "")
    known = ground(key)
    yield "Last day on roll", candidate.until
    yield "Ground for deletion", f"{key}: {known.name}" if known else key
    yield "Shown by", removal.get("shown_by", "")
    yield "New address", form.get("new_address", "")
    yield "New school", stated.destination or removal.get("destination", "") or form.get("new_school", "")
    yield "Address of the new school", form.get("new_school_address", "")


def _absence(candidate: Candidate) -> Fields:
    codes = Counter(session.code for session in candidate.sessions)
    yield "Why", candidate.why
    yield "First session", str(candidate.sessions[0].session) if candidate.sessions else ""
    yield "Last session", str(candidate.sessions[-1].session) if candidate.sessions else ""
    if candidate.school_days:
        yield "School days in a row", str(candidate.school_days)
    yield "Sessions absent", str(len(candidate.sessions))
    yield "Sessions by code", ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))
    yield "Sessions without a mark", ", ".join(candidate.missing) or "none"


def _year_to_date(answers: Answers, moment: Moment, pupil: str) -> Fields:
    for year in absence_answers(answers, moment, [pupil]):
        yield "Possible sessions, year to date", str(year.possible)
        yield "Attended sessions, year to date", str(year.attended)
        yield "Authorised absence, year to date", str(year.authorised)
        yield "Unauthorised absence, year to date", str(year.unauthorised)


def _sickness(candidate: Candidate, chronology: Iterable[FollowUp]) -> Fields:
    yield "Days of sickness", candidate.why
    yield "First day of this period", candidate.episode
    yield "Last day, recorded or expected", candidate.until
    expected = [each.event for each in chronology if isinstance(each.event, SicknessExpected)]
    expected = [
        each for each in expected if candidate.episode <= str(each.last_day) and str(each.first_day) <= candidate.until
    ]
    yield "Expected to be away until", str(expected[-1].last_day) if expected else ""
    yield "Expected on the grounds of", expected[-1].grounds if expected else ""


def _parents(register: RollAnswer) -> Tables:
    headings = ["Name", "Relationship", "Address", "Lives with the pupil", "Telephone", "E-mail"]
    yield "Parents", headings, [_person(each, lives_with=True) for each in register.parents]
    short = [heading for heading in headings if heading != "Lives with the pupil"]
    rows = [_person(each, lives_with=False) for each in register.emergency_contacts]
    yield "Emergency contacts, in the order to ring", short, rows


def _person(person: Contact, *, lives_with: bool) -> list[str]:
    lives = ["yes" if person["lives_with"] else "no"] if lives_with else []
    return [person["name"], person["relationship"], person["address"], *lives, person["phone"], person["email"]]


def _sessions(candidate: Candidate, table: CodeTable) -> Tables:
    """Yield the days with the codes of their halves, and what those codes mean."""
    days: dict[str, dict[str, str]] = {}
    for each in candidate.sessions:
        day, _, half = each.session.partition("/")
        days.setdefault(day, {})[half] = each.code
    rows = [[day, halves.get("AM", NONE), halves.get("PM", NONE)] for day, halves in days.items()]
    yield "Sessions", ["Day", "AM", "PM"], rows
    codes = sorted({each.code for each in candidate.sessions})
    yield "Codes", ["Code", "Meaning"], [[code.symbol, code.name] for code in map(table.by_symbol, codes) if code]


def _contacts(chronology: Iterable[FollowUp], register: RollAnswer, since: date, until: date) -> Tables:
    """Yield who was tried during the episode, when, and what came of it."""
    names = {each["id"]: each["name"] for each in [*register.parents, *register.emergency_contacts]}
    rows = []
    for each in chronology:
        when = each.recorded_at.astimezone(LONDON)
        if isinstance(each.event, ContactLogged) and since <= when.date() <= until:
            who = names.get(each.event.contact) or each.event.contact
            rows.append([f"{when:%Y-%m-%d %H:%M}", each.event.step, who, each.event.outcome, each.event.said])
    yield "Attempts to make contact", ["When", "How", "Whom", "Outcome", "What was said"], rows


def _enquiries(chronology: Iterable[FollowUp], since: date) -> Tables:
    rows = [
        [str(each.event.on), "yes" if each.event.jointly else "no", each.event.outcome]
        for each in chronology
        if isinstance(each.event, EnquiriesMade) and each.event.on >= since
    ]
    yield "Enquiries", ["Day", "Jointly with the authority", "Outcome"], rows


def _evidence(chronology: Iterable[FollowUp]) -> Tables:
    rows = [[str(each.event.seen_on), each.event.what] for each in chronology if isinstance(each.event, EvidenceSeen)]
    yield "Evidence seen", ["Seen on", "What"], rows
