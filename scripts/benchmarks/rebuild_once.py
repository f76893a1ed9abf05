"""One rebuild in a fresh process: prints a JSON object of its seconds, imports not counted, and its peak memory in MB.

python -m scripts.benchmarks.rebuild_once LEDGER KEYS
"""

from __future__ import annotations

import json
import resource
import sys

# Everything that is otherwise imported when it is first needed.
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401

import ledger.store.postgres
import ledger.store.sqlite  # noqa: F401
from commands.wiring import open_house
from projections.rebuild import drop_old, rebuild
from scripts.benchmarks.measure import seconds


def main(url: str, keys: str) -> None:
    with open_house(url, keys) as house:
        drop_old(house.engine)
        took = seconds(lambda: rebuild(house.ledger, house.engine))
    print(json.dumps({"seconds": took, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main(*sys.argv[1:])
