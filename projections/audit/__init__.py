"""Proof: why a figure is what it is, what changed, what is wrong, and what a stranger can check."""
