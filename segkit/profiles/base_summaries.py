"""One table for any base: what is known of the customers, and who of them brings the value."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.contract.bases import SAID
from segkit.contract.features import BASES
from segkit.core.absence import empty_table
from segkit.core.carried import bound_without_two
from segkit.core.measures import CEILING, FLOOR, count_needed
from segkit.core.skewed_means import bound_ratio
from segkit.features.own_features import describe_feature
from segkit.features.wording import OTHERS
from segkit.models.kinds import find_kind

ALL = "all known"
UNKNOWN = "unknown"
ANY = "any value"  # of numbers that cannot be cut without a band of few customers
MOST_LEVELS = 40  # a category with more different values describes nobody
MOST_NUMBERS = 6  # a number with no more different values is shown value by value
BAND_SHARES = (0.2, 0.4, 0.6, 0.8)
FIGURES = ["mean", "lower_quartile", "median", "upper_quartile"]
INDEX = ["value_index", "value_index_low", "value_index_high"]
INDEX_BOUNDS = [f"value_index{FLOOR}", f"value_index{CEILING}"]
COLUMNS = (
    "feature", "level", "customer_count", "customer_share", *FIGURES, *INDEX,
    "unknown_count", "value_index_sum", "value_index_largest", "value_index_second", *INDEX_BOUNDS,
)  # fmt: skip
NO_SPREAD = -1.0


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

    A feature that is known of fewer than ``smallest_cell`` customers is left out. Levels beyond the
    largest ``most_levels``, or of fewer customers than that, are put together, with the smallest of
    the others if they are still too few. Numbers of many values are cut into five bands of about
    the same number of customers, at rounded numbers.

    Returns
    -------
    pandas.DataFrame
        For each feature a row ``all known`` and one for each level: ``feature``, ``level``,
        ``customer_count``, ``customer_share`` (of all customers), of numbers also ``mean``,
        ``lower_quartile``, ``median`` and ``upper_quartile`` of those known, ``value_index``:
        the mean of ``value`` of these customers, 100 being that of all; missing for features in
        currency, without the column or a positive mean of all. ``value_index_low`` and
        ``value_index_high`` are its 95 % interval, the mean of all taken as known;
        ``unknown_count`` has the customers of whom the feature is not known: the index tells of
        them too, by subtraction. The sum and the two largest values behind the index, and what it
        is without two customers, are the gate's.
    """
    amounts = customers.get(value, pd.Series(np.nan, customers.index)).astype(float)
    tables = []
    spreads = []
    for name in _list_shown(customers):
        feature = describe_feature(name)
        known_count = int(customers[name].notna().sum())
        if feature.base != base or known_count < max(smallest_cell, 1):
            continue
        table = _summarise_feature(customers[name], amounts, most_levels, smallest_cell)
        if feature.unit.startswith("currency"):
            table[[*INDEX, *INDEX_BOUNDS]] = np.nan
        # Where few are not known the index is not shown, so it may not say what comes first.
        is_told = not 0 < len(customers) - known_count < count_needed(smallest_cell)
        spreads.append(_find_spread(table) if is_told else NO_SPREAD)
        tables.append(table)
    if not tables:
        return empty_table(COLUMNS, "Of no feature of this base enough customers are known.")
    order = np.argsort(-np.array(spreads), kind="stable")
    return pd.concat([tables[place] for place in order], ignore_index=True)


