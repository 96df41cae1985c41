"""All of recommendations in one: rankings, how good they are, pairs, and personal lists."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from ibis import ir

from segkit.action.recommendations.choosing import Chosen, choose_settings
from segkit.action.recommendations.interactions import Interactions, fetch_interactions
from segkit.action.recommendations.lists import MEMBERS, Lists, count_lists, prepare_lists
from segkit.action.recommendations.model import fit_model, tabulate_bought
from segkit.action.recommendations.pairs import PAIRS, find_pairs, tabulate_wishes
from segkit.core.absence import empty_table, is_missing
from segkit.core.periods import name_days
from segkit.core.settings import Settings
from segkit.features.expressions import find_column, keep_known
from segkit.plan.recommendations import Recommendations

NO_LINES = (
    "Nothing can be recommended: no order lines say which customer bought which product when. "
    "Collect the customer, the product and the day of each."
)
NO_WISHES = (
    "Nobody's wishes are known. Keep events of the type “wish” with their product, or “is_wished” "
    "in the table of preferences."
)
NOT_JUDGED = (
    "How good the lists are is not known: nobody bought anything in the last days who had bought "
    "before. Of a longer time more could be said."
)


@dataclass(frozen=True)
class Recommended:
    """What is recommended, and how well.

    Attributes
    ----------
    lists : Lists
        Personal lists: private, written by ``ws.keep("recommendations", lists)``.
    quality : DataFrame
        How good each kind of list is on later time; see `Chosen.quality`.
    counts : DataFrame
        How many customers have which lists; see `count_lists`.
    pairs, wished : DataFrame
        Who bought, or wished for, ``product`` also bought ``other``, by name; see `find_pairs`.
    period : str
        The days that judged the lists; empty where none could.
    """

    lists: Lists
    quality: pd.DataFrame
    counts: pd.DataFrame
    pairs: pd.DataFrame
    wished: pd.DataFrame
    period: str = field(default="")


def recommend_products(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Recommendations, at: Settings
) -> Recommended:
    """Choose rankings on an earlier day, judge them on a later one, and prepare everybody's lists.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``order_lines``; ``products`` (names, what is out of stock), ``preferences`` (what customers
        ignore, rated low, wish for) and ``events`` (wishes) where there are any.
    segments : DataFrame
        ``customer_id`` and ``segment_name``: who gets lists.
    plan : Recommendations
    at : Settings
        The last day counted, the seed, the smallest group that may be seen.
    """
    known = fetch_interactions(tables, as_of=at.as_of)
    if known is None or len(known.age) == 0:
        return _recommend_nothing(plan)
    chosen = choose_settings(
        known, count=plan.count, random_state=at.random_state, judged_days=plan.judged_days
    )
    left_out = _find_left_out(tables, known, plan=plan, as_of=at.as_of)
    barred = _find_out_of_stock(tables, known)
    model = fit_model(known, barred=barred, left_out=left_out)
    lists = prepare_lists(
        model, chosen.settings, segments, count=plan.count, smallest_cell=at.smallest_cell
    )
    bought = tabulate_bought(model.history, len(known.products))
    wishes = tabulate_wishes(tables, known, plan=plan, as_of=at.as_of)
    cell = at.smallest_cell
    pairs = find_pairs(bought, bought, count=plan.pairs, smallest_cell=cell)
    wished = empty_table(PAIRS, NO_WISHES)
    if wishes is not None:
        wished = find_pairs(wishes, bought, count=plan.pairs, smallest_cell=cell)
    return Recommended(
        lists=lists,
        quality=chosen.quality if len(chosen.quality) else empty_table(chosen.quality, NOT_JUDGED),
        counts=count_lists(lists),
        pairs=_name_products(pairs, tables, known),
        wished=_name_products(wished, tables, known),
        period=_name_judged(chosen, at.as_of),
    )


def _recommend_nothing(plan: Recommendations) -> Recommended:
    nothing = pd.DataFrame(columns=MEMBERS)
    names = [*PAIRS, "product", "other"]
    return Recommended(
        lists=Lists(None, {}, plan.count, nothing, {}),
        quality=empty_table(["kind", "method"], NO_LINES),
        counts=empty_table(["basis"], NO_LINES),
        pairs=empty_table(names, NO_LINES),
        wished=empty_table(names, NO_LINES),
    )


def _name_judged(chosen: Chosen, as_of: datetime.date) -> str:
    """Name the days by which the lists were judged."""
    if chosen.quality.empty:
        return ""
    return name_days(as_of - datetime.timedelta(days=chosen.days - 1), as_of)


def _find_left_out(
    tables: Mapping[str, ir.Table],
    known: Interactions,
    *,
    plan: Recommendations,
    as_of: datetime.date,
) -> np.ndarray:
    """Return the places of customers and products that are not to be recommended to them."""
    table = tables.get("preferences")
    if is_missing(table, "customer_id", "product_id"):
        return np.empty((0, 2), dtype=np.int64)
    table = keep_known(table, "noted_at", as_of)
    is_ignored = find_column(table, "is_ignored", "boolean").fill_null(False)
    rating = find_column(table, "rating", "float64")
    is_low = (rating <= plan.lowest_rating).fill_null(False)
    rows = table.filter(is_ignored | is_low).select("customer_id", "product_id").distinct()
    found = rows.to_pyarrow().to_pandas().dropna()
    places = np.column_stack(
        [
            known.customers.get_indexer(found["customer_id"]),
            known.products.get_indexer(found["product_id"]),
        ]
    ).astype(np.int64)
    return places[(places >= 0).all(axis=1)]


def _find_out_of_stock(tables: Mapping[str, ir.Table], known: Interactions) -> np.ndarray:
    """Return which products cannot be sold now; one of which nothing is known can be."""
    barred = np.zeros(len(known.products), dtype=bool)
    table = tables.get("products")
    if is_missing(table, "product_id"):
        return barred
    is_out = ~find_column(table, "in_stock", "boolean").fill_null(True)
    is_out = is_out | (find_column(table, "stock_count", "float64") <= 0).fill_null(False)
    rows = table.filter(is_out).select("product_id").distinct().to_pyarrow().to_pandas()
    places = known.products.get_indexer(rows["product_id"].dropna())
    barred[places[places >= 0]] = True
    return barred


def _name_products(
    pairs: pd.DataFrame, tables: Mapping[str, ir.Table], known: Interactions
) -> pd.DataFrame:
    """Return pairs with their products' names, with the identifier too where names repeat."""
    if pairs.empty:
        return empty_table([*pairs.columns, "product", "other"], getattr(pairs, "reason", NO_PAIRS))
    ids = {
        column: known.products[pairs[column].to_numpy(int)].astype(str)
        for column in ("product_id", "other_id")
    }
    wanted = sorted(set(ids["product_id"]) | set(ids["other_id"]))
    names = _read_names(tables, wanted)
    repeated = pd.Series(names).duplicated(keep=False)
    named = {one: f"{name} ({one})" if repeated[one] else name for one, name in names.items()}
    return pairs.assign(
        product_id=ids["product_id"],
        other_id=ids["other_id"],
        product=[named[one] for one in ids["product_id"]],
        other=[named[one] for one in ids["other_id"]],
    )


NO_PAIRS = "No two products are bought together by enough customers to be shown."


def _read_names(tables: Mapping[str, ir.Table], wanted: list[str]) -> dict[str, str]:
    """Return what each product is called: its name, its description on a line, or its identifier.

    Of several descriptions the first in alphabetical order counts.
    """
    names = {one: one for one in wanted}
    for table, column in (("order_lines", "description"), ("products", "name")):
        source = tables.get(table)
        if is_missing(source, "product_id", column):
            continue
        rows = source.filter(source.product_id.isin(wanted), source[column].notnull())
        found = rows.group_by("product_id").agg(called=rows[column].min()).to_pyarrow().to_pandas()
        names |= dict(zip(found["product_id"], found["called"], strict=True))
    return names
