"""What happens for certain in the made-up school, whatever the seed: one pupil's story, three notices, one closure.

The pupil comes late, stays away without a word, and reaches ten unauthorised sessions in ten school weeks. In January a
medical letter turns four of them into illness. So what is known on STORY_THEN and on STORY_NOW gives two verdicts about
the same day. Two of the eleven sessions are still N on STORY_THEN: a policy that leaves N out says no even then.
"""

from datetime import date, timedelta

from commands.made_up.school import CLOSURE, ENDS, FORMED, OPEN_DAYS, Diary, Line, Pupil, both, moment
from ledger.sessions import Half, Session

STORY_PUPIL = "1042"
STORY_COHORT = 4  # in 4W first, in 5T a year later
STORY_AS_OF = date(2025, 12, 12)
STORY_THEN = moment(STORY_AS_OF, 17, 0)
STORY_NOW = moment(date(2026, 1, 16), 17, 0)
STORY_REGISTER = ("5T", date(2025, 11, 17))

# Cohort, first and last day of the holiday, day on which leave was asked, if it was.
HOLIDAYS = (
    (3, date(2024, 11, 11), date(2024, 11, 22), date(2024, 10, 14)),
    (2, date(2025, 6, 16), date(2025, 6, 27), None),
    (1, date(2025, 10, 13), date(2025, 10, 24), date(2025, 9, 16)),
)


def noticed_pupils(diary: Diary) -> list[Pupil]:
    """Return the three pupils, one of each cohort in HOLIDAYS, whose parents are issued a notice."""
    stayed = [pupil for pupil in diary.school.pupils if pupil.starts == FORMED and pupil.leaves is None]
    return [next(pupil for pupil in stayed if pupil.cohort == cohort) for cohort, *_ in HOLIDAYS]


def story_pupil(diary: Diary) -> Pupil:
    """Return the pupil of the story."""
    return next(pupil for pupil in diary.school.pupils if pupil.number == STORY_PUPIL)


def tell_stories(diary: Diary) -> None:
    """Write everything that is certain into the diary."""
    diary.write(
        moment(CLOSURE, 7, 5),
        diary.school.head,
        "DeclareClosure",
        {
            "sessions": [str(session) for session in both(CLOSURE)],
            "code": "Y4",
            "reason": "boiler failure, no heating in any classroom",
        },
    )
    _notices(diary)
    pupil = story_pupil(diary)
    _first_year(diary, pupil)
    _autumn(diary, pupil)
    _support(diary, pupil)
    _winter(diary, pupil)
    _last_days(diary)


def refused_holiday(
    diary: Diary, pupil: Pupil, days: list[date], asked: date, granted: dict[Session, str] | None = None
) -> None:
    """Ask for leave, have all of it but the granted sessions refused, and take the holiday all the same."""
    granted = granted or {}
    reason = "one session for the ceremony, the rest is not exceptional" if granted else "a holiday is not exceptional"
    decided = next(day for day in OPEN_DAYS if day > asked)
    diary.leave(moment(asked, 10, 20), moment(decided, 15, 40), pupil, days, "holiday", granted, reason)
    # A granted session is left out of the register: closing it marks the code and cites the decision.
    diary.mark(pupil, granted, None)
    for day in days:
        diary.mark(pupil, both(day), "G")


def unasked_holiday(diary: Diary, pupil: Pupil, days: list[date]) -> None:
    """Take a holiday without a word: N and calls for three days, until the office hears where the family is."""
    silent, told = days[:3], days[3:]
    for day in silent:
        diary.mark(pupil, both(day), None)
        diary.contact(moment(day, 9, 32), pupil, 0, "phone", "no answer", [Session(day, Half.AM)])
    heard = moment(told[0], 11, 5)
    diary.contact(heard, pupil, -1, "phone", "third party", [Session(told[0], Half.AM)])
    diary.amend(
        heard + timedelta(minutes=6),
        pupil,
        [each for day in silent for each in both(day)],
        "G",
        "a grandparent said that the family is abroad on holiday; no leave was asked for",
    )
    for day in told:
        diary.mark(pupil, both(day), "G")


