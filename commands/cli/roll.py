"""Verbs of the roll: who is a pupil, in which class, with which parents and particulars, until when.

A name or a telephone number given here stays in the shell's history; `attendance do -` reads a line that does not.
"""

from __future__ import annotations

from typing import Annotated

import typer

from commands.cli.arguments import Pupil, Reason
from commands.cli.derived import derive
from commands.cli.parameters import Verbs
from commands.cli.write import Line, line, objects, writes
from commands.models.roll import AmendParticulars, ChangeClass, ReceiveMovingForm, RemoveFromRoll
from ledger.errors import Refused

verbs = Verbs()

Parents = Annotated[
    list[str] | None,
    typer.Option("--parent", metavar="JSON", help='Such as {"id":"1042-a","name":"B Example"}; may be repeated.'),
]
Contacts = Annotated[
    list[str] | None,
    typer.Option("--contact", metavar="JSON", help='Such as {"id":"gran","name":"C Example"}; may be repeated.'),
]
FromDay = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="The day from which it is so. [default the day recorded]")
]
Upn = Annotated[str | None, typer.Option("--upn", metavar="UPN", help="The unique pupil number.")]
Sex = Annotated[str | None, typer.Option("--sex", metavar="TEXT", help="As in the admission register.")]
Email = Annotated[str | None, typer.Option("--email", metavar="TEXT", help="An e-mail address.")]
Address = Annotated[str | None, typer.Option("--address", metavar="TEXT", help="Where the pupil lives.")]
LastSchool = Annotated[str | None, typer.Option("--last-school", metavar="TEXT", help="The school before.")]
YearGroup = typer.Option("--year-group", metavar="TEXT", help="The year group, such as 4 or R.")


@writes(verbs, "admit")
def admit(
    pupil: Pupil,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The pupil's name.")],
    born: Annotated[str, typer.Option("--born", metavar="DAY", help="The day of birth.")],
    starting_day: Annotated[str, typer.Option("--starting-day", metavar="DAY", help="The first day on roll.")],
    year_group: Annotated[str, YearGroup],
    class_name: Annotated[str, typer.Option("--class", metavar="CLASS", help="The class.")],
    upn: Upn = None,
    sex: Sex = None,
    email: Email = None,
    address: Address = None,
    last_school: LastSchool = None,
    parents: Parents = None,
    emergency: Annotated[
        list[str] | None,
        typer.Option("--emergency", metavar="JSON", help="Whom to ring beside the parents; may be repeated."),
    ] = None,
    groups: Annotated[
        list[str] | None, typer.Option("--group", metavar="TEXT", help="A group; may be repeated.")
    ] = None,
) -> Line:
    """Admit a pupil to the roll. The starting day may lie ahead; records AdmitPupil.

    \b
    Example: attendance admit 1042 --name "Ada Example" --born 2016-03-09 \\
                 --starting-day 2025-09-02 --year-group 5 --class 5W
    """
    return line(
        "AdmitPupil",
        pupil=pupil,
        upn=upn,
        name=name,
        born=born,
        sex=sex,
        starting_day=starting_day,
        year_group=year_group,
        class_=class_name,
        parents=objects(parents, "--parent"),
        emergency_contacts=objects(emergency, "--emergency"),
        groups=groups or None,
        email=email,
        address=address,
        last_school=last_school,
    )


derive(
    verbs,
    "move",
    ChangeClass,
    """Move a pupil to another class. Registers before that day are untouched; records ChangeClass.

    \b
    Example: attendance move 1042 5T 2025-11-03
    """,
)


@writes(verbs, "contacts")
def contacts(pupil: Pupil, parents: Parents = None, from_day: FromDay = None, reason: Reason = None) -> Line:
    """Replace a pupil's parents. The whole list; records ChangeContacts.

    \b
    Example: attendance contacts 1042 --parent '{"id":"1042-a","name":"B Example","phone":"01632 960001"}'
    """
    if not parents:
        raise Refused("malformed", field="--parent", expected="the whole new list, one --parent for each")
    return line("ChangeContacts", pupil=pupil, parents=objects(parents, "--parent"), from_day=from_day, reason=reason)


@writes(verbs, "emergency")
def emergency(
    pupil: Pupil,
    contacts: Contacts = None,
    none: Annotated[bool, typer.Option("--none", help="There is nobody to ring any more.")] = False,
    from_day: FromDay = None,
    reason: Reason = None,
) -> Line:
    """Replace whom to ring beside the parents. The whole list; records ChangeEmergencyContacts.

    \b
    Example: attendance emergency 1042 --contact '{"id":"gran","name":"C Example","phone":"01632 960002"}'
    """
    if bool(contacts) == none:
        raise Refused("malformed", field="--contact", expected="the whole new list, one --contact for each, or --none")
    people = objects(contacts or [], "--contact")
    return line("ChangeEmergencyContacts", pupil=pupil, emergency_contacts=people, from_day=from_day, reason=reason)


derive(
    verbs,
    "particulars",
    AmendParticulars,
    """Amend the admission register. What is not given stays; records AmendParticulars.

    \b
    Example: attendance particulars 1042 2025-11-03 --address "2 Other Lane" --reason "the family has moved"
    """,
)


@writes(verbs, "groups")
def groups(
    pupil: Pupil,
    names: Annotated[list[str] | None, typer.Argument(metavar="GROUP...", help="All the groups from now on.")] = None,
    none: Annotated[bool, typer.Option("--none", help="The pupil is in no group any more.")] = False,
) -> Line:
    """Replace a pupil's groups. The whole list; records ChangeGroups.

    \b
    Example: attendance groups 1042 "SEN support"
    """
    if bool(names) == none:
        raise Refused("malformed", field="GROUP", expected="the whole new list, or --none")
    return line("ChangeGroups", pupil=pupil, groups=names or [])


derive(
    verbs,
    "moving-form",
    ReceiveMovingForm,
    """Keep the form of a parent who takes a pupil elsewhere. Records ReceiveMovingForm.

    \b
    Example: attendance moving-form 1042 --parent 1042-a --received-on 2026-03-02 --leaving-on 2026-03-27 \\
                 --new-school "Other School" --new-address "2 Other Lane"
    """,
)

derive(
    verbs,
    "remove",
    RemoveFromRoll,
    """Remove a pupil from the roll. Never for a day that has passed; the entries stay; records RemoveFromRoll.

    While the last day lies ahead, and on that day, another day, ground or destination may be stated: the later word
    counts.

    \b
    Example: attendance remove 1042 2026-03-27 --ground "moved away" --destination "Other School"
    """,
)
