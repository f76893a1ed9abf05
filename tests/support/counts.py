"""How often a test of chance tries its luck."""

import os

FULL = os.environ.get("ATTENDANCE_TESTS") == "full"


def count(sampled: int, full: int) -> int:
    """Return the full count where ATTENDANCE_TESTS=full asks for it, else the sampled one."""
    return full if FULL else sampled
