"""Every kind of event there is: those that each family's module holds."""

from __future__ import annotations

from typing import Union

from ledger.events.base import *
from ledger.events.case import *
from ledger.events.entries import *
from ledger.events.follow_up import *
from ledger.events.leave import *
from ledger.events.roll import *
from ledger.events.school import *

ReferenceEvent = Union[SchoolEvent, RollEvent, LeaveEvent, NoticeEvent]
AnyEvent = Union[SchoolEvent, RollEvent, RegisterEvent, EntryEvent, LeaveEvent, NoticeEvent, FollowUpEvent]
