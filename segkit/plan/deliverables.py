"""What the plan promises to hand over: a text, and what in the report would show it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from segkit.plan.frozen import Frozen

# What a deliverable may be shown by, each in the words of a reader.
SHOWN = {
    "segments": "the segments with their sizes",
    "profiles": "what sets each segment apart",
    "personas": "a persona",
    "market": "the market review",
    "campaigns": "how campaigns were answered",
    "kpis": "a KPI for each goal",
    "lists": "lists of customers who may be contacted",
    "experience": "what customers buy, answer, do and ask for",
}


class Deliverable(Frozen):
    """One thing that is promised; ``shows`` says what in the report would show it, if anything."""

    text: Annotated[str, Field(min_length=1)]
    shows: Literal[tuple(SHOWN)] | None = None


def _read_text(value: object) -> object:
    """Let a deliverable be a plain text, as well as a text with what shows it."""
    return {"text": value} if isinstance(value, str) else value


Deliverables = Annotated[
    tuple[Annotated[Deliverable, BeforeValidator(_read_text)], ...], Field(min_length=1)
]
