"""Sentences on what the segments say about time they have not seen."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import empty_table
from segkit.report.old_sentences import write_sentences
from segkit.report.shared.numbers import THIN_SPACE, format_number, format_share
from segkit.validation.prediction import TOP_SHARE
from segkit.validation.usefulness import BOTH, LIFETIME, RFM, SEGMENTS, Usefulness, list_gains

OUTCOMES = {
    "later_spend": "spend",
    "later_order_count": "orders",
    "bought_again": "buying again",
    "responded": "answering messages",
}
MEASURES = {
    "explained_share": "Share explained",
    "top_fifth_share": "Spend of the first fifth",
    "gain_index": "Gain index",
    "ranking": "Ranking (AUC)",
}
COLUMNS = {RFM: "RFM", LIFETIME: "Lifetime value", SEGMENTS: "Segments", BOTH: "RFM and segments"}


def state_usefulness(found: Usefulness) -> list[str]:
    """Say whether the segments tell more than RFM about later time, and what that rests on."""
    figures, outcomes = found.figures, []
    for outcome in figures["outcome"].unique():
        rows = _pick(figures, outcome, "explained_share")
        shares = rows.loc[[RFM, SEGMENTS, BOTH], "estimate"]
        points = rows.loc[BOTH, ["difference", "difference_low", "difference_high"]]
        outcomes.append((OUTCOMES[outcome], shares, [_write_points(value) for value in points]))
    top = _pick(figures, "later_spend", "top_fifth_share")["estimate"]
    first = [f"{format_share(top[name])} by {name}" for name in COLUMNS if name in top]
    gains = list_gains(figures, BOTH, "difference") if len(figures) else []
    return write_sentences(
        "usefulness.usefulness",
        found=found,
        gains=[OUTCOMES[name] for name in gains],
        outcomes=outcomes,
        first_fifth=first,
        top_share=TOP_SHARE,
        undated=[name.replace("_", " ") for name in found.undated],
        left_out=[(OUTCOMES.get(name, name), why) for name, why in found.left_out.items()],
    )


def list_figures(found: Usefulness) -> pd.DataFrame:
    """List the figures, a row an outcome and measure and a column a predictor, as text.

    After each figure stands half the width of its 95 % interval; ``added`` is what the segments
    add to RFM.
    """
    columns = ["outcome", "measure", *COLUMNS.values(), "Added to RFM"]
    if found.figures.empty:
        return empty_table(columns, found.reason)
    rows = []
    for (outcome, measure), _ in found.figures.groupby(["outcome", "measure"], sort=False):
        figures, scale = _pick(found.figures, outcome, measure), 100
        if measure in ("gain_index", "ranking"):
            scale = 1
        row = {"outcome": OUTCOMES[outcome].capitalize(), "measure": MEASURES[measure]}
        for name, heading in COLUMNS.items():
            if name in figures.index:
                row[heading] = _write_figure(figures.loc[name, ["estimate", "high"]], scale)
        ends = figures.loc[BOTH, ["difference", "difference_high"]]
        row["Added to RFM"] = _write_figure(ends, scale, sign=True)
        rows.append(row)
    table = pd.DataFrame(rows)
    return table[[name for name in columns if name in table]]


def headline_usefulness(found: Usefulness) -> dict[str, str]:
    """Return the answer for the facts: ``answer``, ``text``, and ``split_on``, empty if none."""
    split = str(found.split_on or "")
    text = state_usefulness(found)[0]
    return {"answer": found.answer or "not measured", "text": text, "split_on": split}


def _pick(figures: pd.DataFrame, outcome: str, measure: str) -> pd.DataFrame:
    chosen = (figures["outcome"] == outcome) & (figures["measure"] == measure)
    return figures[chosen].set_index("predictor")


def _write_points(value: float) -> str:
    return ("+" if round(100 * value, 1) > 0 else "") + format_number(100 * value, 1)


def _write_figure(ends: pd.Series, scale: int, *, sign: bool = False) -> str:
    value, high = ends
    decimals = 1 if scale == 100 else 2
    text = format_number(scale * value, decimals) + ("%" if scale == 100 and not sign else "")
    plus = "+" if sign and round(scale * value, decimals) > 0 else ""
    width = format_number(scale * (high - value), decimals)
    return f"{plus}{text}{THIN_SPACE}±{THIN_SPACE}{width}"
