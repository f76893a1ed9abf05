"""What stands in the schema of a school on PostgreSQL: tables, keys, triggers and the functions that record.

Problem: whoever may insert into the tables can number, stamp and sign as they like, and whoever may take the lock that
orders writers can hold up everybody.

Choice: nobody but the owner may do either. `append_events` is the one way in: it runs as the owner, takes the lock,
numbers, stamps by the server's clock, checks and stores events and receipt, all in one statement, so that no client
that stops half-way holds anything. The lock is on a table that only the owner may lock. `receipt_after_saves` takes it
too, so that a receipt that is not there never comes.

Every piece stands here once, as what makes it and as what the database's catalogue then says of it. By that, opening a
ledger and `verify` tell what is missing, what has another body, and what is not ours; `repair` makes what is missing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger.store.failures import AHEAD, NEWER, NOT_AN_EVENT
from ledger.store.formats import FORMAT, LEAST_RELEASE
from ledger.store.rows import (
    CLOCK_ACCEPTED,
    CLOCK_AHEAD,
    FIRST_MOMENT,
    IS_REFERENCE,
    LAST_MOMENT,
    WAIT_SECONDS,
)

EVENTS, RECEIPTS, STANDING = "stored_events", "receipts", "ledger_format"
LEDGER_TABLES = (EVENTS, RECEIPTS, STANDING)
READ_MODEL = ("entries", "tracking", "parked", "rebuilding", "sums")

CLOCK = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"

Place = tuple[str, str, str]  # kind, table (blank for a function), name


class Piece(NamedTuple):
    """A part of the schema: where it stands, what makes it, and what the catalogue says of it once it is there."""

    kind: str
    table: str
    name: str
    make: str
    stands: str
    unmake: str = ""  # what has to go first where another stands in its place

    @property
    def place(self) -> Place:
        return self.kind, self.table, self.name


TABLES = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {events} (
    notification_id bigint PRIMARY KEY,
    originator_id text COLLATE "C" NOT NULL,
    originator_version bigint NOT NULL,
    topic text COLLATE "C" NOT NULL,
    state bytea NOT NULL,
    recorded_at bigint NOT NULL,
    UNIQUE (originator_id, originator_version),
    CHECK (notification_id > 0 AND originator_version > 0)
);
CREATE TABLE IF NOT EXISTS {receipts} (
    id text PRIMARY KEY,
    digest text NOT NULL,
    door text NOT NULL,
    first_position bigint NOT NULL,
    events bigint NOT NULL,
    mac bytea
);
-- One row. Its table is also what writers lock, one after the other.
CREATE TABLE IF NOT EXISTS {standing} (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    format integer NOT NULL,
    least_release text NOT NULL
);
"""
# What a ledger of an older format lacks of that.
ADDITIONS = TABLES + "ALTER TABLE {receipts} ADD COLUMN IF NOT EXISTS mac bytea"
STATE_FORMAT = f"INSERT INTO {{standing}} (format, least_release) VALUES ({FORMAT}, '{LEAST_RELEASE}')"

REFUSE_CHANGE = (
    """ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'integrity_constraint_violation'; END """
)

# Several stamps come in one statement only where tables are filled from a copy.
REFUSE_DISORDER = """
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT min(notification_id) AS first, max(notification_id) AS last, count(*) AS events,
                            min(recorded_at) AS since, max(recorded_at) AS until FROM fresh) AS added
        CROSS JOIN (SELECT max(notification_id) AS head FROM {events}) AS now
        LEFT JOIN {events} AS before ON before.notification_id = added.first - 1
        WHERE last <> head OR last <> first + events - 1 OR since < before.recorded_at
           OR (first > 1 AND before.notification_id IS NULL)
           OR (until <> since AND EXISTS (
                   SELECT FROM (SELECT recorded_at < lag(recorded_at) OVER (ORDER BY notification_id) AS back
                                FROM fresh) AS stamped WHERE back))
    ) THEN RAISE EXCEPTION 'the ledger only grows at its end' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END """

