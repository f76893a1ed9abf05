"""The decisions: one for each command, from values to facts or a refusal. Everything a command touches beside its model
and its event stands beside its decision, in `decides`."""

# Importing them is what declares them.
from commands.deciding import followup, keeping, leave, marks, penalties, receiving, roll, school, support  # noqa: F401
from commands.deciding.declaration import DECISIONS, Decision

__all__ = ["DECISIONS", "Decision"]
