"""Papers: set in the fonts that are shipped, in every script that families of a school write, and the same bytes
everywhere."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pypdf
import pytest
import typst

from commands.paper import typefaces
from tests.support.terminal import BY, run

PLACE = Path(__file__).parents[2] / "commands" / "paper" / "fonts"
ALONE = b"#set text(font: json(bytes(sys.inputs.fonts)))\n#sys.inputs.text *#sys.inputs.text*"


def set_alone(text: str) -> bytes:
    """Return a text as archival paper, upright and bold. Raises TypstError."""
    paper: bytes = typst.compile(
        ALONE,
        font_paths=typefaces.fonts(),
        ignore_system_fonts=True,
        sys_inputs={"fonts": json.dumps(typefaces.families()), "text": text},
        pdf_standards=["a-2a"],
    )
    return paper


def evidence(reason: str) -> tuple[bytes, str]:
    """Return the paper of a bundle, after an amendment for this reason, and the words on it."""
    said = run("amend", "1042", "2024-09-03/AM", "I", "--reason", reason, "--by", BY)
    assert said.code == 0, said
    said = run("evidence", "1042", "--draft", "-o", "x.zip")
    assert said.code == 0, said
    with ZipFile("x.zip") as bundle:
        paper = bundle.read("evidence.pdf")
    return paper, " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper)).pages)


@pytest.mark.parametrize(
    "reason",
    ["ill 🤒", "أخبرت الأم أنه مريض", "بخار ہے", "李娜發燒了", "রহিমের জ্বর", "ਬੱਚਾ ਬਿਮਾਰ", "બીમાર છે", "बीमार है", "காய்ச்சல்",
     "ไม่สบาย", "ሕፃኑ ታሟል", "ילד חולה", "아파요", "病気です", "Дитина хвора", "Đặng Thị",
     "a → b ✓ Ⓐ", "👨‍👩‍👧 ❤️ 🇬🇧 👍🏽"],
)  # fmt: skip
def test_what_families_write_stands_on_paper_and_not_as_numbers(reason: str, school: Path) -> None:
    paper, words = evidence(reason)
    assert paper.startswith(b"%PDF") and "U+" not in words


def test_what_no_font_holds_stands_as_its_number(school: Path) -> None:
    _, words = evidence("Name 𠮷野 and 𒀀")
    assert "[U+20BB7]" in words and "[U+12000]" in words and "野" in words


def test_letters_joined_to_what_no_font_has_cost_no_paper(school: Path) -> None:
    joined = "sad \u05c7😬\u1de2"
    with pytest.raises(typst.TypstError):  # the control: each has a glyph, and both together have none
        set_alone(typefaces.shown(joined))
    _, words = evidence(joined)
    assert "sad[U+05C7][U+1F62C][U+1DE2]" in "".join(words.split())


def test_text_from_right_to_left_is_laid_out_like_that_and_a_name_in_a_sentence_is_not() -> None:
    assert typefaces.shown("مريض (fever) منذ") == "\u2067مريض (fever) منذ\u2069"
    assert typefaces.shown("محمد has been late at three sessions") == "محمد has been late at three sessions"


def test_every_character_that_counts_as_held_can_be_set() -> None:
    held = sorted(typefaces.characters())
    assert len(held) > 30_000
    chosen = random.Random(11).sample(held, 1500)
    for start in range(0, len(chosen), 300):
        set_alone(" ".join(map(chr, chosen[start : start + 300])))


def test_the_fonts_are_small_and_free() -> None:
    files = list(PLACE.iterdir())
    assert sum(file.stat().st_size for file in files) < 7_000_000
    assert {"LICENSE-OFL.txt", "LICENSE-Apache-2.0.txt", "README.md"} <= {file.name for file in files}
    assert [font.family for font in typefaces.fonts().fonts() if font.path is None] == []


def test_a_paper_is_the_same_bytes_whatever_the_machine_has_for_fonts(school: Path, tmp_path: Path) -> None:
    assert run("amend", "1042", "2024-09-03/AM", "I", "--reason", "ill 🤒 محمد 李娜", "--by", BY).code == 0
    other = tmp_path / "home"
    fonts = other / ".local" / "share" / "fonts"
    fonts.mkdir(parents=True)
    # A font of the same name as the text's own, with another's letters.
    pretender = (PLACE / "NotoSerif-Regular.ttf").read_bytes()
    (fonts / "LibertinusSerif-Regular.ttf").write_bytes(pretender)
    machines = [
        {"HOME": str(tmp_path / "bare"), "SOURCE_DATE_EPOCH": "1", "TZ": "UTC", "LANG": "C"},
        {"HOME": str(other), "XDG_DATA_HOME": str(other / ".local" / "share"), "TYPST_FONT_PATHS": str(fonts),
         "TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8"},
    ]  # fmt: skip
    digests = set()
    for number, machine in enumerate(machines):
        file = f"{number}.zip"
        line = [sys.executable, "-m", "commands.cli", "evidence", "1042", "--draft", "-o", file]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2]), **machine}
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        with ZipFile(file) as bundle:
            digests.add(sha256(bundle.read("evidence.pdf")).hexdigest())
    assert len(digests) == 1
    found = subprocess.run(  # the control: a program that asks the machine does find that font
        [sys.executable, "-c", "import typst; print([each.path for each in typst.Fonts().fonts()])"],
        env={"PATH": os.environ["PATH"], **machines[1]}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(fonts) in found.stdout
    shutil.rmtree(other)
