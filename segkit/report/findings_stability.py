"""Sentences on the segments to aim at."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import format_money, format_share, join_words, write_ranges


def state_targets(
    targets: pd.DataFrame, *, attractiveness: Sequence[str], fit: Sequence[str]
) -> list[str]:
    """Say which segment comes first, and from which measures each score was made."""
    measures = []
    for name, used in (("attractiveness", attractiveness), ("fit", fit)):
        if used:
            words = join_words([measure.replace("_", " ") for measure in used])
            measures.append(f"{name} is measured by {words}")
    return write_sentences("stability.targets", best=targets.iloc[0], measures=measures)


def write_intervals(table: pd.DataFrame) -> pd.DataFrame:
    """Add the intervals of share and mean spend as text."""
    table = table.assign(
        share_interval=write_ranges(
            table["customer_share_low"], table["customer_share_high"], format_share
        )
    )
    if "mean_spend_low" in table:
        means = write_ranges(table["mean_spend_low"], table["mean_spend_high"], format_money)
        table = table.assign(mean_interval=means)
    return table
