"""Any commands in any order, right and wrong, on every store at once and on a plain list: all agree after every step.

What is held after each command: the stores and the list give the same answer or the same refusal, and hold the same
events at the same positions; a refusal has written nothing, not even its id; versions have no gaps; and only commands
about marks touch entries. At the end nothing that was ever read back has changed by a byte.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from msgspec.structs import replace

from commands.handle import Handler
from commands.models import parse
from ledger.errors import Refused
from ledger.events import NoticeIssued, PenaltyReferred
from ledger.pins import digest_of, pupil_lines
from ledger.store import Row
from projections.readmodel.replay import replayed, stored
from tests.machines.plain_list import PlainList
from tests.machines.questions import everything, without
from tests.support.counts import count
from tests.support.schools import new_keys, open_school, told

START = datetime(2024, 11, 7, 9, 15, tzinfo=UTC)
OFFICE = {"id": "off", "name": "O Fice", "title": "Office"}
STAFF = [OFFICE] * 8 + [{**OFFICE, "title": "Attendance officer"}, {**OFFICE, "title": " "}]

# A small world, so that commands meet. What is wrong with it stands at the end of each list and is drawn less often.
any_of = st.sampled_from
pupils = any_of(["1", "1", "1", "1", "2", "2", "3", "9"])  # nobody has the number 9 at first
classes = any_of(["4W", "4W", "4W", "5K", "6Z"])
halves = any_of(["AM", "PM"])
days = any_of([*["2024-11-05", "2024-11-06", "2024-11-07"] * 5, "2024-11-08", "2024-11-09", "2024-10-30"])
sessions = st.builds("{}/{}".format, days, halves)
coming = st.builds("{}/{}".format, any_of(["2024-11-08", "2024-11-11", "2024-11-08", "2024-11-07"]), halves)
codes = any_of([*["present", "N", "N", "I", "L", "U", "G", "O"] * 3, "C2", "Y4", "/", "X", "Y", "#", "??"])
leave_codes = any_of(["C", "C", "C", "J1", "I"])
closure_codes = any_of(["Y4", "Y1", "#", "Y4", "Y5"])
details = any_of(["", "", "", "choir"])
requests = any_of(["LR-1", "LR-1", "LR-2"])
notices = any_of(["PN-1", "PN-1", "PN-2", "PN-3"])
parents = any_of(["own", "own", "own", "own", "2-a"])
each_parent = st.lists(parents, min_size=1, max_size=2)
cases = any_of(["PN-1", "PN-1", "PN-2", "CASE-1", "CASE-1", "CASE-2"])
evidence = any_of(["ME-1", "ME-1", "ME-2"])
reasons = any_of(["mother rang", "mother rang", "mother rang", " "])
clocks = any_of(["08:59:00", "09:00:01", "09:10:01", "13:20:00", "15:16:00"])
ids = any_of([None] * 6 + ["a", "b"])
PRESENT = {"AM": "/", "PM": "\\"}


def line(command: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Return journal lines of one command; a field is a strategy or the value itself."""
    drawn = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in fields.items()}
    return st.fixed_dictionaries({"command": st.just(command), "by": any_of(STAFF), "id": ids, **drawn})


def some(elements: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(elements, min_size=1, max_size=2)


def granted(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"session": session, "code": code} for session, code in given.items()]


def closed_on(given: list[str]) -> list[dict[str, str]]:
    return [{"from": day, "to": day, "why": "closed"} for day in given]


AUNT = {"id": "aunt", "name": "An Aunt", "phone": "01632 960002"}
any_part_of_a_register_entry: dict[str, Any] = {
    "born": any_of([None, None, "2016-03-01", "2020-09-30", "2031-01-01"]),
    "address": any_of([None, "2 Other Lane", "2 Other Lane"]),
}