# Returns the last position before the save; nothing where the school changed, or a later time was recorded, since the
# caller looked. An entry's stream is held to its shape, because one in a stream of another name is in no register.
APPEND = f"""
DECLARE
    head bigint;
    last bigint;
    stamp bigint;
    added bigint := coalesce(cardinality(ids), 0);
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'recording needs the isolation read committed' USING ERRCODE = '{NOT_AN_EVENT}';
    END IF;
    LOCK TABLE {{standing}} IN EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM {{standing}} WHERE format = writer) THEN
        RAISE EXCEPTION 'the ledger is of another format' USING ERRCODE = '{NEWER}';
    END IF;
    SELECT notification_id, recorded_at INTO head, last FROM {{events}} ORDER BY notification_id DESC LIMIT 1;
    head := coalesce(head, 0);
    last := coalesce(last, {FIRST_MOMENT});
    IF head < seen THEN
        RETURN NULL;
    END IF;
    IF basis < head AND EXISTS (SELECT FROM {{events}} WHERE {IS_REFERENCE} AND notification_id > basis) THEN
        RETURN NULL;
    END IF;
    IF stated IS NULL THEN
        stamp := greatest({CLOCK}, last + 1);
        IF head > 0 AND added > 0 AND stamp > last + {CLOCK_AHEAD} AND '{CLOCK_ACCEPTED}' <> ALL (topics) THEN
            RAISE EXCEPTION '%', stamp USING ERRCODE = '{AHEAD}';
        END IF;
    ELSE
        IF EXISTS (SELECT FROM {{events}} WHERE notification_id = 1 AND topic = 'school.SchoolOpened'
                   AND position('"simulated":true'::bytea IN state) = 0) THEN
            RAISE EXCEPTION 'the clock of this ledger is the system''s' USING ERRCODE = '{NOT_AN_EVENT}';
        END IF;
        IF stated < last THEN
            RETURN NULL;
        END IF;
        stamp := stated;
    END IF;
    IF stamp NOT BETWEEN {FIRST_MOMENT} AND {LAST_MOMENT} OR EXISTS (
        SELECT FROM unnest(ids, versions, topics, states) AS e (id, version, topic, state)
        WHERE (topic ~ '^(school|roll|register|entry|follow-up|leave|notice)[.][A-Z][A-Za-z]*$') IS NOT TRUE
           OR (length(id) BETWEEN 1 AND 500 AND version > 0 AND substr(state, 1, 1) = '\\x7b'::bytea) IS NOT TRUE
           OR (topic LIKE 'entry.%' AND id !~ '^[^/]+/[0-9]+/[0-9]+-[0-9][0-9]-[0-9][0-9]/[AP]M$')
    ) THEN
        RAISE EXCEPTION 'this is no event of a ledger' USING ERRCODE = '{NOT_AN_EVENT}';
    END IF;
    INSERT INTO {{events}} (notification_id, originator_id, originator_version, topic, state, recorded_at)
    SELECT head + ordinality, id, version, e.topic, e.state, stamp
    FROM unnest(ids, versions, topics, states) WITH ORDINALITY AS e (id, version, topic, state, ordinality);
    IF EXISTS (
        SELECT FROM unnest(ids, versions) AS e (id, version) WHERE version > 1 AND NOT EXISTS (
            SELECT FROM {{events}} WHERE originator_id = id AND originator_version = version - 1)
    ) THEN
        RAISE EXCEPTION 'a version does not follow in its stream' USING ERRCODE = '{NOT_AN_EVENT}';
    END IF;
    IF command IS NOT NULL THEN
        INSERT INTO {{receipts}} (id, digest, door, first_position, events, mac)
        VALUES (command, content, door, CASE WHEN added > 0 THEN head + 1 ELSE 0 END, added, mac);
    END IF;
    RETURN head;
END """

RECEIPT_AFTER = """
BEGIN
    LOCK TABLE {standing} IN SHARE MODE;
    RETURN QUERY SELECT r.id, r.digest, r.door, r.first_position, r.events FROM {receipts} AS r WHERE r.id = command;
END """


