from datetime import time
from importlib import resources
from pathlib import Path

import pytest

from ledger.calendar import Hours
from ledger.codes import CODES
from ledger.errors import Misconfigured
from ledger.policy import READERS, load, shipped

TEXT = resources.files("ledger").joinpath("policies", "national-2024.toml").read_text(encoding="utf-8")


def written(folder: Path, text: str) -> Path:
    path = folder / "ours.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_two_policies_are_shipped_under_their_own_names() -> None:
    assert shipped() == ["micklem-2025", "national-2024"]
    assert [load(name).name for name in shipped()] == shipped()


def test_the_policies_differ_in_whether_n_counts_to_the_threshold() -> None:
    national, micklem = load("national-2024"), load("micklem-2025")
    assert national.penalty_codes == {code.symbol for code in CODES if code.penalty_national}
    assert micklem.penalty_codes == national.penalty_codes - {"N"} == {"G", "O", "U"}


def test_the_shipped_policies_differ_where_the_school_says_otherwise_and_nowhere_else() -> None:
    national, micklem = load("national-2024"), load("micklem-2025")
    both = {key: (getattr(national, key), getattr(micklem, key)) for key in READERS}
    assert {key: values for key, values in both.items() if values[0] != values[1]} == {
        "penalty_codes": (frozenset("GNOU"), frozenset("GOU")),  # the school's policy does not name N
        "late_book": (None, time(9, 0)),  # the school's own, five minutes after the register is taken
        "unauthorised_return_sessions": (0, 20),  # a return of the school's own
    }


@pytest.mark.parametrize("name", ["micklem-2025", "national-2024"])
def test_the_shipped_numbers_are_these(name: str) -> None:
    policy = load(name)
    assert (policy.penalty_threshold, policy.penalty_weeks, policy.recount_noticed_sessions) == (10, 10, False)
    assert (policy.notices_limit, policy.notices_years) == (2, 3)
    assert (policy.persistent_percent, policy.severe_percent, policy.at_risk_percent) == (10, 50, 5)
    assert (policy.register_letter_percent, policy.n_deadline_school_days) == (95, 5)
    assert policy.hours == (
        Hours(time(8, 55), time(9, 10), time(12, 0)),
        Hours(time(13, 15), time(13, 30), time(15, 15)),
    )


@pytest.mark.parametrize("name", ["micklem-2025", "national-2024"])
def test_every_number_sits_with_its_paragraph(name: str) -> None:
    policy = load(name)
    assert set(policy.sources) == set(READERS)
    assert policy.source("penalty.threshold") == policy.source("penalty_threshold") != ""
    with pytest.raises(KeyError):
        policy.source("penalty.treshold")


def test_a_policy_loads_from_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT.replace("national-2024", "stricter").replace("value = 10", "value = 8"))
    for given in (path, str(path)):
        assert load(given).name == "stricter"
        assert load(given).penalty_threshold == 8


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[penalty.threshold]", "[penalty.treshold]", "unknown key 'penalty.treshold'; is penalty_threshold meant"),
        ("[late_book]", "[zzz]", "unknown key 'zzz'"),
        ("[late_book]", "[penalty_codes]", "states 'penalty_codes' twice"),
        ("value = 10\n", "value = '10'\n", "'penalty.threshold' must be a whole number"),
        ("value = 10\n", "value = true\n", "'penalty.threshold' must be a whole number"),
        ("value = 10\n", "value = 0\n", "'penalty.threshold' must be a whole number"),
        ("value = 10\n", "value = 10.0\n", "'penalty.threshold' must be a whole number"),
        ("value = 10\n", "value = 100001\n", "'penalty.threshold' must be a whole number from 1 to 100000"),
        ("value = 3\n", "value = 101\n", "'notices.years' must be a whole number from 1 to 100"),
        ("value = 10\n", "valeu = 10\n", "'penalty.threshold' must have value and source"),
        ("value = 10\n", "value = 10\nnote = 1\n", "'penalty.threshold' must have value and source"),
        ("value = 95", "value = 101", "'register_letter.percent' must be a whole percentage"),
        ("value = 95", "value = 0", "'register_letter.percent' must be a whole percentage"),
        ("value = false", "value = 0", "'recount_noticed_sessions' must be true or false"),
        ('value = "none"', 'value = "09:00:00"', "'late_book' must be a time of day"),
        ('value = "none"', "value = 09:10:00", "'late_book' must lie within the registration of 'hours.am'"),
        ('value = "none"', "value = 08:54:59", "'late_book' must lie within the registration of 'hours.am'"),
        ("closes = 09:10:00", "closes = 08:55:00", "'hours.am' must open, close and end in this order"),
        ("closes = 09:10:00", "shuts = 09:10:00", "'hours.am' must have opens, closes and ends"),
        ('["G", "N", "O", "U"]', '["G", "I"]', "'penalty.codes' must list codes of unauthorised absence, and 'I'"),
        ('["G", "N", "O", "U"]', '["G", 1]', "'penalty.codes' must list codes of unauthorised absence, and '1'"),
        ('["G", "N", "O", "U"]', "[]", "'penalty.codes' must be a list of codes"),
        ('["G", "N", "O", "U"]', '"GNOU"', "'penalty.codes' must be a list of codes"),
        ('name = "national-2024"', "name = 1", "'name' must be a text"),
        ('edition = "', 'published = "', "'edition' must be a text"),
        ("[penalty.codes]", "[penalty]\nsize = 1\n[penalty.codes]", "'penalty.size' must be a table"),
        ('name = "national-2024"', 'name = "national', "is not TOML"),
    ],
)
def test_a_policy_with_a_mistake_is_refused_in_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in TEXT
    with pytest.raises(Misconfigured) as refusal:
        load(written(tmp_path, TEXT.replace(old, new, 1)))
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_source_must_say_something(tmp_path: Path) -> None:
    head, _, tail = TEXT.partition("source = ")
    with pytest.raises(Misconfigured, match="the source of 'penalty.codes' must be a text"):
        load(written(tmp_path, head + 'source = " "\n' + tail.partition("\n")[2]))


def test_a_setting_left_out_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="lacks n_deadline_school_days"):
        load(written(tmp_path, TEXT[: TEXT.index("[n_deadline")]))


@pytest.mark.parametrize("name", ["", "national", "national-2024 ", "../policy"])
def test_an_unknown_name_is_told_the_known_ones(name: str) -> None:
    with pytest.raises(Misconfigured, match="only micklem-2025 and national-2024"):
        load(name)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        load(tmp_path / "absent.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'title = "\xe9"')
    with pytest.raises(Misconfigured, match="cannot be read"):
        load(latin)
