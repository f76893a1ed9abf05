"""When a penalty notice is received, what it costs on which day, and where it stands: from its facts and a policy.

The periods begin with the day of receipt, which counts as the first: a reduction within 21 days lasts until the
twentieth day after it. A posted notice is received on the second working day after posting unless somebody showed
otherwise; where nobody recorded how it was sent, it is taken to have been posted on the day of issue.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from ledger.case import Notice, PenaltyCase, years_after
from ledger.policy import Policy

SATURDAY = 5


class Terms(NamedTuple):
    """What one notice asks: received on, whether it is the second, and until when which amount in pence discharges
    it."""

    received_on: date
    second: bool
    reduced_pence: int
    reduced_until: date
    full_pence: int
    full_until: date

    def owed(self, on: date) -> int:
        """Return what discharges the notice on a day, in pence."""
        return self.reduced_pence if on <= self.reduced_until else self.full_pence


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


def terms(case: PenaltyCase, notices: Iterable[Notice], policy: Policy) -> Terms:
    """Return the terms of an issued notice; `notices` are all of this pupil."""
    assert case.issued is not None, "terms of a notice that was not issued"
    issued_on = case.issued[1].issued_on
    received = case.served[1].received_on if case.served else presumed_receipt("post", issued_on, policy)
    second = any(
        other.notice != case.name
        and other.parent == case.parent
        and not other.withdrawn
        and policy.notices_from <= other.issued_on <= issued_on < years_after(other.issued_on, policy.notices_years)
        for other in notices
    )
    full = policy.fine_second_pence if second else policy.fine_first_pence
    return Terms(
        received_on=received,
        second=second,
        reduced_pence=full if second else policy.fine_reduced_pence,
        reduced_until=received + timedelta(days=policy.fine_reduced_days - 1),
        full_pence=full,
        full_until=received + timedelta(days=policy.fine_days - 1),
    )


def standing(case: PenaltyCase, asked: Terms, on: date) -> str:
    """Return where an issued notice stands on a day: withdrawn, paid, open, or unpaid once its days are over.

    It is paid as soon as what was paid by some day, within its time, is what was owed on that day.
    """
    if case.withdrawn:
        return "withdrawn"
    total = 0
    for _, payment in sorted(case.payments, key=lambda paid: paid[1].paid_on):
        total += payment.amount if payment.paid_on <= on else 0
        if payment.paid_on <= on and total >= asked.owed(payment.paid_on):
            return "paid"
    return "open" if on <= asked.full_until else "unpaid"


@lru_cache
def _bank_holidays() -> frozenset[date]:
    # The list that comes with the library: nothing is fetched. Imported late, as it brings an HTTP client along.
    from govuk_bank_holidays.bank_holidays import BankHolidays

    found = BankHolidays(use_cached_holidays=True).get_holidays(division=BankHolidays.ENGLAND_AND_WALES)
    return frozenset(holiday["date"] for holiday in found)
