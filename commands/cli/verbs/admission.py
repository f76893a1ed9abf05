"""Verbs of the admission register: what it says and said, leaving the school, and what a deletion still needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.cli.frame.arguments import Pupil
from commands.cli.frame.asking import Question, Reply, asks
from commands.cli.frame.files import out_path, write_bytes, write_whole
from commands.cli.frame.options import (
    AsOfOption,
    KeysOption,
    KnownAtOption,
    LedgerOption,
    one_line,
    opened,
    parse_day,
    parse_known_at,
)
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say
from commands.desk.pupils import known_pupils
from commands.desk.tables import london, table
from commands.files.section import Part, Section
from commands.files.sheets import write_sheet
from commands.leaving import DeletionAnswer, deletion_check
from commands.paper import render
from ledger.errors import Misconfigured, Refused
from ledger.grounds import GROUNDS, ground
from ledger.words import SEALED
from projections.figures.cohorts import described
from projections.records.admission import RollAnswer, roll_answers

verbs = Verbs()

NO = 1
TITLE = "Admission register"
KEYS = ", ".join(each.key for each in GROUNDS)
PERSON = ("name", "relationship", "address", "lives_with", "phone", "email")


@asks(verbs, "roll", forms=(".csv", ".xlsx"))
def show_roll(
    question: Question,
    pupil: Annotated[
        str | None, typer.Argument(metavar="PUPIL", help="Just this one, with every amendment.", show_default=False)
    ] = None,
) -> Reply:
    """Show the admission register of a day.

    Of everybody on roll, or of one pupil with what it said before, from when, why and by whom.

    \b
    Example: attendance roll 1042 --as-of 2025-12-12
    """
    moment, simulated = question.moment, question.simulated
    chosen = question.known([pupil]) if pupil else moment.school.pupils_on(moment.as_of)
    lines = roll_answers(question.answers, moment, chosen)

    def book(path: Path) -> str:
        headings, rows = _sheet(lines)
        write_whole(path, lambda draft: write_sheet(draft, headings, rows, title=TITLE))
        return f"wrote {len(rows)} pupil{'' if len(rows) == 1 else 's'} to {path.name}; {described(moment)}"

    def parts() -> list[Part]:
        return _pupil_parts(lines[0], simulated) if pupil else [_roll_table(lines, simulated)]

    return Reply(lines, TITLE, parts, book=book)


@verbs.command("moving-form-paper")
def print_moving_form(
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The .pdf file to write it to.")],
    pupil: Annotated[
        str | None,
        typer.Argument(metavar="PUPIL", help="Filled in as far as is known. [default blank]", show_default=False),
    ] = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    ledger: LedgerOption = None,
    keys: KeysOption = None,
) -> None:
    """Print the form for pupils moving from school. Blank, or with what is known of a pupil.

    \b
    Example: attendance moving-form-paper 1042 -o moving.pdf
    """
    about, known = parse_day("--as-of", as_of), parse_known_at(known_at)
    path = out_path(output, (".pdf",))
    assert path is not None

    with opened(ledger, keys) as house:
        moment = house.answers.moment(about, known)
        lines = roll_answers(house.answers, moment, known_pupils(moment, [pupil])) if pupil else []
        if lines and not lines[0].readable:
            raise Misconfigured("the admission register cannot be read without its keys, so the form would be blank")
        final_year = moment.policy.year_groups_final if moment.in_force else ""
        facts = {"fields": _moving_fields(lines[0] if lines else None), "final_year": final_year}
        write_bytes(path, render("moving-form", moment, facts))
        say(f"wrote {path.name}" + (" (SIMULATED)" if house.simulated else ""))


@asks(verbs, "deletion", day="", known=False)
def check_deletion(
    question: Question,
    pupil: Pupil,
    ground_key: Annotated[
        str | None,
        typer.Option("--ground", metavar="TEXT", help=f"One of {KEYS}. [default that of the removal recorded]"),
    ] = None,
    last_day: Annotated[
        str | None,
        typer.Option("--last-day", metavar="DAY", help="The last day on roll. [default as announced, or today]"),
    ] = None,
    shown_by: Annotated[
        str | None, typer.Option("--shown-by", metavar="TEXT", help="What somebody has seen that shows the ground.")
    ] = None,
) -> Reply:
    """Say what is missing before a name is deleted; exit 1 if anything is.

    The ground and its conditions, the return to the authority, the form, the worker. Records nothing.

    \b
    Example: attendance deletion 1042 --ground 'moved away' --last-day 2026-03-27
    """
    last = parse_day("--last-day", last_day)
    if ground_key and ground(ground_key) is None:
        raise Refused("malformed", field="--ground", expected=f"one of {KEYS}")

    question.known([pupil])
    check = deletion_check(
        question.answers,
        question.house.handler,
        question.moment,
        pupil,
        ground_key=ground_key or "",
        last_day=last,
        shown_by=shown_by or "",
    )
    missing = sum(not each.met for each in check.checks)
    return Reply(
        check,
        f"Deletion of {pupil}",
        lambda: [_checks_table(check, question.simulated)],
        remark="nothing is missing" if check.ready else f"{missing} thing{'' if missing == 1 else 's'} missing",
        code=0 if check.ready else NO,
    )


# --- how it is shown ------------------------------------------------------------------------------------------------


def _roll_table(lines: list[RollAnswer], simulated: bool) -> Section:
    made = table(
        TITLE,
        simulated,
        pupil="left",
        name="left",
        sex="left",
        born="left",
        UPN="left",
        **{"class": "left"},
        started="left",
        last_day="left",
        parents="right",
        contacts="right",
        amendments="right",
    )
    for each in lines:
        counts = (len(each.parents), len(each.emergency_contacts), len(each.amendments))
        name = one_line(each.name) if each.readable else SEALED
        days = (each.starting_day, (each.removal or {}).get("last_day", ""))
        made.add_row(
            each.pupil, name, one_line(each.sex), each.born, each.upn, each.class_name, *days, *map(str, counts)
        )
    return made


def _pupil_parts(line: RollAnswer, simulated: bool) -> list[Part]:
    """Return one pupil's line of the register: particulars, people, and everything it said before."""
    head = table(f"Particulars of {line.pupil}", simulated, particular="left", says="left")
    for heading, text in _particulars(line):
        unreadable = heading == "full name" and not line.readable
        head.add_row(heading, SEALED if unreadable else one_line(text))
    people = table("Parents and emergency contacts", simulated, who="left", **dict.fromkeys(PERSON, "left"))
    for who, listed in (("parent", line.parents), ("emergency", line.emergency_contacts)):
        for each in listed:
            lives = "yes" if each["lives_with"] else ""
            people.add_row(who, *(one_line(lives if field == "lives_with" else each.get(field)) for field in PERSON))
    if not line.amendments:
        return [head, people, "never amended"]
    columns = ("what", "before", "after", "from", "why", "recorded", "by")
    changes = table("Amendments", simulated, **dict.fromkeys(columns, "left"), position="right")
    for change in line.amendments:
        by = f"{change.by['name']} ({change.by['title']})"
        row = (
            change.what,
            change.before,
            change.after,
            change.from_day,
            change.reason,
            london(change.recorded_at),
            by,
        )
        changes.add_row(*map(one_line, row), str(change.position))
    return [head, people, changes]


