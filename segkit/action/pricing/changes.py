"""Which products had another price for long, and which only offers: the panel of sales by period.

A product's own price has changed if its regular price stood at one level for long and then at
another. What lasts shorter, lower prices after which the former one came back, and periods in which
most units were sold at a recorded discount are offers: they are left out, for an offer is made when
it is expected to sell.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.action.pricing.lines import RECORDED, Priced
from segkit.plan.pricing import Pricing

TINY = 1e-9  # a price is 5 % higher, and its logarithm is not to say otherwise
MOST_ON_OFFER = 0.5  # from this part of the units on, a period is one of an offer
KEYS = ["product_id", "period"]


@dataclass(frozen=True)
class Panel:
    """Units sold by product, period and segment, at prices that held.

    Attributes
    ----------
    cells : DataFrame
        One row a product and period: product_id, product_group, period (the earliest has the
        smallest number), price (the level of its regular price), is_changed (whether the product
        had another level too), and the units of each segment in a column of ``segments``.
    products : DataFrame
        One row a product that was looked at: product_id, product_group, has_change, has_offers.
    segments : tuple of str
    """

    cells: pd.DataFrame
    products: pd.DataFrame
    segments: tuple[str, ...] = ()
    rows: ir.Table | None = field(default=None, repr=False)


def make_panel(priced: Priced) -> Panel:
    """Sum up the units of the products that are bought most, and find the prices that held.

    The engine returns a row a product, period and segment, of ``plan.most_products`` products at
    most; ties by product. The earliest period is left out, for it is not whole.
    """
    plan = priced.plan
    rows = priced.rows
    bought = rows.group_by("product_id").agg(line_count=_.count())
    bought = bought.order_by([bought.line_count.desc(), bought.product_id])
    chosen = bought.limit(plan.most_products).select("product_id")
    rows = rows.semi_join(chosen, "product_id")
    found = rows.group_by("product_id", "product_group", "period").agg(
        price=(_.regular / _.quantity).median(),
        on_offer_share=_.quantity.sum(where=_.discount > 0).fill_null(0.0) / _.quantity.sum(),
    )
    prices = found.to_pandas()
    units = rows.group_by("product_id", "period", "segment_name").agg(
        units=_.quantity.sum().round(4)
    )
    units = units.to_pandas()
    last = prices["period"].max() if len(prices) else 0
    prices = prices[prices["period"] < last].assign(period=lambda table: -table["period"])
    units = units[units["period"] < last].assign(period=lambda table: -table["period"])
    cells, products = find_levels(prices, plan=plan, has_discounts=priced.regular_from == RECORDED)
    wide = units.pivot_table(index=KEYS, columns="segment_name", values="units", aggfunc="sum")
    segments = tuple(sorted(map(str, wide.columns)))
    cells = cells.merge(wide.reset_index(), on=KEYS, how="left")
    if segments:
        cells[list(segments)] = cells[list(segments)].fillna(0.0)
    return Panel(cells, products, segments, rows)


def find_levels(
    prices: pd.DataFrame, *, plan: Pricing, has_discounts: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the levels at which each product's regular price held.

    A run is a stretch of periods whose prices differ from its first one by less than
    ``plan.smallest_change``; one of fewer than ``plan.lasting_periods`` periods is an offer and is
    left out, and so are a lower one after which the former price came back, and periods with most
    units at a recorded discount. The level of a run is its median price. Periods within a run in
    which nothing was sold are there, at its level.

    Parameters
    ----------
    prices : DataFrame
        One row a product and period with sales: product_id, product_group, period (int), price and
        on_offer_share.
    plan : Pricing
    has_discounts : bool, optional
        Whether ``on_offer_share`` is of recorded discounts; else it is not looked at.

    Returns
    -------
    tuple of DataFrame
        The cells (product_id, product_group, period, price, is_changed) and the products
        (product_id, product_group, has_change, has_offers), each in order.

    Examples
    --------
    >>> prices = pd.DataFrame({
    ...     "product_id": "a", "product_group": "tents", "period": [1, 2, 3, 5, 6],
    ...     "price": [10.0, 10.0, 8.0, 12.0, 12.0], "on_offer_share": 0.0,
    ... })
    >>> cells, products = find_levels(prices, plan=Pricing())  # the price of 8 was an offer
    >>> cells[["period", "price"]].round(6).values.tolist()
    [[1.0, 10.0], [2.0, 10.0], [5.0, 12.0], [6.0, 12.0]]
    >>> products[["has_change", "has_offers"]].values.tolist()
    [[True, True]]
    """
    cells = []
    products = []
    limit = np.log1p(plan.smallest_change)
    for keys, own in prices.sort_values(KEYS).groupby(["product_id", "product_group"], sort=True):
        product, group = keys
        is_offer = own["on_offer_share"].to_numpy() > MOST_ON_OFFER
        is_offer &= has_discounts
        periods = own["period"].to_numpy(int)[~is_offer]
        logs = np.log(own["price"].to_numpy(float)[~is_offer])
        runs = _part_runs(periods, logs, limit=limit)
        held = [run for run in _drop_offers(runs, limit) if run.length >= plan.lasting_periods]
        levels = [run.level for run in held]
        has_change = bool(levels) and max(levels) - min(levels) >= limit - TINY
        length = sum(run.length for run in held)
        has_offers = bool(is_offer.any()) or length < sum(run.length for run in runs)
        products.append((product, group, has_change, has_offers))
        offers = set(own["period"].to_numpy(int)[is_offer])
        for run in held:
            cells += [
                (product, group, period, float(np.exp(run.level)), has_change)
                for first, last in run.spans
                for period in range(first, last + 1)
                if period not in offers
            ]
    names = ["product_id", "product_group"]
    return (
        pd.DataFrame(cells, columns=[*names, "period", "price", "is_changed"]),
        pd.DataFrame(products, columns=[*names, "has_change", "has_offers"]),
    )


