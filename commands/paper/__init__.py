"""Paper: a template and the facts that go into it, as a PDF that is kept.

Templates are Typst files beside this one. They import `layout.typ`, which prints under every page what the paper was
true for: both times, the position and the policy, and SIMULATED where the clock was. Codes are printed and never only
coloured, so that a black-and-white copy says the same. The PDF is tagged and of the archival kind PDF/A-2a.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ledger.sessions import LONDON
from projections.questions import Moment


def render(template: str, moment: Moment, facts: Mapping[str, Any]) -> bytes:
    """Return the PDF of a template, named without its ending, filled with facts that JSON can hold."""
    import typst

    about = {
        "as_of": moment.as_of.isoformat(),
        "known_at": f"{moment.known_at.astimezone(LONDON):%Y-%m-%d %H:%M:%S}",
        "position": moment.position,
        "head": moment.head,
        "policy": moment.policy.name if moment.policy else "none",
        "rules": moment.rules,
        "simulated": moment.school.simulated,
        "school": moment.school.opened.name if moment.school.opened else "",
    }
    data = json.dumps({"about": about, **facts}, ensure_ascii=False)
    compiled: bytes = typst.compile(
        str(_folder() / f"{template}.typ"), root=str(_folder()), sys_inputs={"data": data}, pdf_standards=["a-2a"]
    )
    return compiled


@lru_cache
def _folder() -> Path:
    return Path(str(resources.files("commands").joinpath("paper")))
