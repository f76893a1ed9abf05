"""How counts are worded, and what stands in place of words whose key is gone."""

SEALED = "(sealed)"


def counted(number: int, thing: str, things: str = "") -> str:
    """Return a number of things, in the plural unless there is one; `things` is a plural that takes more than an s."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
