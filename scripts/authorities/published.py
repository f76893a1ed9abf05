"""The published table: sessions by code for England, its regions and one local authority, as its file says."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ledger.codes import by_symbol
from projections.figures.absence import NUMBERS

FILE = Path(__file__).parent / "published_totals.csv"
FIRST_TOTAL = "present"  # the columns of codes end before it


def published() -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of the table by place and phase."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {(row["place"], row["phase"]): row for row in rows}


def symbols(row: dict[str, str]) -> list[str]:
    """Return the codes that the table has a column for."""
    columns = list(row)
    return columns[2 : columns.index(FIRST_TOTAL)]


def counts_of(row: dict[str, str], share: float = 1.0) -> np.ndarray:
    """Return sessions by the number of their code; with a share, that part of each, rounded down."""
    counts = np.zeros(NUMBERS, np.int64)
    for symbol in symbols(row):
        code = by_symbol(symbol)
        assert code is not None, symbol
        counts[code.id] = int(int(row[symbol]) * share)
    return counts
