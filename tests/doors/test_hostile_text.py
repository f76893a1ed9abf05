"""Names and reasons that would rewrite the line that they stand on: refused at the door, and where an older ledger
holds them harmless on every screen, in every file and on paper."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile

import pydantic
import pypdf
import pytest

from commands.cli.verbs.machines import schema
from commands.models import parse
from commands.models.base import Model
from ledger import text
from ledger.errors import Refused
from tests.support.terminal import BY, run, small_school, write_journal

UNFIT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
HOSTILE = (
    "=cmd|'/C x'!A1 \x1b[2J\x1b]0;title\x07 \x9b31m \u202etxt.exe\u202c \u2066a\u2069 \u2028line\u2029 nul\x00 "
    'tab\there\nnext\r #panic("p") ] [*b*] $x$ `r` <b>&amp; // /* {{x}} %s \'q\' "Q" 🤒'
)
UPNS = {"1042": "B801200005001", "1043": "Q801200005002", "9001": "E801200005003"}
LINE = HOSTILE.replace("\n", " ").replace("\r", " ")


def models() -> Iterator[type[Model]]:
    """Yield every command and every part of one."""
    waiting = [Model]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("commands.") and kind.model_fields:
            yield kind


@pytest.mark.parametrize("kind", list(models()), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("given", ["a\u202eb", ["a", {"k": "\x9b"}], {"\x00": 1}], ids=["text", "list", "name"])
def test_every_field_of_every_command_refuses_what_no_text_may_hold(kind: type[Model], given: Any) -> None:
    for name, field in kind.model_fields.items():
        with pytest.raises(pydantic.ValidationError) as refused:
            kind.model_validate({field.alias or name: given})
        about = [each for each in refused.value.errors() if each["loc"][0] == (field.alias or name)]
        assert [type(each.get("ctx", {}).get("error")) for each in about] == [text.Unfit], name


def test_every_text_and_every_list_of_a_command_has_an_end() -> None:
    def endless(part: Any, path: str) -> Iterator[str]:
        if isinstance(part, list):
            for each in part:
                yield from endless(each, path)
        elif isinstance(part, dict):
            kind = part.get("type")
            ends = {"maxLength", "pattern", "format", "enum", "const", "examples"}
            if kind == "string" and not ends & part.keys():
                yield path
            if kind == "array" and "maxItems" not in part:
                yield path
            if kind == "object" and "properties" not in part and "maxProperties" not in part:
                yield path
            for name, each in part.items():
                if name not in ("default", "required", "propertyNames"):
                    yield from endless(each, f"{path}.{name}")

    # The hours of a day have two halves, and amounts a number of digits.
    ended = (".times", ".amount.anyOf", ".fine.anyOf")
    found = {path for path in endless(schema()["commands"], "") if not path.endswith(ended)}
    assert found == set()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"reason": "ill\x1b[2J"}, "reason of pupil 1042, expected text without control characters and marks of the "
         "direction of writing: U+001B is character 4"),
        ({"reason": "a\u202eb"}, "U+202E is character 2"),
        ({"detail": "nul\x00"}, "detail of pupil 1042, expected text without"),
        ({"by": {"id": "x", "name": "A\nB", "title": "T"}}, "by.name of pupil 1042, expected one line of text without"),
        ({"by": {"id": "x", "name": "A\x9b", "title": "T"}}, "by.name of pupil 1042, expected text without"),
        ({"code": "I\u200f"}, "code of pupil 1042, expected"),
    ],
)  # fmt: skip
def test_it_is_refused_by_field_and_pupil_and_never_repeated(change: dict[str, Any], sentence: str) -> None:
    amend = {"command": "AmendMark", "pupil": "1042", "session": "2024-09-03/AM", "code": "I", "reason": "ill"}
    with pytest.raises(Refused, match=re.escape(sentence)) as refused:
        parse(amend | change)
    assert refused.value.rule == "malformed" and refused.value.value is None and not UNFIT.search(str(refused.value))


@pytest.mark.parametrize(
    "reason", ["ill 🤒", "محمد", "李娜", "রহিম", "Łukasz Żółć", "two\nlines\tand a tab", "नि‍त‌", "👨‍👩‍👧"]
)
def test_letters_of_every_script_pictures_and_several_lines_are_let_in(reason: str) -> None:
    amend = {"command": "AmendMark", "pupil": "1042", "session": "2024-09-03/AM", "code": "I", "reason": reason}
    assert parse(amend).reason == reason  # type: ignore[attr-defined]


def test_a_list_or_a_line_beyond_all_measure_is_refused() -> None:
    many = {"command": "DeclareClosure", "code": "Y4", "sessions": ["2024-09-03/AM"] * 2_000}
    with pytest.raises(Refused, match="malformed: sessions, expected .*at most 1000"):
        parse(many)
    with pytest.raises(Refused, match="malformed: line, expected no more than 16,777,216 bytes"):
        parse({"command": "MakeReturn", "content": {"a": "x" * 17_000_000}})


@contextmanager
def a_door_that_lets_everything_in() -> Iterator[None]:
    """As of a release that did not ask: what is recorded meanwhile holds what nobody may record any more."""
    never = re.compile(r"(?!)")
    with patch.object(text, "_NEVER", never), patch.object(text, "_NOT_IN_A_LINE", never):
        yield


@pytest.fixture(scope="module")
def older_school(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a ledger, and its seal, whose names and reasons are hostile wherever they could be."""
    place = tmp_path_factory.mktemp("older")
    by = {"id": "off", "name": f"O {LINE}"[:190], "title": f"T {LINE}"[:190]}
    contact = {"name": LINE[:190], "relationship": LINE, "phone": LINE, "email": LINE, "address": HOSTILE}
    lines = [line | {"by": by} for line in small_school()]
    for line in lines:
        if line["command"] == "OpenSchool":
            line["name"] = LINE[:150]
        if line["command"] == "OpenSchoolYear":
            line["closed"] = [{"from": "2024-10-28", "to": "2024-11-01", "why": HOSTILE}]
        if line["command"] == "AdmitPupil":
            line |= {"name": f"{LINE[:190]}", "groups": [LINE, "SEN support"], "email": LINE, "address": HOSTILE,
                     "last_school": LINE, "parents": [each | contact for each in line.get("parents", [])],
                     "emergency_contacts": [{"id": "e", **contact}], "sex": "F",
                     "upn": UPNS[line["pupil"]]}  # fmt: skip
        if "reason" in line:
            line["reason"] = HOSTILE
        if line["command"] == "RequestLeave":
            line["ground"] = HOSTILE
        if line["command"] == "TakeRegister":
            line["marks"] = {"1042": "/", "1043": {"code": "B", "detail": HOSTILE}}
    about = {"pupil": "1042", "by": by}
    lines += [
        {"command": "ReportAbsence", "at": "2024-09-05T10:00:00Z", "parent": "1042-a", "channel": LINE, "said": HOSTILE,
         "received_at": "2024-09-05T07:41:00Z", "sessions": ["2024-09-05/AM"], **about},
        {"command": "LogContact", "at": "2024-09-05T10:01:00Z", "contact": "1042-a", "channel": LINE[:190],
         "outcome": LINE[:190], "sessions": ["2024-09-05/AM"], "said": HOSTILE, "next_step": HOSTILE, **about},
        {"command": "LogArrival", "at": "2024-09-05T10:02:00Z", "session": "2024-09-05/AM",
         "arrived_at": "2024-09-05T09:20:00+01:00", "reason": HOSTILE, **about},
        {"command": "RecordSupport", "at": "2024-09-05T10:03:00Z", "step": "meeting", "stage": "held",
         "on": "2024-09-05", "people": [LINE[:190]], "outcome": HOSTILE, **about},
        {"command": "DeclareClosure", "at": "2024-09-05T10:04:00Z", "sessions": ["2024-09-06/AM"], "code": "Y4",
         "reason": HOSTILE, "by": by},
        {"command": "RemoveFromRoll", "at": "2024-09-06T16:00:00Z", "pupil": "1043", "last_day": "2024-09-06",
         "ground": HOSTILE, "destination": LINE, "by": by},
    ]  # fmt: skip
    for number, line in enumerate(lines):
        line["id"] = f"{number} {LINE}"[:190]
    ledger = f"sqlite:///{place}/attendance.db"
    with a_door_that_lets_everything_in():
        said = run("replay", str(write_journal(place / "j.ndjson", lines)), "--ledger", ledger)
    assert said.code == 0, said.err
    assert run("seal", "--new", "--seal", str(place / "seal"), "--ledger", ledger).code == 0
    return place


