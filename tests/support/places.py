"""Where tests put their files and their servers."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import psutil  # type: ignore[import-untyped]

DISK = Path("/tmp")
MEMORY = Path("/dev/shm")
ROOM = 4 << 30  # bytes


@cache
def temporary_root() -> Path:
    """Return a folder in memory where the machine has room for one, else the disk.

    Every save waits for the disk, and that is most of what a test of a file takes. No test can ask whether a disk keeps
    what it said it kept: what is killed here are processes, and their files outlive them in memory as well.
    """
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return DISK
    room = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if room >= ROOM else DISK
