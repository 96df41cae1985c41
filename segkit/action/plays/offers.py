"""Offers by what others buy: firms of one industry, and buyers of one category.

What is bought together, or in an industry, is an association: it says where to look, not what an
offer would bring.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.action.plays.histories import read_flags
from segkit.core.measures import find_largest
from segkit.core.periods import YEAR_DAYS
from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import ALPHA, correct_p_values, find_share_p_value

SMALLEST_LIFT = 1.2
LIST_COLUMNS = ["customer_id", "reason", "reason_kind", "rank"]
INDUSTRY_COLUMNS = [
    "industry", "category", "industry_count", "buyer_count", "share", "base_share", "lift",
    "p_value", "is_offered",
]  # fmt: skip
NO_INDUSTRY = "No industry of a customer with a purchase is known."
NO_CATEGORIES = "The products have no category, so nobody knows what is bought beside what."
NOTHING_APART = "No category is bought more in one industry than among all firms, beyond chance."
NO_PAIRS = "No two categories are bought by the same customers more often than chance explains."
NOBODY_LEFT = "Nobody is left who has not bought what would be offered."


def compare_industries(
    flags: pd.DataFrame, industry: pd.Series, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Compare what firms of each industry bought with what all other firms did.

    A category is offered where the share of an industry's firms that bought it is a fifth higher
    than among all firms, ``smallest_cell`` firms of it did, and the difference from all others is
    no chance after a correction for all comparisons (Holm 1979).

    Parameters
    ----------
    flags : DataFrame
        A row a customer, a column of true and false a category: who bought it.
    industry : Series
        Of each row; missing of those who are no firm.
    smallest_cell : int

    Returns
    -------
    DataFrame
        One row an industry and category: `INDUSTRY_COLUMNS`.
    """
    is_firm = industry.notna().to_numpy()
    firms = pd.DataFrame({"industry": industry[is_firm].astype(str)})
    if firms.empty or not len(flags.columns):
        return pd.DataFrame(columns=INDUSTRY_COLUMNS)
    flags = flags[is_firm].astype(int)
    sizes = firms.groupby("industry").size()
    hits = flags.groupby(firms["industry"]).sum()
    long = hits.rename_axis(columns="category").stack().rename("buyer_count").reset_index()
    long["industry_count"] = long["industry"].map(sizes)
    whole = long["category"].map(flags.sum())
    long["share"] = long["buyer_count"] / long["industry_count"]
    long["base_share"] = whole / len(firms)
    long["lift"] = long["share"] / long["base_share"].where(long["base_share"] > 0)
    p_values = find_share_p_value(
        long["buyer_count"].to_numpy(float),
        long["industry_count"].to_numpy(float),
        other_hits=(whole - long["buyer_count"]).to_numpy(float),
        other_trials=(len(firms) - long["industry_count"]).to_numpy(float),
    )
    long["p_value"] = correct_p_values(p_values)
    long["is_offered"] = (
        (long["lift"] >= SMALLEST_LIFT)
        & (long["buyer_count"] >= smallest_cell)
        & (long["p_value"] < ALPHA)
    )
    return long[INDUSTRY_COLUMNS]


def list_industry_offers(
    histories: pd.DataFrame, industries: pd.Series, *, smallest_cell: int = 5
) -> tuple[pd.DataFrame, str]:
    """List firms with the category of highest lift that they have not bought, and why none.

    Parameters
    ----------
    histories : DataFrame
        Of `segkit.action.plays.histories.fetch_histories`.
    industries : Series
        The industry by ``customer_id``.
    smallest_cell : int
    """
    flags = read_flags(histories)
    if flags.empty or not len(flags.columns):
        return _list_nobody(), NO_CATEGORIES
    industry = histories["customer_id"].map(industries)
    compared = compare_industries(flags, industry, smallest_cell=smallest_cell)
    if compared.empty:
        return _list_nobody(), NO_INDUSTRY
    offered = compared[compared["is_offered"].astype(bool)].sort_values(
        ["lift", "category"], ascending=[False, True], kind="stable"
    )
    if offered.empty:
        return _list_nobody(), NOTHING_APART
    offers = [
        (
            (industry == row["industry"]).to_numpy() & ~flags[row["category"]].to_numpy(),
            f"Has not bought {row['category']}; {row['buyer_count']} of {row['industry_count']} "
            f"firms in {row['industry']} have, {row['lift']:.1f} times the share among all firms.",
            f"{row['category']} for {row['industry']}",
            row["lift"],
        )
        for row in offered.to_dict("records")
    ]
    return _offer_first(histories["customer_id"], offers)