def _function(name: str, given: str, returned: str, body: str, *, definer: bool) -> Piece:
    """Return a function: its arguments as `name type`, what it returns, its body. Nobody but its owner may call it."""
    types = ", ".join(each.split(" ", 1)[1] for each in given.split(", ") if each)
    waits = f" SET lock_timeout = '{WAIT_SECONDS}s'" if definer else ""
    make = (
        f"CREATE OR REPLACE FUNCTION {{schema}}.{name}({given}) RETURNS {returned} LANGUAGE plpgsql "
        f"{'SECURITY DEFINER' if definer else 'SECURITY INVOKER'} SET search_path = pg_catalog, pg_temp{waits} "
        f"AS $${body}$$;\nREVOKE ALL ON FUNCTION {{schema}}.{name}({types}) FROM PUBLIC"
    )
    settings = "search_path=pg_catalog, pg_temp" + (f",lock_timeout={WAIT_SECONDS}s" if definer else "")
    stands = f"{'definer' if definer else 'invoker'} {settings} {_unqualified(body)}"
    return Piece("function", "", f"{name}({types})", make, stands)


def _unqualified(text: str) -> str:
    """Return SQL with the tables' bare names in their places."""
    for place, table in (("{events}", EVENTS), ("{receipts}", RECEIPTS), ("{standing}", STANDING), ("{schema}.", "")):
        text = text.replace(place, table)
    return text


def _trigger(name: str, table: str, when: str, function: str) -> Piece:
    # ALWAYS: also where a session calls itself a replica, in which ordinary triggers rest.
    make = (
        f"CREATE OR REPLACE TRIGGER {name} {when} FOR EACH STATEMENT EXECUTE FUNCTION {{schema}}.{function}();\n"
        f"ALTER TABLE {{schema}}.{table} ENABLE ALWAYS TRIGGER {name}"
    )
    stands = f"A CREATE TRIGGER {name} {_unqualified(when)} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    return Piece("trigger", table, name, make.replace(f"ON {table}", f"ON {{schema}}.{table}"), stands)


def _key(table: str, name: str, stands: str) -> Piece:
    change = f"ALTER TABLE {{schema}}.{table}"
    return Piece(
        "key", table, name, f"{change} ADD CONSTRAINT {name} {stands}", stands, f"{change} DROP CONSTRAINT {name}"
    )


KEYS = (
    _key(EVENTS, "stored_events_pkey", "PRIMARY KEY (notification_id)"),
    _key(EVENTS, "stored_events_originator_id_originator_version_key", "UNIQUE (originator_id, originator_version)"),
    _key(EVENTS, "stored_events_check", "CHECK (((notification_id > 0) AND (originator_version > 0)))"),
    _key(RECEIPTS, "receipts_pkey", "PRIMARY KEY (id)"),
    _key(STANDING, "ledger_format_pkey", "PRIMARY KEY (one)"),
    _key(STANDING, "ledger_format_one_check", "CHECK (one)"),
)
INDEXES = (
    Piece(
        "index",
        EVENTS,
        "stored_events_reference",
        f"CREATE INDEX stored_events_reference ON {{events}} (notification_id) WHERE {IS_REFERENCE}",
        "CREATE INDEX stored_events_reference ON stored_events USING btree (notification_id) WHERE (((topic < "
        "'entry.'::text) OR (topic > 'entry.~'::text)) AND ((topic < 'register.'::text) OR (topic > "
        "'register.~'::text)) AND ((topic < 'follow-up.'::text) OR (topic > 'follow-up.~'::text)))",
        "DROP INDEX {schema}.stored_events_reference",
    ),
)
FUNCTIONS = (
    _function("refuse_change", "", "trigger", REFUSE_CHANGE, definer=False),
    _function("refuse_disorder", "", "trigger", REFUSE_DISORDER, definer=False),
    _function(
        "append_events",
        "writer integer, basis bigint, seen bigint, stated bigint, ids text[], versions bigint[], topics text[], "
        "states bytea[], command text, content text, door text, mac bytea",
        "bigint",
        APPEND,
        definer=True,
    ),
    _function(
        "receipt_after_saves",
        "command text",
        "TABLE (id text, digest text, door text, first_position bigint, events bigint)",
        RECEIPT_AFTER,
        definer=True,
    ),
)
TRIGGERS = (
    # Once a statement, not once a row: a register of thirty marks is one statement.
    _trigger(
        "events_in_order", EVENTS, "AFTER INSERT ON stored_events REFERENCING NEW TABLE AS fresh", "refuse_disorder"
    ),
    *(
        _trigger(f"{table}_no_change", table, f"BEFORE DELETE OR UPDATE OR TRUNCATE ON {table}", "refuse_change")
        for table in LEDGER_TABLES[:2]
    ),
)
PIECES = (*KEYS, *INDEXES, *FUNCTIONS, *TRIGGERS)
# What only an engineer can make right again, because there are rows in it.
COLUMNS = {
    ("column", EVENTS, "notification_id"): "bigint not null",
    ("column", EVENTS, "originator_id"): "text not null C",
    ("column", EVENTS, "originator_version"): "bigint not null",
    ("column", EVENTS, "topic"): "text not null C",
    ("column", EVENTS, "state"): "bytea not null",
    ("column", EVENTS, "recorded_at"): "bigint not null",
    ("column", RECEIPTS, "id"): "text not null",
    ("column", RECEIPTS, "digest"): "text not null",
    ("column", RECEIPTS, "door"): "text not null",
    ("column", RECEIPTS, "first_position"): "bigint not null",
    ("column", RECEIPTS, "events"): "bigint not null",
    ("column", RECEIPTS, "mac"): "bytea",
    ("column", STANDING, "one"): "boolean not null",
    ("column", STANDING, "format"): "integer not null",
    ("column", STANDING, "least_release"): "text not null",
} | {("table", table, ""): "rp" for table in LEDGER_TABLES}
EXPECTED = COLUMNS | {piece.place: piece.stands for piece in PIECES}
DDL = (
    TABLES
    + ";\n".join(piece.make for piece in (*FUNCTIONS, *TRIGGERS))
    + ";\n"
    + INDEXES[0].make.replace("INDEX ", "INDEX IF NOT EXISTS ")
)

