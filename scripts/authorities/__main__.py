"""scripts/authority: an authority's archive, a folder for each school, whose totals by code are a published row's."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from scripts.authorities.build import build
from scripts.authorities.published import published


def main() -> None:
    rows = published()
    parser = argparse.ArgumentParser(prog="scripts/authority", description=__doc__)
    parser.add_argument("--row", default="Hertfordshire/Primary", help="place and phase of the table, with a slash")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--share", type=float, default=1.0, help="a part of each code's sessions, rounded down")
    parser.add_argument("--seed", type=int, default=919)
    given = parser.parse_args()
    place, _, phase = given.row.rpartition("/")
    if (place, phase) not in rows:
        parser.error(f"--row takes one of: {', '.join('/'.join(key) for key in rows)}")
    if not 0 < given.share <= 1:
        parser.error("--share takes a part, more than 0 and at most 1")
    if given.output.exists():
        parser.error(f"{given.output} is there already")
    # A process that is forked from one in which Polars has worked may wait for ever.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        done = build(given.output, rows[place, phase], given.share, given.seed, pool, _progress)
    told = "as published" if given.share == 1 else f"{given.share} of each published code's, rounded down"
    print(
        f"{done.schools} schools, {done.pupils} pupils, {done.possible} possible sessions ({told}), in {given.output}"
    )


def _progress(school: int, schools: int) -> None:
    print(f"school {school} of {schools}", end="\r" if school < schools else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
