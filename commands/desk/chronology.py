"""Tables of a pupil's follow-up: the chronology, the contact ladder, and what each code rests on."""

from __future__ import annotations

from commands.desk.pupils import Names, name_of
from commands.desk.tables import london, table
from commands.files.section import Part
from ledger.people import signature
from ledger.text import one_line
from ledger.words import SEALED
from projections.followup.follow_up import CodeAnswer, FollowUpAnswer, LadderAnswer
from projections.records.event_words import fields_about, fields_said

NOTHING = "nothing known"


def followup_parts(answer: FollowUpAnswer, names: Names, simulated: bool) -> list[Part]:
    """Return the chronology, a line about the ladder, and the codes, as far as there are any."""
    title = f"Follow-up of {answer.pupil}, {name_of(answer.pupil, names)}"
    events = table(
        title, simulated, recorded="left", what="left", about="left", says="left", by="left", position="right"
    )
    for each in answer.chronology:
        by = one_line(signature(each.by))
        says = SEALED if each.sealed else one_line(fields_said(each.says))
        events.add_row(london(each.recorded_at), each.what, fields_about(each.says), says, by, str(each.position))
    parts: list[Part] = [events, _ladder_line(answer.ladder)]
    if answer.codes:
        codes = table("What each code rests on", simulated, session="left", code="left", rests_on="left")
        for code in answer.codes:
            codes.add_row(code.session, f"{code.replaces} > {code.code}" if code.replaces else code.code, _rests(code))
        parts.append(codes)
    return parts


def _ladder_line(ladder: LadderAnswer) -> str:
    """Return where the ladder stands, in one line."""
    if not ladder.number:
        return "ladder: no run of absence without contact"
    line = f"ladder: school day {ladder.number} without contact, since {ladder.first_day}"
    rungs = ", ".join(f"{tried.rung} on day {tried.number}" for tried in ladder.tried)
    line += f"; tried: {rungs or 'nothing'}"
    line += f"; due: {', '.join(ladder.rungs_due)}" if ladder.rungs_due else ""
    line += f"; next to ring: {ladder.next_contact}" if ladder.call_owed else ""
    return line + ("; absent from education" if ladder.absent_from_education else "")


def _rests(code: CodeAnswer) -> str:
    grounds = [
        " ".join(filter(None, (rest.kind, rest.name, f"({rest.position})" if rest.position else "")))
        for rest in code.rests_on
    ]
    return ", ".join(grounds) or NOTHING
