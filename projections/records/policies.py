"""The policy in force: its settings with their paragraphs, what was adopted when, and who holds which role.

A figure names the policy that it used. This answers what stood behind that name on that day, as known at that moment:
every number with its source, the adoptions that led there, by when the policy is to be reviewed, and whom the school
has named for what. All of it is folded from the school's own stream, so that an adoption recorded later changes what is
answered later and nothing that was answered before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec

from ledger.codes import CodeTableAltered, CodeTableMissing
from ledger.errors import Misconfigured
from ledger.events import PolicyAdopted, RoleNamed, SchoolOpened
from ledger.finding import Finding
from ledger.people import Staff
from ledger.policy import NAMES, Policy, load, shipped
from ledger.roles import ROLES
from ledger.school import Adopted, School
from ledger.sessions import format_moment, from_micros
from ledger.store import Row
from ledger.streams import SCHOOL
from projections.asking.questions import Answers, Moment


class Person(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    title: str


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a policy and the paragraph that it comes from; codes and days are texts."""

    setting: str
    value: object
    source: str


class Adoption(msgspec.Struct, frozen=True, kw_only=True):
    """A policy adopted from a day, None where the school was opened with it; `in_force` on the day asked about."""

    policy: str
    from_day: str | None
    review_on: str | None
    in_force: bool
    by: Person
    recorded_at: str
    position: int


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a role, and since which day without a break."""

    id: str
    name: str
    title: str
    since: str


class RoleAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A role with whoever holds it on the day; nobody, and no position, where the school had named none."""

    role: str
    holders: list[Holder]
    contact: str = ""
    by: Person | None = None
    recorded_at: str | None = None
    position: int | None = None


class PolicyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force on a day, as known at a moment. `review_due`: the day of its review has come."""

    as_of: str
    known_at: str
    position: int
    policy: str
    rules: str
    simulated: bool
    title: str
    edition: str
    review_on: str | None
    review_due: bool
    settings: list[Setting]
    adopted: list[Adoption]
    roles: list[RoleAnswer]


AdoptedRow = tuple[Row, SchoolOpened | PolicyAdopted]
Named = tuple[Row, RoleNamed]


def policy_answer(answers: Answers, moment: Moment) -> PolicyAnswer:
    """Return the policy in force, how it came to be, and who holds the roles. Raises Misconfigured where nothing was
    known yet."""
    policy, day = moment.in_force, moment.as_of
    if policy is None:
        raise Misconfigured("no school had been opened by then, so no policy was in force")
    rows = [row for row in answers.ledger.reads.stream_rows([SCHOOL]) if row.position <= moment.position]
    events = answers.opened(rows)
    adopted = [(row, event) for row, event in events if isinstance(event, SchoolOpened | PolicyAdopted)]
    named = [(row, event) for row, event in events if isinstance(event, RoleNamed)]
    review_on = moment.school.review_on(day)
    return PolicyAnswer(
        as_of=day.isoformat(),
        **moment.known,
        title=policy.title,
        edition=policy.edition,
        review_on=review_on.isoformat() if review_on else None,
        review_due=review_on is not None and review_on <= day,
        settings=settings(policy),
        adopted=adoptions(adopted, day),
        roles=[_role(role, [each for each in named if each[1].role == role], day) for role in ROLES],
    )


def rule_findings(school: School) -> Iterator[Finding]:
    """Yield what is off with the rules that a ledger keeps: a policy that cannot be read, a table of codes that is gone
    or altered, a policy with the name of a shipped one and other settings, and days for which only a name is kept."""
    for adopted in sorted(school.policies, key=lambda each: each.position):
        name, at = adopted.event.policy, adopted.position
        try:
            pinned = adopted.policy
        except CodeTableMissing as error:
            yield Finding("code_table_missing", f"{name}: {error}", position=at)
        except CodeTableAltered as error:
            yield Finding("code_table_altered", f"{name}: {error}", position=at)
        except Misconfigured as error:
            yield Finding("policy_unreadable", str(error), position=at)
        else:
            if adopted.pins and (differs := _other_settings(pinned)):
                sentence = f"{name} is not the policy that is shipped by that name here: {differs}"
                yield Finding("policy_not_as_shipped", sentence, position=at)
            if not adopted.pins and _ever_in_force(adopted, school):
                sentence = f"only the name of {name} was recorded, so its numbers are those of the file shipped here"
                yield Finding("policy_not_kept", sentence, position=at)


def _other_settings(pinned: Policy) -> str:
    """Return in which settings a policy is not the shipped one of its name; blank where it is, or none is shipped."""
    if pinned.name not in shipped():
        return ""
    try:
        there, here = load(pinned.name).settings, pinned.settings
    except Misconfigured as error:
        return str(error)
    names = [name for name in sorted(there.keys() | here.keys()) if there.get(name) != here.get(name)]
    return ", ".join(names)


def _ever_in_force(adopted: Adopted, school: School) -> bool:
    """Return whether a policy is in force on any day of a school year, or of later ones."""
    first = min((year.first_day for year in school.years.values()), default=school.opened_on or date.min)
    begins = [each.from_day for each in school.policies if each.from_day > first]
    return any(school.adopted_on(day) is adopted for day in (first, *begins))


def settings(policy: Policy) -> list[Setting]:
    """Return every setting of a policy, in the order of its file."""
    return [
        Setting(setting=attribute, value=policy.settings[name].value, source=policy.settings[name].source)
        for attribute, name in NAMES.items()
    ]


def adoptions(adopted: Sequence[AdoptedRow], day: date) -> list[Adoption]:
    """Return the adoptions by the day from which they hold, those of one day as they were recorded: the last of those
    that had begun is in force."""
    ordered = sorted(adopted, key=lambda each: _from_day(each[1]))
    begun = sum(_from_day(event) <= day for _, event in ordered)
    return [
        Adoption(
            policy=event.policy,
            from_day=event.from_day.isoformat() if isinstance(event, PolicyAdopted) else None,
            review_on=event.review_on.isoformat() if isinstance(event, PolicyAdopted) and event.review_on else None,
            in_force=place == begun,
            by=_person(event.by),
            recorded_at=format_moment(from_micros(row.recorded_at)),
            position=row.position,
        )
        for place, (row, event) in enumerate(ordered, 1)
    ]


def _from_day(event: SchoolOpened | PolicyAdopted) -> date:
    return event.from_day if isinstance(event, PolicyAdopted) else date.min


def _role(role: str, named: Sequence[Named], day: date) -> RoleAnswer:
    """Return who holds a role on a day: the last list that had begun, of one day the one recorded last."""
    lists: dict[date, Named] = {}
    for row, event in named:
        lists[event.from_day] = row, event
    begun = [lists[from_day] for from_day in sorted(lists) if from_day <= day]
    if not begun:
        return RoleAnswer(role=role, holders=[])
    row, event = begun[-1]
    return RoleAnswer(
        role=role,
        holders=[
            Holder(id=who.id, name=who.name, title=who.title, since=_since(who, begun).isoformat())
            for who in event.holders
        ],
        contact=event.contact,
        by=_person(event.by),
        recorded_at=format_moment(from_micros(row.recorded_at)),
        position=row.position,
    )


def _since(who: Staff, begun: Sequence[Named]) -> date:
    """Return the day since which somebody of the last list stands in every list."""
    since = begun[-1][1].from_day
    for _, event in reversed(begun):
        if who.id not in {holder.id for holder in event.holders}:
            break
        since = event.from_day
    return since


def _person(staff: Staff) -> Person:
    return Person(id=staff.id, name=staff.name, title=staff.title)
