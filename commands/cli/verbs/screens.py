"""Verbs that show entries themselves: a register, a history, and what is off in the data."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Class, Pupil
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.bars import progress_bar
from commands.cli.frame.options import note, parse_known_at
from commands.cli.frame.parameters import Verbs
from commands.cli.verbs.seal import SealOption
from commands.desk.register import history_table, received_lines, register_parts
from commands.desk.tables import findings_table
from commands.files.section import Part
from commands.wiring import House
from ledger.authorship import checked
from ledger.errors import LedgerError, Refused
from ledger.finding import Finding
from ledger.school import School
from ledger.sessions import LONDON, Session, micros
from ledger.store import Damaged, UnsoundRow
from projections.asking.questions import Moment
from projections.audit.file_health import loose
from projections.audit.health import doctor_findings, examined, verify_findings
from projections.audit.seal_health import SealReport, seal_report_of, short_findings, stamp_findings
from projections.readmodel.replay import last_read
from projections.records.registers import history_answers, received_answers, register_answer

verbs = Verbs()

NO = 1
SummaryOption = Annotated[
    bool, typer.Option("--summary", help="With --json: one object, with what the seal covers beside the findings.")
]


@asks(verbs, "register", day="day")
def show_register(
    question: Question,
    class_name: Class,
    day: Annotated[str, typer.Argument(metavar="DAY", help="Such as 2025-11-03.")],
) -> Reply:
    """Show the register of a class on a day.

    Original and amended codes, the codes that leave or a closure makes it expect, who, when and why.

    \b
    Example: attendance register 5T 2025-11-17 --known-at 2025-11-20
    """
    register = register_answer(question.answers, question.moment, class_name, question.moment.as_of)

    def parts() -> list[Part]:
        names = question.names({line.pupil for line in register.lines})
        return register_parts(register, names, question.simulated)

    return Reply(register, f"Register of {class_name}", parts)


@asks(verbs, "history")
def show_history(
    question: Question,
    pupil: Pupil,
    session_text: Annotated[str | None, typer.Argument(metavar="SESSION", help="Just this half-day.")] = None,
) -> Reply:
    """Show every entry of a pupil, with all it ever said.

    \b
    Example: attendance history 1042 2025-11-17/AM
    """
    session = _session(session_text)
    question.known([pupil])
    history = history_answers(question.answers, question.moment, pupil, session)

    def parts() -> list[Part]:
        received = [] if session else received_lines(received_answers(question.answers, question.moment, pupil))
        return [history_table(pupil, history, question.names([pupil]), question.simulated), *received]

    return Reply(history, f"Entries of {pupil}", parts)


@asks(verbs, "doctor", examining=True)
def find_faults(question: Question) -> Reply:
    """Say what is off in the data, for people to settle; exit 1 if anything is.

    \b
    Example: attendance doctor --as-of 2025-12-12
    """
    times = ""
    try:
        question.house.ledger.check_fit()
        findings = doctor_findings(question.answers, question.moment)
    except Damaged as error:
        findings = [Finding("database", f"{error}; see 'attendance verify'")]
        times = "nothing else was looked at"
    return _findings_reply("Doctor", findings, question, times)


@asks(verbs, "verify", day="", known=False, examining=True)
def verify_ledger(
    question: Question,
    seal: SealOption = None,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", metavar="FILE", help="A signed checkpoint that you hold; may be repeated."),
    ] = None,
    verifier: Annotated[
        str | None, typer.Option("--verifier", metavar="KEY", help="The verifier key of those: what key.pub holds.")
    ] = None,
    roots: Annotated[
        Path | None,
        typer.Option("--tsa-roots", metavar="FILE.pem", help="Check the seal's time stamps by these certificates."),
    ] = None,
    at_least: Annotated[
        int | None,
        typer.Option("--at-least", metavar="POSITION", min=1, help="No, unless it is sealed up to that position."),
    ] = None,
    sealed_by: Annotated[
        str | None,
        typer.Option("--sealed-by", metavar="TIME", help="No, unless all that was recorded by then is sealed."),
    ] = None,
    summary: SummaryOption = False,
) -> Reply:
    """Check that ledger and read model hold together; exit 1 if not.

    Every event decodes, every text opens with its key, positions and versions have no gaps, every event belongs to the
    receipt of one command, and the read model is what replaying the ledger gives.
    With a seal, or with checkpoints that you hold, also that no event was changed, added or removed since they were
    signed; with the seal's tiles the first one is named. Without, what the key store remembers of the ledger's seals is
    held against it. It says up to where the ledger is sealed, and how many events are covered by nothing.

    \b
    Example: attendance verify --seal /media/safe/seal --ledger sqlite:///school.db
    """
    by = parse_known_at(sealed_by, "--sealed-by")
    if summary and not question.as_json:
        raise Refused("malformed", field="--summary", expected="with --json")
    if verifier is not None and seal is None and not checkpoints:
        raise Refused("malformed", field="--verifier", expected="a checkpoint or a seal, which are to be checked by it")
    house = question.house
    position = last_read(house.ledger)
    with progress_bar("verifying", position) as progress:
        findings = verify_findings(house.ledger, house.engine, progress, house.keys)
    with progress_bar("checking who recorded", position) as progress:
        findings += examined("who recorded", lambda: _recorded(house, progress, as_json=question.as_json))
    findings += loose([] if seal is None else [seal / "key"])
    seal_report = _seal_report(house, seal, checkpoints or [], verifier, roots)
    findings += seal_report.findings
    wanted = at_least, None if by is None else micros(by)
    findings += examined("what is sealed", lambda: short_findings(house.ledger, seal_report.cover, *wanted))
    cover = seal_report.cover.sentence if seal_report.cover else ""
    if cover and (question.as_json or findings):
        note(cover)
    reply = _findings_reply("Verify", findings, question, f"position {position}", below=cover)
    return reply._replace(answer=_summary(findings, seal_report, position, house)) if summary else reply


def _summary(findings: list[Finding], seal_report: SealReport, position: int, house: House) -> dict[str, object]:
    """Return the one object that holds what was found beside what is covered."""
    cover = seal_report.cover
    covered = cover._asdict() | {"sentence": cover.sentence} if cover else None
    listed = [finding.plain() for finding in findings]
    return {"position": position, "simulated": house.simulated, "findings": listed, "sealed": covered}


def _recorded(house: House, progress: Callable[[int], None] | None, *, as_json: bool) -> list[Finding]:
    """Return what the codes beside the receipts say, what else is to be said noted on standard error."""
    recorded = checked(house.ledger, house.keys, progress)
    for sentence in recorded.notes if as_json or recorded.findings or house.keys.lost else ():
        note(sentence)
    return recorded.findings


def _seal_report(
    house: House, folder: Path | None, checkpoints: list[Path], verifier: str | None, roots: Path | None
) -> SealReport:
    """Return what seal and time stamps say, what else is to be said noted on standard error."""

    try:
        seal_report = seal_report_of(house.ledger, folder, checkpoints, verifier, house.keys.epochs())
    except (UnsoundRow, Damaged) as error:
        why = "a row of the ledger is none" if isinstance(error, UnsoundRow) else "the ledger's file is damaged"
        seal_report = SealReport([], None, [f"the seal was not checked, because {why}"])
    lines: list[str] = []
    if roots is not None:
        if folder is None:
            raise Refused("malformed", field="--tsa-roots", expected="a seal, whose time stamps are to be checked")
        unstamped, lines = stamp_findings(folder, roots)
        seal_report.findings.extend(unstamped)
    for sentence in [*seal_report.notes, *lines]:
        note(sentence)
    return seal_report


def _findings_reply(title: str, findings: list[Finding], question: Question, times: str, below: str = "") -> Reply:
    """Return findings; the answer is no where there are any."""
    simulated, count = question.simulated, len(findings)
    return Reply(
        [finding.plain() | {"simulated": simulated} for finding in findings],
        title,
        lambda: [findings_table(title, findings, simulated)] if findings else [],
        remark=f"{count} finding{'' if count == 1 else 's'}" if findings else "nothing found",
        code=NO if findings else 0,
        times=times,
        below=below,
        moment=lambda: _examined(question),
        named=False,
    )


def _examined(question: Question) -> Moment:
    """Return the moment that findings are written down for: the question's, or of a ledger that is too damaged to say
    one that of the clock."""
    ledger = question.house.ledger
    try:
        return question.moment
    except LedgerError:
        school, now = School(), ledger.now()
        with suppress(LedgerError):
            school.opened = ledger.opened()
        return Moment(now.astimezone(LONDON).date(), now, last_read(ledger), school, None)


def _session(text: str | None) -> Session | None:
    if text is None:
        return None
    try:
        return Session.parse(text)
    except ValueError as error:
        raise Refused("malformed", field="SESSION", value=text, expected=str(error)) from None
