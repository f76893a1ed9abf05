"""The command line: `attendance VERB …`.

Exit 0: done. 1: the answer of `verify` or `doctor` is no, or a school of many was left out. 2: refused, or given
something wrong, said in one sentence on standard error. What is wrong in us shows its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from commands.cli.frame.lazy import LazyVerbs
from commands.cli.frame.options import PROGRAM, note
from commands.cli.frame.parameters import PLAIN
from commands.wiring import said_by_database
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from typer._click import Command

app = typer.Typer(
    cls=LazyVerbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    # A traceback with local variables would print names of children.
    pretty_exceptions_enable=False,
    **PLAIN,
)


@app.callback()
def attendance() -> None:
    """A ledger of school attendance: every mark and its reasons kept, every figure as known on any day."""


@cache
def tree() -> Command:
    """Return the tree of commands, which is the same for the whole life of a process."""
    return typer.main.get_command(app)


# Whichever parser this version of Typer brings along, its complaints about arguments have this base.
UsageError: type[Exception] = typer.BadParameter.__bases__[0]


INTERRUPTED = 130  # as a shell counts a process that was interrupted


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code of one run."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        code: int = tree().main(arguments, prog_name=PROGRAM, standalone_mode=False) or 0
        # Typer makes an exit code of an interrupt that comes while a verb is at work.
        return _stopped() if code == INTERRUPTED else code
    except LedgerError as error:
        note(error)
    except UsageError as error:
        return _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    except OSError as error:
        where = f"the file '{Path(error.filename).name}'" if isinstance(error.filename, str) else "the output"
        note(f"{where} cannot be used: {error.strerror or error}")
    except Exception as error:
        complaint = said_by_database(error)
        if complaint is None:
            raise
        note(f"the database cannot be used: {complaint}")
    return 2


def _stopped() -> int:
    note("stopped: what was said to be recorded or written stays, and nothing else was")
    return INTERRUPTED


def _open_streams() -> None:
    """Give a program that was started with a closed stream one that leads nowhere."""
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def _usage(error: Exception) -> int:
    """Say what was wrong with the arguments, or the help where there were none."""
    complaint = error.format_message()  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        print(complaint, file=sys.stderr)
        return 2
    context = getattr(error, "ctx", None)
    note(f"{complaint.rstrip('.')}; see '{context.command_path if context else PROGRAM} --help'")
    return 2
