"""The paper of a bundle: what `evidence.json` says, laid out for a head to sign and a court to read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from commands.evidence import wording
from commands.paper import render
from ledger.sessions import monday
from projections.asking.questions import Moment
from projections.audit.proof import Explanation, Flip, NearMiss, Rule, Since
from projections.audit.record import RecordLine
from projections.audit.testimony import ChronologyLine, CodeKey, Evidence, IssuedNotice, Parent, Pin, Total
from projections.records.registers import MarkAnswer

KINDS = {
    "attended": "Attended",
    "authorised": "Absent, authorised",
    "unauthorised": "Absent, not authorised",
    "not possible": "Not a possible session",
    "missing": "No mark though registration closed",
    "not on roll": "Not on roll",
}
VERDICTS = {
    "met": "The penalty threshold",
    "persistent": "Persistent absence",
    "severe": "Severe absence",
    "at_risk": "Being at risk",
}
PRESENT = ("/", "\\")
WHOLE_YEAR = ("penalty", "authorised", "unauthorised")  # what a counted session counts as


def paper(moment: Moment, evidence: Evidence, *, draft: bool, seal: dict[str, object] | None, digest: str) -> bytes:
    """Return the PDF of evidence whose JSON has this digest."""
    about = evidence.about
    names = {each.id: _parent(each) for each in about.parents}
    facts = {
        "draft": draft,
        "blockers": [[_place(each), each["sentence"]] for each in evidence.blockers],
        "name": about.name or "(name sealed)",
        "particulars": _particulars(evidence, names),
        "period": f"{wording.day(evidence.first_day)} to {wording.day(evidence.last_day)}",
        "counts": evidence.certificate,
        "head": evidence.head,
        "totals": [_total(each) for each in evidence.totals],
        "weeks": _weeks(evidence.register),
        "entries": [row for line in evidence.register for row in _entry(line)],
        "codes": [_code(each) for each in evidence.codes],
        "chronology": [_chronology(each, names) for each in evidence.chronology],
        "verdicts": [_verdict(evidence.penalty, evidence.policy), _verdict(evidence.absence, evidence.policy)],
        "settings": len(evidence.settings),
        "withheld": [[str(each.position), each.why] for each in evidence.withheld],
        "seal": seal,
        "digest": digest,
        "rules": evidence.rules,
        "notices": [_notice(each, names) for each in evidence.notices],
        "withdrawn": _withdrawn(evidence.case),
    }
    return render("evidence", moment, facts)


def _particulars(evidence: Evidence, names: Mapping[str, str]) -> list[list[str]]:
    about, school, case = evidence.about, evidence.school, evidence.case
    first, last = about.school_age
    rows = [
        ["Pupil", about.name or "(name sealed)"],
        ["Number in the admission register", evidence.pupil],
        ["Unique pupil number", about.upn or "none recorded"],
        ["Date of birth", wording.day(about.born)],
        ["Year group and class", f"{about.year_group}, {about.class_name}"],
        ["On roll", "; ".join(_spell(*spell) for spell in about.spells)],
        ["Of compulsory school age", f"{wording.day(first)} to {wording.day(last)}"],
        ["Parents", "; ".join(names.values()) or "none recorded"],
        ["School", f"{school['name']}, URN {school['urn']}, {school['la']}/{school['estab']}"],
    ]
    if case:
        what = "referred" if case.event == "PenaltyReferred" else "notice issued"
        parent = names.get(case.parent, case.parent)
        rows.append(["Case", f"{case.name} about {parent}: {what} {wording.day(case.on)}, position {case.position}"])
        digest = f", digest {case.digest}" if case.digest else ""
        rows.append(["What had been seen", f"the ledger up to position {evidence.position}{digest}"])
    return rows


def _notice(notice: IssuedNotice, names: Mapping[str, str]) -> list[str]:
    withdrawn = notice.withdrawn_at
    stands = f"withdrawn {wording.moment(withdrawn)}: counts for nothing" if withdrawn else "stands"
    parent = names.get(notice.parent, notice.parent)
    return [notice.notice, parent, wording.day(notice.issued_on), stands, str(notice.position)]


def _withdrawn(case: Pin | None) -> str:
    """Return that the notice of a case was withdrawn since, and why; blank where it was not."""
    if not case or not case.withdrawn:
        return ""
    withdrawal = case.withdrawn
    reason = withdrawal.event.get("reason") or "no reason that can be read"
    at = f"{wording.moment(withdrawal.recorded_at)}, position {withdrawal.position}"
    return f"The notice {case.name} was withdrawn ({at}: {reason}) and counts for nothing."


def _parent(parent: Parent) -> str:
    if not parent.name:
        return str(parent.id)
    return f"{parent.name} ({parent.relationship})" if parent.relationship else parent.name


def _spell(first: str, last: str | None) -> str:
    return f"{wording.day(first)} to {wording.day(last)}" if last else f"since {wording.day(first)}"


def _place(blocker: Mapping[str, str | int | None]) -> str:
    return wording.session(str(blocker["session"])) if blocker["session"] else f"position {blocker['position']}"


def _total(total: Total) -> list[str]:
    listed = "as the register shows" if total.code in PRESENT else wording.sessions(total.sessions)
    return [KINDS[total.counts_as], total.code or "none", total.name, str(len(total.sessions)), listed]


def _weeks(register: list[RecordLine]) -> list[list[str]]:
    """Return a row a week: its Monday, then what stands each morning and afternoon, amended entries as N > I."""
    lines = {line.session: line for line in register}
    weeks = sorted({monday(date.fromisoformat(session[:10])) for session in lines})
    return [
        [
            f"{week.day} {week:%b %Y}",
            *(
                "  ".join(_cell(lines.get(f"{week + timedelta(days=offset)}/{half}")) for half in ("AM", "PM")).strip()
                for offset in range(5)
            ),
        ]
        for week in weeks
    ]


def _cell(line: RecordLine | None) -> str:
    if line is None:
        return ""
    if not line.entries:
        return "missing" if line.counts_as == "missing" else "–"
    codes = [mark.code for mark in line.entries]
    return " > ".join(code for at, code in enumerate(codes) if not at or codes[at - 1] != code)


def _entry(line: RecordLine) -> list[list[str]]:
    """Return the row of an entry that was amended, or that says anything else than present: each mark on its line."""
    marks = line.entries
    if not marks or (len(marks) == 1 and marks[0].code in PRESENT):
        return []
    said = []
    for at, mark in enumerate(marks):
        what = f"{mark.code}, " + (f"amended from {marks[at - 1].code}" if at else "original")
        why = "; ".join(filter(None, (mark.reason, mark.detail, _cites(mark))))
        made = f"{wording.moment(mark.recorded_at)}, {mark.by.name}, {mark.by.title}"
        said.append(f"{what}{f': {why}' if why else ''} ({made})")
    return [[wording.session(line.session), "\n".join(said)]]


def _cites(mark: MarkAnswer) -> str:
    if mark.via == "import":
        return "as another system's export has it"
    return f"by {mark.cites}" if mark.cites else ""


def _code(code: CodeKey) -> list[str]:
    begins, ends = code.in_force_from, code.in_force_until
    in_force = [f"from {wording.day(begins)}" if begins else "", f"until {wording.day(ends)}" if ends else ""]
    return [code.code, code.name, KINDS[code.counts_as], " ".join(filter(None, in_force)) or "throughout"]


def _chronology(each: ChronologyLine, names: Mapping[str, str]) -> list[str]:
    title, words = wording.event_words(each.event, each.stream, names)
    by = wording.person(each.event.get("by"))
    return [f"{wording.moment(each.recorded_at)} ({each.position})", f"{title}. {words}" if words else title, by]


def _verdict(proof: Explanation, policy: str) -> dict[str, object]:
    """Return an explanation for paper: what, by which rules, on which sessions, and what would turn it."""
    counted = [each for each in proof.sessions if each.counts_as in WHOLE_YEAR]
    penalty = proof.question == "penalty"
    return {
        "title": "Penalty threshold" if penalty else "Persistent and severe absence",
        "said": _penalty(proof) if penalty else _absence(proof),
        "rules": [_rule(each) for each in proof.stated],
        # Those of the year to date stand behind the totals, and would be pages.
        "sessions": [[wording.session(each.session), each.why, str(each.position)] for each in counted if penalty],
        "aside": [_miss(miss) for miss in proof.near_misses],
        "flips": [_flip(flip) for flip in proof.flips],
        "since": [_since(since) for since in proof.since],
        "policy": policy,
    }


def _penalty(proof: Explanation) -> str:
    values = {rule.setting: rule.value for rule in proof.stated}
    count, threshold = proof.counts["penalty"], values["penalty_threshold"]
    weeks = proof.weeks
    window = f"the {len(weeks)} school weeks from that of {wording.day(weeks[0])} to that of {wording.day(weeks[-1])}"
    reached = f"reached with {wording.session(proof.met_on)}" if proof.met_on else "not reached"
    return f"{count} sessions count in {window}; the threshold of {threshold} is {reached}."


def _absence(proof: Explanation) -> str:
    counts, verdicts = proof.counts, proof.verdicts
    named = [name.replace("_", " ") for name in ("persistent", "severe", "at_risk") if verdicts[name]]
    cohort = f"which is {' and '.join(named)} absence" if named else "which is neither persistent nor at risk"
    return f"In the year to date absent from {counts['absent']} of {counts['possible']} possible sessions, {cohort}."


def _miss(miss: NearMiss) -> str:
    changed = f"{wording.session(miss.session)} was {miss.was} and was amended to {miss.now}"
    return f"{changed} by {miss.by}, {wording.moment(miss.recorded_at)}: {miss.reason or 'no reason given'}"


def _flip(flip: Flip) -> str:
    other = f"{VERDICTS[flip.verdict]} would {'' if flip.to else 'not '}be {_holding(flip.verdict)}"
    if flip.entries > len(flip.among):
        return f"{other} if {flip.entries} more sessions {flip.change}; only {len(flip.among)} could."
    return f"{other} if {flip.entries} of {len(flip.among)} sessions {flip.change}."


def _since(since: Since) -> str:
    holds = f"{VERDICTS[since.verdict]} is {'' if since.is_true else 'not '}{_holding(since.verdict)}"
    of_day = f"on every day from {wording.day(since.of_day)} on" if since.of_day else "as on every day before"
    known = f"as known since {wording.moment(since.known_at)}" if since.known_at else "and was never known otherwise"
    return f"{holds} {of_day}, {known}."


def _holding(verdict: str) -> str:
    return "reached" if verdict == "met" else "shown"


def _rule(rule: Rule) -> list[str]:
    return [rule.setting.replace("_", " "), _plain(rule.value), rule.source]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
