"""The answer to a commit is lost: whatever the caller is told afterwards is the truth, and nothing happens twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import get_args

import pytest

from commands import handle
from commands.handle import Done, Handler
from commands.models import parse
from commands.models.base import Command
from ledger.errors import Refused
from ledger.store import Ledger, Receipt, Unavailable, open_ledger
from tests.support.busy import BY, all_rows, registers, settled, torn
from tests.support.counts import count
from tests.support.proxy import Moment, Proxy
from tests.support.schools import new_keys


class Cut(Handler):
    """A handler whose commits are cut: each look-up and each save takes the next of `cuts`, None leaving it alone."""

    def __init__(self, ledger: Ledger, proxy: Proxy) -> None:
        self.keys = new_keys()
        super().__init__(ledger, self.keys)
        self._proxy = proxy
        self.cuts: list[Moment | None] = []

    def _earlier(self, receipt: Receipt) -> Done | None:
        self._arm()
        return super()._earlier(receipt)

    def _attempt(self, command: Command, receipt: Receipt, look: bool) -> Done:
        self._arm()
        return super()._attempt(command, receipt, look)

    def _arm(self) -> None:
        if self.cuts and (moment := self.cuts.pop(0)):
            self._proxy.cut(moment)


class Forgetful(Cut):
    """A broken handler: it tries again without looking up whether the first time worked."""

    def _earlier(self, receipt: Receipt) -> Done | None:
        return None


PATTERNS: list[list[Moment | None]] = [
    [None, "before"],
    [None, "at"],
    [None, "after"],
    ["at"],  # of the look-up that asks whether the command came before
    [None, "after", "before"],  # of the save, and of the look-up afterwards
    [None, "before", None, "at"],  # of the save, and of the save tried again
    [None, "at", "after", None, "after"],
]


def commands() -> Iterator[Command]:
    """Yield commands of every shape of save: many events, one, none but the receipt, and a reference event."""
    for number, register in enumerate(registers()):
        yield register
        amended = {"command": "AmendMark", "pupil": next(iter(register.marks)), "session": str(register.session)}
        for turn in ("amended", "again"):
            yield parse(amended | {"code": "I", "reason": "fever", "by": BY, "id": f"{register.id}-{turn}"})
        admission = {"command": "AdmitPupil", "pupil": f"new-{number}", "name": "Ada Example", "born": "2016-03-09"}
        placed = {"starting_day": "2024-09-03", "year_group": "4", "class": "4W"}
        yield parse(admission | placed | {"by": BY, "id": f"{register.id}-new"})


@pytest.fixture
def served(fresh_postgresql_url: Callable[[], str]) -> Iterator[tuple[Ledger, Ledger, Proxy]]:
    """Give the ledger of a settled school as seen directly and as seen through a proxy, and the proxy."""
    direct = open_ledger(fresh_postgresql_url(), create=True)
    settled(direct)
    with Proxy(direct.address.conninfo) as proxy:
        yield direct, open_ledger(f"{proxy.url}&schema={direct.address.schema}"), proxy


def test_every_answer_is_the_truth_wherever_a_commit_is_cut(served: tuple[Ledger, Ledger, Proxy]) -> None:
    direct, proxied, proxy = served
    handler = Cut(proxied, proxy)
    plain = Handler(direct, handler.keys)
    for command, cuts in zip(commands(), cycle(PATTERNS), strict=False):
        if proxy.cuts >= count(12, 200):
            break
        handler.cuts, before = list(cuts), proxy.cuts
        head, _ = direct.reads.head()
        done = handler.handle(command)
        assert proxy.cuts > before, "nothing was cut"
        assert stored(direct, command, head) == (done.events, done.position)
        handler.cuts.clear()
        for door in (handler, plain):
            assert door.handle(command)[:2] == done[:2]
        assert stored(direct, command, head) == (done.events, done.position)
    assert not torn(all_rows(direct))


@pytest.mark.parametrize("moment", get_args(Moment))
def test_where_nobody_can_tell_the_same_id_settles_it(
    served: tuple[Ledger, Ledger, Proxy], moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    direct, proxied, proxy = served
    monkeypatch.setattr(handle, "ATTEMPT_PAUSE", 0)
    handler, register = Cut(proxied, proxy), next(registers())
    head, _ = direct.reads.head()
    handler.cuts = [None, *[moment] * 100]
    with pytest.raises(Unavailable, match="ask again with the same id"):
        handler.handle(register)
    there = direct.reads.receipt(str(register.id)) is not None
    assert there or direct.reads.head()[0] == head
    assert there == (moment == "after") or moment == "at"
    handler.cuts.clear()
    done = handler.handle(register)
    assert done.repeated == there
    assert stored(direct, register, head) == (done.events, done.position)


@pytest.mark.parametrize("shape", range(4))
def test_control_without_the_look_up_an_error_is_told_of_what_is_stored(
    served: tuple[Ledger, Ledger, Proxy], shape: int
) -> None:
    direct, proxied, proxy = served
    *earlier, command = islice(commands(), shape + 1)
    handler = Forgetful(proxied, proxy)
    for one in earlier:
        handler.handle(one)
    handler.cuts = ["after"]
    with pytest.raises((Refused, Unavailable)):
        handler.handle(command)
    assert direct.reads.receipt(str(command.id)) is not None


def stored(ledger: Ledger, command: Command, head: int) -> tuple[int, int]:
    """Return how many events a command has and the position of the last; all that came after `head` must be its own."""
    receipt = ledger.reads.receipt(str(command.id))
    assert receipt is not None
    rows = ledger.reads.rows(head, 1000)
    assert [row.position for row in rows] == list(range(head + 1, head + 1 + receipt.events))
    assert len({row.recorded_at for row in rows}) <= 1
    assert receipt.first_position == (head + 1 if rows else 0)
    return len(rows), rows[-1].position if rows else 0