MARKS = st.one_of(
    line("RecordMark", pupil=pupils, session=sessions, code=codes, detail=details),
    line("TakeRegister", session=sessions, marks=st.dictionaries(pupils, codes, max_size=2), **{"class": classes}),
    line("CloseRegister", session=sessions, **{"class": classes | st.none()}),
    line("AmendMark", pupil=pupils, session=sessions, code=codes, detail=details, reason=reasons),
    line("LogArrival", pupil=pupils, session=sessions, clock=clocks, reason="overslept"),
)
ROLL = st.one_of(
    line("AdmitPupil", pupil=any_of(["9", "9", "3", "1"]), starting_day=days, **{"class": classes}),
    line("ChangeClass", pupil=pupils, from_day=days, **{"class": classes}),
    line("RemoveFromRoll", pupil=any_of(["3", "3", "9", "2"]), last_day=days, ground="moved away"),
    line("ChangeGroups", pupil=pupils, groups=any_of([[], ["SEN support"]])),
    line("ChangeEmergencyContacts", pupil=pupils, emergency_contacts=any_of([[], [AUNT]])),
    line("AmendParticulars", pupil=pupils, from_day=days, reason=reasons, **any_part_of_a_register_entry),
    line("ReceiveMovingForm", pupil=pupils, parent=parents, received_on=days, leaving_on="2024-12-20"),
)
EXPECTATIONS = st.one_of(
    line(
        "DeclareClosure",
        sessions=some(sessions | coming),
        code=closure_codes,
        classes=any_of([[], [], ["4W"]]),
        pupils=any_of([[], [], ["1"]]),
        reason="boiler failure",
    ),
    line(
        "RequestLeave",
        pupil=pupils,
        request=requests,
        parent=parents,
        received_on="2024-11-01",
        first=coming,
        last=coming,
    ),
    line(
        "DecideLeave",
        pupil=pupils,
        request=requests,
        granted=st.dictionaries(coming, leave_codes, max_size=2).map(granted),
    ),
    line("WithdrawLeave", pupil=pupils, request=requests, reason="not going"),
    line(
        "AmendCalendar",
        year="2024/25",
        closed=st.lists(days, max_size=1).map(closed_on),
        times=any_of([{}, {"AM": "08:40-09:10"}, {"AM": "09:05-09:10"}]),
        reason=reasons,
    ),
    line("AdoptPolicy", policy=any_of(["national-2024", "micklem-2025", "of our own"]), from_day=days),
    line(
        "NameRole",
        role=any_of(["leave designate", "attendance lead", "headteacher", "king"]),
        holders=any_of([[], [OFFICE], [OFFICE], [{**OFFICE, "title": ""}]]),
        from_day=days,
    ),
    line("RecordDailyReturn", day=days, seen=any_of([1, 9, 900]), pupils=3, digest="ab" * 32),
)
FOLLOW_UP = st.one_of(
    line(
        "ReportAbsence",
        pupil=pupils,
        parent=parents,
        channel="voicemail",
        received_at="2024-11-07T08:00:00Z",
        sessions=some(sessions),
    ),
    line(
        "LogContact",
        pupil=pupils,
        contact=parents,
        channel="phone",
        outcome="no answer",
        sessions=st.lists(sessions, max_size=2),
    ),
    line("IssuePenaltyNotice", pupil=pupils, notice=notices, parent=parents, issued_on=days, sessions=some(sessions)),
    line("WithdrawPenaltyNotice", pupil=pupils, notice=notices, reason="wrong address"),
    line("RecordPayment", pupil=pupils, notice=notices, paid_on="2024-11-08", amount=any_of([80, 80, 0])),
    line("ServeNotice", pupil=pupils, notice=notices, method=any_of(["post", "hand"]), sent_on=days),
)
SUPPORT = st.one_of(
    line(
        "SendLetter",
        pupil=pupils,
        about=any_of(["attendance", "no contact", "poetry"]),
        parents=each_parent,
        sent_on=days,
        seen=any_of([None, None, 5, 900]),
    ),
    line(
        "RecordSupport",
        pupil=pupils,
        step=any_of(["meeting", "support plan"]),
        stage=any_of(["offered", "accepted", "agreed", "reviewed"]),
        on=days,
    ),
    line("InformAgency", pupil=pupils, agency="social worker", about="deletion", on=days),
    line("MakeReturn", pupil=pupils, form="attendance", episode=days, made_on=days, content=any_of([{}, {"days": 10}])),
    line("RequestEvidence", pupil=pupils, evidence=evidence, parent=parents, sessions=some(sessions), doubt=reasons),
    line("RecordEvidence", pupil=pupils, evidence=evidence, seen_on=days, sessions=some(sessions)),
    line("ReturnEvidence", pupil=pupils, evidence=evidence, returned_on=days),
    line("RecordEnquiries", pupil=pupils, on=days, jointly=any_of([True, False])),
    line("AttributeAbsence", pupil=pupils, sessions=some(sessions), parents=each_parent, reason=reasons),
)
CASES = st.one_of(
    line(
        "ConsiderPenalty",
        pupil=any_of(["1", "1", "1", "2"]),
        notice=cases,
        parent=parents,
        considered_on=days,
        route="support",
        decision=any_of(["improve", "notice", "other", "nothing"]),
        reasons=reasons,
    ),
    line("RequireImprovement", pupil="1", notice=cases, issued_on=days, ends_on="2024-12-06", at_most=any_of([2, -1])),
    line("EndImprovement", pupil="1", notice=cases, ended_on=days, improved=any_of([True, False])),
    line("ReferPenalty", pupil="1", notice=cases, referred_on=days, sessions=some(sessions)),
    line("BeginProsecution", pupil="1", notice=cases, begun_on=days, offence="444(1)"),
    line("EndProsecution", pupil="1", notice=cases, ended_on=days, outcome="convicted", fine=any_of([250, 0])),
)
WRONG = st.one_of(
    line("RecordMark", pupil="1", session="2024-11-05/AM", code="I", colour="blue"),
    line("RecordMark", pupil="school", session="2024-11-05/AM", code="I"),
    line("RecordMark", pupil="1", session="2024-11-05", code=7),
    line("ChangeGroups", pupil="1", groups=[], at="2024-11-07T06:00:00Z"),
)

