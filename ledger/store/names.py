"""Names of schools: one schema of a PostgreSQL database each, which may be given by the school's number alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

from ledger.errors import Misconfigured

POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,59}")
NAMED = 5  # schools that a sentence names
_LEDGERS = (
    "SELECT nspname FROM pg_class t JOIN pg_namespace n ON n.oid = relnamespace "
    "WHERE relname = 'stored_events' AND relkind = 'r' AND {} ORDER BY nspname COLLATE \"C\""
)
_READABLE = "(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(t.oid, 'SELECT'))"
CATALOGUE = _LEDGERS.format(_READABLE)
CLOSED = _LEDGERS.format(f"NOT {_READABLE}")  # to this account


def schema_of(school: str) -> str:
    """Return the schema of a school, given by its number or by the schema itself. Raises Misconfigured."""
    schema = f"school_{school}" if re.fullmatch(r"[0-9]{1,20}", school) else school
    if not SCHEMA.fullmatch(schema):
        raise Misconfigured(
            f"--school {school!r} is neither a school's number nor a schema: small letters, digits and underscores"
        )
    return schema


def stated_schema(url: str) -> str | None:
    """Return the schema that an address states, None where it leaves that open."""
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).get("schema")


def is_postgres(url: str) -> bool:
    return url.partition("://")[0] in POSTGRES


def chosen(url: str, schools: Iterable[str]) -> list[str]:
    """Return the schemas that an address and --school name, each once; none where neither does. Raises Misconfigured
    where they disagree, or the address leads to no database of many schools."""
    asked = list(dict.fromkeys(map(schema_of, schools)))
    if not is_postgres(url):
        if asked:
            raise Misconfigured(
                f"--school {asked[0]} is for a PostgreSQL database of many schools, not for {_kind(url)}"
            )
        return []
    stated = stated_schema(url)
    if stated is not None and asked not in ([], [stated]):
        raise Misconfigured(f"--school means schema {asked[0]}, but the ledger's address says schema={stated}")
    return asked if stated is None else [stated]


def at_school(url: str, school: str) -> str:
    """Return the address of one school's ledger in a database of many. Raises Misconfigured as `chosen` does."""
    (schema,) = chosen(url, [school])
    return url if stated_schema(url) else f"{url}{'&' if '?' in url else '?'}schema={schema}"


def named_few(schemas: Sequence[str]) -> str:
    """Return the end of a sentence that names a few of the schools there are; blank where there are none."""
    if not schemas:
        return ""
    few = ", ".join(schemas[:NAMED])
    return f"; the schools there are {few}" if len(schemas) <= NAMED else f"; {len(schemas)} others are, such as {few}"


def _kind(url: str) -> str:
    return f"a {url.partition('://')[0]} ledger"
