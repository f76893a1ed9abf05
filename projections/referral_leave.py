"""The checks of a referral that look at leave and at letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.events import LetterSent
from projections.leaves import LeaveRequestAnswer
from projections.referral_file import File, Problem
from projections.rungs import consider_line


def leave_after_absence(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.decided_in_advance is False:
            yield Problem(
                check="leave_after_absence",
                sentence=f"{request.request} was decided after the absence had begun on {request.first}",
                command=_refer_line(file, without=request),
                position=request.position,
            )


def leave_undecided(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.state == "waiting":
            yield Problem(
                check="leave_undecided",
                sentence=f"{request.request} asks for leave for these sessions and was never decided",
                command=f"attendance leave decide {file.pupil} {request.request} --reason",
                position=request.position,
            )


def refusal_unexplained(file: File) -> Iterator[Problem]:
    for request in _concerned(file):
        if request.state not in ("refused", "granted in part"):
            continue
        letter = (
            f"attendance letter sent {file.pupil} 'leave refused' --parent {request.parent} "
            f"--cites {request.request} --sent-on {file.moment.as_of}"
        )
        if not request.letters:
            yield Problem(
                check="refusal_unexplained",
                sentence=f"no letter tells the parent that {request.request} was refused",
                command=letter,
                position=request.position,
            )
        if not request.reason.strip() and not request.letters:
            yield Problem(
                check="refusal_unexplained",
                sentence=f"{request.request} was refused without a reason",
                command=f"{letter} --said",
                position=request.position,
            )


def leave_off_form(file: File) -> Iterator[Problem]:
    for request in file.leave.requests:
        if request.state not in ("granted", "granted in part"):
            continue
        lacks = []
        if not request.on_form:
            lacks.append("not on the school's form")
        if request.lives_with is False:
            lacks.append("by a parent the pupil does not live with")
        if lacks:
            yield Problem(
                check="leave_off_form",
                sentence=f"{request.request} was granted, though asked for {' and '.join(lacks)}",
                command=f"attendance leave show {file.pupil}",
                position=request.position,
                blocks=False,
            )


def letter_never_true(file: File) -> Iterator[Problem]:
    letters = [(each.position, each.event) for each in file.told if isinstance(each.event, LetterSent)]
    for place, (position, letter) in enumerate(letters):
        off = _untrue(letter, file.shown.get(position, {}))
        corrected = any(
            later.about == letter.about
            and later.quoted
            and set(letter.parents) <= set(later.parents)
            and not _untrue(later, file.shown.get(at, {}))
            for at, later in letters[place + 1 :]
        )
        if off and not corrected:
            name, said, true = off[0]
            yield Problem(
                check="letter_never_true",
                sentence=f"the letter of {letter.sent_on} about {letter.about} quoted {said} {name} sessions, "
                f"where the register showed {true}",
                command=f"attendance letter sent {file.pupil} {_word(letter.about)} "
                f"{' '.join(f'--parent {parent}' for parent in letter.parents)} --sent-on {file.moment.as_of}",
                position=position,
            )


def _untrue(letter: LetterSent, shown: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Return the figures of a letter that are not what the register showed: name, as quoted, as shown."""
    return [(name, said, shown.get(name, 0)) for name, said in letter.quoted.items() if said != shown.get(name, 0)]


def _concerned(file: File) -> Iterator[LeaveRequestAnswer]:
    """Yield the requests, not withdrawn, that cover a session of the referral."""
    for request in file.leave.requests:
        if request.state != "withdrawn" and any(each.session in file.counted for each in request.sessions):
            yield request


def _refer_line(file: File, without: LeaveRequestAnswer) -> str:
    left = [each for each in file.counted if each not in {asked.session for asked in without.sessions}]
    if not left:  # nothing remains that could be referred
        return consider_line(file.pupil, file.named(), file.parent, file.moment.as_of, "nothing")
    return f"attendance case refer {file.pupil} {file.named()} {' '.join(left)} --on {file.moment.as_of}"


def _word(text: str) -> str:
    return f"'{text}'" if " " in text else text