def _notices(diary: Diary) -> None:
    """Issue three notices for holidays: one is paid, one stands unpaid, one is withdrawn."""
    noticed = noticed_pupils(diary)
    issued = (date(2024, 12, 9), date(2025, 7, 14), date(2025, 11, 24))
    for n, (pupil, (_, first, last, asked)) in enumerate(zip(noticed, HOLIDAYS, strict=True)):
        days = [day for day in OPEN_DAYS if first <= day <= last]
        if asked:
            refused_holiday(diary, pupil, days, asked)
        else:
            unasked_holiday(diary, pupil, days)
        diary.write(
            moment(issued[n], 14, 10),
            diary.school.authority,
            "IssuePenaltyNotice",
            {
                "pupil": pupil.number,
                "notice": f"PN-{n + 1}",
                "parent": pupil.parents[0]["id"],
                "issued_on": str(issued[n]),
                "sessions": [str(session) for day in days for session in both(day)],
            },
        )
    for n in (0, 1):
        diary.write(
            moment(issued[n], 14, 20),
            diary.school.authority,
            "ServeNotice",
            {"pupil": noticed[n].number, "notice": f"PN-{n + 1}", "method": "post", "sent_on": str(issued[n])},
        )
    diary.write(
        moment(date(2024, 12, 19), 9, 50),
        diary.school.authority,
        "RecordPayment",
        {"pupil": noticed[0].number, "notice": "PN-1", "paid_on": "2024-12-18", "amount": 80},
    )
    diary.write(
        moment(date(2025, 12, 8), 9, 45),
        diary.school.authority,
        "WithdrawPenaltyNotice",
        {"pupil": noticed[2].number, "notice": "PN-3", "reason": "posted to an address that the family had left"},
    )


def _first_year(diary: Diary, pupil: Pupil) -> None:
    """An ordinary year in 4W: a fever, some late mornings, and a holiday refused and not taken."""
    for day in (date(2024, 11, 20), date(2024, 11, 21), date(2024, 11, 22)):
        diary.report(moment(day, 8, 31), pupil, "voicemail", both(day), "a fever, still in bed")
        diary.mark(pupil, both(day), "I")
    _late(diary, pupil, date(2025, 1, 23), 8, 58, "held up at the crossing")
    _late(diary, pupil, date(2025, 3, 5), 9, 6, "overslept")
    _late(diary, pupil, date(2025, 4, 30), 9, 4, "overslept")
    week = [date(2025, 6, 9) + timedelta(n) for n in range(5)]
    diary.leave(
        moment(date(2025, 5, 12), 9, 40),
        moment(date(2025, 5, 14), 15, 30),
        pupil,
        week,
        "holiday",
        {},
        "a holiday is not exceptional",
    )


def _autumn(diary: Diary, pupil: Pupil) -> None:
    """In 5T eleven unauthorised sessions between 8 October and 9 December; the tenth is 9 December in the morning."""
    diary.office(moment(date(2025, 10, 2), 15, 35), pupil, "ChangeGroups", {"groups": ["SEN support"]})
    _late(diary, pupil, date(2025, 10, 8), 9, 34, "missed the bus")
    _silent(diary, pupil, date(2025, 10, 21), "no answer")
    diary.contact(moment(date(2025, 10, 22), 8, 40), pupil, 0, "phone", "spoke", both(date(2025, 10, 21)))
    diary.amend(
        moment(date(2025, 10, 22), 8, 52),
        pupil,
        both(date(2025, 10, 21)),
        "O",
        "parent said that the pupil did not want to come in",
    )
    _late(diary, pupil, date(2025, 11, 6), 9, 41, "overslept")
    monday, tuesday = date(2025, 11, 17), date(2025, 11, 18)
    _silent(diary, pupil, monday, "voicemail")
    _silent(diary, pupil, tuesday, "number dead")
    _new_number(diary, pupil)
    diary.amend(
        moment(date(2025, 11, 24), 15, 45),
        pupil,
        both(monday) + both(tuesday),
        "O",
        "no reason given after four calls and a message",
    )
    _late(diary, pupil, date(2025, 11, 27), 9, 26, "no reason given")
    _silent(diary, pupil, date(2025, 12, 9), "no answer")


