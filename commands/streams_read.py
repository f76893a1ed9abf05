"""Which streams a command is decided from: its entries and registers, and a pupil's follow-up or roll where it asks."""

from __future__ import annotations

from commands import models as m
from commands.deletion import SCHOOL_DAYS_READ
from ledger import streams
from ledger.school import School
from ledger.sessions import Half, Session


def streams_read(command: m.Command, school_now: School) -> list[str]:
    """Return the entries and registers that a command is decided from."""
    match command:
        case m.RecordMark() | m.AmendMark() | m.LogArrival():
            return [streams.entry_stream(command.pupil, command.session)]
        case m.TakeRegister():
            entries = [streams.entry_stream(pupil, command.session) for pupil in command.marks]
            return [streams.register_stream(command.session, command.class_name), *entries]
        case m.CloseRegister():
            day = command.session.day
            classes = school_now.classes_on(day) if command.class_name is None else [command.class_name]
            registers = [streams.register_stream(command.session, class_name) for class_name in classes]
            pupils = school_now.pupils_on(day, command.class_name)
            return registers + [streams.entry_stream(pupil, command.session) for pupil in pupils]
        case m.ReceiveRecord():
            return [streams.roll_stream(command.pupil)]
        case m.RequestEvidence() | m.ReturnEvidence() | m.RecordSupport() | m.MakeReturn():
            return _follow_up(command.pupil, school_now)
        case m.RemoveFromRoll():
            # Only the grounds of long absence are held to what the register says.
            days = school_now.calendar.school_days_until(command.last_day, SCHOOL_DAYS_READ)
            sessions = [Session(day, half) for day in days for half in Half]
            entries = [streams.entry_stream(command.pupil, session) for session in sessions]
            return [*_follow_up(command.pupil, school_now), *entries]
        case _:
            return []


def _follow_up(pupil: str, school_now: School) -> list[str]:
    """Return the follow-up of every school year there is, of the one before, in which its first pupils were admitted,
    and of the one about to be opened."""
    years = school_now.years
    return [streams.follow_up_stream(pupil, year) for year in range(min(years) - 1, max(years) + 2)] if years else []
