"""Six processes open the same new ledger, key store and read model at the same moment: all of them get them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier

import pytest
import sqlalchemy as sa

from commands.wiring import open_house
from ledger.store import open_ledger
from projections.readmodel.tables import metadata
from tests.support.children import Child, ChildFailed, barrier, running
from tests.support.counts import count

STARTS = 6


def start(tell: Callable[[str], None], url: str, keys_url: str, together: Barrier) -> None:
    """Open everything there is, all new."""
    together.wait()
    with open_house(url, keys_url, create=True) as house:
        tell(house.engine.dialect.name)


def start_unlocked(tell: Callable[[str], None], url: str, _: str, together: Barrier) -> None:
    """Make the read model's tables like a broken opener, which takes no lock."""
    address = open_ledger(url, create=True).address
    path = {"options": f"-csearch_path={address.schema}"} if address.schema else {}
    with sa.create_engine(address.sqlalchemy, connect_args=path).connect() as connection:
        together.wait()
        metadata.create_all(connection)
        connection.commit()
    tell(address.kind)


def start_together(how: Callable[..., None], url: str, keys_url: str) -> list[str]:
    """Return what each of six processes told. ChildFailed where one fell."""
    together = barrier(STARTS)
    with running(Child(how, url, keys_url, together) for _ in range(STARTS)) as children:
        return [told for child in children for told in child.finish()]


@pytest.fixture(params=["sqlite", "postgresql"])
def new_urls(request: pytest.FixtureRequest) -> Callable[[], tuple[str, str]]:
    """Return a function that gives the addresses of a new ledger and a new key store on one kind of database."""
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    return lambda: (give(), give())


def test_all_of_them_start(new_urls: Callable[[], tuple[str, str]]) -> None:
    for _ in range(count(2, 60)):
        assert len(start_together(start, *new_urls())) == STARTS


def test_control_making_tables_without_a_lock_fails(new_urls: Callable[[], tuple[str, str]]) -> None:
    with pytest.raises(ChildFailed, match="already exists|UniqueViolation"):
        for _ in range(50):
            start_together(start_unlocked, *new_urls())
