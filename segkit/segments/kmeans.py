"""Clusters by k-means: the centres as a document, how they are fitted, and how they are named."""

from __future__ import annotations

from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import model_validator
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segkit.errors import SegkitError
from segkit.features.dictionary import FEATURES
from segkit.segments.preparation import (
    Document,
    Preparation,
    add_up,
    learn_preparation,
    read_numbers,
    take_number,
)

STARTS = 10
MOST_FITTED_ROWS = 100_000
NOTABLE = 0.4
MOST_WORDS = 3
# Words for a cluster far below and far above the average of a feature.
WORDS = {
    "age_years": ("younger", "older"),
    "household_size": ("small households", "large households"),
    "recency_days": ("recent", "long gone"),
    "order_count": ("rare", "frequent"),
    "order_count_last_365_days": ("quiet year", "busy year"),
    "active_days": ("short history", "long history"),
    "tenure_days": ("newcomers", "long-standing"),
    "spend_last_365_days": ("low spend this year", "high spend this year"),
    "mean_order_value": ("small baskets", "big baskets"),
    "category_count": ("narrow choice", "broad choice"),
    "favourite_category_share": ("mixed baskets", "one category"),
    "mean_days_between_orders": ("tight rhythm", "slow rhythm"),
    "return_share": ("few returns", "many returns"),
    "discount_share": ("full price", "discount buyers"),
    "fourth_quarter_share": ("rest-of-year buyers", "year-end buyers"),
    "signed_up_days": ("new accounts", "old accounts"),
    "days_since_moment": ("fresh moment", "stale moment"),
    "days_since_cart": ("fresh cart", "stale cart"),
    "days_since_visit": ("recent visits", "no recent visits"),
    "days_since_open": ("recent opens", "no recent opens"),
    "open_share": ("seldom open", "often open"),
    "click_share": ("seldom click", "often click"),
    "conversion_share": ("seldom convert", "often convert"),
    "mean_satisfaction": ("less satisfied", "more satisfied"),
}


class Centres(Document):
    """Cluster centres in prepared units; a customer belongs to the nearest."""

    kind: Literal["centres"] = "centres"
    preparations: tuple[Preparation, ...]
    centres: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _check_shape(self) -> Centres:
        if len(self.centres) < 2 or {len(c) for c in self.centres} != {len(self.preparations)}:
            raise ValueError("centres and preparations do not fit together")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(preparation.column for preparation in self.preparations)

    @property
    def segment_count(self) -> int:
        """How many centres there are."""
        return len(self.centres)

    def place(self, table: ir.Table) -> ir.Table:
        """Add ``segment``, ``distance`` and ``confidence``.

        Equal distances go to the lower number. ``confidence`` is 1 minus the ratio of the
        distances to the nearest and the second nearest centre (0 on the border, 1 in the centre),
        times the share of columns with a value.
        """
        raw = [take_number(table, column) for column in self.columns]
        prepared = {f"z{i}_": p.apply(raw[i]) for i, p in enumerate(self.preparations)}
        known = add_up([value.notnull().cast("float64") for value in raw]) / len(raw)
        table = table.mutate(known_=known, **prepared)
        squares = {}
        for number, centre in enumerate(self.centres, start=1):
            gaps = [table[f"z{i}_"] - value for i, value in enumerate(centre)]
            squares[f"d{number}_"] = add_up([gap * gap for gap in gaps])
        table = table.mutate(**squares)
        table = table.mutate(best_=ibis.least(*[table[d] for d in squares]))
        nearest = [(table[d] == table.best_, n) for n, d in enumerate(squares, start=1)]
        table = table.mutate(segment=ibis.cases(*nearest).cast("int64"))
        far = [
            (table.segment == n).ifelse(np.inf, table[d]) for n, d in enumerate(squares, start=1)
        ]
        second = ibis.least(*far)
        ratio = ibis.ifelse(second > 0, (table.best_ / second).sqrt(), 1.0)
        return table.mutate(distance=table.best_.sqrt(), confidence=(1.0 - ratio) * table.known_)


def fit_kmeans(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int, random_state: int
) -> tuple[Centres, list[str], np.ndarray]:
    """Prepare columns, fit k-means with ten starts, and number and name the clusters.

    Clusters are numbered by mean ``total_spend``, largest first. Above 100,000 customers a random
    100,000 are fitted and all are assigned. Returns the centres, the names of the clusters and each
    customer's number.
    """
    learned = [learn_preparation(customers, column) for column in columns]
    everyone = np.column_stack([values for _, values in learned])
    spend = read_numbers(customers, "total_spend" if "total_spend" in customers else columns[0])
    spend = np.nan_to_num(spend)
    # Sorted, so that the order in which customers come changes nothing.
    order = np.lexsort((spend, *everyone.T[::-1]))
    if len(order) > MOST_FITTED_ROWS:
        rng = np.random.default_rng(random_state)
        order = order[np.sort(rng.choice(len(order), MOST_FITTED_ROWS, replace=False))]
    rows = everyone[order]
    different = len(np.unique(rows, axis=0))
    if different < n_segments:
        raise SegkitError(
            f"{n_segments} segments need at least {n_segments} different customers",
            found=f"{different} in columns {', '.join(columns)}",
            fix="Ask for fewer segments or give more columns.",
        )
    with threadpool_limits(1):
        model = KMeans(n_segments, n_init=STARTS, random_state=random_state).fit(rows)
        labels = model.predict(everyone)
    means = [spend[order][model.labels_ == cluster].mean() for cluster in range(n_segments)]
    best_first = np.argsort(-np.array(means), kind="stable")
    centres = model.cluster_centers_[best_first]
    document = Centres(preparations=[p for p, _ in learned], centres=centres.tolist())
    return document, name_clusters(columns, centres), np.argsort(best_first)[labels] + 1


def name_clusters(columns: tuple[str, ...], centres: np.ndarray) -> list[str]:
    """Name each cluster by the features in which its centre lies furthest from the average.

    ``centres`` has a row a cluster, in standard deviations from the average of all customers. A
    name has up to three features at least 0.4 away, in the columns' order; further features, then
    a number, only where two names would be the same.

    Examples
    --------
    >>> name_clusters(("recency_days", "order_count"), np.array([[-1.0, 0.9], [0.9, 0.1]]))
    ['Recent, frequent', 'Long gone']
    """
    names = [_join_words(columns, centre, MOST_WORDS, NOTABLE) for centre in centres]
    names = [
        _join_words(columns, centre, len(columns), 0.0) if names.count(name) > 1 else name
        for name, centre in zip(names, centres, strict=True)
    ]
    earlier = [names[:index].count(name) for index, name in enumerate(names)]
    return [f"{n} ({e + 1})" if e else n for n, e in zip(names, earlier, strict=True)]


def _join_words(columns: tuple[str, ...], centre: np.ndarray, most: int, notable: float) -> str:
    furthest = [i for i in np.argsort(-np.abs(centre), kind="stable") if abs(centre[i]) > notable]
    words = [_describe_end(columns[i], centre[i] > 0) for i in sorted(furthest[:most])]
    name = ", ".join(words) or "close to average"
    return name[0].upper() + name[1:]


def _describe_end(column: str, high: bool) -> str:
    if column in WORDS:
        return WORDS[column][int(high)]
    if column.endswith("_count") and column in FEATURES:
        return f"{'many' if high else 'few'} {FEATURES[column].unit}"
    return f"{'high' if high else 'low'} {column.removeprefix('total_').replace('_', ' ')}"
