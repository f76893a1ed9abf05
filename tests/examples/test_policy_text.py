"""The school's policy text and the policy file, read side by side.

A number is the school's only where the paragraph that its source names says it. So every setting of `micklem-2025`
stands here once: with the words in which its paragraph states it, or as a number of our own that the paragraph leaves
open, or as a matter on which the policy is silent. The words are short, and the number in them is the setting's: change
either and they no longer meet.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from datetime import date, time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.policy import READERS, Policy, load
from tests.support.whole_case import REVIEW_ON

TEXT = Path(__file__).resolve().parents[3] / "shared" / "reference" / "policy-micklem-2025.txt"

pytestmark = pytest.mark.skipif(not TEXT.is_file(), reason=f"the school's policy text is not at {TEXT}")

MICKLEM = load("micklem-2025")

PENALTIES = "National Framework for Penalty Notices"
PERSISTENT = "Persistent Absenteeism (PA) and Severe Absenteeism (SA)"
PROCEDURES = "Absence Procedures"
LATENESS = "Lateness"
PROMOTING = "Promoting Regular Attendance"
BARRIERS = "Understanding barriers to attendance"
DELETION = "Deletion from Roll"
SOCIAL_WORKER = "Support for pupils with a social worker"
ANNEX_A = "Annex A"
HEADINGS = (
    "Introduction and Background",
    PROMOTING,
    "Understanding Types of Absence",
    PERSISTENT,
    PROCEDURES,
    LATENESS,
    BARRIERS,
    "Local Authority Attendance Support Team",
    "School Attendance and the Law",
    PENALTIES,
    DELETION,
    "Absence data",
    ANNEX_A,
    "Annex B",
)
WITHIN_ANNEX_A = (SOCIAL_WORKER, "Looked after and previously looked after children")

NUMERALS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
ORDINALS = ("", "first", "second", "third", "fourth", "fifth")

Write = Callable[[Any], str]


def plain(value: Any) -> str:
    return str(value)


def numeral(value: int) -> str:
    return NUMERALS[value]


def ordinal(value: int) -> str:
    return ORDINALS[value]


def pounds(pence: int) -> str:
    return f"£{pence // 100}" if pence % 100 == 0 else f"£{pence / 100:.2f}"


def clock(moment: time) -> str:
    """Return a time of day as the policy writes it, such as 3.15pm."""
    return f"{(moment.hour - 1) % 12 + 1}.{moment.minute:02}{'am' if moment.hour < 12 else 'pm'}"


def listed(codes: Iterable[str]) -> str:
    """Return codes as the policy lists them, such as G, O and/or U."""
    *others, last = sorted(codes)
    return f"{', '.join(others)} and/or {last}"


# Setting, paragraph, words of it, and how the value is written in them.
STATED: list[tuple[str, str, str, Write]] = [
    ("penalty_codes", PENALTIES, "({} coded", listed),
    ("penalty_threshold", PENALTIES, "of {} sessions (", plain),
    ("penalty_threshold", PENALTIES, "The {} sessions of absence", plain),
    ("penalty_weeks", PENALTIES, "rolling {} school week", plain),
    ("penalty_weeks", PENALTIES, "The {}-school week period", plain),
    ("notices_limit", PENALTIES, "A {} Penalty Notice", ordinal),
    ("notices_limit", PENALTIES, "a {} offence is committed", lambda limit: ordinal(limit + 1)),
    ("notices_years", PENALTIES, "within a {}-year period", numeral),
    ("fine_first_pence", PENALTIES, "Notice for {},", pounds),
    ("fine_reduced_pence", PENALTIES, "reduced to {} if", pounds),
    ("fine_reduced_days", PENALTIES, "paid within {} days", plain),
    ("fine_second_pence", PENALTIES, "a fine of {} per parent", pounds),
    ("court_aggravated_fine_pounds", PENALTIES, "fine of up to £{} and", plain),
    ("court_months", PENALTIES, "up to {} months in prison", plain),
    ("persistent_percent", PERSISTENT, "they miss {}% or more", plain),
    ("persistent_percent", PERSISTENT, "levels of {}% or below", lambda percent: str(100 - percent)),
    ("severe_percent", PERSISTENT, "missed {}% or more", plain),
    ("register_letter_percent", PROCEDURES, "attendance is below {}%", plain),
    ("target_percent", PROCEDURES, "attendance is below {}%", plain),
    ("ring_back_channels", PROCEDURES, "leave a {} to report", lambda channels: channels[0]),
    ("contact_authority_day", PROCEDURES, "by the {}th day of absence", plain),
    ("attendance_return_school_days", PROCEDURES, "{} or more days", plain),
    ("unauthorised_return_sessions", PROCEDURES, "unauthorised {} am/pm sessions", plain),
    ("late_book", LATENESS, "arriving after {}", clock),
    ("hours_am", LATENESS, "Registration starts: {}", lambda hours: clock(hours.opens)),
    ("hours_am", LATENESS, "Registers are taken at {}", lambda hours: clock(hours.opens)),
    ("hours_am", LATENESS, "Registration closes: {}", lambda hours: clock(hours.closes)),
    ("hours_am", PROCEDURES, "before {}, when our register closes", lambda hours: clock(hours.closes)),
    ("hours_pm", LATENESS, "End of the school day: {}", lambda hours: clock(hours.ends)),
    ("sickness_return_school_days", BARRIERS, "miss {} or more school days", plain),
    ("new_pupil_return_days", DELETION, "within {} days", numeral),
    ("year_groups_final", DELETION, "end of year {},", plain),
    ("inform_groups", SOCIAL_WORKER, "informing the pupil's {}", lambda groups: groups[0]),
]

# The paragraph names what is done; how much of it is our default, and must not look like the school's.
LEFT_OPEN: dict[str, tuple[str, str]] = {
    "contact_letter_day": (PROCEDURES, "send letters home"),
    "contact_visit_day": (PROCEDURES, "home visit may be made"),
    "vulnerable_groups": (ANNEX_A, "with a social worker"),
    "target_percent": (PROMOTING, "target for attendance"),
    "punctuality_letter_sessions": (PROCEDURES, "punctuality is a concern"),
    "punctuality_meeting_sessions": (LATENESS, "persistent lateness record"),
    "award_percent": (PROMOTING, "Celebrate excellent attendance"),
    "award_improved_points": (PROMOTING, "improving attendance"),
}

# The policy says nothing: words that would be in it if it did.
SILENT: dict[str, tuple[str, ...]] = {
    "recount_noticed_sessions": ("counted again",),
    "notices_from": ("before 19",),
    "notices_acquitted_counts": ("acquitt",),
    "at_risk_percent": ("5% or more", "5 % or more"),
    "n_deadline_school_days": ("five school days", "fifth school day"),
    "letter_pause_school_days": ("20 school days", "school days after a letter"),
    "punctuality_weeks": ("6 weeks", "six weeks"),
    "fine_days": ("28 days",),
    "post_working_days": ("working day",),
    "improve_weeks_least": ("three to six", "notice to improve"),
    "improve_weeks_most": ("three to six", "notice to improve"),
    "court_fine_pounds": ("£1000", "£1,000"),
    "attendance_return_codes": ("G, N, O",),
    "ground_i_codes": ("G, N, O", "continuously absent"),
    "ground_i_school_days": ("20 school days", "twenty school days"),
    "ground_h_school_days": ("10 school days", "ten school days"),
    "new_pupil_return_from_start": ("starting day",),
    "usual_start_september_days": ("staggered",),
    "year_groups_youngest": ("reception",),
    "census_ages": ("school census", "aged 4"),
    "hide_below": ("small numbers",),
    "keep_years": ("six years", "6 years"),
    "bulk_entries": ("in bulk",),
    "bulk_minutes": ("in bulk",),
    "census_watch_days": ("school census",),
    "suspicious_late_to_present": ("turned from U to L",),
}
WHOSE = re.compile(
    r"SI 2024/208|Education Act 1996|Education \(Penalty Notices\) \(England\) Regulations 2007|Guidance, August 2024|"
    r"National Framework for penalty notices|Statistic|School census|Our (default|reading)"
)


def section(heading: str) -> str:
    """Return what the policy says under a heading, up to the next one, on one line."""
    lines = TEXT.read_text(encoding="utf-8").splitlines()
    begins = [place for place, line in enumerate(lines) if line == heading or line.startswith(f"{heading}:")]
    assert len(begins) == 1, heading
    rest = lines[begins[0] + 1 :]
    ends = (*HEADINGS, *WITHIN_ANNEX_A) if heading in WITHIN_ANNEX_A else HEADINGS
    following = (place for place, line in enumerate(rest) if line.split(":")[0] in ends)
    return one_line(rest[: next(following, len(rest))])


def one_line(lines: Iterable[str]) -> str:
    return " ".join(" ".join(lines).replace("’", "'").split())


def whole() -> str:
    return one_line(TEXT.read_text(encoding="utf-8").splitlines())


def disagreements(policy: Policy) -> list[str]:
    """Return the settings whose value does not stand in the words of the paragraph that states it."""
    return [
        setting
        for setting, heading, words, write in STATED
        if words.format(write(getattr(policy, setting))) not in section(heading)
    ]


def test_every_number_that_the_policy_states_stands_in_its_paragraph() -> None:
    assert disagreements(MICKLEM) == []


@pytest.mark.parametrize(
    ("setting", "other"),
    [
        ("penalty_threshold", 11),
        ("penalty_weeks", 12),
        ("penalty_codes", frozenset("GNOU")),
        ("notices_limit", 3),
        ("fine_reduced_pence", 6000),
        ("fine_reduced_days", 28),
        ("register_letter_percent", 96),
        ("late_book", time(9, 5)),
        ("hours_am", msgspec.structs.replace(MICKLEM.hours_am, closes=time(9, 15))),
        ("contact_authority_day", 5),
        ("unauthorised_return_sessions", 10),
        ("new_pupil_return_days", 7),
        ("year_groups_final", "4"),
    ],
)
def test_a_number_that_is_not_the_policys_is_noticed(setting: str, other: Any) -> None:
    assert setting in disagreements(dataclasses.replace(MICKLEM, **{setting: other}))


@pytest.mark.parametrize(("setting", "heading"), sorted({(setting, heading) for setting, heading, _, _ in STATED}))
def test_the_source_of_a_stated_number_names_its_paragraph(setting: str, heading: str) -> None:
    source = MICKLEM.source(setting)
    assert source.startswith(f"School policy, {MICKLEM.edition}, ")
    elsewhere = {("hours_am", PROCEDURES): LATENESS}  # said a second time there
    assert elsewhere.get((setting, heading), heading) in source


@pytest.mark.parametrize("setting", LEFT_OPEN)
def test_what_the_paragraph_leaves_open_is_called_our_default(setting: str) -> None:
    heading, words = LEFT_OPEN[setting]
    source = MICKLEM.source(setting)
    assert source.startswith(f"School policy, {MICKLEM.edition}, {heading}")
    assert words in section(heading)
    assert "our default" in source or "read as" in source
    value = getattr(MICKLEM, setting)
    if isinstance(value, int):
        assert not re.search(rf"(?<![\d.,]){value}(?![\d.,])(?! ?%)", section(heading)), value


@pytest.mark.parametrize("setting", SILENT)
def test_where_the_policy_is_silent_the_source_says_whose_number_it_is(setting: str) -> None:
    source = MICKLEM.source(setting)
    assert "the policy is silent" in source
    assert WHOSE.match(source), source
    assert [words for words in SILENT[setting] if words.lower() in whole().lower()] == []


def test_every_setting_is_read_against_the_policy() -> None:
    assert {setting for setting, *_ in STATED} | LEFT_OPEN.keys() | SILENT.keys() == set(READERS)
    assert {setting for setting, *_ in STATED} & SILENT.keys() == set()


def test_the_edition_and_the_review_are_those_on_its_first_page() -> None:
    assert f"Reviewed {MICKLEM.edition}" in whole()
    assert f"Next Review Date {date.fromisoformat(REVIEW_ON):%B %Y}" in whole()


def test_the_policy_opens_its_gates_before_any_register() -> None:
    assert "Gates open: 8.45am" in section(LATENESS)
    assert MICKLEM.hours_am.opens > time(8, 45)
