"""An import that is stopped, killed or cut off: what it saved is whole, and started again it goes on where it was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import pytest

from commands.handle import Handler
from commands.imports import marks as imports
from commands.imports.exports import digest
from commands.imports.marks import ImportResult, import_marks
from commands.models import parse
from commands.wiring import House, open_house
from ledger.keys import KeyStore
from ledger.people import Staff
from ledger.store import Envelope, Ledger, Unavailable, open_ledger
from ledger.streams import entry_of
from tests.support.children import Child
from tests.support.counts import count
from tests.support.proxy import Moment, Proxy
from tests.support.schools import new_keys, told

OFFICE = Staff("off", "O Fice", "Office")
BY = {"id": "head", "name": "H Example", "title": "Headteacher"}
AFTERWARDS = datetime(2025, 8, 1, tzinfo=UTC)
PUPILS = [str(2000 + number) for number in range(20)]
DAYS = [day for number in range(60) if (day := date(2024, 9, 3) + timedelta(number)).weekday() < 5]
MARKS = 2 * len(PUPILS) * len(DAYS)
BATCH = 40

Story = tuple[list[tuple[int, str, int, Any]], list[Any]]


class Stopped(Exception):
    """Somebody pressed the keys that stop a program."""


@pytest.fixture(autouse=True)
def in_small_batches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(imports, "BATCH", BATCH)
    monkeypatch.setattr(imports, "ATTEMPT_PAUSE", 0)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A file of both marks of every pupil and day, in no order, some with a comment."""
    rows = [
        f"{pupil},{day:%d/%m/%Y},{half},{'I' if day.day % 5 == 0 else code},{'fever' if day.day == 10 else ''}\n"
        for pupil in PUPILS
        for day in DAYS
        for half, code in (("AM", "/"), ("PM", "\\"))
    ]
    random.Random(5).shuffle(rows)
    path = tmp_path / "export.csv"
    path.write_text("".join(["Adno,Date,Session,Mark,Comment\n", *rows]), encoding="utf-8")
    return path