@dataclass(frozen=True)
class _Run:
    """Periods at one level of price: the first and last period of each span, and the logarithm."""

    spans: tuple[tuple[int, int], ...]
    level: float

    @property
    def length(self) -> int:
        return sum(last - first + 1 for first, last in self.spans)


def _part_runs(periods: np.ndarray, logs: np.ndarray, *, limit: float) -> list[_Run]:
    """Return the runs of a product's prices, in their order."""
    runs = []
    start = 0
    for place in range(1, len(logs) + 1):
        is_over = place == len(logs) or abs(logs[place] - logs[start]) >= limit - TINY
        if is_over:
            span = (int(periods[start]), int(periods[place - 1]))
            runs.append(_Run((span,), float(np.median(logs[start:place]))))
            start = place
    return runs


def _drop_offers(runs: list[_Run], limit: float) -> list[_Run]:
    """Leave out lower prices after which the former one came back, however long they held.

    The shortest goes first, and what was around it becomes one run. A lower price at either end of
    the record is left out as well where the product had an offer at that price.
    """
    runs = list(runs)
    offered = []
    while True:
        found = [place for place in range(1, len(runs) - 1) if _is_dip(runs, place, limit)]
        if not found:
            break
        place = min(found, key=lambda one: runs[one].length)
        before, offer, after = runs[place - 1 : place + 2]
        offered.append(offer.level)
        length = before.length + after.length
        level = (before.level * before.length + after.level * after.length) / length
        runs[place - 1 : place + 2] = [_Run(before.spans + after.spans, level)]
    for end, beside in ((0, 1), (-1, -2)):
        is_lower = len(runs) > 1 and runs[end].level < runs[beside].level
        if is_lower and any(abs(runs[end].level - level) < limit for level in offered):
            del runs[end]
    return runs


def _is_dip(runs: list[_Run], place: int, limit: float) -> bool:
    """Tell whether a run is lower than both beside it, and these are alike."""
    before, own, after = (runs[one].level for one in (place - 1, place, place + 1))
    is_back = abs(before - after) < limit - TINY
    return is_back and own <= min(before, after) - limit + TINY


def count_changes(panel: Panel, *, plan: Pricing, whole: str) -> pd.DataFrame:
    """Count by product group whose price changed for long, and of whom only offers are known.

    Returns
    -------
    DataFrame
        product_group (``whole`` first), product_count, changed_count, offers_only_count,
        needed_count and is_enough.
    """
    every = panel.products.assign(product_group=whole)
    both = pd.concat([every, panel.products], ignore_index=True)
    both["offers_only"] = both["has_offers"] & ~both["has_change"]
    found = both.groupby("product_group", sort=False).agg(
        product_count=("product_id", "nunique"),
        changed_count=("has_change", "sum"),
        offers_only_count=("offers_only", "sum"),
    )
    found = found.reset_index().astype({"changed_count": int, "offers_only_count": int})
    found["needed_count"] = plan.fewest_products
    found["is_enough"] = found["changed_count"] >= plan.fewest_products
    order = found["product_group"].eq(whole)
    return (
        found.assign(first=~order)
        .sort_values(["first", "product_group"], ignore_index=True)
        .drop(columns="first")
    )
