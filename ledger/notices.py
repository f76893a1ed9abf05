"""When a penalty notice is received, what it costs on which day, and where it stands: from its facts and a policy.

The periods begin with the day of receipt, which counts as the first: a reduction within 21 days lasts until the
twentieth day after it. A posted notice is received on the second working day after posting unless somebody showed
otherwise; where nobody recorded how it was sent, it is taken to have been posted on the day of issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from ledger.case import Notice, PenaltyCase
from ledger.policy import Policy

SATURDAY = 5


class Terms(NamedTuple):
    """What one notice asks: received on, whether it is the second, and until when which amount in pence discharges it.
    Where nothing is reduced, the reduced amount and day are the full ones."""

    received_on: date
    second: bool
    reduced_pence: int
    reduced_until: date
    full_pence: int
    full_until: date

    def owed(self, on: date) -> int:
        """Return what discharges the notice on a day, in pence, where nothing was paid yet."""
        return self.reduced_pence if on <= self.reduced_until else self.full_pence

    def last_day(self, on: date) -> date:
        """Return until when what is owed on a day discharges the notice."""
        return self.reduced_until if on <= self.reduced_until else self.full_until


class Owed(NamedTuple):
    """What is left to pay of an open notice, in pence, and the last day on which that discharges it."""

    pence: int
    until: date


def presumed_receipt(method: str, sent_on: date, policy: Policy) -> date:
    """Return the day of receipt where nobody showed another: by post the second working day after, else the same."""
    if method != "post":
        return sent_on
    day, left = sent_on, policy.post_working_days
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day)
    return day


def is_working_day(day: date) -> bool:
    """Return whether a day is neither a week-end nor a bank holiday of England and Wales."""
    return day.weekday() < SATURDAY and day not in _bank_holidays()


def holidays_known(day: date) -> bool:
    """Return whether the bank holidays of a day's year are known here, without which its working days are a guess."""
    years = [holiday.year for holiday in _bank_holidays()]
    return min(years) <= day.year <= max(years)


def guessed(case: PenaltyCase, asked: Terms) -> str:
    """Return why the day of receipt of an issued notice is a guess, as the end of a sentence; blank where it is
    none."""
    if case.served is not None or holidays_known(asked.received_on):
        return ""
    return f"the bank holidays known here end in {last_holidays()}: record the day of receipt"


def last_holidays() -> int:
    """Return the last year whose bank holidays are known here; a newer release knows more."""
    return max(holiday.year for holiday in _bank_holidays())


def terms(case: PenaltyCase, notices: Iterable[Notice], policy: Policy) -> Terms:
    """Return the terms of an issued notice; `notices` are all of this pupil, in the order in which they were
    recorded."""
    assert case.issued is not None, "terms of a notice that was not issued"
    issued_on = case.issued[1].issued_on
    received = case.served[1].received_on if case.served else presumed_receipt("post", issued_on, policy)
    second = bool(running(issued_before(case.name, notices), case.parent, issued_on, policy))
    full = policy.fine_second_pence if second else policy.fine_first_pence
    return Terms(
        received_on=received,
        second=second,
        reduced_pence=full if second else policy.fine_reduced_pence,
        reduced_until=received + timedelta(days=(policy.fine_days if second else policy.fine_reduced_days) - 1),
        full_pence=full,
        full_until=received + timedelta(days=policy.fine_days - 1),
    )


def running(notices: Iterable[Notice], parent: str, on: date, policy: Policy) -> list[Notice]:
    """Return a parent's notices of the policy's years that count to its limit on a day, in order of issue."""
    own = (notice for notice in notices if notice.parent == parent and notice.runs(on, policy))
    return sorted(own, key=lambda notice: notice.issued_on)


def issued_before(name: str, notices: Iterable[Notice]) -> list[Notice]:
    """Return the notices, not withdrawn, that were issued before one; all of them where none has that name. Of two that
    were issued on one day, the one recorded first is the first."""
    in_order = sorted(notices, key=lambda notice: notice.issued_on)
    return [other for other in takewhile(lambda notice: notice.notice != name, in_order) if not other.withdrawn]


def standing(case: PenaltyCase, asked: Terms, on: date) -> str:
    """Return where an issued notice stands on a day: withdrawn, paid, open, or unpaid once its days are over.

    It is paid as soon as what was paid by some day, within its time, is what was owed on that day. What is paid later
    discharges nothing: then the notice is withdrawn, or the original offence prosecuted.
    """
    if case.withdrawn:
        return "withdrawn"
    total = 0
    for payment in sorted((payment for _, payment in case.payments), key=lambda payment: payment.paid_on):
        if payment.paid_on > min(on, asked.full_until):
            break
        total += payment.amount
        if total >= asked.owed(payment.paid_on):
            return "paid"
    return "open" if on <= asked.full_until else "unpaid"


def owed(case: PenaltyCase, asked: Terms, on: date) -> Owed | None:
    """Return what is left to pay on a day, and until when; None where the notice is not open."""
    if standing(case, asked, on) != "open":
        return None
    return Owed(asked.owed(on) - paid_by(case, on), asked.last_day(on))


def paid_by(case: PenaltyCase, day: date) -> int:
    """Return what was paid by a day, in pence, that day included."""
    return sum(payment.amount for _, payment in case.payments if payment.paid_on <= day)


@lru_cache
def _bank_holidays() -> frozenset[date]:
    # The list that comes with the library, two or three years ahead: nothing is fetched, so a newer list comes with a
    # newer release. Imported late, as it brings an HTTP client along.
    from govuk_bank_holidays.bank_holidays import BankHolidays

    found = BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
    return frozenset(holiday["date"] for holiday in found)
