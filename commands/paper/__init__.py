"""Paper: a template and the facts that go into it, as a PDF that is kept.

Templates are Typst files beside this one. They import `layout.typ`, which prints under every page what the paper was
true for: both times, the position and the policy, and SIMULATED where the clock was. Codes are printed and never only
coloured, so that a black-and-white copy says the same. The PDF is tagged and of the archival kind PDF/A-2a, and the
same facts are the same bytes on every machine that has the same release of Typst: fonts and times are ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path

from commands.paper.typefaces import families, fonts, shown, shown_plainly
from ledger.errors import Misconfigured
from ledger.sessions import LONDON
from ledger.text import in_a_cell
from projections.asking.questions import Moment


def render(template: str, moment: Moment, facts: Mapping[str, object]) -> bytes:
    """Return the PDF of a template, named without its ending, filled with facts that JSON can hold.

    What no font holds is printed as its number. Raises Misconfigured where there is no paper to be had.
    """
    import typst

    about = {
        "as_of": moment.as_of.isoformat(),
        "known_at": f"{moment.known_at.astimezone(LONDON):%Y-%m-%d %H:%M:%S}",
        "position": moment.position,
        "head": moment.head,
        "policy": moment.policy_name or "none",
        "rules": moment.rules,
        "caution": moment.caution,
        "simulated": moment.school.simulated,
        "school": moment.school.opened.name if moment.school.opened else "",
    }
    facts = {"about": about, **facts}
    known = moment.known_at.astimezone(UTC)
    try:
        return _compiled(template, known, facts, shown)
    except typst.TypstError:
        # Two letters can be joined to one that no font has. Typst names the text, so its message is not passed on.
        pass
    try:
        return _compiled(template, known, facts, _settled)
    except typst.TypstError:
        raise Misconfigured(f"the paper '{template}' cannot be set") from None


def _compiled(template: str, known_at: datetime, facts: Mapping[str, object], form: Callable[[str], str]) -> bytes:
    import typst

    printed = {"fonts": families(), **{name: _each(value, form) for name, value in facts.items()}}
    compiled: bytes = typst.compile(
        str(_folder() / f"{template}.typ"),
        root=str(_folder()),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(printed, ensure_ascii=False)},
        pdf_standards=["a-2a"],
        timestamp=known_at.replace(microsecond=0),  # which is all that a PDF can say
    )
    return compiled


def _each(facts: object, form: Callable[[str], str]) -> object:
    """Return facts with every text in them, and every name of one, in this form."""
    if isinstance(facts, str):
        return form(facts)
    if isinstance(facts, Mapping):
        return {_each(name, form): _each(value, form) for name, value in facts.items()}
    return [_each(each, form) for each in facts] if isinstance(facts, (list, tuple)) else facts


@lru_cache(maxsize=1024)
def _settled(text: str) -> str:
    """Return a text as it is shown, or plainly where setting it fails."""
    import typst

    if text.isascii():
        return in_a_cell(text)
    alone = b"#set text(font: json(bytes(sys.inputs.fonts)))\n#sys.inputs.text *#sys.inputs.text*"
    inputs = {"fonts": json.dumps(families()), "text": shown(text)}
    try:
        typst.compile(alone, font_paths=fonts(), ignore_system_fonts=True, sys_inputs=inputs, pdf_standards=["a-2b"])
    except typst.TypstError:
        return shown_plainly(text)
    return inputs["text"]


@lru_cache
def _folder() -> Path:
    return Path(str(resources.files("commands").joinpath("paper")))
