"""The library's own projection of a ledger's entries, as its manual shows one: a transaction an event."""

from __future__ import annotations

from typing import Any

from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from ledger.codes import by_symbol
from ledger.sessions import school_year
from ledger.store import Ledger, parse_address
from ledger.streams import entry_of

COLUMNS = (
    'year int, pupil text COLLATE "C", session int, version int, code int, from_position bigint, until_position bigint'
)
KEY = "PRIMARY KEY (year, pupil, session, version)"


def runner(url: str) -> ProjectionRunner[RunnersLedger, EntriesView]:
    """Return a runner over the ledger at a URL, at work already; it goes on where the last one stopped."""
    return ProjectionRunner(
        application_class=RunnersLedger,
        projection_class=EntriesProjection,
        view_class=EntriesView,
        env={**parse_address(url).environment, "LEDGER": url},
    )


class RunnersLedger(Ledger):
    """The ledger as the runner opens it: by an environment."""

    def __init__(self, env: Any) -> None:
        super().__init__(parse_address(env["LEDGER"]))


class EntriesView(PostgresTrackingRecorder):
    """The table of entries and the runner's position, moved together."""

    def _create_table(self, cursor: Any) -> None:
        super()._create_table(cursor)
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {self.datastore.schema}.runner_entries ({COLUMNS}, {KEY})")

    def record(self, place: tuple[int, str, int], version: int, code: int, tracked: Tracking) -> None:
        year, pupil, session = place
        position = tracked.notification_id
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracked)
            table = f"{self.datastore.schema}.runner_entries"
            if version > 1:
                cursor.execute(
                    f"UPDATE {table} SET until_position = %s "
                    "WHERE year = %s AND pupil = %s AND session = %s AND version = %s",
                    (position, year, pupil, session, version - 1),
                )
            cursor.execute(
                f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s, %s, NULL)",
                (year, pupil, session, version, code, position),
            )


class EntriesProjection(Projection[EntriesView]):
    """An entry's mark becomes a row; every other event moves the position alone."""

    name = "runner"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        stream, version, event = domain_event
        if event.kind != "entry":
            self.view.insert_tracking(tracking)
            return
        code = by_symbol(event.code)
        assert code is not None
        pupil, session = entry_of(stream)
        self.view.record((school_year(session.day), pupil, session.number), version, code.id, tracking)
