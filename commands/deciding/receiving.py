"""What a former school hands on with a pupil: its portable record, checked before anything of it counts here."""

from __future__ import annotations

from datetime import datetime

from commands.deciding.declaration import decides
from commands.deciding.state import Decided, Fact, State, london_day, signed
from commands.models.roll import ReceiveRecord
from ledger.errors import Refused
from ledger.events import ParticularsAmended, PupilAdmitted, ReceivedNotice, RecordReceived
from ledger.note import BadNote, VerifierKey, parse_key
from ledger.portable import BadRecord, PortableRecord, open_record
from ledger.sessions import Session
from ledger.streams import roll_stream


@decides(ReceiveRecord, roll=True)
def receive_record(command: ReceiveRecord, state: State, now: datetime) -> Decided:
    """Return what a former school's record says of a pupil's sessions and notices, from now on known here. A newer one
    of the same school replaces it, with what was said of its parents; so does the same one with other parents.

    Refuses: pupil_not_on_roll (now or ahead), malformed (no verifier key), record_not_genuine (not signed by it, not
    to the byte, or not borne out by its proof), not_this_pupil (another UPN or birth date), malformed (this school's
    own, of a simulated ledger, or of a time that lies ahead), session_on_own_roll, unknown_person (not this pupil's
    parent), malformed (a parent whom none of its notices names), record_not_newer.
    """
    by = signed(command.by)
    pupil = state.school.pupils.get(command.pupil)
    last = pupil.spells[-1].last if pupil else None
    if pupil is None or (last is not None and last < london_day(now)):
        raise Refused("pupil_not_on_roll", field="pupil", value=command.pupil)
    record, digest = _opened(command)
    _check_pupil(record, state)
    _check_origin(record, state, now)
    marks = {entry.session: entry.entries[-1].code for entry in record.entries}
    for session in marks:
        if pupil.on_roll(Session.parse(session).day):
            raise Refused("session_on_own_roll", field="record", value=session)
    named = {each.parent for each in record.notices}
    for theirs, ours in command.parents.items():
        state.check_parent(command.pupil, ours, "parents")
        if theirs not in named:
            raise Refused("malformed", field="parents", expected="only parents whom the record's notices name")
    received = RecordReceived(
        by=by,
        urn=record.school.urn,
        ledger=record.ledger,
        digest=digest,
        record_position=record.position,
        known_at=record.known_at,
        as_of=record.as_of,
        marks=marks,
        notices=_notices(command, record),
        school=record.school.name,
        parents={each.parent: each.parent_name for each in record.notices},
    )
    _check_newer(command, received, state)
    return Decided([Fact(roll_stream(command.pupil), received)])


def _opened(command: ReceiveRecord) -> tuple[PortableRecord, str]:
    try:
        key: VerifierKey = parse_key(command.key)
    except BadNote:
        raise Refused("malformed", field="key", expected="the verifier key of the former school's seal") from None
    try:
        return open_record(command.record, key)
    except BadRecord as error:
        raise Refused("record_not_genuine", field="record", expected=str(error)) from None


def _check_pupil(record: PortableRecord, state: State) -> None:
    """Refuse a record of somebody else. Names are not compared: they are written in more ways than one."""
    known = {"upn": "", "born": ""}
    for event in state.roll:
        if isinstance(event, PupilAdmitted):
            known = {"upn": event.upn, "born": event.born}
        elif isinstance(event, ParticularsAmended):
            known |= {name: event.particulars[name] for name in known if name in event.particulars}
    for name, theirs in (("upn", record.pupil.upn), ("born", record.pupil.born.isoformat())):
        if known[name] != theirs:
            raise Refused("not_this_pupil", field=name)


def _check_origin(record: PortableRecord, state: State, now: datetime) -> None:
    opened = state.school.opened
    assert opened is not None, "a command without a school"
    if record.school.urn == opened.urn:
        raise Refused("malformed", field="record", expected="one of another school")
    if record.simulated and not opened.simulated:
        raise Refused("malformed", field="record", expected="one of a ledger whose clock is not simulated")
    if record.known_at > now or record.as_of > london_day(now):
        raise Refused("malformed", field="record", expected="one made by now, of a day that has been")


def _check_newer(command: ReceiveRecord, received: RecordReceived, state: State) -> None:
    for _, earlier in state.school.records(command.pupil):
        if earlier.urn != received.urn:
            continue
        before, after = ((each.known_at, each.record_position, each.as_of) for each in (earlier, received))
        same = (earlier.digest, earlier.notices) == (received.digest, received.notices)
        if after < before or same:
            raise Refused("record_not_newer", field="record")


def _notices(command: ReceiveRecord, record: PortableRecord) -> tuple[ReceivedNotice, ...]:
    return tuple(
        ReceivedNotice(each.notice, command.parents.get(each.parent, ""), each.issued_on, tuple(each.sessions))
        for each in record.notices
        if each.state != "withdrawn"
    )
