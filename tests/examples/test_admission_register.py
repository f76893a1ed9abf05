"""The admission register of a day: what it said then, what it said before, from when, why and by whom."""

from __future__ import annotations

from datetime import date

from ledger.sessions import parse_moment
from projections.asking.questions import Answers
from projections.records.admission import RollAnswer, roll_answers
from tests.support.absences import AUNT, FATHER, MOTHER, PUPIL, admission, lived, office
from tests.support.schools import OpenedSchool, new_keys

MOVED = office("AmendParticulars", "2024-11-04", from_day="2024-10-01", address="9 New Road", reason="the family moved")


def register(school: OpenedSchool, as_of: str, known_at: str | None = None) -> RollAnswer:
    known = parse_moment(known_at, end_of_day=True) if known_at else None
    (found,) = roll_answers(school.answers, school.answers.moment(date.fromisoformat(as_of), known), [PUPIL])
    return found


def test_it_states_what_regulation_8_asks_for() -> None:
    found = register(lived(), "2024-09-03")
    assert (found.name, found.sex, found.born, found.upn) == ("Ada Example", "F", "2016-03-09", "B801200005001")
    assert (found.address, found.last_school, found.class_name) == ("1 Example Road", "Example Nursery", "4W")
    assert found.spells == [{"first": "2024-09-03", "last": None, "entered_at": "2024-09-02T09:00:00+00:00"}]
    assert [(each["name"], each["address"], each["lives_with"]) for each in found.parents] == [
        ("Beth Example", "1 Example Road", True),  # she lives with the pupil
        ("Carl Example", "2 Other Road", False),
    ]
    assert [(each["name"], each["phone"]) for each in found.emergency_contacts] == [("Dora Example", "01632 960003")]


def test_an_amendment_holds_from_its_day_and_only_once_it_is_known() -> None:
    school = lived(MOVED)
    assert register(school, "2024-09-30").address == "1 Example Road"
    assert register(school, "2024-10-01").address == "9 New Road"
    assert register(school, "2024-11-04", "2024-11-03").address == "1 Example Road"


def test_the_value_from_the_later_day_counts_whichever_was_recorded_last() -> None:
    again = office("AmendParticulars", "2024-11-05", from_day="2024-09-15", address="5 Between Road", reason="a letter")
    school = lived(MOVED, again)
    assert [register(school, day).address for day in ("2024-09-14", "2024-09-15", "2024-10-01")] == [
        "1 Example Road",
        "5 Between Road",
        "9 New Road",
    ]
    corrected = office("AmendParticulars", "2024-11-05", from_day="2024-10-01", address="19 New Road", reason="a slip")
    assert register(lived(MOVED, corrected), "2024-11-05").address == "19 New Road"


def test_every_amendment_says_what_was_there_before_why_and_by_whom() -> None:
    (change,) = register(lived(MOVED), "2024-11-04").amendments
    assert (change.what, change.before, change.after) == ("address", "1 Example Road", "9 New Road")
    assert (change.from_day, change.reason) == ("2024-10-01", "the family moved")
    assert change.by == {"name": "H Example", "title": "Headteacher"}
    assert change.recorded_at == "2024-11-04T16:30:00+00:00" and change.position > 0


def test_a_new_list_of_parents_is_told_person_by_person() -> None:
    changed = office("ChangeContacts", "2024-11-04", parents=[{**MOTHER, "phone": "01632 960009"}])
    found = register(lived(changed), "2024-11-04").amendments
    assert [(each.what, each.before, each.after) for each in found][:1] == [
        ("parent 1042-a: phone", "01632 960001", "01632 960009")
    ]
    assert ("parent 1042-b: name", "Carl Example", "") in [(each.what, each.before, each.after) for each in found]
    assert [each["id"] for each in register(lived(changed), "2024-11-03").parents] == ["1042-a", "1042-b"]


def test_a_new_list_may_say_from_which_day_and_why() -> None:
    said = {"from_day": "2024-11-11", "reason": "a new telephone"}
    changed = office("ChangeContacts", "2024-11-04", parents=[{**MOTHER, "phone": "01632 960009"}, FATHER], **said)
    school = lived(changed)
    phones = [register(school, day).parents[0]["phone"] for day in ("2024-11-10", "2024-11-11")]
    assert phones == ["01632 960001", "01632 960009"]
    (change,) = register(school, "2024-11-11").amendments
    assert (change.from_day, change.reason) == ("2024-11-11", "a new telephone")
    nobody = office("ChangeEmergencyContacts", "2024-11-04", emergency_contacts=[], **said)
    found = register(lived(nobody), "2024-11-11").amendments
    assert {(each.from_day, each.reason) for each in found} == {("2024-11-11", "a new telephone")}


def test_emergency_contacts_stand_in_the_order_to_ring() -> None:
    first = {"id": "1042-f", "name": "Ed Example", "phone": "01632 960004", "contact_order": 1}
    changed = office("ChangeEmergencyContacts", "2024-11-04", emergency_contacts=[AUNT, first])
    found = register(lived(changed), "2024-11-04").emergency_contacts
    assert [each["id"] for each in found] == ["1042-f", "1042-e"]


def test_a_class_is_that_of_the_day() -> None:
    moved = office("ChangeClass", "2024-11-04", from_day="2024-11-11", **{"class": "4K"})
    school = lived(moved)
    assert [register(school, day).class_name for day in ("2024-11-10", "2024-11-11")] == ["4W", "4K"]


def test_a_pupil_who_comes_back_is_entered_anew() -> None:
    left = office(
        "RemoveFromRoll", "2024-11-04", last_day="2024-11-08", ground="moved away", destination="Other School"
    )
    back = admission(at="2025-01-20T09:00:00Z", starting_day="2025-01-21", address="7 Return Road", parents=[FATHER])
    school = lived(MOVED, left, back)
    before, after = register(school, "2025-01-20"), register(school, "2025-01-21")
    assert (before.address, after.address) == ("9 New Road", "7 Return Road")
    assert (before.starting_day, after.starting_day) == ("2024-09-03", "2025-01-21")
    assert before.removal is not None and before.removal["destination"] == "Other School" and after.removal is None
    assert [(each["first"], each["last"]) for each in after.spells] == [
        ("2024-09-03", "2024-11-08"),
        ("2025-01-21", None),
    ]
    assert [change.what for change in after.amendments] == ["address"], "what was amended before is not forgotten"


def test_without_its_key_it_says_so_and_shows_nothing() -> None:
    school = lived(MOVED)
    lost = Answers(school.ledger, school.answers.engine, new_keys())
    found = register(school._replace(answers=lost), "2024-11-04")
    assert (found.readable, found.name, found.address, found.parents) == (False, "", "", [])
    assert [change.after for change in found.amendments] == ["(sealed)"]
    assert found.class_name == "4W"
