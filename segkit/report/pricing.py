"""What is told of prices: its tables, how they are laid out, and the charts beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from segkit.action.pricing.measured import Prices
from segkit.action.pricing.paid import EVERYBODY
from segkit.action.pricing.response import EVERYTHING
from segkit.core.measures import LABEL
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.by_segment import RESTS_ON, SEGMENT
from segkit.report.pricing_charts import plot_elasticities, plot_price_index, plot_price_meter
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.views import Column, View

POINT_WORDS = {
    "marginal_cheapness": "Below it, too many doubt it",
    "optimal_price": "As many find it too cheap as too expensive",
    "indifference_price": "As many find it cheap as expensive",
    "marginal_expensiveness": "Above it, too many find it too expensive",
    "most_buyers_price": "Most would buy",
    "most_revenue_price": "Most revenue",
}
CURVE_WORDS = {
    "too_cheap": "Too cheap",
    "cheap": "Cheap",
    "expensive": "Expensive",
    "too_expensive": "Too expensive",
}


def _name_interval(name: str, kind: str) -> Column:
    return Column("Interval", kind, interval=(f"{name}_low", f"{name}_high"))


_SEGMENT = {"segment_name": Column()}
_GROUP = {"product_group": Column("Products")}
_COUNTED = {RESTS_ON: Column("Customers", "integer"), "paid": Column("Paid, gross", "money")}
_INDEX = {
    "price_index": Column("Price paid, of what others pay", "share"),
    "price_index_interval": _name_interval("price_index", "share"),
}
_DISCOUNTS = {
    "discount_share": Column("Given as discount", "share"),
    "discount_share_interval": _name_interval("discount_share", "share"),
    "on_offer_share": Column("Bought with one", "share"),
}
_PAID = _COUNTED | _INDEX | _DISCOUNTS
PAID = View(
    Shape("prices_paid", by=SEGMENT, count=RESTS_ON, repeats=True),
    _SEGMENT | _PAID | {"differs": Column("Other price shown"), NOTE: Column()},
)
PAID_ALL = View(
    Shape("prices_paid_all", by=SEGMENT, count=RESTS_ON, adds_up=False),
    _SEGMENT | _COUNTED | _DISCOUNTS | {NOTE: Column()},
)
PAID_GROUPS = View(
    Shape("prices_paid_groups", by=("product_group", *SEGMENT), count=RESTS_ON, repeats=True),
    _GROUP | _SEGMENT | _PAID | {NOTE: Column()},
)
PAID_GROUPS_ALL = View(
    Shape("prices_paid_groups_all", by=("product_group",), count=RESTS_ON, repeats=True),
    _GROUP | _COUNTED | _DISCOUNTS | {NOTE: Column()},
)
CHANGES = View(
    Shape("price_changes", population="products", by=("product_group",)),
    {
        **_GROUP,
        "product_count": Column("Looked at", "integer"),
        "changed_count": Column("Own price changed for long", "integer"),
        "offers_only_count": Column("Only offers known", "integer"),
        "needed_count": Column("Changes needed", "integer"),
        "is_enough": Column("Enough"),
    },
)
_ELASTICITY = {
    "changed_count": Column("Prices changed", "integer"),
    RESTS_ON: Column("Customers", "integer"),
    "elasticity": Column("Elasticity", "number"),
    "elasticity_interval": _name_interval("elasticity", "number"),
    "drawn_elasticity": Column("Drawn to all segments", "number"),
    "drawn_interval": Column("Interval", "number", interval=("drawn_low", "drawn_high")),
    NOTE: Column(),
}
_OF_PRODUCTS = {"changed_count": LABEL}
ELASTICITIES = View(
    Shape(
        "price_elasticities",
        by=("product_group", *SEGMENT),
        count=RESTS_ON,
        repeats=True,
        measures=_OF_PRODUCTS,
    ),
    _GROUP | _SEGMENT | _ELASTICITY,
)
ELASTICITIES_ALL = View(
    Shape(
        "price_elasticities_all",
        by=("product_group",),
        count=RESTS_ON,
        repeats=True,
        measures=_OF_PRODUCTS,
    ),
    {
        **_GROUP,
        **{key: one for key, one in _ELASTICITY.items() if not key.startswith("drawn")},
        "adjusted_p_value": Column("P-value, corrected", "number"),
        "is_shown": Column("Shown"),
    },
)
TESTS = View(
    Shape(
        "price_tests",
        by=("product_group",),
        count=RESTS_ON,
        repeats=True,
        measures=_OF_PRODUCTS | {"segment_count": LABEL},
    ),
    {
        **_GROUP,
        "changed_count": Column("Prices changed", "integer"),
        "segment_count": Column("Segments compared", "integer"),
        "f": Column("F", "number"),
        "p_value": Column("P-value", "number"),
        "adjusted_p_value": Column("Corrected", "number"),
        "differs": Column("Segments differ"),
        "before_p_value": Column("P-value of moving before", "number"),
        "moved_before": Column("Sales moved before the price"),
        NOTE: Column(),
    },
)
_BREAK_EVEN = {
    "discount": Column("Discount", "share"),
    **_SEGMENT,
    RESTS_ON: Column("Customers", "integer"),
    "margin": Column("Margin", "share"),
    "needed_rise": Column("More units needed", "share"),
    "in_full_share": Column("Bought without a discount", "share"),
    "rise": Column("More units, by the association", "share"),
    "rise_interval": _name_interval("rise", "share"),
    "reading": Column("The association is"),
    NOTE: Column(),
}
BREAK_EVEN = View(
    Shape("price_break_even", within=("discount",), by=SEGMENT, count=RESTS_ON, repeats=True),
    _BREAK_EVEN,
)
BREAK_EVEN_ALL = View(
    Shape("price_break_even_all", by=("discount",), count=RESTS_ON, adds_up=False), _BREAK_EVEN
)
ANSWERED = View(
    Shape("price_answers", by=("product", "answers")),
    {
        "product": Column("Product"),
        "answers": Column("Answers"),
        "customer_count": Column("Customers", "integer"),
        NOTE: Column(),
    },
)
POINTS = View(
    Shape("price_points", by=("product", *SEGMENT, "point"), count="answer_count", adds_up=False),
    {
        "product": Column("Product"),
        **_SEGMENT,
        "point": Column("Price at which"),
        "answer_count": Column("Answers", "integer"),
        "price": Column("Price", "money"),
        "price_interval": _name_interval("price", "money"),
        NOTE: Column(),
    },
)
CURVES = View(
    Shape("price_curves", by=("product", "curve", "share"), count="answer_count", adds_up=False),
    {
        "product": Column("Product"),
        "curve": Column("Finds it"),
        "share": Column("Share of answers", "share"),
        "price": Column("At a price of", "money"),
        "answer_count": Column("Answers", "integer"),
        NOTE: Column(),
    },
)
TRIAL = View(
    Shape("price_trial", by=("product", "price"), count="answer_count", adds_up=False),
    {
        "product": Column("Product"),
        "price": Column("At a price of", "money"),
        "trial_share": Column("Would buy", "share"),
        "revenue": Column("Revenue a customer asked", "money"),
        "answer_count": Column("Answers", "integer"),
        NOTE: Column(),
    },
)


def list_tables(prices: Prices) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of prices, each with its view, for `ws.publish_each`."""
    survey, response = prices.survey, prices.response
    points = survey.points.assign(point=survey.points["point"].map(POINT_WORDS))
    curves = survey.curves.assign(curve=survey.curves["curve"].map(CURVE_WORDS))
    return [
        *_part_whole(prices.paid, PAID, PAID_ALL),
        *_part_whole(prices.paid_groups, PAID_GROUPS, PAID_GROUPS_ALL),
        (response.changes, CHANGES),
        *_part_whole(response.elasticities, ELASTICITIES, ELASTICITIES_ALL),
        (response.tests, TESTS),
        *_part_whole(prices.break_even, BREAK_EVEN, BREAK_EVEN_ALL),
        (survey.counts, ANSWERED),
        (points, POINTS),
        (curves, CURVES),
        (survey.trial, TRIAL),
    ]


