"""`docs/law.md` states every number of the shipped policies with the paragraph that it comes from.

Its table is made from the policies themselves: `python tests/tidy/test_law.py` writes it anew.
"""

import json
from pathlib import Path

from ledger.policy import NAMES, load, shipped

LAW = Path(__file__).parents[2] / "docs" / "law.md"
BEGINS, ENDS = "<!-- made from ledger/policies -->\n", "<!-- end -->\n"


def table() -> str:
    """Return every setting of every shipped policy, with its source, as a table; what is alike stands once."""
    policies = [load(name) for name in shipped()]
    rows = ["| setting | value | policy | where it comes from |", "|---|---|---|---|"]
    for name in NAMES.values():
        said = {(json.dumps(p.settings[name].value), p.settings[name].source): [] for p in policies}
        for policy in policies:
            said[json.dumps(policy.settings[name].value), policy.settings[name].source].append(policy.name)
        rows += [f"| `{name}` | `{value}` | {', '.join(who)} | {source} |" for (value, source), who in said.items()]
    return "\n".join(rows) + "\n"


def written() -> tuple[str, str, str]:
    """Return what stands before the table, the table, and what stands after it."""
    before, _, rest = LAW.read_text(encoding="utf-8").partition(BEGINS)
    stands, _, after = rest.partition(ENDS)
    return before, stands, after


def test_the_table_is_that_of_the_policies() -> None:
    assert written()[1] == table()


def test_every_policy_is_named_with_the_digest_of_its_rules() -> None:
    before = written()[0]
    for policy in map(load, shipped()):
        assert f"`{policy.name}` ({policy.title}, {policy.edition}): `{policy.rules}`" in " ".join(before.split())


if __name__ == "__main__":
    before, _, after = written()
    LAW.write_text(before + BEGINS + table() + ENDS + after, encoding="utf-8")
