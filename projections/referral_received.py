"""The check of a referral whose window rests on sessions of a former school: that school has to evidence them."""

from __future__ import annotations

from collections.abc import Iterator

from projections.cohorts import CountedSession
from projections.penalty import UNRESOLVED
from projections.referral_checks import File, Problem


def rests_on_received(file: File) -> Iterator[Problem]:
    """Yield the former schools whose records the window rests on, and what is unresolved in those."""
    by_school: dict[str, list[CountedSession]] = {}
    for each in file.window.sessions:
        if each.school:
            by_school.setdefault(each.school, []).append(each)
    for school, counted in by_school.items():
        yield Problem(
            check="rests_on_received",
            sentence=f"{len(counted)} of {file.own.count} sessions are of school {school}, which has to evidence them",
            command=f"attendance history {file.pupil}",
            position=counted[-1].position,
            blocks=False,
        )
        for each in counted:
            if each.code == UNRESOLVED:
                yield Problem(
                    check="unresolved",
                    sentence=f"{each.session} is still N in the record of school {school}: ask it for a newer one",
                    command=f"attendance receive FILE --pupil {file.pupil} --key KEYFILE",
                    session=each.session,
                    position=each.position,
                )
