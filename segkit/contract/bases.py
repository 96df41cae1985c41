"""The bases for segmenting, B1 to B16, by name."""

from __future__ import annotations

BASES = {
    "demographic": "B1",
    "geographic": "B2",
    "psychographic": "B3",
    "behavioural": "B4",
    "technographic": "B5",
    "firmographic": "B6",
    "generational": "B7",
    "needs": "B8",
    "benefit": "B9",
    "value": "B10",
    "source": "B11",
    "purchase_history": "B12",
    "season": "B13",
    "journey": "B14",
    "moment": "B15",
    "engagement": "B16",
}
SAID = ("psychographic", "needs", "benefit")  # what customers say, in a table of responses