def _support(diary: Diary, pupil: Pupil) -> None:
    """Help is offered before anybody speaks of a notice; one is considered, and is no matter any more in January."""
    about: Line = {"pupil": pupil.number}
    mother = pupil.parents[0]
    letter: Line = {
        "about": "attendance",
        "parents": [mother["id"]],
        "sent_on": "2025-11-27",
        "as_of": "2025-11-26",
        "quoted": {"possible": 112, "attended": 104, "authorised": 0, "unauthorised": 8},
    }
    diary.write(moment(date(2025, 11, 27), 9, 5), diary.school.deputy, "SendLetter", about | letter)
    met, people = date(2025, 12, 4), [mother["name"], diary.school.deputy["name"]]
    stages: tuple[tuple[date, int, str, str, Line], ...] = (
        (date(2025, 11, 28), 0, "meeting", "invited", {"on": str(met)}),
        (met, 0, "meeting", "held", {"people": people, "outcome": "mornings are hard since the new working hours"}),
        (met, 5, "reasonable adjustments", "offered", {"outcome": "breakfast club"}),
        (met, 6, "reasonable adjustments", "accepted", {}),
        (met, 7, "Families First Assessment", "offered", {"next_on": "2025-12-18"}),
        (date(2025, 12, 5), 0, "attendance contract", "agreed", {"people": people, "next_on": "2026-02-02"}),
    )
    for day, minute, step, stage, more in stages:
        stated = about | {"step": step, "stage": stage, "on": str(day)} | more
        diary.write(moment(day, 15, 40 + minute), diary.school.pastoral, "RecordSupport", stated)
    for day, decision, reasons in (
        (date(2025, 12, 15), "improve", "eleven sessions; the contract is ten days old"),
        (date(2026, 1, 12), "nothing", "a medical letter leaves seven"),
    ):
        case: Line = {"notice": "PN-4", "parent": mother["id"], "considered_on": str(day), "route": "support"}
        diary.write(
            moment(day, 16, 10),
            diary.school.head,
            "ConsiderPenalty",
            about | case | {"decision": decision, "reasons": reasons},
        )


def _last_days(diary: Diary) -> None:
    """What the last day leaves to be done: leave to be decided, and a message to be rung back."""
    asking, ill, _ = noticed_pupils(diary)
    days = [day for day in OPEN_DAYS if day <= ENDS][-2:]
    diary.office(
        moment(days[0], 15, 5),
        asking,
        "RequestLeave",
        {
            "request": "LR-W",
            "parent": asking.parents[0]["id"],
            "received_on": str(days[0]),
            "first": "2026-03-06/AM",
            "last": "2026-03-06/PM",
            "ground": "a wedding",
            "on_form": True,
        },
    )
    diary.report(moment(ENDS, 8, 47), ill, "voicemail", both(ENDS), "not well")
    diary.mark(ill, both(ENDS), None)


def _winter(diary: Diary, pupil: Pupil) -> None:
    """The last N become O, a letter goes out, and its answer brings the count down from eleven to seven."""
    diary.amend(moment(date(2025, 12, 15), 9, 30), pupil, both(date(2025, 12, 9)), "O", "no reason given in five days")
    away = [*both(date(2025, 11, 17)), *both(date(2025, 11, 18)), *both(date(2025, 12, 9))]
    diary.contact(moment(date(2025, 12, 16), 14, 20), pupil, 0, "letter", "letter sent", away)
    diary.contact(moment(date(2026, 1, 8), 8, 50), pupil, 0, "phone", "spoke", away[:4])
    diary.evidence(moment(date(2026, 1, 9), 11, 12), pupil, away[:4], "a letter of the surgery, of 19 November")
    diary.amend(
        moment(date(2026, 1, 9), 11, 15),
        pupil,
        away[:4],
        "I",
        "medical letter of 19 November seen: ill on 17 and 18 November",
    )


def _late(diary: Diary, pupil: Pupil, day: date, hour: int, minute: int, reason: str) -> None:
    diary.arrive(moment(day, hour, minute), pupil, Session(day, Half.AM), reason)


def _silent(diary: Diary, pupil: Pupil, day: date, outcome: str) -> None:
    """Nobody says why the pupil is away; both parents are rung, the second with this outcome."""
    diary.mark(pupil, both(day), None)
    diary.contact(moment(day, 9, 22), pupil, 0, "phone", "no answer", [Session(day, Half.AM)])
    diary.contact(moment(day, 9, 40), pupil, -1, "phone", outcome, [Session(day, Half.AM)])


def _new_number(diary: Diary, pupil: Pupil) -> None:
    """The number that was dead is replaced."""
    *others, last = pupil.parents
    diary.office(
        moment(date(2025, 11, 19), 15, 25),
        pupil,
        "ChangeContacts",
        {"parents": [*others, last | {"phone": "01632 960999"}]},
    )