def _summarise_feature(
    values: pd.Series, amounts: pd.Series, most_levels: int, smallest_cell: int
) -> pd.DataFrame:
    """Return the rows of one feature, see `summarise_base`; ``amounts`` is a customer's value."""
    mean_of_all = amounts.mean() if amounts.mean() > 0 else np.nan
    known = values.dropna()
    is_number = find_kind(values) == "number"
    texts, kept = _name_levels(known, is_number, most_levels, smallest_cell)
    groups = [(ALL, known), *((level, texts[texts == level]) for level in kept)]
    rows = [
        {
            "feature": values.name,
            "level": level,
            "customer_count": len(own),
            "customer_share": len(own) / len(values),
            **dict.fromkeys(FIGURES, np.nan),
            **_bound_index(amounts[own.index], mean_of_all),
            "unknown_count": len(values) - len(known),
            **_sum_up(amounts[own.index]),
        }
        for level, own in groups
        if len(own)
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    if is_number:
        numbers = known.astype(float)
        table.loc[0, FIGURES] = [numbers.mean(), *numbers.quantile([0.25, 0.5, 0.75])]
    return table


def _bound_index(amounts: pd.Series, mean_of_all: float) -> dict[str, float]:
    """Return a group's mean beside that of all, 100 being like all, and how far it holds."""
    known = amounts.dropna().to_numpy()
    means = [amounts.mean(), *bound_ratio(known), *bound_without_two(known)]
    scaled = [100 * mean / mean_of_all for mean in means]
    return dict(zip([*INDEX, *INDEX_BOUNDS], scaled, strict=True))


def _sum_up(amounts: pd.Series) -> dict[str, float]:
    """Return what a group's mean is made of: its sum, and the two largest contributions."""
    known = amounts.dropna()
    first = known.abs().nlargest(2).index
    largest = [*known[first], np.nan, np.nan]
    return {
        "value_index_sum": known.sum(),
        "value_index_largest": largest[0],
        "value_index_second": largest[1],
    }


def _find_spread(table: pd.DataFrame) -> float:
    """Return how far the value of a feature's levels lies apart."""
    indices = table["value_index"][1:].dropna()
    return indices.max() - indices.min() if len(indices) else NO_SPREAD


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
        texts, kept = pool_levels(known, most=most, smallest=smallest, others=OTHERS)
        while kept and 0 < (texts == OTHERS).sum() < smallest:  # the rest would be told by the sum
            texts = texts.where(texts != kept.pop(), OTHERS)
        return texts, [*kept, OTHERS]
    numbers = known.astype(float)
    cuts = np.sort(numbers.unique())[:-1]
    if len(cuts) >= MOST_NUMBERS:
        cuts = np.unique([float(f"{cut:.2g}") for cut in numbers.quantile(list(BAND_SHARES))])
    cuts = cuts + 0.0  # none is -0
    kept = []
    below = 0
    for cut in cuts:
        count = (numbers <= cut).sum()
        if count - below >= smallest and len(numbers) - count >= smallest:
            kept = [*kept, cut]
            below = count
    starts = [-np.inf, *kept]
    ends = [*kept, np.inf]
    step = 1 if (numbers % 1 == 0).all() else 0
    names = [_name_band(start, end, step, numbers) for start, end in zip(starts, ends, strict=True)]
    return pd.Series(np.array(names)[np.searchsorted(kept, numbers)], known.index), names


def _name_band(start: float, end: float, step: int, numbers: pd.Series) -> str:
    """Name the numbers over ``start`` up to ``end``; whole ones, of ``step`` 1, as 3 to 5."""
    inside = numbers[(numbers > start) & (numbers <= end)]
    if inside.nunique() == 1:
        return f"{inside.iloc[0] + 0.0:,g}"
    if not np.isfinite(start):
        return f"up to {end:,g}" if np.isfinite(end) else ANY
    over = f"{start + step:,g}" if step else f"over {start:,g}"
    return f"{over} to {end:,g}" if np.isfinite(end) else f"{over} and over" if step else over


def pool_levels(
    values: pd.Series, *, most: int, smallest: int, others: str
) -> tuple[pd.Series, list[str]]:
    """Write values as text and keep the largest levels, ties by alphabet; the rest is pooled."""
    texts = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    counts = texts.value_counts()
    counts = counts[counts >= smallest].sort_index().sort_values(ascending=False, kind="stable")
    kept = counts.index[:most].tolist()
    return texts.where(texts.isin(kept), others), kept
