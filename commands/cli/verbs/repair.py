"""The verb that brings a ledger to today's format and puts back what is gone of it."""

from __future__ import annotations

from commands.cli.frame.options import JsonOption, KeysOption, LedgerOption, note
from commands.cli.frame.parameters import Verbs
from commands.cli.frame.speech import say, say_json
from commands.wiring import House, open_house
from ledger.authorship import VOUCHED, recording_key
from ledger.errors import Misconfigured
from projections.readmodel.projector import Projector, Stale
from projections.readmodel.rebuild import rebuild

verbs = Verbs()


@verbs.command("repair")
def repair_ledger(ledger: LedgerOption = None, keys: KeysOption = None, as_json: JsonOption = False) -> None:
    """Bring a ledger to today's format, and put back what is gone of it.

    A read model that an earlier release made is built again, as by 'attendance rebuild'.

    For the owner of the database. Triggers, functions, keys and indexes that are missing, or have another body, are
    made as this program makes them, each said; no event and no receipt is changed. What the database holds that is not
    this program's stays, and is named by 'attendance verify'. On PostgreSQL run roles.sql again afterwards.

    \b
    Example: attendance repair --ledger sqlite:///school.db
    """
    with open_house(ledger, keys, examining=True) as house:
        done = house.ledger.reads.repair()
        house.ledger.checked_again()
        if house.ledger.opened() is not None and not house.ledger.reads.recorded(VOUCHED):
            recording_key(house.ledger, house.keys)
            if house.ledger.reads.recorded(VOUCHED):
                done.append("vouched for what was recorded before receipts said by whom")
        done += _read_model(house)
        left = house.ledger.reads.faults()
        if as_json:
            say_json({"done": done, "left": left})
        for sentence in done or ["there was nothing to repair"]:
            if not as_json:
                say(sentence)
        for sentence in left:
            note(sentence)


def _read_model(house: House) -> list[str]:
    """Return that the read model was built again, nothing where it may go on serving. One that was built from another
    ledger stays: which of the two is right, a person says with 'attendance rebuild'."""

    try:
        Projector(house.ledger, house.engine).check()
        house.ledger.check_restored()
    except Stale:
        done = rebuild(house.ledger, house.engine)
        return [f"built the read model again, up to position {done.position}"]
    except Misconfigured as error:
        note(error)
    return []
