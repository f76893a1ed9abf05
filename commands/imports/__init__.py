"""Marks that another system asserts: its exports read, held against the rules, and brought into the ledger."""