# What the catalogue says of the schema: kind, table, name, and how it stands. One question, as every opening asks it.
CATALOGUE = """
WITH house AS (SELECT oid, nspowner, nspacl FROM pg_namespace WHERE nspname = %(schema)s),
ours AS (
    SELECT c.oid, relname::text AS name, relkind, relpersistence, relrowsecurity, relowner, relacl,
           relname = ANY(%(ledger)s) AS ledger
    FROM pg_class c JOIN house ON relnamespace = house.oid
    WHERE relname = ANY(%(ledger)s || %(read_model)s)
)
SELECT 'table', name, '', concat(relkind, relpersistence, CASE WHEN relrowsecurity THEN ' rows hidden' END)
FROM ours WHERE ledger
UNION ALL
SELECT 'column', name, attname::text, concat_ws(' ', format_type(atttypid, atttypmod),
       CASE WHEN attnotnull THEN 'not null' END, CASE WHEN collname <> 'default' THEN collname END)
FROM ours JOIN pg_attribute ON attrelid = ours.oid LEFT JOIN pg_collation l ON l.oid = attcollation
WHERE ledger AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'trigger', name, tgname::text, concat(tgenabled, ' ', pg_get_triggerdef(t.oid))
FROM ours JOIN pg_trigger t ON tgrelid = ours.oid WHERE NOT tgisinternal
UNION ALL
SELECT 'key', name, conname::text, concat(pg_get_constraintdef(k.oid), CASE WHEN NOT convalidated THEN ' unproved' END)
FROM ours JOIN pg_constraint k ON conrelid = ours.oid WHERE ledger AND contype IN ('p', 'u', 'c', 'f', 'x')
UNION ALL
SELECT 'index', name, (SELECT relname::text FROM pg_class WHERE oid = i.indexrelid),
       concat(pg_get_indexdef(i.indexrelid), CASE WHEN NOT indisvalid THEN ' invalid' END)
FROM ours JOIN pg_index i ON indrelid = ours.oid
WHERE ledger AND NOT EXISTS (SELECT FROM pg_constraint k WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
UNION ALL
SELECT 'rule', name, rulename::text, '' FROM ours JOIN pg_rewrite ON ev_class = ours.oid WHERE relkind = 'r'
UNION ALL
SELECT 'policy', name, polname::text, '' FROM ours JOIN pg_policy ON polrelid = ours.oid
UNION ALL
SELECT 'inheriting table', name, inhrelid::regclass::text, '' FROM ours JOIN pg_inherits ON inhparent = ours.oid
UNION ALL
SELECT 'view', '', relname::text, '' FROM pg_class JOIN house ON relnamespace = house.oid WHERE relkind IN ('v', 'm')
UNION ALL
SELECT 'function', '', concat(proname, '(', oidvectortypes(proargtypes), ')'),
       concat(CASE WHEN prosecdef THEN 'definer' ELSE 'invoker' END, ' ', array_to_string(proconfig, ','), ' ', prosrc,
              CASE WHEN proowner <> ALL (SELECT relowner FROM ours WHERE ledger) THEN ' of another owner' END)
FROM pg_proc p JOIN house ON pronamespace = house.oid
WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
UNION ALL
SELECT 'right', name, coalesce(rolname::text, 'PUBLIC'), string_agg(privilege_type, ', ' ORDER BY privilege_type)
FROM ours, aclexplode(relacl) LEFT JOIN pg_roles r ON r.oid = grantee
WHERE ledger AND grantee <> relowner AND (privilege_type <> 'SELECT' OR grantee = 0) GROUP BY 2, 3
UNION ALL
SELECT 'right', '', coalesce(rolname::text, 'PUBLIC'), 'CREATE'
FROM house, aclexplode(nspacl) LEFT JOIN pg_roles r ON r.oid = grantee
WHERE privilege_type = 'CREATE' AND grantee <> nspowner
UNION ALL
SELECT 'right', concat(proname, '()'), 'PUBLIC', 'EXECUTE'
FROM pg_proc p JOIN house ON pronamespace = house.oid, aclexplode(coalesce(proacl, acldefault('f', proowner)))
WHERE grantee = 0 AND prosecdef
"""


