"""Tables of a pupil's follow-up: the chronology, the contact ladder, and what each code rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commands.cli.tables import Names, london, name_of, table
from ledger.text import one_line

if TYPE_CHECKING:
    from projections.followup import CodeAnswer, FollowUpAnswer, LadderAnswer, ToldAnswer

NOTHING = "nothing known"
SEALED = "(sealed)"
# Fields that say which thing it is, shown before what was said about it.
NAMING = ("step", "stage", "about", "agency", "form", "evidence", "parent", "contact", "channel", "outcome")


def followup_parts(answer: FollowUpAnswer, names: Names, simulated: bool) -> list[Any]:
    """Return the chronology, a line about the ladder, and the codes, as far as there are any."""
    title = f"Follow-up of {answer.pupil}, {name_of(answer.pupil, names)}"
    told = table(title, simulated, recorded="left", what="left", about="left", says="left", by="left", position="right")
    for each in answer.chronology:
        by = one_line(f"{each.by.name} ({each.by.title})")
        told.add_row(london(each.recorded_at), each.what, _about(each), _says(each), by, str(each.position))
    parts: list[Any] = [told, _ladder_line(answer.ladder)]
    if answer.codes:
        codes = table("What each code rests on", simulated, session="left", code="left", rests_on="left")
        for code in answer.codes:
            codes.add_row(code.session, f"{code.replaces} > {code.code}" if code.replaces else code.code, _rests(code))
        parts.append(codes)
    return parts


def _about(told: ToldAnswer) -> str:
    """Return the sessions or the day that something is about."""
    says = told.says
    sessions = says.get("sessions") or ([says["session"]] if says.get("session") else [])
    if sessions:
        return sessions[0] if len(sessions) == 1 else f"{sessions[0]} to {max(sessions)}, {len(sessions)} sessions"
    if says.get("first"):
        return f"{says['first']} to {says['last']}"
    days = (says.get(name) for name in ("on", "sent_on", "seen_on", "made_on", "returned_on", "first_day"))
    return next(filter(None, days), "")


def _says(told: ToldAnswer) -> str:
    if told.sealed:
        return SEALED
    named = [str(told.says[name]) for name in NAMING if told.says.get(name)]
    free = ("said", "reason", "what", "doubt", "wanted", "grounds", "ground", "next_step", "person")
    said = [f'"{told.says[name]}"' for name in free if told.says.get(name)]
    return one_line(", ".join([*named, *said]))


def _ladder_line(ladder: LadderAnswer) -> str:
    """Return where the ladder stands, in one line."""
    if not ladder.number:
        return "ladder: no run of absence without contact"
    said = f"ladder: school day {ladder.number} without contact, since {ladder.first_day}"
    rungs = ", ".join(f"{tried.rung} on day {tried.number}" for tried in ladder.tried)
    said += f"; tried: {rungs or 'nothing'}"
    said += f"; due: {', '.join(ladder.rungs_due)}" if ladder.rungs_due else ""
    said += f"; next to ring: {ladder.next_contact}" if ladder.call_owed else ""
    return said + ("; absent from education" if ladder.absent_from_education else "")


def _rests(code: CodeAnswer) -> str:
    found = [
        " ".join(filter(None, (rest.kind, rest.name, f"({rest.position})" if rest.position else "")))
        for rest in code.rests_on
    ]
    return ", ".join(found) or NOTHING
