"""The check of a referral whose window rests on sessions of a former school: that school has to evidence them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.codes import UNRESOLVED
from ledger.finding import Blocker, Finding, Open, action
from projections.figures.penalty import CountedSession
from projections.penalties.referral_file import File


def rests_on_received(file: File) -> Iterator[Finding]:
    """Yield the former schools whose records the window rests on, and what is unresolved in those."""
    by_school: dict[str, list[CountedSession]] = {}
    for each in file.window.sessions:
        if each.school:
            by_school.setdefault(each.school, []).append(each)
    for school, counted in by_school.items():
        yield Finding(
            "rests_on_received",
            f"{len(counted)} of {file.own.count} sessions are of school {school}, which has to evidence them",
            action=action("history", pupil=file.pupil),
            position=counted[-1].position,
        )
        for each in counted:
            if each.code == UNRESOLVED:
                yield Blocker(
                    "unresolved",
                    f"{each.session} is still N in the record of school {school}: ask it for a newer one",
                    action=action("ReceiveRecord", record=Open("FILE"), pupil=file.pupil, key=Open("KEYFILE")),
                    session=each.session,
                    position=each.position,
                )
