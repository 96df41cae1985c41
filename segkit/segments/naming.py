"""Short names for clusters, from what sets them apart; never from text in the data."""

from __future__ import annotations

import numpy as np

NOTABLE = 0.4
MOST_WORDS = 3

# Words for a segment far below and far above the average of a feature.
WORDS: dict[str, tuple[str, str]] = {
    "age_years": ("younger", "older"),
    "household_size": ("small households", "large households"),
    "child_count": ("few children", "more children"),
    "income": ("lower income", "higher income"),
    "recency_days": ("recent", "long gone"),
    "order_count": ("rare", "frequent"),
    "order_count_last_365_days": ("quiet year", "busy year"),
    "active_days": ("short history", "long history"),
    "tenure_days": ("newcomers", "long-standing"),
    "visit_count": ("few visits", "many visits"),
    "view_count": ("few views", "many views"),
    "cart_count": ("few carts", "many carts"),
    "wish_count": ("few wishes", "many wishes"),
    "employee_count": ("small firms", "large firms"),
    "annual_revenue": ("low revenue", "high revenue"),
    "total_spend": ("low spend", "high spend"),
    "spend_last_365_days": ("low spend this year", "high spend this year"),
    "mean_order_value": ("small baskets", "big baskets"),
    "total_profit": ("low profit", "high profit"),
    "product_count": ("few products", "many products"),
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
    "open_share": ("seldom open", "often open"),
    "click_share": ("seldom click", "often click"),
    "conversion_share": ("seldom convert", "often convert"),
    "days_since_open": ("recent opens", "no recent opens"),
    "ticket_count": ("few tickets", "many tickets"),
    "mean_satisfaction": ("less satisfied", "more satisfied"),
}


def name_clusters(columns: tuple[str, ...], centres: np.ndarray) -> list[str]:
    """Name each cluster by the features in which its centre lies furthest from the average.

    Parameters
    ----------
    columns : tuple of str
        Names of the features.
    centres : array of shape (n_clusters, n_features)
        In standard deviations from the average of all customers.

    Returns
    -------
    list of str
        Unique names such as ``Recent, frequent, big baskets``: up to three features at least 0.4
        standard deviations away, in the columns' order; further features, then a number, are
        added only where two names would be the same.

    Examples
    --------
    >>> name_clusters(("recency_days", "order_count"), np.array([[-1.0, 0.9], [0.9, 0.1]]))
    ['Recent, frequent', 'Long gone']
    """
    names = [_join_words(columns, centre, MOST_WORDS) for centre in centres]
    repeated = {name for name in names if names.count(name) > 1}
    for index, name in enumerate(names):
        if name in repeated:
            names[index] = _join_words(columns, centres[index], len(columns), notable=0.0)
    for index, name in enumerate(names):
        earlier = sum(other == name for other in names[:index])
        if earlier:
            names[index] = f"{name} ({earlier + 1})"
    return names


def _join_words(
    columns: tuple[str, ...], centre: np.ndarray, most: int, notable: float = NOTABLE
) -> str:
    furthest = [i for i in np.argsort(-np.abs(centre), kind="stable") if abs(centre[i]) > notable]
    words = [describe_end(columns[i], centre[i] > 0) for i in sorted(furthest[:most])]
    name = ", ".join(words) or "close to average"
    return name[0].upper() + name[1:]


def describe_end(column: str, high: bool) -> str:
    """Return the words for the low or high end of a feature."""
    if column in WORDS:
        return WORDS[column][int(high)]
    label = column.replace("_", " ")
    return f"{'high' if high else 'low'} {label}"