def _part_whole(table: pd.DataFrame, own: View, whole: View) -> list[tuple[pd.DataFrame, View]]:
    """Return the rows of segments and those of all customers, which are no segment."""
    if table.empty:
        return [(table, own), (table, whole)]
    is_whole = table["segment_name"] == EVERYBODY
    return [
        (table[~is_whole].reset_index(drop=True), own),
        (table[is_whole].reset_index(drop=True), whole),
    ]


@dataclass(frozen=True)
class Tables:
    """The published tables of prices, by name, in the order of `list_tables`."""

    paid: Published
    paid_all: Published
    paid_groups: Published
    paid_groups_all: Published
    changes: Published
    elasticities: Published
    elasticities_all: Published
    tests: Published
    break_even: Published
    break_even_all: Published
    answered: Published
    points: Published
    curves: Published
    trial: Published


def name_tables(published: list[Published]) -> Tables:
    """Give the published tables of `list_tables` their names."""
    return Tables(*published)


def lay_out_paid(tables: Tables) -> list[Exhibit]:
    """Return what is shown of what segments pay: the index, then discounts, then groups."""
    if tables.paid.empty:
        return []
    caption = "What each segment pays for the same products, beside all others."
    return [
        Exhibit(thing=plot_price_index(tables.paid), caption=caption),
        Exhibit(thing=tables.paid, caption="Prices paid and discounts by segment"),
        *_fold(tables.paid_groups_all, "Prices paid and discounts by product group"),
        *_fold(tables.paid_groups, "Prices paid and discounts by product group and segment"),
    ]


