"""Answers as files: sections of a report, sheets, and the forms of returns."""
