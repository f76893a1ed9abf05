"""The group of all verbs: each is imported and built when first asked for, and help comes from the table alone."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from typer.core import TyperGroup
from typer.main import get_group

from commands.cli.frame.table import HEADINGS, SYNONYMS, VERBS

if TYPE_CHECKING:
    from typer._click import Command, Context, HelpFormatter

NEAR = 3  # names suggested for one that is not there


def load(module: str) -> ModuleType:
    """Return a module of the command line, imported when it is first needed."""
    return import_module(f"commands.cli.{module}")


class LazyVerbs(TyperGroup):
    """The verbs of the table, by name."""

    def list_commands(self, ctx: Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        if cmd_name in VERBS and cmd_name not in self.commands:
            verb = VERBS[cmd_name]
            verbs = load("frame.derived").verb_of(verb) if verb.command else load(f"verbs.{verb.module}").verbs
            self.commands.update(get_group(verbs).commands)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        width = max(map(len, VERBS))
        for heading, verbs in HEADINGS.items():
            with formatter.section(heading.capitalize()):
                formatter.write_dl([(f"{verb.name:{width}}", verb.summary) for verb in verbs])

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = nearest(args[0])
            meant = f": try {' or '.join(map(repr, near))}" if near else ""
            ctx.fail(f"No such command {args[0]!r}{meant}")
        return super().resolve_command(ctx, args)


def nearest(name: str) -> list[str]:
    """Return the verbs that may be meant by a name that is none: what people say for them, then how it is spelt."""
    return list(SYNONYMS.get(name.lower(), ())) or get_close_matches(name.lower(), VERBS, NEAR)
