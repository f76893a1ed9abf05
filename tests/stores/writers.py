"""A writer in a process of its own: python -m tests.stores.writers ADDRESS NAME TRANSACTIONS

Appends transactions of three marks, as fast as it can, and prints the positions of each as JSON.
"""

from __future__ import annotations

import json
import sys

from ledger.store import open_ledger
from tests.stores.envelopes import marks, receipt


def main(url: str, name: str, transactions: str) -> None:
    with open_ledger(url) as ledger:
        written = [
            ledger.append(marks(3, f"{name}-{number}-"), receipt=receipt(f"{name}-{number}"))
            for number in range(int(transactions))
        ]
    print(json.dumps(written))


if __name__ == "__main__":
    main(*sys.argv[1:])
