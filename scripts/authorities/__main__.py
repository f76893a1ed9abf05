"""scripts/authority: an authority's archive, a folder for each school, whose totals by code are a published row's."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from scripts.authorities.build import build
from scripts.authorities.published import published


def main() -> None:
    rows = published()
    parser = argparse.ArgumentParser(
        prog="scripts/authority", description=__doc__, epilog="Example: scripts/authority -o authority --share 0.01"
    )
    parser.add_argument("--row", default="Hertfordshire/Primary", help="place and phase of the table, with a slash")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--share", type=float, default=1.0, help="a part of each code's sessions, rounded down")
    parser.add_argument("--seed", type=int, default=919, help="another number makes other schools of the same totals")
    given = parser.parse_args()
    place, _, phase = given.row.rpartition("/")
    if (place, phase) not in rows:
        parser.error(f"--row {given.row!r}: expected one of: {', '.join('/'.join(key) for key in rows)}")
    if not 0 < given.share <= 1:
        parser.error(f"--share {given.share}: expected a part, more than 0 and at most 1")
    if given.output.exists():
        parser.error(f"{given.output} is there already")
    # An authority that lacks schools must not pass for a whole one: it is built beside its place.
    unfinished = given.output.with_name(f".{given.output.name}.part")
    shutil.rmtree(unfinished, ignore_errors=True)
    # A process that is forked from one in which Polars has worked may wait for ever. Interrupts are for us alone.
    ignoring = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with ProcessPoolExecutor(mp_context=get_context("spawn"), **ignoring) as pool:
        try:
            done = build(unfinished, rows[place, phase], given.share, given.seed, pool, _progress)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(unfinished, ignore_errors=True)
            print("scripts/authority: stopped; nothing was kept", file=sys.stderr)
            raise SystemExit(130) from None
    unfinished.replace(given.output)
    told = "as published" if given.share == 1 else f"{given.share} of each published code's, rounded down"
    print(
        f"{done.schools} schools, {done.pupils} pupils, {done.possible} possible sessions ({told}), in {given.output}"
    )


def _progress(school: int, schools: int) -> None:
    print(f"school {school} of {schools}", end="\r" if school < schools else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
