"""The white space: cells that are large, growing and little served, and what each could bring."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd

from segkit.core.absence import empty_table, explain_empty
from segkit.core.measures import CEILING
from segkit.core.settings import Settings
from segkit.evidence.market.cells import list_axes
from segkit.evidence.market.penetration import OURS_ONLY, measure_average
from segkit.evidence.market.rivals import map_rivals, sum_rivals

# The rules, with the words for them.
RULES = {
    "large": "large",
    "growing": "growing",
    "open_to_us": "our share below average",
    "open_from_rivals": "open from rivals",
    "people_like_ours": "people like our customers",
}
WHITE = "white space"
OPEN = "open question"
NOT_WHITE = "no"
STATUSES = (WHITE, OPEN, NOT_WHITE)
OPPORTUNITIES = ("opportunity", "opportunity_low", "opportunity_high", "needed_count")


def find_white_space(
    penetration: pd.DataFrame,
    competitors: ibis.Table | None = None,
    *,
    at: Settings | None = None,
    people: pd.DataFrame | None = None,
    largest_rival_share: float = 0.5,
    smallest_likeness: float = 0.7,
    hidden: pd.Series | None = None,
) -> pd.DataFrame:
    """Find cells that are large, growing and little served, and size what they could bring.

    A cell is white space when all of this is known of it: it is large (above the median of the
    cells), growing (above the market's growth, weighted by size), our share is surely below our own
    average (by its interval, and without two of our customers), the listed competitors hold at most
    ``largest_rival_share`` together, and its people are like our customers. A cell of which nothing
    speaks against it but not all is known is an open question.

    Parameters
    ----------
    penetration : DataFrame
        From `segkit.evidence.market.penetration.measure_penetration`.
    competitors : ibis.Table, optional
        The table of the competitors' shares.
    at : Settings, optional
        Of ``as_of``, for the year of the competitors' shares.
    people : DataFrame, optional
        From `segkit.evidence.market.people.compare_people`.
    largest_rival_share : float
        A cell is closed where competitors hold more than this together, from 0 to 1.
    smallest_likeness : float
        How alike a cell's people and our customers are at the least, from 0 to 1.
    hidden : Series of bool, optional
        Which rows of ``penetration`` the gate hid; their ``rests_on_count`` is missing. An
        opportunity would tell what we sell there, so it is missing. Which of these cells are the
        small ones must not be told either.

    Returns
    -------
    DataFrame
        cell, the axes, measure, size, buyer_count, year, growth_rate, index (100 is our average
        share) and its interval, share, average_share, rival_share, rival_count, first_rival,
        first_rival_share, likeness, the five rules (missing where not known), fails_on, not_known
        (both in words), status, white_space, opportunity (what we would sell more a year at our own
        average share, never below 0), opportunity_low and opportunity_high (from the interval of
        our share and from what the sources say of the size), needed_count (buyers at our mean
        spend), mark, source and rests_on_count; white space comes first, then open questions, each
        by the opportunity.
    """
    axes = list_axes(penetration)
    columns = ["cell", *axes, "measure", "size", "buyer_count", "year", "growth_rate", "share"]
    columns += ["average_share", "index", "index_low", "index_high", "rival_share", "rival_count"]
    columns += ["first_rival", "first_rival_share", "likeness", *RULES, "fails_on", "not_known"]
    columns += ["status", "white_space", *OPPORTUNITIES, "mark", "source", "rests_on_count"]
    cells = penetration[penetration["matched"] != OURS_ONLY].dropna(subset=["size"])
    if cells.empty:
        reason = explain_empty(penetration)
        if not penetration.empty:
            reason = "The market table has neither value nor buyers, so no cell has a size."
        return empty_table(columns, reason)
    as_of = None if at is None else at.as_of
    rivals = sum_rivals(map_rivals(penetration, competitors, as_of=as_of))
    table = cells.merge(rivals, on="cell", how="left")
    table.index = cells.index
    likeness = {} if people is None else dict(zip(people["cell"], people["likeness"], strict=True))
    table["likeness"] = table["cell"].map(likeness).astype(float)
    table["average_share"] = measure_average(cells)
    rules = _judge_rules(
        table, largest_rival_share=largest_rival_share, smallest_likeness=smallest_likeness
    )
    table = table.assign(**rules)
    table["fails_on"] = _name_rules(rules, is_failed=True)
    table["not_known"] = _name_rules(rules, is_failed=False)
    table["status"] = _name_statuses(table)
    table["white_space"] = table["status"] == WHITE
    table = table.assign(**_size_opportunities(table))
    if hidden is not None:
        is_hidden = hidden.loc[table.index].fillna(False).astype(bool)
        table = _hide(table, is_hidden)
    place = table["status"].map(STATUSES.index)
    order = ["place", "opportunity", "size", "cell"]
    table = table.assign(place=place).sort_values(
        order, ascending=[True, False, False, True], kind="stable", ignore_index=True
    )
    return table[columns]


def _judge_rules(
    cells: pd.DataFrame, *, largest_rival_share: float, smallest_likeness: float
) -> dict[str, pd.Series]:
    """Return, by rule, whether each cell meets it; missing where that is not known."""
    growth = _average_growth(cells)
    rival = cells["rival_share"].astype(float)
    ceiling = cells[f"index{CEILING}"] if f"index{CEILING}" in cells else cells["index"]
    is_below = (cells["index_high"] < 100) & ~(ceiling >= 100)
    open_to_us = is_below.astype("boolean").mask(~is_below & (cells["index"] < 100))
    return {
        "large": (cells["size"] > cells["size"].median()).astype("boolean"),
        "growing": _compare(cells["growth_rate"], cells["growth_rate"] > growth),
        "open_to_us": open_to_us.mask(cells["index"].isna()),
        "open_from_rivals": _compare(rival, rival <= largest_rival_share),
        "people_like_ours": _compare(cells["likeness"], cells["likeness"] >= smallest_likeness),
    }


def _compare(values: pd.Series, is_met: pd.Series) -> pd.Series:
    """Return whether a rule is met; missing where the value is."""
    return is_met.astype("boolean").mask(values.isna())


def _average_growth(cells: pd.DataFrame) -> float:
    """Return the market's growth, weighted by size; NaN where none is known."""
    known = cells.dropna(subset=["growth_rate"])
    if known.empty:
        return np.nan
    return float(np.average(known["growth_rate"].astype(float), weights=known["size"]))


def _name_rules(rules: Mapping[str, pd.Series], *, is_failed: bool) -> list[str]:
    """Name, by cell, the rules that it fails, or those of which that is not known."""
    index = next(iter(rules.values())).index
    names: list[list[str]] = [[] for _ in index]
    for rule, word in RULES.items():
        found = rules[rule].eq(False).fillna(False) if is_failed else rules[rule].isna()
        for place in np.flatnonzero(found.to_numpy(dtype=bool)):
            names[place].append(word)
    return [", ".join(words) for words in names]


def _name_statuses(cells: pd.DataFrame) -> pd.Series:
    """Return whether each cell is white space, an open question, or neither."""
    status = pd.Series(OPEN, index=cells.index, dtype=object)
    status = status.mask(cells["not_known"] == "", WHITE)
    return status.mask(cells["fails_on"] != "", NOT_WHITE)


def _size_opportunities(cells: pd.DataFrame) -> dict[str, pd.Series]:
    """Return what each cell would bring at our average share, its range, and the buyers for it.

    The least is at the upper end of our share's interval and the smallest size that a source says,
    the most at the lower end and the largest size.
    """
    average = cells["average_share"]
    ours = cells["share"] * cells["size"]
    low_size = cells["size_low"].fillna(cells["size"])
    high_size = cells["size_high"].fillna(cells["size"])
    scale = average * cells["size"] / 100
    most_ours = (cells["index_high"] * scale).fillna(ours)
    least_ours = (cells["index_low"] * scale).fillna(ours)
    opportunity = (average * cells["size"] - ours).clip(lower=0)
    is_money = cells["measure"] == "market_value"
    sold = cells["spend"].sum()
    each = sold / cells["customer_count"].sum() if cells["customer_count"].sum() > 0 else np.nan
    needed = np.ceil(opportunity / each) if each and each > 0 else opportunity * np.nan
    return {
        "opportunity": opportunity,
        "opportunity_low": (average * low_size - most_ours).clip(lower=0),
        "opportunity_high": (average * high_size - least_ours).clip(lower=0),
        "needed_count": needed.where(is_money, np.ceil(opportunity)),
    }


def _hide(table: pd.DataFrame, is_hidden: pd.Series) -> pd.DataFrame:
    """Return the table without what would tell what we sell in cells that the gate hid.

    Whether our share there is below average would tell it too: of these cells that rule is not
    known, and what hangs on it follows.
    """
    blank = ["share", "index", "index_low", "index_high", *OPPORTUNITIES]
    masked = {name: table[name].mask(is_hidden) for name in blank}
    rests = table["rests_on_count"].astype(float).mask(is_hidden)
    table = table.assign(**masked, rests_on_count=rests)
    rules = {rule: table[rule] for rule in RULES}
    rules["open_to_us"] = rules["open_to_us"].mask(is_hidden)
    table = table.assign(open_to_us=rules["open_to_us"])
    table["fails_on"] = _name_rules(rules, is_failed=True)
    table["not_known"] = _name_rules(rules, is_failed=False)
    table["status"] = _name_statuses(table)
    table["white_space"] = table["status"] == WHITE
    return table
