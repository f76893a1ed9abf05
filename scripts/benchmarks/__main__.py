"""scripts/bench: every row, or those whose name contains --only; --quick measures fewer and smaller ones."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import cache

from scripts.benchmarks.auditing import audit_rows, bundle_rows
from scripts.benchmarks.bulk import bulk_row
from scripts.benchmarks.doors import door_rows
from scripts.benchmarks.measure import Row
from scripts.benchmarks.projecting import projector_rows
from scripts.benchmarks.pupils import pupil_rows
from scripts.benchmarks.questions import amended_rows, question_rows
from scripts.benchmarks.rebuilding import rebuild_rows, saving_row
from scripts.benchmarks.registers import register_rows
from scripts.benchmarks.scale_archive import archive_rows
from scripts.benchmarks.stores import Place, Stores, stores
from scripts.benchmarks.years import fill

SCHOOL = 6  # school years that a school's ledger holds; what the auditor asks is always measured on them


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="nothing but a JSON list on standard output")
    parser.add_argument("--quick", action="store_true", help="fewer rounds over less data")
    parser.add_argument("--scale", action="store_true", help="the rows of many events instead of those of a school")
    parser.add_argument("--only", metavar="NAME", default="", help="the rows of the groups whose name contains this")
    given = parser.parse_args()
    rows: list[Row] = []
    with stores() as places:
        measured = (scale_groups if given.scale else groups)(places, given.quick)
        chosen = [name for name in measured if given.only in name]
        if not chosen:
            parser.error(f"--only takes a part of one of: {', '.join(measured)}")
        for name in chosen:
            print(f"{name} ...", file=sys.stderr)
            rows += measured[name]()
    print(as_json(rows) if given.json else as_table(rows))


def groups(places: Stores, quick: bool) -> dict[str, Callable[[], list[Row]]]:
    rounds = 20 if quick else 100
    years = 2 if quick else SCHOOL

    @cache
    def filled(kind: str, years: int) -> Place:
        print(f"recording {years} school years on {kind} ...", file=sys.stderr)
        place, house = places.new(kind)
        fill(house, years)
        house.answers.projector.catch_up()
        house.close()
        return place

    return {
        "register postgresql": lambda: register_rows(places, "postgresql", 0.6, rounds),
        "register sqlite": lambda: register_rows(places, "sqlite", 0.5, rounds),
        "bulk": lambda: [bulk_row(places, rounds // 4)],
        "projector postgresql": lambda: projector_rows(places, "postgresql", 50_000, 1 if quick else 3, 38),
        "projector sqlite": lambda: projector_rows(places, "sqlite", 30_000, 1 if quick else 3, 38),
        "questions postgresql": lambda: question_rows(filled("postgresql", years), years, 0.5, rounds // 10),
        "questions sqlite": lambda: question_rows(filled("sqlite", years), years, 0.65, rounds // 10),
        "pupil postgresql": lambda: pupil_rows(filled("postgresql", years), rounds),
        "pupil sqlite": lambda: pupil_rows(filled("sqlite", years), rounds),
        "audit postgresql": lambda: audit_rows(filled("postgresql", SCHOOL), SCHOOL, rounds),
        "audit sqlite": lambda: audit_rows(filled("sqlite", SCHOOL), SCHOOL, rounds),
        "audit bundle": lambda: bundle_rows(places, max(5, rounds // 10)),
        "doors": lambda: door_rows(places, rounds // 10),
    }


def scale_groups(places: Stores, quick: bool) -> dict[str, Callable[[], list[Row]]]:
    rounds, years = (1, 2) if quick else (3, 13)  # thirteen years of a school are two million events

    @cache
    def filled(kind: str) -> Place:
        print(f"recording {years} school years on {kind} ...", file=sys.stderr)
        place, house = places.new(kind)
        fill(house, years)
        house.answers.projector.catch_up()
        house.close()
        return place

    return {
        "rebuild postgresql": lambda: rebuild_rows(filled("postgresql"), rounds, 0.6),
        "rebuild sqlite": lambda: rebuild_rows(filled("sqlite"), rounds, 0.4),
        "saves postgresql": lambda: [saving_row(filled("postgresql"), years, 300 if quick else 1000)],
        "saves sqlite": lambda: [saving_row(filled("sqlite"), years, 300 if quick else 1000)],
        "amended postgresql": lambda: amended_rows(places, "postgresql", 10, 12 if quick else None),
        "amended sqlite": lambda: amended_rows(places, "sqlite", 10, 12 if quick else None),
        "cluster": lambda: _cluster(0.02 if quick else 0.2, 2 if quick else 10),
        "archive": lambda: archive_rows(0.02 if quick else 1.0, 2 if quick else 5),
    }


def _cluster(share: float, rounds: int) -> list[Row]:
    # Here, because Arrow is an extra.
    from scripts.benchmarks.cluster import cluster_row

    return [cluster_row(share, rounds)]


def as_json(rows: list[Row]) -> str:
    return json.dumps(
        [
            {
                "name": row.name,
                "rate": row.rate,
                "unit": row.unit,
                "floor": row.floor,
                "ratio": row.ratio,
                "target": row.target.value,
                "judged": f"{row.target.of} at {row.target.at}",
                "met": row.met,
                "runs": row.runs,
                "note": row.note,
            }
            for row in rows
        ],
        indent=1,
    )


def as_table(rows: list[Row]) -> str:
    lines = [f"{'':50}{'rate':>10} {'unit':<9}{'floor':>10}{'ratio':>8}  target"]
    for row in rows:
        figures = f"{_figure(row.rate)} {row.unit:<9}{_figure(row.floor)}{row.ratio:>8.2f}"
        target = f"{row.target.of} at {row.target.at} {row.target.value:,g}"
        lines.append(f"{row.name:50}{figures}  {target:<26}{'met' if row.met else 'MISSED':<7}{row.note}".rstrip())
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:>10,.0f}" if value >= 1_000 else f"{value:>10.3g}"


if __name__ == "__main__":
    main()
