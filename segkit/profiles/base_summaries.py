"""One table for any base: what is known of the customers, and who of them brings the value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.contract.bases import SAID
from segkit.contract.features import BASES
from segkit.features.own_features import describe_feature
from segkit.models.kinds import find_kind

ALL, OTHERS, UNKNOWN = "all known", "all others", "unknown"
MOST_LEVELS = 40  # a category with more different values describes nobody
MOST_NUMBERS = 6  # a number with no more different values is shown value by value
BAND_SHARES = (0.2, 0.4, 0.6, 0.8)
FIGURES = ["mean", "lower_quartile", "median", "upper_quartile"]


def list_bases(customers: pd.DataFrame, *, said: bool = False) -> dict[str, str]:
    """Return the bases of which there is a feature to show, and what each answers.

    Either those of what customers say, or all others.
    """
    shown = {describe_feature(name).base for name in _list_shown(customers)}
    wanted = [name for name in BASES if name in shown and (name in SAID) == said]
    return {name: BASES[name].answers for name in wanted}


def summarise_base(
    customers: pd.DataFrame,
    base: str,
    *,
    value: str = "total_spend",
    most_levels: int = 6,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Summarise each feature of a base over all customers, those that tell most of value first.

    Levels beyond the largest ``most_levels``, or of fewer than ``smallest_cell`` customers, are put
    together, with the smallest of the others if they are still too few. Numbers of many values are
    cut into five bands of about the same number of customers, at rounded numbers.

    Returns
    -------
    pandas.DataFrame
        For each feature a row ``all known`` and one for each level: ``feature``, ``level``,
        ``customer_count``, ``customer_share`` (of all customers), of numbers also ``mean``,
        ``lower_quartile``, ``median`` and ``upper_quartile`` of those known, and ``value_index``:
        the mean of ``value`` of these customers, 100 being that of all; missing for features in
        currency, where very few are not known, without the column or a positive mean of all.
    """
    columns = ["feature", "level", "customer_count", "customer_share", *FIGURES, "value_index"]
    amounts = customers.get(value, pd.Series(np.nan, customers.index)).astype(float)
    level_of_all = amounts.mean() if amounts.mean() > 0 else np.nan
    tables, spreads = [], []
    for name in _list_shown(customers):
        feature = describe_feature(name)
        if feature.base != base:
            continue
        known = customers[name].dropna()
        is_number = find_kind(customers[name]) == "number"
        texts, kept = _name_levels(known, is_number, most_levels, smallest_cell)
        groups = [(ALL, known), *((level, texts[texts == level]) for level in kept)]
        rows = []
        for level, own in groups:
            if len(own) >= max(smallest_cell, 1):
                index = 100 * amounts[own.index].mean() / level_of_all
                share = len(own) / len(customers)
                rows.append((name, level, len(own), share, *[np.nan] * len(FIGURES), index))
        table = pd.DataFrame(rows, columns=columns)
        if is_number and rows:
            values = known.astype(float)
            quartiles = values.quantile([0.25, 0.5, 0.75])
            table.loc[0, FIGURES] = [values.mean(), *quartiles]
        unknown_count = len(customers) - len(known)
        if feature.unit.startswith("currency") or 0 < unknown_count < smallest_cell:
            table["value_index"] = np.nan
        indices = table["value_index"][1:].dropna()
        spreads.append(indices.max() - indices.min() if len(indices) else -1.0)
        tables.append(table)
    order = np.argsort(-np.array(spreads), kind="stable")
    kept = [tables[place] for place in order if len(tables[place])]
    return pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=columns)


def _list_shown(customers: pd.DataFrame) -> list[str]:
    """Return the columns to show: numbers, truths, and categories of few different values."""
    shown = []
    for name in customers.columns.drop("customer_id"):
        kind = find_kind(customers[name])
        has_few_values = kind != "category" or customers[name].nunique() <= MOST_LEVELS
        if kind != "date" and customers[name].notna().any() and has_few_values:
            shown.append(name)
    return shown


def _name_levels(
    known: pd.Series, is_number: bool, most: int, smallest: int
) -> tuple[pd.Series, list[str]]:
    """Return each customer's level, and the levels in the order in which they are shown."""
    if not is_number:
        if find_kind(known) == "boolean":
            known = known.map({True: "yes", False: "no"})
        texts, kept = pool_levels(known, most, smallest, OTHERS)
        while kept and 0 < (texts == OTHERS).sum() < smallest:  # the rest would be told by the sum
            texts = texts.where(texts != kept.pop(), OTHERS)
        return texts, [*kept, OTHERS]
    numbers = known.astype(float)
    cuts = np.sort(numbers.unique())[:-1]
    if len(cuts) >= MOST_NUMBERS:
        cuts = np.unique([float(f"{cut:.2g}") for cut in numbers.quantile(list(BAND_SHARES))])
    kept, below = [], 0
    for cut in cuts:
        count = (numbers <= cut).sum()
        if count - below >= smallest and len(numbers) - count >= smallest:
            kept, below = [*kept, cut], count
    starts, ends = [-np.inf, *kept], [*kept, np.inf]
    step = 1 if (numbers % 1 == 0).all() else 0
    names = [_name_band(start, end, step, numbers) for start, end in zip(starts, ends, strict=True)]
    return pd.Series(np.array(names)[np.searchsorted(kept, numbers)], known.index), names


def _name_band(start: float, end: float, step: int, numbers: pd.Series) -> str:
    """Name the numbers over ``start`` up to ``end``; whole ones, of ``step`` 1, as 3 to 5."""
    inside = numbers[(numbers > start) & (numbers <= end)]
    if inside.nunique() == 1:
        return f"{inside.iloc[0]:,g}"
    if not np.isfinite(start):
        return f"up to {end:,g}"
    over = f"{start + step:,g}" if step else f"over {start:,g}"
    return f"{over} to {end:,g}" if np.isfinite(end) else f"{over} and over" if step else over


def pool_levels(
    values: pd.Series, most: int, smallest: int, others: str
) -> tuple[pd.Series, list[str]]:
    """Write values as text and keep the largest levels, ties by alphabet; the rest is pooled."""
    texts = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    counts = texts.value_counts()
    counts = counts[counts >= smallest].sort_index().sort_values(ascending=False, kind="stable")
    kept = counts.index[:most].tolist()
    return texts.where(texts.isin(kept), others), kept
