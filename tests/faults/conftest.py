"""Stores that outlive the process that writes to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_url(request: pytest.FixtureRequest) -> str:
    """Return the address of a fresh ledger on each database."""
    give: Callable[[], str] = request.getfixturevalue(f"fresh_{request.param}_url")
    return give()
