"""Every verb of the command line in the order of its help: heading, name, the module it is in, and what it is for.

Nothing else knows the modules, so what is not asked for is not imported.
"""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb, or a group of them, by the name that it is called by; `summary` is its line of the help. With a
    `command` it is made from the model of that command, shown by an `example`, and needs no module."""

    name: str
    module: str
    summary: str
    command: str = ""
    example: str = ""


HEADINGS: dict[str, tuple[Verb, ...]] = {
    "this morning": (
        Verb("due", "due", "What must be done that day, most urgent first"),
        Verb("register", "screens", "The register of a class on a day"),
        Verb("take", "marks", "Take the register of a class"),
        Verb("close", "marks", "Close a register: who is unmarked gets N"),
        Verb("mark", "marks", "Record the mark of one pupil"),
        Verb("amend", "marks", "Amend an entry; the original stays"),
        Verb("arrive", "marks", "Log an arrival in the Late Book"),
        Verb("late-book", "punctuality", "The Late Book of a day"),
        Verb("report", "marks", "Keep what a parent told us"),
        Verb("contact", "marks", "Log an attempt to reach a parent"),
        Verb(
            "enquiries",
            "",
            "Record that a pupil was asked after",
            "RecordEnquiries",
            '1042 2025-11-20 --jointly --outcome "nobody lives at the address"',
        ),
    ),
    "this child": (
        Verb("history", "screens", "Every entry of a pupil, with all it ever said"),
        Verb("followup", "due", "What was told and tried about a pupil"),
        Verb("absence", "ask", "Who attended what, and who is persistently absent"),
        Verb("punctuality", "punctuality", "Late marks by pupil and class"),
        Verb("explain", "explain", "Why a figure is what it is, and what it lacks"),
        Verb("allowed", "followup", "Record which parents allowed an absence"),
        Verb("medical", "followup", "Medical evidence and sickness"),
        Verb("pupil-year", "papers", "A pupil's year on one page"),
    ),
    "leave": (Verb("leave", "leave", "A request for leave: request, decide, show, letter"),),
    "letters and support": (
        Verb("letter", "letters", "Letters to parents: draft, sent"),
        Verb("staged", "staged", "Where pupils stand in staged support"),
        Verb("support", "support", "Record a stage of a step of support"),
        Verb("inform", "support", "Record that somebody outside was told"),
        Verb("share", "support", "Record what was passed on outside this school"),
        Verb("shared", "papers", "What was passed on, to whom and why"),
    ),
    "penalties": (
        Verb("penalty", "ask", "The rolling ten school weeks, by pupil and parent"),
        Verb("case", "penalties", "A parent's case: consider, improve, refer"),
        Verb("notice", "penalties", "A penalty notice: issue, serve, pay, withdraw"),
        Verb("prosecution", "penalties", "A prosecution: begin, end"),
        Verb("referral", "referral", "Check a referral to the authority"),
    ),
    "returns and reports": (
        Verb("returns", "returns", "Which returns are due to the authority"),
        Verb("return", "returns", "A return to the authority: make, made, show"),
        Verb("daily", "daily", "The daily return of codes to the department"),
        Verb("census", "census", "A term's sums for the school census"),
        Verb("ctf", "census", "School years for the common transfer file"),
        Verb("reports", "papers", "Reports to head, governors, parents, other schools"),
    ),
    "roll and calendar": (
        Verb("roll", "admission", "The admission register of a day"),
        Verb("admit", "roll", "Admit a pupil to the roll"),
        Verb("move", "roll", "Move a pupil to another class"),
        Verb("contacts", "roll", "Replace a pupil's parents"),
        Verb("emergency", "roll", "Replace whom to ring beside the parents"),
        Verb("particulars", "roll", "Amend the admission register"),
        Verb("groups", "roll", "Replace a pupil's groups"),
        Verb("moving-form-paper", "admission", "The form for parents who take a pupil elsewhere"),
        Verb("moving-form", "roll", "Keep the form that such a parent filled in"),
        Verb("deletion", "admission", "What is missing before a name is deleted"),
        Verb("remove", "roll", "Remove a pupil from the roll"),
        Verb("portable", "portable", "Sign the record that goes to the next school"),
        Verb("receive", "portable", "Receive a former school's record"),
        Verb("year", "school", "Open a school year"),
        Verb("calendar", "school", "Amend a calendar"),
        Verb("closure", "school", "Declare a closure"),
    ),
    "setting up": (
        Verb("demo", "show", "Build a made-up school and show its main screens"),
        Verb("open", "school", "Begin a ledger"),
        Verb("policy", "school", "Adopt a policy from a day on"),
        Verb("role", "school", "Name who holds a role from a day on"),
        Verb("policies", "policies", "The policies in force, and who holds which role"),
        Verb("import", "imports", "What another system exported: marks"),
    ),
    "checking and keeping": (
        Verb("doctor", "screens", "What is off in the data, for people to settle"),
        Verb("verify", "screens", "Whether ledger and read model hold together"),
        Verb("changes", "changes", "Every amendment recorded in a time"),
        Verb("diff", "compare", "What changed in knowledge between two moments"),
        Verb("bisect", "compare", "The first event at which an answer became different"),
        Verb("whatif", "compare", "What another policy would say; records nothing"),
        Verb("evidence", "evidence", "A bundle about one pupil that a stranger can check"),
        Verb("verifier", "evidence", "Write the program that checks such bundles"),
        Verb("seal", "seal", "Sign what the ledger is"),
        Verb("archive", "archive", "School years that are over as Parquet files"),
        Verb("subject", "keeping", "Everything that is held about one child"),
        Verb("forget", "keeping", "Forget words that have been kept long enough"),
        Verb("hold", "keeping", "A hold: nothing about a pupil is forgotten"),
        Verb("doubt", "keeping", "Say that recorded times are wrong"),
    ),
    "machines": (
        Verb("replay", "machines", "Apply a journal of commands"),
        Verb("do", "machines", "Carry out one journal line"),
        Verb("schema", "machines", "The JSON Schema of every command and event"),
        Verb("project", "schools", "Bring read models up to date"),
        Verb("rebuild", "rebuild", "Build the read model again from the ledger"),
        Verb("repair", "repair", "Bring a ledger to today's format"),
        Verb("schools", "schools", "The schools of a database"),
        Verb("pooled", "schools", "Figures of many schools together"),
        Verb("cluster", "cluster", "Absence and penalty windows from many archives"),
    ),
}
VERBS = {verb.name: verb for verbs in HEADINGS.values() for verb in verbs}

# What people say for a verb that is called something else.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "today": ("due",),
    "morning": ("due",),
    "todo": ("due",),
    "tasks": ("due",),
    "find": ("history", "roll"),
    "search": ("history", "roll"),
    "pupil": ("history", "followup", "pupil-year"),
    "show": ("register", "history"),
    "undo": ("amend",),
    "correct": ("amend",),
    "change": ("amend",),
    "edit": ("amend",),
    "fix": ("amend",),
    "delete": ("amend", "remove"),
    "late": ("arrive", "late-book", "punctuality"),
    "lateness": ("punctuality", "late-book"),
    "absent": ("report", "absence"),
    "sick": ("report", "medical"),
    "ill": ("report", "medical"),
    "ring": ("contact",),
    "call": ("contact",),
    "phone": ("contact",),
    "attendance": ("absence", "register"),
    "holiday": ("leave", "calendar"),
    "fine": ("notice", "penalty"),
    "letters": ("letter",),
    "add": ("admit",),
    "leaver": ("remove",),
    "check": ("doctor", "verify"),
    "backup": ("archive", "seal"),
    "export": ("archive", "census", "subject"),
    "init": ("open",),
    "setup": ("open",),
}
