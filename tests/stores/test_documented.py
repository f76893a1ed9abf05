"""What docs/engineers.md says about PostgreSQL, word for word, for its three schools on a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.conftest import MAJORS
from tests.support.counts import count
from tests.support.postgres import Server, temporary_server

ROOT = Path(__file__).parents[2]
SECTION = (
    (ROOT / "docs" / "engineers.md").read_text(encoding="utf-8").partition("\n## PostgreSQL\n")[2].partition("\n## ")[0]
)
MARK = "attendance mark {} 2026-11-30/AM / --school {} --by 'off:O Fice:Office' 2>&1"


@pytest.fixture(params=MAJORS[: count(1, len(MAJORS))])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with an owner who is no superuser, and the two databases."""
    with temporary_server(prefer=request.param) as running:
        psql = shutil.which("psql") or next(iter(map(str, Path("/usr/lib/postgresql").glob("*/bin/psql"))), None)
        if psql is None:
            pytest.skip("no psql on this machine")
        made = ["CREATE ROLE owner LOGIN CREATEROLE"]
        made += [f"CREATE DATABASE {name} OWNER owner ENCODING 'UTF8' TEMPLATE template0" for name in ("db", "keys")]
        for statement in made:
            subprocess.run([psql, "-X", "-q", running.url, "-c", statement], check=True)
        yield running


def shell(server: Server, lines: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run lines as a person types them: only where the server is, is told by the environment."""
    host = server.url.partition("host=")[2]
    programs = [str(Path(sys.executable).parent), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    path = os.pathsep.join([*programs, os.environ["PATH"]])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ATTENDANCE_")}
    # "@host" would be looked up as a name, so it goes; nothing else of the text is changed.
    here = re.sub(r"@(other)?host/", "@/", lines)
    given = kept | {"PATH": path, "PGHOST": host} | environment
    return subprocess.run(["bash", "-c", here], env=given, cwd=ROOT, capture_output=True, text=True)


def test_the_section_on_postgresql_works_word_for_word(server: Server, tmp_path: Path) -> None:
    (lines,) = re.findall(r"^```sh\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
    done = shell(server, f"set -e\n{lines}")
    assert done.returncode == 0, done.stderr
    office = {"ATTENDANCE_KEYS": "postgresql://office@/keys?schema=keys_{school}"} | {
        "ATTENDANCE_LEDGER": "postgresql://office@/db"
    }
    mine = shell(server, MARK.format("1042", "117000"), **office)
    assert "pupil_not_on_roll" in mine.stdout, "refused by a rule, so it was decided"
    sealing = f"attendance seal --new --seal {tmp_path}/seal --school 117000"
    sealed = shell(server, sealing, **office)
    assert sealed.returncode == 0 and "nobody will notice" not in sealed.stderr, sealed.stderr
    asked = shell(server, "attendance verify --school 117000", **office)
    assert "what the key store remembers of this ledger's seals" in asked.stderr, asked
    other = shell(server, MARK.format("1042", "117001"), **office)
    assert other.returncode == 2 and "permission denied for schema school_117001" in other.stdout
    auditor = {"ATTENDANCE_KEYS": "sqlite:////nowhere.db", "ATTENDANCE_LEDGER": "postgresql://auditor@/db"}
    asked = shell(server, "attendance verify --school 117000", **auditor)
    assert asked.returncode == 0 and "nothing found" in asked.stdout, asked
    assert shell(server, "attendance verify --school 117002", **auditor).returncode == 2
