"""A ledger restored from an older copy behind its read model, or replaced: refused by name, never gone on with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import sqlalchemy as sa

from commands.handle import Handler
from commands.models import parse
from ledger.errors import Misconfigured
from ledger.store import Ledger, open_ledger
from projections.audit.health import verify_findings
from projections.readmodel.projector import Projector
from projections.readmodel.rebuild import rebuild
from projections.readmodel.replay import replayed, stored
from projections.readmodel.tables import open_engine
from tests.support.busy import BY, grow, registers, settled
from tests.support.schools import agreed_keys
from tests.support.tampering import forget_after

NAMING = {"command": "NameRole", "by": BY, "role": "attendance lead", "holders": [BY], "from_day": "2024-09-01"}


class Case:
    """A ledger of 61 events, its read model, and a projector that has just brought the one up to the other."""

    def __init__(self, url: str) -> None:
        self.ledger: Ledger = open_ledger(url, create=True)
        grow(self.ledger, 60, batch=20)
        self.engine: sa.Engine = open_engine(self.ledger)
        self.live = Projector(self.ledger, self.engine)
        assert self.live.catch_up() == 61

    def fresh(self) -> Projector:
        return Projector(self.ledger, self.engine)

    def findings(self) -> set[str]:
        """Return what is found, but that of how this test makes its ledger."""
        made = {"never_admitted", "policy_not_kept"}
        return {found.rule for found in verify_findings(self.ledger, self.engine)} - made

    def is_true(self) -> bool:
        """Whether the read model is what the ledger says."""
        return set(stored(self.engine)) == replayed(self.ledger, self.ledger.reads.head()[0])


def restored(case: Case) -> None:
    forget_after(case.ledger, 41)


def restored_and_gone_on(case: Case) -> None:
    forget_after(case.ledger, 41)
    grow(case.ledger, 30, seed=1)


def restored_and_gone_on_to_the_same_position(case: Case) -> None:
    forget_after(case.ledger, 41)
    grow(case.ledger, 20, seed=1)


def replaced(case: Case) -> None:
    forget_after(case.ledger, 0)
    grow(case.ledger, 80, seed=1)


FAULTS = {
    restored: "restored behind",
    restored_and_gone_on: "replaced or altered",
    restored_and_gone_on_to_the_same_position: "replaced or altered",
    replaced: "replaced or altered",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_it_is_refused_until_the_read_model_is_rebuilt(durable_url: str, fault: Callable[[Case], None]) -> None:
    case = Case(durable_url)
    fault(case)
    for projector in (case.fresh(), case.live):
        with pytest.raises(Misconfigured, match=FAULTS[fault]):
            projector.catch_up()
    assert case.findings() == {"read_model"}
    assert not case.is_true()
    rebuild(case.ledger, case.engine)
    case.fresh().catch_up()
    assert case.is_true() and not case.findings()


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_recorded_until_somebody_says_that_the_ledger_is_right(
    durable_url: str, fault: Callable[[Case], None]
) -> None:
    case = Case(durable_url)
    fault(case)
    head = case.ledger.reads.head()[0]
    named = parse(
        {"command": "NameRole", "by": BY, "role": "attendance lead", "holders": [BY], "from_day": "2024-09-01"}
    )
    for _ in range(2):
        with pytest.raises(Misconfigured, match="until somebody says which is right"):
            Handler(case.ledger, agreed_keys()).handle(named)
    assert case.ledger.reads.head()[0] == head
    rebuild(case.ledger, case.engine)
    assert Handler(case.ledger, agreed_keys()).handle(named).events


@pytest.mark.parametrize("lost", [1, 8])
def test_a_handler_that_goes_on_running_records_nothing_after_a_restore(durable_url: str, lost: int) -> None:
    """Also where only marks were lost, and the school that it keeps folded is still right."""
    ledger = open_ledger(durable_url, create=True)
    handler = settled(ledger)
    taken = registers()
    for register in islice(taken, 2):
        handler.handle(register)
    engine = open_engine(ledger)
    Projector(ledger, engine).catch_up()
    forget_after(ledger, ledger.reads.head()[0] - lost)
    head = ledger.reads.head()[0]
    with pytest.raises(Misconfigured, match="until somebody says which is right"):
        handler.handle(next(taken))
    assert ledger.reads.head()[0] == head
    rebuild(ledger, engine)
    assert handler.handle(next(taken)).position > head


def test_a_handler_folds_the_school_again_after_a_restore_with_its_read_model(durable_url: str) -> None:
    ledger = open_ledger(durable_url, create=True)
    handler = settled(ledger)
    before = ledger.reads.head()[0]
    handler.handle(parse(NAMING))
    assert handler.school().roles
    forget_after(ledger, before)
    assert not handler.school().roles
    assert handler.handle(parse(NAMING)).position == before + 1 and handler.school().roles


@pytest.mark.parametrize("fault", FAULTS)
def test_control_without_the_digest_events_are_silently_lost(
    durable_url: str, fault: Callable[[Case], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(durable_url)
    fault(case)
    monkeypatch.setattr(Projector, "check_digest", lambda *_: None)
    case.fresh().catch_up()
    assert not case.is_true()
