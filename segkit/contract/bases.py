"""The bases for segmenting, B1 to B16, by name."""

from __future__ import annotations

# The bases for segmenting, B1 to B16.
_BASES = """demographic geographic psychographic behavioural technographic firmographic generational
    needs benefit value source purchase_history season journey moment engagement"""
BASES = {name: f"B{number}" for number, name in enumerate(_BASES.split(), start=1)}
SAID = ("psychographic", "needs", "benefit")  # what customers say, in a table of responses
