"""Connections to PostgreSQL: looked at before they are lent, and never waited for longer than five seconds.

Problem: a server restarts, and a process that goes on for weeks holds connections that nobody answers. The pool of the
library hands them out and then waits half a minute for better ones.

Observation: whoever hangs up leaves something to be read on a connection on which nothing was asked. Looking costs
microseconds, and no round trip.

Choice: one check for every pool. A connection on which something can be read is thrown away with all that are as old.
"""

from __future__ import annotations

import select
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from ledger.store.rows import WAIT_SECONDS

# READ COMMITTED, whatever the database prefers: a save must see what was committed while it waited.
SETTINGS = "-c default_transaction_isolation=read\\ committed"
WAITS = f"-c lock_timeout={WAIT_SECONDS}s"


def arguments(conninfo: str, *, search_path: str | None = None) -> dict[str, Any]:  # as the driver takes its parameters
    """Return how to connect, beside an address: every wait has an end. What the address says of the same counts more,
    but for the isolation."""
    stated = conninfo_to_dict(conninfo)
    path = f"-c search_path={search_path}" if search_path else ""
    options = " ".join(filter(None, (WAITS, str(stated.get("options") or ""), SETTINGS, path)))
    ends = {"connect_timeout": WAIT_SECONDS, "tcp_user_timeout": WAIT_SECONDS * 1000, "keepalives_idle": WAIT_SECONDS}
    return {name: value for name, value in ends.items() if name not in stated} | {"options": options}


def new_pool(conninfo: str, size: int = 10) -> sa.pool.QueuePool:
    """Return a pool of connections that commit by themselves; it connects when it is first asked."""

    def connect() -> psycopg.Connection[DictRow]:
        return psycopg.connect(conninfo, autocommit=True, row_factory=dict_row, **arguments(conninfo))

    pool = sa.pool.QueuePool(
        connect,  # type: ignore[arg-type]
        pool_size=size,
        max_overflow=0,
        timeout=WAIT_SECONDS,
        reset_on_return=None,
        use_lifo=True,
    )
    check_when_lent(pool)
    return pool


def check_when_lent(pool: sa.pool.Pool | sa.Engine) -> None:
    """Have a pool throw its connections away when the server has hung up on them."""
    sa.event.listen(pool, "checkout", _check)


def _check(connection: psycopg.Connection[DictRow], _record: object, _lent: object) -> None:
    if connection.closed:
        raise sa.exc.InvalidatePoolError
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    if looking.poll(0):
        raise sa.exc.InvalidatePoolError