class Faults(NamedTuple):
    """What differs from what this program makes: what is gone, what stands in another way, what is not ours (each in a
    sentence), and who has a right that only the owner has: table, account and rights."""

    missing: list[Place]
    hollow: list[Place]
    foreign: list[str]
    rights: list[tuple[str, str, str]]

    @property
    def of_any_format(self) -> Faults:
        """What differs whatever the format: how the rest has to look is only known of today's."""
        return Faults([place for place in self.missing if place[0] == "trigger"], [], self.foreign, [])

    @property
    def sentences(self) -> list[str]:
        return [
            *(f"the ledger's own {_called(place)} is gone" for place in self.missing),
            *(f"the ledger's own {_called(place)} is not as this program makes it" for place in self.hollow),
            *self.foreign,
            *(
                f"{'anybody' if grantee == 'PUBLIC' else grantee} may {privileges} {table or 'in the schema'}, which "
                "only its owner may"
                for table, grantee, privileges in self.rights
            ),
        ]

    @property
    def pieces(self) -> list[tuple[Piece, bool]]:
        """What `repair` can put back, in the order in which it can be made, and whether another stands in its place."""
        return [(piece, piece.place in self.hollow) for piece in PIECES if piece.place in (*self.missing, *self.hollow)]

    @property
    def additions(self) -> list[Place]:
        """Tables and columns that are gone, which `repair` makes before anything else."""
        tables = [place for place in self.missing if place[0] == "table"]
        made = {table for _, table, _ in tables}
        return tables + [place for place in self.missing if place[0] == "column" and place[1] not in made]

    def hollow_column(self, name: str) -> bool:
        return ("column", EVENTS, name) in self.hollow


def compared(found: list[tuple[str, str, str, str]], schema: str) -> Faults:
    """Return what differs, of the rows of CATALOGUE."""
    # A body names the schema in quotation marks, as it was made; the rest is worded by the database, which leaves them
    # out. What stands in a text there, 'school.' or 'entry.', is a kind of event and no schema.
    named = re.compile(rf"(?<!')\b{schema}\.")
    there = {
        (kind, table, name): (stands if kind == "function" else named.sub("", stands)).replace(f'"{schema}".', "")
        for kind, table, name, stands in found
        if kind != "right"
    }
    rights = [(table, name, stands) for kind, table, name, stands in found if kind == "right"]
    foreign = [
        f"the schema holds a {_called(place)}, which is not this program's" for place in there if place not in EXPECTED
    ]
    return Faults(
        [place for place in EXPECTED if place not in there],
        [place for place, stands in EXPECTED.items() if place in there and there[place] != stands],
        sorted(foreign),
        rights,
    )


def _called(place: Place) -> str:
    kind, table, name = place
    if kind == "table":
        return f"table {table}"
    return f"{kind} {name}{f' of {table}' if table else ''}"
