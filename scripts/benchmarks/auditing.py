"""What the auditor asks for: sealing everything that is stored, one explanation, warm, and a stranger's check of a
bundle of ten thousand events."""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median

from commands.evidence import bundle
from commands.sealing import seal_all
from commands.wiring import House
from ledger.events import ContactLogged
from ledger.seal import new_seal, read
from ledger.sessions import micros
from ledger.store import Envelope
from ledger.streams import follow_up_stream
from projections.asking.questions import Moment
from projections.audit.evidence import Basis, evidence, period_of
from projections.audit.explain import explain_absence, explain_penalty
from projections.audit.testimony import Evidence
from projections.readmodel.replay import pages
from scripts.benchmarks.measure import Row, Target, Timed, in_turns, seconds
from scripts.benchmarks.plain import Plain
from scripts.benchmarks.pupils import PUPILS
from scripts.benchmarks.school import Cohort
from scripts.benchmarks.stores import Place, Stores
from scripts.benchmarks.years import FIRST, TEACHER, fill

MICROSECONDS_AN_EVENT, MILLISECONDS, SECONDS = 5, 50, 1
BUNDLED = 10_000
VERIFY = Path(__file__).parents[2] / "commands" / "evidence" / "verify.py"
# What a stranger's machine does at the least: an interpreter with the packages, every byte read and hashed.
LEAST = """
import sys, zipfile
from hashlib import sha256
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(*(sha256(archive.read(name)).hexdigest() for name in archive.namelist()))
"""


def audit_rows(place: Place, years: int, rounds: int) -> list[Row]:
    """Return the rows of sealing, and of explaining the last year of pupils who were there in all of them."""
    pupils = Cohort(FIRST, "A").numbers()
    with place.open() as house:
        answers, plain = house.answers, Plain(place.url)
        moment = answers.moment(as_of=date(FIRST + years, 7, 22))
        head, _ = house.ledger.reads.head()
        kept = list(pages(house.ledger, min(head, 100_000)))
        events = sum(map(len, kept))
        # A sealing process holds nothing but a page of rows; what recording left here would be looked through again.
        gc.collect()
        gc.freeze()

        def sealing(_: int) -> float:
            return seconds(lambda: read(row for rows in kept for row in rows).checkpoint("bench"))

        def reading(_: int) -> float:
            return seconds(lambda: list(pages(house.ledger, events)))

        def explaining(round_: int) -> float:
            explain = (explain_absence, explain_penalty)[round_ % 2]
            return seconds(lambda: explain(answers, moment, pupils[round_ % len(pupils)]))

        def marks(round_: int) -> float:
            pupil = pupils[round_ % len(pupils)]
            return seconds(
                lambda: plain.all("SELECT * FROM entries WHERE year = ? AND pupil = ?", FIRST + years - 1, pupil)
            )

        sealed = in_turns(max(3, rounds // 10), sealing, reading)
        explained = in_turns(rounds, explaining, marks)
        plain.close()
        gc.unfreeze()
    school = f"{years} school years, {place.kind}"
    cost = Row(
        f"seal, {school}",
        1e6 * median(sealed[0]) / events,
        "µs/event",
        1e6 * median(sealed[1]) / events,
        Target("rate", "most", MICROSECONDS_AN_EVENT),
        len(sealed[0]),
    )
    return [cost, Row.of_milliseconds(f"explain, {school}", *explained, Target("rate", "most", MILLISECONDS))]


def bundle_rows(stores: Stores, rounds: int) -> list[Row]:
    """Return the row of a bundle of ten thousand events, verified by a process of its own."""
    _, house = stores.new("sqlite")
    fill(house, 1, weeks=4)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bundle.zip"
        key = _bundle(house, file)
        house.close()
        verify = (sys.executable, "-I", str(VERIFY), str(file), "--key", key)
        least = (sys.executable, "-I", "-c", LEAST, str(file))
        took = in_turns(rounds, _timed(*verify), _timed(*least))
    target = Target("rate", "most", SECONDS)
    return [Row.of_seconds(f"verify a bundle of {BUNDLED:,} events", *took, target)]


def _bundle(house: House, file: Path) -> str:
    """Write the signed bundle of one pupil's first weeks, with so many attempts to reach a parent, each with its sealed
    words, that it holds ten thousand events. Return the verifier key."""
    pupil, begun = PUPILS[0], datetime(FIRST, 10, 1, 12, tzinfo=UTC)
    stream = follow_up_stream(pupil, FIRST)
    _, _, basis = _evidence(house, pupil)
    tried = [
        Envelope(stream, version, ContactLogged(by=TEACHER, contact=f"{pupil}-a", outcome=f"no answer, {version}"))
        for version in range(1, BUNDLED - len(basis.rows) + 1)
    ]
    house.ledger.append(seal_all(tried, house.keys, house.ledger), at=micros(begun))
    moment, found, basis = _evidence(house, pupil)
    assert len(basis.rows) == BUNDLED, len(basis.rows)
    seal = new_seal(file.with_name("seal"), "attendance/bench")
    seal.sign(read(row for page in pages(house.ledger, moment.position) for row in page))
    file.write_bytes(bundle(house.answers, moment, found, basis, seal, draft=True).content)
    return str(seal.key)


def _evidence(house: House, pupil: str) -> tuple[Moment, Evidence, Basis]:
    moment = house.answers.moment()
    first, last = period_of(moment, None)
    return moment, *evidence(house.answers, moment, pupil, first, last)


def _timed(*command: str) -> Timed:
    return lambda _: seconds(lambda: subprocess.run(command, check=True, capture_output=True))
