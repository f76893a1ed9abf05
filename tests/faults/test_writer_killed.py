"""A writer on SQLite that is killed with SIGKILL again and again, in the middle of its registers."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from commands.handle import Handler
from ledger.store import Envelope, Ledger, open_ledger
from tests.support.busy import all_rows, lost, registers, settled, take_registers, torn
from tests.support.children import Child
from tests.support.counts import count
from tests.support.schools import agreed_keys


class Piecemeal(Ledger):
    """A broken ledger: it saves a command's events one by one, and no receipt."""

    def append(self, envelopes: Sequence[Envelope], **_: Any) -> list[int]:
        return [super(Piecemeal, self).append([envelope])[0] for envelope in envelopes]


def take_piecemeal(tell: Callable[[str], None], url: str, writer: int, begin: int) -> None:
    handler = Handler(Piecemeal(open_ledger(url).address), agreed_keys())
    for command in registers(writer, begin):
        handler.handle(command)
        tell(str(command.id))


def take_impatiently(tell: Callable[[str], None], url: str, writer: int, begin: int) -> None:
    """Take registers like a broken door: each is acknowledged before it is stored."""
    handler = Handler(open_ledger(url), agreed_keys())
    for command in registers(writer, begin):
        tell(str(command.id))
        handler.handle(command)


def kill_once(take: Callable[..., None], url: str, begin: int, moments: random.Random) -> list[str]:
    """Return the ids that a writer told before it was killed, some time from its first breath to a few registers on."""
    child = Child(take, url, 0, begin)
    if moments.random() < 0.2:
        return child.kill_after(moments.uniform(0, 0.1))
    return [child.hear(), *child.kill_after(moments.uniform(0, 0.02))]


def test_a_killed_writer_leaves_whole_registers_and_keeps_every_one_it_acknowledged(tmp_path: Path) -> None:
    ledger, moments = new_school(tmp_path), random.Random(11)
    acknowledged: list[str] = []
    for _ in range(count(12, 400)):
        # The first one it is asked for may be stored already, its acknowledgement killed: then the receipt answers.
        acknowledged += kill_once(take_registers, ledger.address.shown, len(acknowledged), moments)
        assert not torn(all_rows(ledger))
    assert len(acknowledged) == len(set(acknowledged)) > 0
    assert not lost(ledger, acknowledged)


def test_control_events_saved_one_by_one_leave_half_a_register(tmp_path: Path) -> None:
    ledger, moments = new_school(tmp_path), random.Random(11)
    for attempt in range(100):
        kill_once(take_piecemeal, ledger.address.shown, attempt * 100, moments)
        if torn(all_rows(ledger)):
            return
    raise AssertionError("no kill tore a register: this test would not notice one")


def test_control_an_acknowledgement_before_the_commit_is_noticed(tmp_path: Path) -> None:
    ledger, moments = new_school(tmp_path), random.Random(11)
    for attempt in range(100):
        acknowledged = kill_once(take_impatiently, ledger.address.shown, attempt * 100, moments)
        if lost(ledger, acknowledged):
            return
    raise AssertionError("no kill lost a register: this test would not notice one")


def new_school(folder: Path) -> Ledger:
    ledger = open_ledger(f"sqlite:///{folder}/school.db", create=True)
    settled(ledger)
    return ledger