SCREENS = """
register 4W 2024-09-03|history 1042|history 1043|absence|absence --class 4W|penalty|penalty 1042|penalty 1042 --ladder
explain absence 1042|explain penalty 1042|changes --from 2024-09-03|due --as-of 2024-09-05|followup 1042
due --as-of 2024-09-05 --known-at 2024-09-05T09:15|leave show|leave show 1042|staged|punctuality|late-book 2024-09-05
returns|roll|roll 1042|deletion 1043|policies|doctor|verify|verify --seal seal|reports weekly|reports governors
reports groups|reports awards|daily show 2024-09-03|shared|diff --then 2024-09-03T09:00
bisect absence 1042 --then 2024-09-03T09:00|referral 1042 --parent 1042-a|census autumn 2024/25|ctf 1042
whatif --set penalty.threshold=1|rebuild --status
"""
FILES = """
roll -o roll.csv|roll -o roll.xlsx|late-book 2024-09-05 -o lb.csv|late-book 2024-09-05 -o lb.xlsx
late-book 2024-09-05 -o lb.pdf|punctuality -o pu.csv|census autumn 2024/25 -o cen.xml|census autumn 2024/25 -o cen.csv
ctf 1042 -o ctf.xml|pupil-year 1042 -o py.pdf|leave letter 1042 LR-1 -o ll.pdf|moving-form-paper 1042 -o mf.pdf
referral 1042 --parent 1042-a --draft -o ref.pdf|evidence 1042 --draft --seal seal -o ev.zip|subject 1042 -o sub.json
reports weekly -o w.csv|reports weekly -o w.pdf|reports groups -o g.csv|reports groups -o g.xlsx
reports governors -o gov.pdf|reports parents 1042 -o par.pdf
letter draft 1042 attendance --parent 1042-a -o le.pdf|portable 1042 --seal seal -o po.json
daily send 2024-09-03 -o d.csv
"""


