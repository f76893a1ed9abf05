"""Where the installed program begins: nothing is loaded yet that an interrupt could leave half done."""

from __future__ import annotations

import gc

INTERRUPTED = 130  # as a shell counts a process that was interrupted
# Of all that is loaded nothing goes away again, so looking for it as often as by default is a twentieth of the time
# that a question takes.
NEW_OBJECTS = 50_000


def main() -> int:
    """Return the exit code of one run; interrupted before anything was begun, it says nothing."""
    gc.set_threshold(NEW_OBJECTS)
    try:
        from commands.cli import main as run
    except KeyboardInterrupt:
        return INTERRUPTED
    return run()
