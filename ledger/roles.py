"""Roles that a school names people for, from a day on."""

from typing import Literal, get_args

Role = Literal[
    "headteacher", "leave designate", "attendance lead", "day-to-day contact", "support contact", "pastoral lead"
]
ROLES: tuple[str, ...] = get_args(Role)

# Who may decide on leave, once the school has named its head.
LEAVE_DECIDERS = ("headteacher", "leave designate")
