"""Which school years a bundle must hold is worked out from the calendar; each is there whole, or shown to be empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import note
from ledger.seal import Seal
from tests.evidence.bundles import HEAD, NAME, admission, data, made_of, school_day, sealed, verdict, with_manifest
from tests.support.schools import OpenedSchool, open_school

Line = dict[str, Any]
Members = dict[str, bytes]
SUMMER, AUTUMN = (date(2025, 6, 30), date(2025, 7, 22)), (date(2025, 9, 3), date(2025, 9, 12))


def days(*periods: tuple[date, date]) -> Iterator[Line]:
    for first, last in periods:
        for offset in range((last - first).days + 1):
            if (day := first + timedelta(days=offset)).weekday() < 5:
                yield from school_day(day)


def opening(year: str, first: date, last: date, at: str) -> Line:
    told = {"year": year, "first_day": str(first), "last_day": str(last)}
    return {"command": "OpenSchoolYear", "at": at, "by": HEAD, **told}


def story(starting: str, *, other: bool = True) -> list[Line]:
    """Return the end of one school year and the beginning of the next, which is opened on the last day of July."""
    school = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": "national-2024"}
    admitted = {"at": "2025-06-27T09:00:00Z", "starting_day": starting}
    return [
        {"command": "OpenSchool", "at": "2025-06-26T08:00:00Z", "by": HEAD, **school},
        opening("2024/25", *SUMMER, "2025-06-26T09:00:00Z"),
        admission("1042", "Ada Example", "B Example") | admitted,
        admission("canary.9", "Canary Wren", "Canary Parent") | admitted | {"starting_day": "2025-06-30"},
        *(each for each in days(SUMMER) if other),
        opening("2025/26", AUTUMN[0], date(2026, 7, 21), "2025-07-31T09:00:00Z"),
        *days(AUTUMN),
    ]


def school_of(starting: str) -> OpenedSchool:
    lines = story(starting)
    if starting > "2025-08":  # 1042 is not there yet in summer
        for line in lines:
            if line["command"] == "TakeRegister" and line["session"] < "2025-08":
                line["marks"].pop("1042", None)
    return open_school(keep=True).replay(lines)


@pytest.fixture(scope="module")
def two_years() -> OpenedSchool:
    return school_of("2025-06-30")


@pytest.fixture(scope="module")
def seal(two_years: OpenedSchool, tmp_path_factory: pytest.TempPathFactory) -> Seal:
    return sealed(two_years, tmp_path_factory.mktemp("seal") / "seal")


@pytest.fixture(scope="module")
def members(two_years: OpenedSchool, seal: Seal) -> Members:
    return made_of(two_years, seal, as_of=date(2025, 9, 12), draft=True).members


def signed(members: Members, seal: Seal) -> Members:
    """Return members with a manifest that fits and that the school itself has signed."""
    private = seal.private
    assert private is not None
    return with_manifest(members, lambda text: note.sign(text, NAME, private))


def left_out(members: Members, *prefixes: str) -> Members:
    """Return members without the rows, lines and later hashes of streams that begin so, and years said to be fewer."""
    rows = [json.loads(line) for line in members["events.jsonl"].splitlines()]
    kept = [row for row in rows if not row["stream"].startswith(prefixes)]
    proofs, evidence = json.loads(members["proofs.json"]), json.loads(members["evidence.json"])
    proofs["rows"] = {str(row["position"]): proofs["rows"][str(row["position"])] for row in kept}
    proofs["years"] = [year for year in proofs["years"] if not f"{year['line']}/".startswith(prefixes_of(prefixes))]
    evidence["years"] = [2025]
    return {
        **members,
        "events.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in kept),
        "proofs.json": json.dumps(proofs).encode(),
        "evidence.json": json.dumps(evidence).encode(),
    }


def prefixes_of(streams: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{stream} " for stream in streams)


def test_the_window_reaches_into_the_year_before(members: Members, seal: Seal) -> None:
    """The negative control, signed by the school like the forgeries."""
    told = json.loads(members["evidence.json"])
    assert told["years"] == [2024, 2025] and told["penalty"]["weeks"][0] == "2025-06-30"
    assert verdict(signed(members, seal), str(seal.key)) == ""


@pytest.mark.parametrize(
    ("prefixes", "sentence"),
    [
        (("1042/2024",), "rests on the school years [2024, 2025]"),
        (("1042/2024", "school/2024"), "nothing shows whether the school had a year before 2025"),
        (("school/2024",), "nothing shows that the events of ['1042/2024'] are complete"),
    ],
)
def test_a_year_left_out_by_the_school_itself_is_asked_for(
    members: Members, seal: Seal, prefixes: tuple[str, ...], sentence: str
) -> None:
    assert sentence in verdict(signed(left_out(members, *prefixes), seal), str(seal.key))


def test_the_line_of_a_calendar_without_its_calendar_is_not_enough(members: Members, seal: Seal) -> None:
    forged = left_out(members, "1042/2024", "school/2024")
    proofs = json.loads(forged["proofs.json"])
    proofs["years"] = json.loads(members["proofs.json"])["years"]
    forged["proofs.json"] = json.dumps(proofs).encode()
    assert "the calendars of [2024] are left out" in verdict(signed(forged, seal), str(seal.key))


def test_a_year_without_events_is_shown_to_have_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    school = school_of("2025-09-03")
    seal = sealed(school, tmp_path / "seal")
    made = made_of(school, seal, as_of=date(2025, 9, 12), draft=True)
    lines = [year["line"].split(" ")[0] for year in data(made, "proofs.json")["years"]]
    assert data(made)["years"] == [2024, 2025] and "1042/2024" not in lines
    assert verdict(made.members, str(seal.key)) == ""
    for neighbour in ("1042/0", "1042/2025"):
        forged = dict(made.members)
        proofs = json.loads(forged["proofs.json"])
        proofs["years"] = [year for year in proofs["years"] if not year["line"].startswith(f"{neighbour} ")]
        forged["proofs.json"] = json.dumps(proofs).encode()
        assert "nothing shows that the events of 1042/" in verdict(signed(forged, seal), str(seal.key))


def test_of_the_last_year_a_neighbour_of_another_pupils_shows_that_there_is_nothing(tmp_path: Path) -> None:
    """Nothing is said of that pupil but the number, how many events there are, and a digest."""
    lines = story("2025-06-30")
    gone = {"command": "RemoveFromRoll", "pupil": "1042", "last_day": "2025-07-22", "ground": "moved away"}
    summer = next(at for at, line in enumerate(lines) if line["at"] > "2025-07-31")
    for line in lines[summer:]:
        line.get("marks", {}).pop("1042", None)
    removed = {**gone, "at": "2025-07-22T15:00:00Z", "by": HEAD, "destination": "Other School"}
    school = open_school(keep=True).replay(
        [*lines[:summer], removed, *(line for line in lines[summer:] if line.get("pupil") != "1042")]
    )
    seal = sealed(school, tmp_path / "seal")
    made = made_of(school, seal, as_of=date(2025, 9, 12), draft=True)
    shown = [year["line"].split(" ")[0] for year in data(made, "proofs.json")["years"]]
    assert shown == ["1042/0", "1042/2024", "1042/2024/entry", "canary.9/0", "school/0", "school/2024", "school/2025"]
    assert verdict(made.members, str(seal.key)) == ""
    assert made.members["proofs.json"].count(b"canary") == 1 and b"canary" not in made.members["evidence.json"]


def test_a_calendar_opened_after_the_moment_is_shown_to_be_later(two_years: OpenedSchool, seal: Seal) -> None:
    made = made_of(two_years, seal, as_of=date(2025, 8, 10), known_at="2025-07-25T12:00:00", draft=True)
    assert data(made)["years"] == [2024, 2025]
    assert verdict(made.members, str(seal.key)) == ""
    forged = dict(made.members)
    rows = [json.loads(line) for line in forged["events.jsonl"].splitlines()]
    (later,) = [row for row in rows if row["stream"] == "school/2025"]
    assert later["position"] > data(made)["position"]
    proofs = json.loads(forged["proofs.json"])
    del proofs["rows"][str(later["position"])]
    forged["proofs.json"] = json.dumps(proofs).encode()
    forged["events.jsonl"] = b"".join(json.dumps(row).encode() + b"\n" for row in rows if row is not later)
    assert "the calendar of the school year 2025 is left out" in verdict(signed(forged, seal), str(seal.key))
