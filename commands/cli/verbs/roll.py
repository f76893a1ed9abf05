"""Verbs of the roll: who is a pupil, in which class, with which parents and particulars, until when.

A name or a telephone number given here stays in the shell's history; `attendance do -` reads a line that does not.
"""

from __future__ import annotations

from commands.cli.frame.derived import derive
from commands.cli.frame.parameters import Verbs
from commands.models.roll import (
    AdmitPupil,
    AmendParticulars,
    ChangeClass,
    ChangeContacts,
    ChangeEmergencyContacts,
    ChangeGroups,
    ReceiveMovingForm,
    RemoveFromRoll,
)

verbs = Verbs()

derive(
    verbs,
    "admit",
    AdmitPupil,
    """Admit a pupil to the roll. The starting day may lie ahead; records AdmitPupil.

    \b
    Example: attendance admit 1042 --name "Ada Example" --born 2016-03-09 \\
                 --starting-day 2025-09-02 --year-group 5 --class 5W
    """,
    parents="--parent",
    emergency_contacts="--emergency",
    groups="--group",
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


derive(
    verbs,
    "contacts",
    ChangeContacts,
    """Replace a pupil's parents. The whole list; records ChangeContacts.

    \b
    Example: attendance contacts 1042 --parent '{"id":"1042-a","name":"B Example","phone":"01632 960001"}'
    """,
    parents="--parent",
    from_day="--from",
)

derive(
    verbs,
    "emergency",
    ChangeEmergencyContacts,
    """Replace whom to ring beside the parents. The whole list; records ChangeEmergencyContacts.

    \b
    Example: attendance emergency 1042 --contact '{"id":"gran","name":"C Example","phone":"01632 960002"}'
    """,
    emergency_contacts="--contact",
    from_day="--from",
)

derive(
    verbs,
    "particulars",
    AmendParticulars,
    """Amend the admission register. What is not given stays; records AmendParticulars.

    \b
    Example: attendance particulars 1042 2025-11-03 --address "2 Other Lane" --reason "the family has moved"
    """,
)


derive(
    verbs,
    "groups",
    ChangeGroups,
    """Replace a pupil's groups. The whole list; records ChangeGroups.

    \b
    Example: attendance groups 1042 "SEN support"
    """,
)

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
