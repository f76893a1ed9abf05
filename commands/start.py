"""Where the installed program begins: nothing is loaded yet that an interrupt could leave half done."""

from __future__ import annotations

INTERRUPTED = 130  # as a shell counts a process that was interrupted


def main() -> int:
    """Return the exit code of one run; interrupted before anything was begun, it says nothing."""
    try:
        from commands.cli import main as run
    except KeyboardInterrupt:
        return INTERRUPTED
    return run()