def begin(ledger: Ledger, keys: KeyStore) -> tuple[Ledger, KeyStore]:
    """Open a school with its pupils in an empty ledger."""
    handler = Handler(ledger, keys, simulated=True)
    opened = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": "national-2024"}
    year = {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"}
    admitted = {
        "name": "Ada Example",
        "born": "2015-03-09",
        "starting_day": "2024-09-03",
        "year_group": "4",
        "class": "4W",
    }
    lines = [{"command": "OpenSchool"} | opened, {"command": "OpenSchoolYear"} | year]
    for line in lines + [{"command": "AdmitPupil", "pupil": pupil} | admitted for pupil in PUPILS]:
        handler.handle(parse({"at": "2024-09-02T08:00:00Z", "by": BY} | line))
    return ledger, keys


def bring_in(ledger: Ledger, keys: KeyStore, path: Path, **how: Any) -> ImportResult:
    return import_marks(path, ledger, keys, OFFICE, at=AFTERWARDS, **how)


def story(ledger: Ledger, keys: KeyStore, path: Path) -> Story:
    """Everything a ledger holds but its times, text opened, and the receipts of the import of a file."""
    receipts: list[Any] = []
    while receipt := ledger.reads.receipt(f"import/{digest(path)}/{len(receipts) + 1}"):
        receipts.append(receipt)
    return told(ledger.reads.rows(0, 1_000_000), keys), receipts


def half_days(ledger: Ledger) -> list[tuple[str, date]]:
    """The pupils' days of which the ledger holds one mark only; the export has two of each."""
    entries = [entry_of(row.stream) for row in ledger.reads.rows(0, 1_000_000) if row.topic.startswith("entry.")]
    held = Counter((pupil, session.day) for pupil, session in entries)
    return [day for day, marks in held.items() if marks != 2]


@pytest.fixture
def uninterrupted(export: Path) -> Story:
    ledger, keys = begin(open_ledger("memory:", create=True), new_keys())
    assert bring_in(ledger, keys, export).imported == MARKS
    return story(ledger, keys, export)


def stopping(stage: str, after: int) -> imports.Progress:
    """A progress callback that stops the import once a stage is done with so many marks."""

    def progress(now: str, done: int, total: int | None) -> None:
        if now == stage and done >= after:
            raise Stopped

    return progress


def test_an_import_stopped_again_and_again_becomes_the_uninterrupted_one(
    fresh_url: Callable[[], str], export: Path, uninterrupted: Story
) -> None:
    ledger, keys = begin(open_ledger(fresh_url(), create=True), new_keys())
    before = ledger.reads.head()
    for stage in ("reading", "checking"):
        with pytest.raises(Stopped):
            bring_in(ledger, keys, export, progress=stopping(stage, BATCH))
        assert ledger.reads.head() == before
    for batches in (1, 3, 10):
        with pytest.raises(Stopped):
            bring_in(ledger, keys, export, progress=stopping("saving", batches * BATCH))
        assert half_days(ledger) == []
    rest = bring_in(ledger, keys, export)
    assert (rest.imported, rest.already) == (MARKS - 14 * BATCH, 14 * BATCH)
    assert story(ledger, keys, export) == uninterrupted
    ledger.close()


# --- killed ---------------------------------------------------------------------------------------------------------


def import_and_tell(tell: Callable[[Any], None], url: str, path: Path) -> None:
    imports.BATCH = BATCH
    with open_house(url) as house:
        where = path.with_name("killed-rejects.csv")
        bring_in(house.ledger, house.keys, path, rejects=where, progress=lambda stage, done, _: tell((stage, done)))


def test_an_import_killed_again_and_again_becomes_the_uninterrupted_one(
    tmp_path: Path, export: Path, uninterrupted: Story
) -> None:
    moments, finished, killed_while_saving = random.Random(7), 0, 0
    while finished < count(1, 15):
        url = f"sqlite:///{tmp_path}/{finished}.db"
        with open_house(url, create=True, simulated=True) as house:
            begin(house.ledger, house.keys)
            while (saved := len(story(house.ledger, house.keys, export)[1])) < MARKS // BATCH:
                heard = killed_once(url, export, moments)
                killed_while_saving += ("saving", BATCH) in heard
                assert half_days(house.ledger) == []
                # What was told as saved is there.
                told_saved = max((done for stage, done in heard if stage == "saving"), default=0)
                assert len(story(house.ledger, house.keys, export)[1]) >= saved + told_saved // BATCH
            assert_complete(house, export, uninterrupted)
        finished += 1
    assert killed_while_saving


def killed_once(url: str, export: Path, moments: random.Random) -> list[Any]:
    """Return what an import told before it was killed, some time from its first breath to many batches on."""
    child = Child(import_and_tell, url, export)
    if moments.random() < 0.2:
        return child.kill_after(moments.uniform(0, 0.15))
    heard = [child.hear()]
    while heard[-1][0] != "saving":
        heard.append(child.hear())
    return heard + child.kill_after(moments.uniform(0, 0.15))


def assert_complete(house: House, export: Path, uninterrupted: Story) -> None:
    assert bring_in(house.ledger, house.keys, export)[:2] == (0, MARKS)
    assert story(house.ledger, house.keys, export) == uninterrupted


class Piecemeal(Ledger):
    """A broken ledger: it saves a batch event by event, without a receipt, and is stopped in the middle of a day."""

    def append(self, envelopes: Sequence[Envelope], **_: Any) -> list[int]:
        for envelope in envelopes[:21]:
            super().append([envelope], at=int(AFTERWARDS.timestamp() * 1_000_000))
        raise Stopped


def test_control_events_saved_one_by_one_leave_half_a_day(tmp_path: Path, export: Path) -> None:
    ledger, keys = begin(open_ledger(f"sqlite:///{tmp_path}/school.db", create=True), new_keys())
    with pytest.raises(Stopped):
        bring_in(Piecemeal(ledger.address), keys, export)
    assert len(half_days(ledger)) == 1


# --- cut off --------------------------------------------------------------------------------------------------------


class Cut(Ledger):
    """A ledger whose saves are cut: each takes the next of `cuts`, None leaving it alone."""

    def __init__(self, ledger: Ledger, proxy: Proxy) -> None:
        super().__init__(ledger.address)
        self._proxy = proxy
        self.cuts: Iterator[Moment | None] = iter(())

    def append(self, envelopes: Sequence[Envelope], **how: Any) -> list[int]:
        if moment := next(self.cuts, None):
            self._proxy.cut(moment)
        return super().append(envelopes, **how)


@pytest.fixture
def served(fresh_postgresql_url: Callable[[], str]) -> Iterator[tuple[Ledger, KeyStore, Cut]]:
    """Give the ledger of a school as seen directly, its keys, and the ledger as seen through a proxy that cuts."""
    direct, keys = begin(open_ledger(fresh_postgresql_url(), create=True), new_keys())
    with Proxy(direct.address.conninfo) as proxy:
        proxied = open_ledger(f"{proxy.url}&schema={direct.address.schema}")
        yield direct, keys, Cut(proxied, proxy)


def test_an_import_whose_commits_lose_their_answers_becomes_the_uninterrupted_one(
    served: tuple[Ledger, KeyStore, Cut], export: Path, uninterrupted: Story
) -> None:
    direct, keys, cut = served
    cut.cuts = cycle([*get_args(Moment), None, None])
    result = bring_in(cut, keys, export)
    assert (result.imported, result.already, result.rejected) == (MARKS, 0, 0)
    assert story(direct, keys, export) == uninterrupted


def test_an_import_that_gets_no_answer_at_all_says_so_and_goes_on_when_started_again(
    served: tuple[Ledger, KeyStore, Cut], export: Path, uninterrupted: Story
) -> None:
    direct, keys, cut = served
    cut.cuts = cycle(["before"])
    with pytest.raises(Unavailable, match="start the import again to continue"):
        bring_in(cut, keys, export)
    assert half_days(direct) == []
    cut.cuts = iter(())
    assert bring_in(cut, keys, export).imported == MARKS
    assert story(direct, keys, export) == uninterrupted
