import pickle

import pytest

from ledger.errors import RULES, LedgerError, Misconfigured, Refused
from ledger.finding import Finding


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (
            Refused("already_marked", "session", "2025-11-03/AM"),
            "already_marked: session '2025-11-03/AM' holds a mark already, which can only be amended",
        ),
        (Refused("reason_required", "reason"), "reason_required: reason must say why, and may not be blank"),
        (Refused("reason_required"), "reason_required: this must say why, and may not be blank"),
        (
            Refused("malformed", "session", "3 May", "a session such as 2025-11-03/AM"),
            "malformed: session '3 May', expected a session such as 2025-11-03/AM",
        ),
        (
            Refused("malformed", "born", expected="expected a day such as 2016-03-09"),
            "malformed: born, expected a day such as 2016-03-09",
        ),
        (Refused("code_unknown", "code", ""), "code_unknown: code '' is not a code of the register"),
    ],
)
def test_a_refusal_is_one_sentence_of_rule_field_value_and_explanation(refusal: Refused, sentence: str) -> None:
    assert str(refusal) == sentence


def test_a_refusal_stays_on_one_line_however_long_the_value() -> None:
    sentence = str(Refused("code_unknown", "code", "a\nb" * 400))
    assert "\n" not in sentence
    assert len(sentence) < 160


def test_every_explanation_continues_a_sentence() -> None:
    for rule, explanation in RULES.items():
        assert rule == rule.lower()
        assert explanation[0].islower()
        assert not explanation.endswith(".")
        assert "\n" not in explanation


def test_a_rule_that_nobody_explained_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        Refused("no_such_rule")


def test_a_refusal_survives_the_way_between_processes() -> None:
    refusal = Refused("malformed", "code", "?", "a code")
    assert str(pickle.loads(pickle.dumps(refusal))) == str(refusal)


def test_whatever_is_said_to_a_person_is_one_kind_of_error() -> None:
    assert issubclass(Refused, LedgerError)
    assert issubclass(Misconfigured, LedgerError)


def test_a_finding_needs_only_its_rule_and_sentence() -> None:
    finding = Finding("missing_mark", "no mark was made")
    assert (finding.pupil, finding.session, finding.position, finding.action) == (None, None, None, None)
