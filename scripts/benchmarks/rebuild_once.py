"""One rebuild in a fresh process: prints a JSON object of its seconds, imports not counted, and its peak memory in MB.

python -m scripts.benchmarks.rebuild_once LEDGER KEYS
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Everything that is otherwise imported when it is first needed.
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401

import ledger.store.postgres
import ledger.store.sqlite  # noqa: F401
from commands.wiring import open_house
from projections.readmodel.rebuild import drop_old, rebuild
from scripts.benchmarks.measure import seconds


def main(url: str, keys: str) -> None:
    with open_house(url, keys) as house:
        drop_old(house.engine)
        took = seconds(lambda: rebuild(house.ledger, house.engine))
    print(json.dumps({"seconds": took, "megabytes": _peak() // 1024}))


def _peak() -> int:
    """Return the most memory this process has held, in KB. Not `ru_maxrss`: that begins with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
