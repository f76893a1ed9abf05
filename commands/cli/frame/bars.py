"""Progress of long work on standard error: a bar a stage on a terminal, else nothing or a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from commands.cli.frame.options import note

Stages = Callable[[str, int, int | None], None]
LINE_SECONDS = 5  # between two lines of progress in a log


@contextmanager
def progress_bar(what: str, total: int | None) -> Iterator[Callable[[int], None] | None]:
    """Yield what to call with the count reached; None, and no bar, where standard error is not a terminal."""
    with stage_bars() as stages:
        yield None if stages is None else lambda reached: stages(what, reached, total)


@contextmanager
def stage_bars(*, lines: bool = False) -> Iterator[Stages | None]:
    """Yield what to call with a stage, the count reached in it and its total, for one bar a stage. Where standard error
    is not a terminal: None, or with `lines` what says one now and then."""
    if not sys.stderr.isatty():
        yield _stage_lines() if lines else None
        return

    rate = TextColumn("{task.fields[rate]}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def reached(stage: str, count: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total, rate="")
            bar.update(tasks[stage], completed=count, total=total)
            speed = bar.tasks[tasks[stage]].speed
            bar.update(tasks[stage], rate=f"{speed:,.0f}/s" if speed else "")

        yield reached


def _stage_lines() -> Stages:
    begun: dict[str, tuple[float, int]] = {}
    last = time.monotonic()

    def reached(stage: str, count: int, total: int | None) -> None:
        nonlocal last
        now = time.monotonic()
        since, first = begun.setdefault(stage, (now, count))
        if now - last < LINE_SECONDS or now == since:
            return
        last, rate = now, (count - first) / (now - since)
        left = f", {(total - count) / rate:,.0f} s left" if total and rate else ""
        note(f"{stage}: {count:,}{f' of {total:,}' if total else ''}, {rate:,.0f}/s{left}")

    return reached