ABOUT_MARKS = {"RecordMark", "TakeRegister", "CloseRegister", "AmendMark", "LogArrival"}


def pinned(events: list[tuple[int, str, int, Any]], ledger: Any) -> list[tuple[int, str, int, Any]]:
    """Return events with a digest that they pin replaced by whether it is right: sealed text is other bytes in each
    ledger, and so is what is pinned of it."""
    found = []
    for position, stream, version, event in events:
        if isinstance(event, NoticeIssued | PenaltyReferred):
            rows = ledger.reads.prefix_rows(f"{stream.partition('/')[0]}/")
            right = event.digest == digest_of(pupil_lines(rows, event.seen))
            event = replace(event, digest="right" if right else "wrong")
        found.append((position, stream, version, event))
    return found


class School(RuleBasedStateMachine):
    """One school kept at the same time in a plain list and in some stores; each store is used by two doors in turn."""

    addresses: Callable[[str], list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.plain = PlainList()
        self.plain_keys = new_keys()
        self.plain_handler = Handler(self.plain, self.plain_keys, simulated=True)  # type: ignore[arg-type]
        self.stores = [open_school(url) for url in type(self).addresses(self.folder.name)]
        self.doors = [[store.handler, Handler(store.ledger, store.keys, simulated=True)] for store in self.stores]
        self.read_back: list[list[Row]] = [[] for _ in self.stores]
        self.now = START
        self.sent = 0

    def teardown(self) -> None:
        for store, before in zip(self.stores, self.read_back, strict=True):
            assert store.rows() == before
            if before:
                store.answers.projector.catch_up()
                assert set(stored(store.answers.engine)) == replayed(store.ledger, len(before))
            store.close()
        self.folder.cleanup()

    # --- one step ---

    def send(self, said: dict[str, Any]) -> None:
        """Send a line to the list and to every store, and compare all that came of it."""
        line = spelt(said, self.now)
        self.sent += 1
        before = len(self.plain.written)
        receipts = dict(self.plain.receipts)
        expected = outcome(self.plain_handler, line)
        new = self.plain.written[before:]
        self.check_rules(line, expected, receipts, new)
        for store, doors, seen in zip(self.stores, self.doors, self.read_back, strict=True):
            assert outcome(doors[self.sent % 2], line) == expected
            rows = store.ledger.reads.rows(before, 1000)
            assert pinned(told(rows, store.keys), store.ledger) == pinned(told(new, self.plain_keys), self.plain)
            assert [row[:5] for row in rows] == [row[:5] for row in new]
            assert store.ledger.reads.head() == self.plain.head()
            if "id" in line:
                assert bool(store.ledger.reads.receipt(line["id"])) == (line["id"] in self.plain.receipts)
            seen.extend(rows)

    def check_rules(self, line: dict[str, Any], got: Any, receipts: dict[str, Any], new: list[Row]) -> None:
        if isinstance(got, str):
            assert not new
            assert self.plain.receipts == receipts
        last = {row.stream: row.version for row in self.plain.written[: len(self.plain.written) - len(new)]}
        for row in new:
            assert row.version == last.get(row.stream, 0) + 1
            last[row.stream] = row.version
            if row.topic.startswith("entry."):
                assert line["command"] in ABOUT_MARKS
                assert (row.version == 1) == (row.topic == "entry.MarkRecorded")
                # Neither a register nor closing it touches a mark that is there.
                assert row.version == 1 or line["command"] in ("AmendMark", "LogArrival")

    @initialize(policy=any_of(["national-2024", "micklem-2025"]))
    def open(self, policy: str) -> None:
        """Open a school of three pupils and a year; a day of marks is there to be amended."""
        year = {"year": "2024/25", "first_day": "2024-09-03", "last_day": "2025-07-22"}
        half_term = [{"from": "2024-10-28", "to": "2024-11-01", "why": "half term"}]
        school = {"urn": "117000", "name": "Example Primary", "la": "919", "estab": "2000", "policy": policy}
        self.send({"command": "OpenSchoolYear", "by": OFFICE, **year})  # there is no school yet
        self.send({"command": "OpenSchool", "by": OFFICE, **school})
        self.send({"command": "OpenSchoolYear", "by": OFFICE, **year, "closed": half_term})
        for pupil in ("1", "2", "3"):
            self.send(
                {"command": "AdmitPupil", "by": OFFICE, "pupil": pupil, "starting_day": "2024-09-03", "class": "4W"}
            )
        for half in ("AM", "PM"):
            self.send({"command": "CloseRegister", "by": OFFICE, "session": f"2024-11-05/{half}"})

    @rule(line=MARKS)
    def about_marks(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=MARKS)
    def about_marks_again(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=ROLL)
    def about_the_roll(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=EXPECTATIONS)
    def about_what_is_expected(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=FOLLOW_UP)
    def about_what_follows(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=SUPPORT)
    def about_support(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=CASES)
    def about_a_case(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(line=WRONG)
    def wrong_at_any_door(self, line: dict[str, Any]) -> None:
        self.send(line)

    @rule(minutes=any_of([1, 20, 90, 400, 900]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(ago=st.integers(0, 3))
    def ask(self, ago: int) -> None:
        moments = [(s.answers, s.answers.moment(self.now.date() - timedelta(days=ago))) for s in self.stores]
        # What is pinned differs with the bytes of sealed text, and is compared where it is recorded.
        first, *others = [without(everything(answers, moment), "digest") for answers, moment in moments]
        assert all(other == first for other in others)


def spelt(line: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Return a line as a journal has it: what hangs on its other fields filled in, what is not given left out."""
    line = {"at": at.isoformat(), **line}
    if "code" in line and "session" in line:
        line["code"] = spelt_code(line["code"], line["session"])
    if "marks" in line:
        line["marks"] = {pupil: spelt_code(code, line["session"]) for pupil, code in line["marks"].items()}
    if "clock" in line:
        line["arrived_at"] = f"{line['session'].split('/')[0]}T{line.pop('clock')}"
    for name in ("parent", "contact"):
        if line.get(name) == "own":
            line[name] = f"{line['pupil']}-a"
    if "parents" in line:
        line["parents"] = [f"{line['pupil']}-a" if parent == "own" else parent for parent in line["parents"]]
    if line["command"] == "AdmitPupil":
        line |= particulars(line["pupil"])
    return {name: value for name, value in line.items() if value is not None}


def spelt_code(code: Any, session: str) -> Any:
    return PRESENT.get(session[-2:]) if code == "present" else code


def particulars(pupil: str) -> dict[str, Any]:
    parent = {"id": f"{pupil}-a", "name": "A Parent", "lives_with": True, "phone": "01632 960001"}
    return {"name": f"Pupil {pupil}", "born": "2016-03-09", "year_group": "4", "parents": [parent]}


def outcome(handler: Handler, line: dict[str, Any]) -> Any:
    """Return what was done, or the sentence of the refusal."""
    try:
        return handler.handle(parse(line))
    except Refused as refused:
        return str(refused)


def run(machine: type[School], addresses: Callable[[str], list[str]], examples: int) -> None:
    at_these = type(machine.__name__, (machine,), {"addresses": staticmethod(addresses)})
    run_state_machine_as_test(at_these, settings=settings(max_examples=examples, stateful_step_count=50))


def test_memory_and_sqlite_agree_with_a_plain_list() -> None:
    run(School, lambda folder: ["memory:", f"sqlite:///{folder}/school.db"], count(15, 600))


def test_postgresql_agrees_with_a_plain_list(fresh_postgresql_url: Callable[[], str]) -> None:
    run(School, lambda _: [fresh_postgresql_url()], count(2, 80))


def test_a_store_that_forgets_receipts_is_found_out() -> None:
    machine = type("Forgetful", (School,), {"addresses": staticmethod(lambda _: ["memory:"])})()
    machine.open(policy="national-2024")
    machine.stores[0].ledger.reads.receipt = lambda _: None
    with pytest.raises(AssertionError):
        machine.send({"command": "ChangeGroups", "by": OFFICE, "id": "a", "pupil": "1", "groups": []})
