"""The command line, whole processes: help, and one small question; the floor is an interpreter that does nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.benchmarks.measure import Row, Target, Timed, in_turns, seconds
from scripts.benchmarks.stores import Stores
from scripts.benchmarks.years import fill

ATTENDANCE = str(Path(sys.executable).with_name("attendance"))


def door_rows(stores: Stores, rounds: int) -> list[Row]:
    place, house = stores.new("sqlite")
    fill(house, 1, weeks=1)
    house.close()
    question = ("absence", "--class", "4A", "--json", "--ledger", place.url, "--keys", place.keys)
    return [
        _row("attendance --help", ("--help",), 0.6, rounds),
        _row("attendance absence --json", question, 1.5, rounds),
    ]


def _row(name: str, arguments: tuple[str, ...], target: float, rounds: int) -> Row:
    took, least = in_turns(rounds, _timed(ATTENDANCE, *arguments), _timed(sys.executable, "-c", "pass"))
    return Row.of_seconds(name, took, least, Target("rate", "most", target))


def _timed(*command: str) -> Timed:
    return lambda _: seconds(lambda: subprocess.run(command, check=True, capture_output=True))
