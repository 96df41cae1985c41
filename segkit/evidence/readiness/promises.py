"""What the plan promises: who decides, for whom, at what cost, and what is handed over."""

from __future__ import annotations

import pandas as pd

from segkit.evidence.readiness.of_the_plan import is_decided
from segkit.plan.deliverables import SHOWN
from segkit.plan.models import Plan

ITEMS = {"owner": "Owner", "scope": "Scope", "target_market": "Target market", "budget": "Budget"}
OPEN = "not decided yet"


def describe_plan(plan: Plan) -> pd.DataFrame:
    """Return what the plan promises, one row an item.

    The columns are ``item``, ``text`` and ``shown_by`` (of a deliverable: what in the report shows
    it; empty where the plan does not say). The goals have a table of their own, with their KPIs.
    """
    rows = [(item, _say(getattr(plan, name)), "") for name, item in ITEMS.items()]
    rows += [
        ("Deliverable", one.text, SHOWN[one.shows] if one.shows else "")
        for one in plan.deliverables
    ]
    return pd.DataFrame(rows, columns=["item", "text", "shown_by"])


def _say(text: str) -> str:
    """Return a text of the plan, or that it is still open."""
    return text if is_decided(text) else f"{text} ({OPEN})".strip()
