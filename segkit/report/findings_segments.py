"""Sentences on customers, candidate segmentations and the final segments."""

from __future__ import annotations

from typing import Any

from segkit.plan.models import Criteria
from segkit.report.old_sentences import write_sentences


def name_thresholds(criteria: Criteria) -> dict[str, float]:
    """Return the least that the plan accepts, by column of the candidates' table."""
    return {
        "stability": criteria.smallest_stability,
        "smallest_customer_share": criteria.smallest_customer_share,
    }


def state_choice(choice: Any) -> list[str]:
    """Say which scheme is used, whether the verdict is yes or no, and why."""
    return [*write_sentences("segments.choice", choice=choice), *choice.reasons]
