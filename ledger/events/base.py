"""What every event is, as it faces the disk.

An event says one thing that happened and who said so. It does not say where it stands (stream and version are the
row's), nor when it was learnt (the recorder stamps the row). Fields named in `private` are text that could identify a
child: on disk they are not in the event but in `sealed`, and `ledger.wire` moves them there and back.

Field names are short on the wire because there are millions of marks. A field may be added with a default; anything
else makes a new version `v`, with an upcast in `ledger.wire` and the old bytes kept in the golden corpus for ever.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ledger.people import Staff

SHORT = {"code": "c", "replaces": "w", "sealed": "x", "session": "s", "sessions": "ss"}
NOBODY = Staff("", "", "")


def _one() -> int:
    # A factory, because a plain default would be left out of the bytes, and every event must say its version.
    return 1


class Event(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,  # what a later release added may change what an event means
    tag_field="type",
    rename=lambda field: SHORT.get(field, field),
):
    """What happened, by whom. `kind` is the family that the row's topic begins with, `called` what people call
    it, where that is not its name in words."""

    kind: ClassVar[str] = ""
    called: ClassVar[str] = ""
    private: ClassVar[tuple[str, ...]] = ()

    v: int = msgspec.field(default_factory=_one)
    by: Staff = NOBODY
    sealed: bytes = b""

    @property
    def topic(self) -> str:
        return f"{self.kind}.{type(self).__name__}"