def lay_out_response(tables: Tables) -> list[Exhibit]:
    """Return what is shown of how purchases go with prices, and what a discount has to bring."""
    shown = []
    if not tables.elasticities.empty:
        frame = tables.elasticities.frame
        own = tables.elasticities.keep(frame["product_group"] == EVERYTHING)
        all_rows = tables.elasticities_all.frame
        whole = tables.elasticities_all.keep(all_rows["product_group"] == EVERYTHING)
        if not own.empty:
            caption = "How purchases went with the products' own regular prices: an association."
            shown.append(Exhibit(thing=plot_elasticities(own, whole=whole), caption=caption))
    shown += _fold(tables.elasticities_all, "Elasticities by product group, all customers")
    shown += _fold(tables.elasticities, "Elasticities by product group and segment")
    shown += _fold(tables.tests, "Do segments differ, and did sales move before prices?")
    shown += _fold(tables.changes, "Products whose own price changed")
    if not tables.break_even.empty:
        caption = "What a discount has to bring; whether it does is not measured"
        shown.append(Exhibit(thing=tables.break_even, caption=caption))
    return shown


def lay_out_survey(tables: Tables) -> list[Exhibit]:
    """Return what is shown of the survey on prices, a chart a product."""
    shown = []
    for product in tables.curves.frame["product"].unique() if not tables.curves.empty else ():
        own = tables.curves.keep(tables.curves.frame["product"] == product)
        is_own = (tables.points.frame["product"] == product) & (
            tables.points.frame["segment_name"] == EVERYBODY
        )
        title = f"{product}: at which price it is cheap, and expensive"
        drawn = plot_price_meter(own, points=tables.points.keep(is_own), title=title)
        shown.append(Exhibit(thing=drawn, caption="Shares of answers by price."))
    shown += _fold(tables.points, "Prices that the survey names, by segment")
    shown += _fold(tables.trial, "Who would buy, by price")
    shown += _fold(tables.answered, "Who answered the questions on prices")
    return shown


def _fold(table: Published, caption: str) -> list[Exhibit]:
    """Return a table that opens when it is asked for; nothing of one without rows."""
    return [] if table.empty else [Exhibit(thing=table, caption=caption, folded=True, max_rows=60)]