def _particulars(line: RollAnswer) -> list[tuple[str, str]]:
    spells = [f"{each['first']} to {each['last'] or 'now'}" for each in line.spells]
    fields = [
        ("full name", line.name),
        ("sex", line.sex),
        ("birth date", line.born),
        ("UPN", line.upn),
        ("address", line.address),
        ("e-mail", line.email),
        ("starting day", line.starting_day),
        ("last school", line.last_school),
        ("class", line.class_name),
        ("year group", line.year_group),
        ("on roll", ", ".join(spells)),
    ]
    if removal := line.removal:
        fields.append(("last day", removal["last_day"]))
        fields.append(("ground", f"{removal['ground']}: {removal['regulation'] or 'none of the regulation'}"))
        fields += [("shown by", removal["shown_by"]), ("destination", removal["destination"])]
    for form in line.moving_forms:
        moving = f"received on {form['received_on']}, leaving on {form['leaving_on']}"
        places = ", ".join(filter(None, (form["new_school"], form["new_school_address"], form["new_address"])))
        fields.append(("form for moving from school", f"{moving}, to {places or 'a place not stated'}"))
    return fields


def _sheet(lines: list[RollAnswer]) -> tuple[list[str], list[list[str]]]:
    """Return the register as headings and a row a pupil; people are numbered as far as anybody has them."""
    most = {
        "parent": max((len(each.parents) for each in lines), default=0),
        "emergency contact": max((len(each.emergency_contacts) for each in lines), default=0),
    }
    plain = ["pupil", "name", "sex", "born", "upn", "address", "email", "last school", "class", "year group"]
    headings = [*plain, "starting day", "last day", "ground", "destination"]
    headings += [
        f"{who} {number + 1} {field.replace('_', ' ')}"
        for who, count in most.items()
        for number in range(count)
        for field in PERSON
    ]
    rows = []
    for each in lines:
        removal = each.removal or {}
        row = [each.pupil, each.name, each.sex, each.born, each.upn, each.address, each.email, each.last_school]
        row += [each.class_name, each.year_group, each.starting_day, removal.get("last_day", "")]
        row += [removal.get("ground", ""), removal.get("destination", "")]
        for people, count in zip((each.parents, each.emergency_contacts), most.values(), strict=True):
            for number in range(count):
                person: dict[str, object] = dict(people[number]) if number < len(people) else {}
                row += ["yes" if value is True else str(value or "") for value in map(person.get, PERSON)]
        rows.append(row)
    return headings, rows


def _moving_fields(line: RollAnswer | None) -> list[list[str]]:
    """Return the fields of the form for moving from school, blank where nothing is known."""
    form = line.moving_forms[-1] if line and line.moving_forms else {}
    return [
        ["Child's name", line.name if line else ""],
        ["Class", line.class_name if line else ""],
        ["Current address", line.address if line else ""],
        ["Date of leaving", form.get("leaving_on", "")],
        ["New home address", form.get("new_address", "")],
        ["Name of the new school", form.get("new_school", "")],
        ["Address of the new school", form.get("new_school_address", "")],
    ]


def _checks_table(answer: DeletionAnswer, simulated: bool) -> Section:
    made = table(
        f"Deletion of {answer.pupil} after {answer.last_day}",
        simulated,
        what="left",
        met="left",
        how="left",
        command="left",
    )
    for check in answer.checks:
        made.add_row(check.what, "yes" if check.met else "no", one_line(check.sentence), one_line(check.command))
    return made
