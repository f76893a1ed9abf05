"""How answers are written, for every door: in JSON, and as the plain values that a table or a paper is made of."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.text import bare


def encode(answer: object) -> bytes:
    """Return an answer, or several, as JSON."""
    return msgspec.json.encode(answer, enc_hook=bare)


def plain(answer: object) -> Any:  # whoever asks knows the form, which no type says once it is taken apart
    """Return an answer, or several, as dictionaries, lists, texts and numbers."""
    return msgspec.to_builtins(answer, enc_hook=bare)