def count_pairs(bought: pd.DataFrame) -> pd.DataFrame:
    """Count who bought two categories, beside what independence lets expect.

    Parameters
    ----------
    bought : DataFrame
        A row a customer, a column of true and false a category.

    Returns
    -------
    DataFrame
        One row an ordered pair: ``has``, ``offer``, ``has_count``, ``both_count``, ``share``
        (of those with the one who also have the other), ``base_share`` (of all), ``lift``,
        ``p_value`` (of the share against that of all without the one, corrected).
    """
    categories = list(bought.columns)
    flags = bought.to_numpy(float)
    both = flags.T @ flags
    counts = np.diag(both)
    places = [(a, b) for a in range(len(categories)) for b in range(len(categories)) if a != b]
    rows = pd.DataFrame(
        {
            "has": [categories[a] for a, _ in places],
            "offer": [categories[b] for _, b in places],
            "has_count": [counts[a] for a, _ in places],
            "both_count": [both[a, b] for a, b in places],
            "offer_count": [counts[b] for _, b in places],
        }
    )
    total = len(bought)
    rows["share"] = rows["both_count"] / rows["has_count"].where(rows["has_count"] > 0)
    rows["base_share"] = rows["offer_count"] / max(total, 1)
    rows["lift"] = rows["share"] / rows["base_share"].where(rows["base_share"] > 0)
    if len(rows):
        p_values = find_share_p_value(
            rows["both_count"].to_numpy(float),
            rows["has_count"].to_numpy(float),
            other_hits=(rows["offer_count"] - rows["both_count"]).to_numpy(float),
            other_trials=(total - rows["has_count"]).to_numpy(float),
        )
        rows["p_value"] = correct_p_values(p_values)
    else:
        rows["p_value"] = np.nan
    return rows.drop(columns="offer_count")


def list_cross_sells(
    histories: pd.DataFrame, *, smallest_cell: int = 5
) -> tuple[pd.DataFrame, str]:
    """List who spent little in a year, with the category that buyers of theirs most often buy too.

    Little is at most the median of those with a purchase in the 365 days. A category is offered
    where more of those who have one of the customer's categories bought it than of all others,
    beyond chance; of several the one with the highest share.
    """
    bought = read_flags(histories)
    if len(bought.columns) < 2:
        return _list_nobody(), NO_CATEGORIES
    pairs = count_pairs(bought)
    is_sure = (pairs["p_value"] < ALPHA) & (pairs["lift"] > 1)
    pairs = pairs[is_sure & (pairs["both_count"] >= smallest_cell)]
    if pairs.empty:
        return _list_nobody(), NO_PAIRS
    pairs = pairs.sort_values(
        ["share", "has", "offer"], ascending=[False, True, True], kind="stable"
    )
    is_recent = (histories["recency_days"] < YEAR_DAYS).to_numpy()
    spend = histories["year_spend"].to_numpy(float)
    middle = np.median(spend[is_recent]) if is_recent.any() else np.nan
    is_low = is_recent & (spend <= middle)
    offers = [
        (
            is_low & bought[row["has"]].to_numpy() & ~bought[row["offer"]].to_numpy(),
            f"Bought {row['has']} and not {row['offer']}; {row['share']:.0%} of "
            f"{row['has_count']:.0f} buyers of {row['has']} also bought it, "
            f"{row['base_share']:.0%} of all customers.",
            f"{row['offer']} to buyers of {row['has']}",
            row["share"],
        )
        for row in pairs.to_dict("records")
    ]
    return _offer_first(histories["customer_id"], offers)


def measure_lifted(histories: pd.DataFrame) -> pd.DataFrame:
    """Return the net spend of a year by how many categories were bought, of those active in it.

    Returns
    -------
    DataFrame
        ``category_group`` ("one category", "two", "three or more"), ``customer_count``,
        ``mean_spend``, its ends and contributions.
    """
    recent = histories[histories["recency_days"] < YEAR_DAYS]
    count = read_flags(recent).sum(axis=1).clip(upper=3)
    names = {1: "one category", 2: "two categories", 3: "three or more"}
    rows = []
    for number, name in names.items():
        spend = recent.loc[count == number, "year_spend"].astype(float)
        if spend.empty:
            continue
        low, high = bound_ratio(spend.to_numpy())
        largest, second = find_largest(spend)
        rows.append((name, len(spend), spend.mean(), low, high, spend.sum(), largest, second))
    columns = [
        "category_group", "customer_count", "mean_spend", "mean_low", "mean_high",
        "mean_spend_sum", "mean_spend_largest", "mean_spend_second",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _offer_first(
    customers: pd.Series, offers: list[tuple[np.ndarray, str, str, float]]
) -> tuple[pd.DataFrame, str]:
    """Give each customer the first of the offers that is for them: who, reason, kind and rank."""
    chosen = np.full(len(customers), -1)
    for number, (is_for, *_) in enumerate(offers):
        chosen[(chosen < 0) & is_for] = number
    is_chosen = chosen >= 0
    if not is_chosen.any():
        return _list_nobody(), NOBODY_LEFT
    told = pd.DataFrame([offer[1:] for offer in offers], columns=["reason", "reason_kind", "rank"])
    found = told.iloc[chosen[is_chosen]].reset_index(drop=True)
    found.insert(0, "customer_id", customers.to_numpy()[is_chosen])
    order = ["rank", "customer_id"]
    return found.sort_values(order, ascending=[False, True], ignore_index=True), ""


def _list_nobody() -> pd.DataFrame:
    return pd.DataFrame(columns=LIST_COLUMNS)
