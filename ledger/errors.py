"""What we say when something is wrong, and nothing else.

    LedgerError          anything said to a person, in one sentence; the command line ends with 2
    ├── Refused          a rule says no to this command
    └── Misconfigured    the ledger, its keys or its settings cannot be used as given

What is off in the data is a value, and never raised: `ledger.finding`. What is off in us is an AssertionError, and is
not caught.
"""

from ledger.text import one_line

VALUE_SHOWN = 80  # characters; longer input would push the rule and its reason off the screen

# Every explanation continues "session '2025-11-03/AM' …", so each begins with a verb.
RULES = {
    # every command
    "malformed": "is not in the form this command declares",
    "id_reused": "was used before for a command with other content",
    "unknown_person": "must be a person with id, name and title, or where a parent is meant one of this pupil's own",
    "time_runs_backwards": "is earlier than the last event of this ledger",
    "newer_ledger": "holds an event that only a later release knows, so that this one answers and records nothing",
    "clock_ahead": "is more than 60 days after the last event of this ledger; where it is right, a person accepts it",
    "ledger_is_system": "is chosen by nobody here, because the clock of this ledger is the system's",
    # the school, its years and its policy
    "school_already_open": "cannot open a second school in this ledger",
    "school_not_open": "needs a school, and none has been opened in this ledger",
    "year_already_open": "has been opened before; amend its calendar instead",
    "no_such_year": "is not a school year that has been opened",
    "policy_unknown": "is not a policy that this product ships",
    "policy_name_taken": "is the name of a policy that this product ships, with other settings than these",
    "not_a_session": "is not a session of this school's calendar",
    "code_not_for_closure": "is not a code for a closure; those are Y1, Y2, Y3, Y4, Y6 and #",
    # the roll
    "pupil_already_on_roll": "is on roll already",
    "pupil_not_on_roll": "is not on roll on that day",
    "pupil_not_in_class": "is not in that class on that day",
    "class_unknown": "is a class that no pupil is in on that day",
    "removal_in_the_past": "has passed already, and a name is never deleted from the roll retrospectively",
    "record_not_genuine": "is not what that key signed",
    "not_this_pupil": "in it is not that of this pupil in the admission register",
    "session_on_own_roll": "is a session on which the pupil was on roll here, which only this register speaks of",
    "record_not_newer": "is no newer than the one received from that school already",
    "ground_not_met": "does not meet the conditions of that ground for deletion",
    # marks
    "session_in_the_future": "cannot be marked before its registration opens",
    "code_unknown": "is not a code of the register",
    "code_not_in_force": "is not in force on the day of the session",
    "code_is_administrative": "is administrative and never marks a pupil's attendance",
    "code_not_for_this_half": "belongs to the other half of the day",
    "code_not_for_this_age": "does not apply at this pupil's age on the day of the session",
    "code_needs_detail": "needs its detail stated",
    "already_marked": "holds a mark already, which can only be amended",
    "nothing_to_amend": "holds no mark that could be amended",
    "entry_unreadable": "holds an event that cannot be read, so nothing can be amended there: see 'attendance doctor'",
    "reason_required": "must say why, and may not be blank",
    "register_already_taken": "has had its register taken already",
    "arrival_in_the_future": "is later than the time it is recorded at",
    "session_over": "was over by the time of that arrival",
    # leave
    "leave_exists": "names a request for leave that has been made already",
    "no_such_leave": "names no request for leave by this pupil",
    "leave_already_decided": "names a request for leave that has been decided already",
    "leave_withdrawn": "names a request for leave that was withdrawn",
    "leave_not_in_advance": "is not in advance of the leave, and none may be granted afterwards",
    "session_outside_request": "lies outside the sessions that were asked for",
    "code_not_for_leave": "is not a code that leave can be granted with",
    "not_a_leave_decider": "is none of the people whom the school has named to decide on leave",
    # keeping and forgetting
    "year_forgotten": "was forgotten, so no words can be recorded about it any more",
    "held": "is under a hold, and nothing about this pupil may be forgotten",
    "not_held": "is under no hold",
    "pupil_on_roll": "is on roll, and nothing about a pupil on roll may be forgotten",
    "second_person_required": "is no second person: forgetting takes two, of different id and name",
    "too_young_to_forget": "holds something that was recorded within the years it has to be kept",
    # follow-up and support
    "evidence_exists": "names evidence that has been asked for already",
    "no_such_evidence": "names no evidence about this pupil that was seen",
    "step_not_begun": "does not follow from the last stage of this step",
    "return_made_already": "had this return made about it already",
    # penalty notices, and the cases around them
    "not_considered": "names no case about this pupil that anybody has considered",
    "case_of_another_parent": "names a case about another parent",
    "improvement_required_already": "had its notice to improve already",
    "no_improvement_required": "names no notice to improve about this pupil",
    "improvement_over": "names a notice to improve that has ended already",
    "paid_before_issue": "lies before the notice was issued",
    "notice_served_already": "names a notice that was sent already",
    "payment_still_open": "names a notice that may still be paid",
    "prosecution_begun_already": "names a case that is being prosecuted already",
    "prosecution_not_decided": "names a case without a notice in which nobody decided on other action",
    "no_prosecution": "names a case that is not being prosecuted",
    "prosecution_over": "names a case whose prosecution has ended already",
    "notice_exists": "names a notice that has been issued already",
    "no_such_notice": "names no notice issued about this pupil",
    "notice_withdrawn": "names a notice that was withdrawn",
    "notice_already_paid": "names a notice that has been paid already",
    "third_in_three_years": "would receive a third notice for this pupil within three years of the first",
}


class LedgerError(Exception):
    """Anything we say to a person: one sentence on standard error, and exit 2."""


class Refused(LedgerError):
    """A rule said no. `rule` is its name, `field` the part of the command, `value` what stood there.

    Leave `value` out where the field is personal: the sentence then does without it. `expected` replaces the
    explanation of the rule where it depends on the field, which is mostly `malformed`; the message of a ValueError
    from a parser of this package fits as it is.
    """

    def __init__(self, rule: str, field: str = "", value: object = None, expected: str = "") -> None:
        assert rule in RULES, rule
        # All arguments go to the base class, so that a refusal survives pickling between processes.
        super().__init__(rule, field, value, expected)
        self.rule, self.field, self.value, self.expected = rule, field, value, expected

    def __str__(self) -> str:
        """Return one sentence on one line: rule, field, value and explanation."""
        subject = self.field or "this"
        if self.value is not None:
            subject += f" '{_shortened(self.value)}'"
        if self.expected:
            return f"{self.rule}: {subject}, expected {self.expected.removeprefix('expected ')}"
        return f"{self.rule}: {subject} {RULES[self.rule]}"


class Misconfigured(LedgerError):
    """The ledger or the key store is absent, unreachable or misspelt, or a setting is bad."""


def _shortened(value: object) -> str:
    text = one_line(value)
    return text if len(text) <= VALUE_SHOWN else text[: VALUE_SHOWN - 1] + "…"
