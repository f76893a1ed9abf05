"""What a random school's office does beside its marks: letters, support, evidence, returns, cases, particulars, roles.

Each act is acceptable when its turn comes, or is not tried. No figure hangs on any of them but on a birth date that was
wrong: that moves compulsory school age, and with it what counts towards a penalty.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.random_school import Pupil, RandomSchool


def somebody(school: RandomSchool) -> Pupil | None:
    """Return a pupil on roll today, None where nobody is."""
    roll = school.roll(school.today)
    return school.rng.choice(roll) if roll else None


def send_a_letter(school: RandomSchool) -> None:
    if pupil := somebody(school):
        quoted = {"possible": 20, "attended": 17, "authorised": 1, "unauthorised": 2, "late": 3}
        figures: dict[str, Any] = school.rng.choice([{}, {"quoted": quoted, "as_of": str(school.today), "seen": 1}])
        school.say(
            "SendLetter",
            "off",
            pupil=pupil.number,
            about=school.rng.choice(["attendance", "punctuality", "report", "no contact"]),
            parents=[pupil.parents[0]["id"]],
            sent_on=str(school.today),
            **figures,
        )


def give_support(school: RandomSchool) -> None:
    """Record a step of support; one that was offered is sometimes answered at once."""
    if pupil := somebody(school):
        step = school.rng.choice(["meeting", "support plan", "attendance contract", "Families First Assessment"])
        for stage in school.rng.choice([["invited"], ["held"], ["offered", "accepted"], ["agreed", "reviewed"]]):
            again = str(school.today + timedelta(days=21))
            about = {"pupil": pupil.number, "step": step, "stage": stage, "on": str(school.today), "next_on": again}
            school.say("RecordSupport", "off", **about, people=[f"Parent {pupil.number}"], outcome="agreed")


def tell_an_agency(school: RandomSchool) -> None:
    if pupil := somebody(school):
        about = school.rng.choice(["unexplained absence", "no contact", "safeguarding"])
        told = {"agency": "social worker", "about": about, "on": str(school.today), "person": "S Worker"}
        school.say("InformAgency", "off", pupil=pupil.number, **told)


def ask_for_evidence(school: RandomSchool) -> None:
    """Ask for medical evidence about today, see it and give it back, or only some of it."""
    pupil = somebody(school)
    if pupil is None or not school.is_school_day(school.today):
        return
    about = {"pupil": pupil.number, "evidence": f"ME-{len(school.lines)}"}
    sessions, today = [f"{school.today}/AM"], str(school.today)
    steps: list[tuple[str, dict[str, Any]]] = [
        ("RequestEvidence", {"parent": pupil.parents[0]["id"], "sessions": sessions, "doubt": "every Monday"}),
        ("RecordEvidence", {"seen_on": today, "sessions": sessions, "what": "a prescription"}),
        ("ReturnEvidence", {"returned_on": today}),
    ]
    for command, said in steps[: school.rng.randrange(1, 4)]:
        school.say(command, "off", **about, **said)


def expect_sickness(school: RandomSchool) -> None:
    if pupil := somebody(school):
        days = {"first_day": str(school.today), "last_day": str(school.today + timedelta(days=25))}
        school.say("ExpectSickness", "off", pupil=pupil.number, **days, grounds="an operation")


def ask_after_a_pupil(school: RandomSchool) -> None:
    if pupil := somebody(school):
        jointly = school.chance(50)
        school.say("RecordEnquiries", "off", pupil=pupil.number, on=str(school.today), jointly=jointly, outcome="home")


def say_who_allowed_it(school: RandomSchool) -> None:
    pupil = somebody(school)
    if pupil is not None and school.is_school_day(school.today):
        parents = [parent["id"] for parent in pupil.parents]
        about = {"sessions": [f"{school.today}/PM"], "parents": parents, "reason": "all of them travelled"}
        school.say("AttributeAbsence", "off", pupil=pupil.number, **about)


def make_a_return(school: RandomSchool) -> None:
    """Make one return about a day that none was made about."""
    pupil = somebody(school)
    form = school.rng.choice(["attendance", "sickness", "unauthorised"])
    if pupil is not None and (pupil.number, form, str(school.today)) not in school.returned:
        school.returned.add((pupil.number, form, str(school.today)))
        about = {"form": form, "episode": str(school.today), "made_on": str(school.today), "content": {"days": 10}}
        school.say("MakeReturn", "off", pupil=pupil.number, **about)


def share_something(school: RandomSchool) -> None:
    if pupil := somebody(school):
        days = {"on": str(school.today), "as_of": str(school.today)}
        shared = {"what": "attendance", "recipient": "Hill School", "why": "a sibling is there"}
        school.say("ShareInformation", "off", pupil=pupil.number, **shared, **days)


def send_the_days_codes(school: RandomSchool) -> None:
    if school.is_school_day(school.today):
        sent = {"day": str(school.today), "seen": 1, "pupils": len(school.pupils), "digest": "ab" * 32}
        school.say("RecordDailyReturn", "off", **sent)


def serve_a_notice(school: RandomSchool) -> None:
    waiting = [(pupil, name) for pupil, name, _ in school.notices if name not in school.served]
    if waiting:
        pupil, name = school.rng.choice(waiting)
        school.served.add(name)
        sent = {"method": school.rng.choice(["post", "hand", "email"]), "sent_on": str(school.today)}
        school.say("ServeNotice", "la", pupil=pupil.number, notice=name, **sent)


def pay_a_part(school: RandomSchool) -> None:
    """Pay less than any notice asks, once."""
    waiting = [(pupil, name) for pupil, name, _ in school.notices if name not in school.paid]
    if waiting:
        pupil, name = school.rng.choice(waiting)
        school.paid.add(name)
        school.say("RecordPayment", "la", pupil=pupil.number, notice=name, paid_on=str(school.today), amount=40)


def consider_a_case(school: RandomSchool) -> None:
    """Consider a case that ends without a notice: nothing, a notice to improve, or a prosecution."""
    if not (pupil := somebody(school)):
        return
    decision = school.rng.choice(["nothing", "improve", "improve", "other"])
    about, today = {"pupil": pupil.number, "notice": f"CASE-{len(school.lines)}"}, str(school.today)
    said = {"route": "support", "decision": decision, "considered_on": today, "reasons": "late every day"}
    school.say("ConsiderPenalty", "head", **about, parent=pupil.parents[0]["id"], **said)
    if decision == "improve":
        until = str(school.today + timedelta(days=28))
        school.say("RequireImprovement", "head", **about, issued_on=today, ends_on=until, at_most=2, offered="a club")
        if school.chance(50):
            school.say("EndImprovement", "head", **about, ended_on=today, improved=school.chance(50))
    if decision == "other":
        school.say("BeginProsecution", "la", **about, begun_on=today, offence="444(1)")
        if school.chance(50):
            school.say("EndProsecution", "la", **about, ended_on=today, outcome="convicted", fine=250)


def name_a_role(school: RandomSchool) -> None:
    role, holder = school.rng.choice([("attendance lead", "off"), ("headteacher", "head"), ("pastoral lead", "hart")])
    named = {"holders": [school.staff[holder]], "from_day": str(school.today), "contact": "01632 960003"}
    school.say("NameRole", "head", role=role, **named)


def change_whom_to_ring(school: RandomSchool) -> None:
    if pupil := somebody(school):
        aunt = {"id": f"{pupil.number}-z", "name": "An Aunt", "phone": "01632 960002"}
        contacts = school.rng.choice([[], [aunt]])
        school.say("ChangeEmergencyContacts", "off", pupil=pupil.number, emergency_contacts=contacts)


def amend_the_register(school: RandomSchool) -> None:
    if pupil := somebody(school):
        moved = {"address": school.rng.choice(["1 Lane", "2 Other Lane"]), "last_school": "Elsewhere"}
        amended = {"from_day": str(school.today), "reason": "the family has written"}
        school.say("AmendParticulars", "off", pupil=pupil.number, **amended, **moved)


def correct_a_birth_date(school: RandomSchool) -> None:
    """Move a birth date; the codes that a pupil may have move with it."""
    if pupil := somebody(school):
        born = pupil.born + timedelta(days=school.rng.choice((-120, -1, 1, 120)))
        pupil.was_born(born)
        amended = {"from_day": str(school.today), "reason": "the certificate was seen"}
        school.say("AmendParticulars", "off", pupil=pupil.number, born=str(born), **amended)


def hear_of_a_move(school: RandomSchool) -> None:
    if pupil := somebody(school):
        days = {"received_on": str(school.today), "leaving_on": str(school.today + timedelta(days=30))}
        form = {"parent": pupil.parents[0]["id"], "new_school": "Hill School", "new_address": "2 Other Lane"}
        school.say("ReceiveMovingForm", "off", pupil=pupil.number, **form, **days)


# What may happen after school, and in how many of a hundred days.
ACTS: list[tuple[Callable[[RandomSchool], None], int]] = [
    (send_a_letter, 5),
    (give_support, 5),
    (tell_an_agency, 3),
    (ask_for_evidence, 4),
    (expect_sickness, 2),
    (ask_after_a_pupil, 2),
    (say_who_allowed_it, 2),
    (make_a_return, 4),
    (share_something, 2),
    (send_the_days_codes, 6),
    (serve_a_notice, 8),
    (pay_a_part, 4),
    (consider_a_case, 4),
    (name_a_role, 2),
    (change_whom_to_ring, 3),
    (amend_the_register, 3),
    (correct_a_birth_date, 1),
    (hear_of_a_move, 2),
]