def verbs(table: str) -> list[str]:
    return [verb for line in table.split("\n") for verb in line.split("|") if verb]


def raw(shown: str) -> set[str]:
    return {f"U+{ord(found):04X}" for found in UNFIT.findall(shown)}


@pytest.fixture
def older(older_school: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(older_school)
    return older_school


@pytest.mark.parametrize("verb", verbs(SCREENS))
def test_no_screen_prints_it(verb: str, older: Path) -> None:
    for arguments in (verb.split(), [*verb.split(), "--json"]):
        said = run(*arguments)
        assert said.code in (0, 1) or "--json" in arguments or verb in ("reports awards",), said
        assert (raw(said.out), raw(said.err)) == (set(), set()), arguments


@pytest.mark.parametrize("verb", verbs(FILES))
def test_no_file_holds_it(verb: str, older: Path) -> None:
    said = run(*verb.split(), *(("--by", BY) if "send" in verb else ()))
    assert said.code in (0, 1), said
    assert (raw(said.out), raw(said.err)) == (set(), set())
    written = Path(verb.split()[-1])
    if written.suffix == ".csv":
        cells = [cell for row in csv.reader(written.open(newline="", encoding="utf-8")) for cell in row]
        assert cells and raw("".join(cells)) == set() and not any(re.match(r"\s*[=+\-@].", cell) for cell in cells)
    elif written.suffix == ".xlsx":
        with ZipFile(written) as book:
            strings = book.read("xl/sharedStrings.xml").decode()
        assert raw(strings) == set() and "_x00" not in strings
    elif written.suffix in (".xml", ".json") and "portable" not in verb:  # which is signed as it was recorded
        assert raw(written.read_text(encoding="utf-8")) == set()
    elif written.suffix == ".pdf":
        words = " ".join(page.extract_text() for page in pypdf.PdfReader(written).pages)
        assert raw(words) <= {"U+2067", "U+2069"}


def test_json_says_exactly_what_was_recorded(older: Path) -> None:
    said = run("history", "1042", "2024-09-03/PM", "--json")
    (told,) = said.json
    assert told["entries"][-1]["reason"] == HOSTILE.strip()


def test_without_the_one_place_the_screens_would_print_it(older: Path) -> None:
    """The negative control: the ledger does hold it, and nothing else stands between it and the terminal."""
    with a_door_that_lets_everything_in():
        assert {"U+001B", "U+202E", "U+009B"} <= raw(run("roll").out)


def test_a_journal_of_it_is_refused_line_by_line_and_nothing_of_it_repeated(folder: Path) -> None:
    lines = small_school()
    lines[2] |= {"name": LINE[:190]}
    said = run("replay", str(write_journal(folder / "j.ndjson", lines)))
    assert said.code == 2 and raw(said.err) == set() and "panic" not in said.err
    assert "line 3: malformed: name of pupil 1042, expected text without" in said.err


def test_an_import_rejects_comments_that_hold_it_and_keeps_the_rest(school: Path) -> None:
    head = "Admission Number,Session Date,Period,Attendance Code,Comment\n"
    Path("export.csv").write_text(head + "1042,2024-09-05,AM,I,ill\x1b[2J\n1042,2024-09-04,PM,I,ill\n")
    said = run("import", "marks", "export.csv", "--by", BY)
    assert "1 of 2 marks imported" in said.out and "U+001B is character 4" in Path("export-rejects.csv").read_text()
    for wrong in (("--by", "head:H\x1b:T"), ("--by", BY, "--source", "a\u202eb")):
        assert run("import", "marks", "export.csv", *wrong).sentence.startswith("malformed: ")


def test_the_rejects_of_an_import_are_no_formulas(school: Path) -> None:
    export = "Admission Number,Session Date,Period,Attendance Code\n1042,2024-09-05,AM,=1+1\n=2+2,2024-09-05,AM,/\n"
    Path("export.csv").write_text(export)
    assert "2 rejected" in run("import", "marks", "export.csv", "--by", BY).out
    with Path("export-rejects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3 and json.dumps(rows).count("'=") == 2
    assert not any(cell.startswith("=") for row in rows for cell in row)
