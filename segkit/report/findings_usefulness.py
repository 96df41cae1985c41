"""Sentences on what the segments say about time they have not seen."""

from __future__ import annotations

import pandas as pd

from segkit.features.missing import empty_table
from segkit.report.findings import THIN_SPACE, format_number, format_share, join_words, plural
from segkit.segments.prediction import TOP_SHARE
from segkit.segments.usefulness import BOTH, LIFETIME, RFM, SEGMENTS, Usefulness, list_gains

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
ANSWERS = {
    "adds to RFM": "These segments say something that RFM does not",
    "as much as RFM": "These segments say as much as RFM, and nothing that RFM does not.",
    "nothing beyond RFM": "These segments say nothing that RFM does not.",
    "nothing": "What these segments say about later time cannot be told from chance.",
}
COLUMNS = {RFM: "RFM", LIFETIME: "Lifetime value", SEGMENTS: "Segments", BOTH: "RFM and segments"}


def state_usefulness(found: Usefulness) -> list[str]:
    """Say whether the segments tell more than RFM about later time, and what that rests on."""
    if found.reason:
        return [f"It cannot be said whether these segments are useful. {found.reason}"]
    answer = ANSWERS[found.answer]
    if found.answer == "adds to RFM":
        gains = list_gains(found.figures, BOTH, "difference")
        answer += f", about {join_words([OUTCOMES[name] for name in gains])}."
    sentences = [answer]
    customers, segments = (plural(*pair) for pair in _count(found))
    sentences.append(
        f"{segments} were made again from what was known of {customers} on {found.split_on}, and "
        f"compared with the {plural(found.later_days, 'day')} after it."
    )
    for outcome in found.figures["outcome"].unique():
        rows = _pick(found.figures, outcome, "explained_share")
        more, low, high = rows.loc[BOTH, ["difference", "difference_low", "difference_high"]]
        rfm, own, both = (format_share(rows.loc[n, "estimate"]) for n in (RFM, SEGMENTS, BOTH))
        sentences.append(
            f"Of the differences in {OUTCOMES[outcome]}, RFM explains {rfm}, the segments {own} "
            f"and both together {both}: {_write_points(more)} points against RFM alone (95% "
            f"interval {_write_points(low)} to {_write_points(high)})."
        )
    return [*sentences, *_state_first_fifth(found), *_state_limits(found)]


def _count(found: Usefulness) -> list[tuple[int, str]]:
    return [(found.customer_count, "customer"), (found.segment_count, "segment")]


def _state_first_fifth(found: Usefulness) -> list[str]:
    rows = _pick(found.figures, "later_spend", "top_fifth_share")
    if rows.empty:
        return []
    parts = [
        f"{format_share(rows.loc[name, 'estimate'])} by {name}"
        for name in COLUMNS
        if name in rows.index
    ]
    share = format_share(TOP_SHARE, 0)
    return [f"The first {share} of customers bring this much of later spend: {join_words(parts)}."]


def _state_limits(found: Usefulness) -> list[str]:
    sentences = []
    if found.undated:
        names = join_words([name.replace("_", " ") for name in found.undated])
        sentences.append(
            f"No date is known of {names}: the segments read them as they stand today, and may "
            "so know a little of the time after the split."
        )
    for name, reason in found.left_out.items():
        sentences.append(f"Left out: {OUTCOMES.get(name, name)}, because {reason}.")
    return sentences


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
