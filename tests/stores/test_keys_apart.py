"""A ledger and its keys are kept apart by what stands at their addresses, however those are written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from commands.wiring import open_house
from ledger.errors import Misconfigured
from tests.support.postgres import Server

TOGETHER = "the key store is the ledger itself, but keys must be kept apart"


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_to_the_ledger_is_no_key_store(tmp_path: Path, link: Callable[[Path, Path], None]) -> None:
    ledger, keys = f"sqlite:///{tmp_path}/school.db", f"sqlite:///{tmp_path}/other.db"
    open_house(ledger, create=True).close()
    link(tmp_path / "school.db", tmp_path / "other.db")
    for create in (False, True):
        with pytest.raises(Misconfigured, match=f"{TOGETHER}|a symbolic link is there, and none is followed"):
            open_house(ledger, keys, create=create)


def test_a_file_reached_through_a_linked_folder_is_no_key_store(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").symlink_to(tmp_path / "here")
    with pytest.raises(Misconfigured, match=TOGETHER):
        open_house(f"sqlite:///{tmp_path}/here/s.db", f"sqlite:///{tmp_path}/there/s.db", create=True)


@pytest.fixture
def database(postgres_server: Server) -> str:
    """The address of a new database over a socket, which can be written in many ways."""
    url = postgres_server.new_database()
    if "host=/" not in url:
        pytest.skip("a server given by its host has no second spelling that is sure to lead to it")
    return url


def otherwise(url: str) -> str:
    return url.replace("host=/", "host=//").replace("postgresql://", "postgresql+psycopg://")


@pytest.mark.parametrize("secretive", [False, True], ids=["", "a server that does not say which it is"])
def test_another_spelling_of_the_server_is_no_key_store(database: str, secretive: bool) -> None:
    url = f"{database}&schema=school_1"
    if secretive:
        name = f"a_{secrets.token_hex(6)}"
        with psycopg.connect(database, autocommit=True) as owner:
            owner.execute(f"CREATE ROLE {name} LOGIN; GRANT CREATE ON DATABASE {urlsplit(database).path[1:]} TO {name}")
            owner.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        url = url.replace("postgres@", f"{name}@", 1)
    for create in (True, False):
        with pytest.raises(Misconfigured, match=TOGETHER):
            open_house(url, otherwise(url), create=create)
    with open_house(url, otherwise(url).replace("school_1", "keys_1"), create=True) as house:
        assert not house.keys.lost


def test_the_same_names_on_another_database_are_apart(database: str, postgres_server: Server) -> None:
    other = postgres_server.new_database()
    with open_house(f"{database}&schema=school_1", f"{other}&schema=school_1", create=True) as house:
        assert not house.keys.lost
