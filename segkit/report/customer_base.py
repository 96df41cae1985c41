"""The customer base: who the customers are, and how few of them bring how much."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.periods import name_span, word_spend
from segkit.core.privacy import Published, Shape
from segkit.core.settings import Settings
from segkit.profiles.concentration import (
    ALL,
    LOSSES,
    MOST,
    TOP_FIFTH,
    TOP_HUNDREDTH,
    measure_concentration,
)
from segkit.profiles.customer_counts import (
    AGAIN,
    NEVER,
    count_buyers,
    count_stages,
    summarise_customers,
)
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, SKY, chart
from segkit.report.shared.numbers import (
    format_number,
    format_share,
    is_missing_value,
    join_period,
    join_words,
)
from segkit.report.shared.sentences import write_figure, write_finding
from segkit.report.shared.views import Column, View

CUSTOMERS = View(
    Shape(
        "customers",
        rests={
            "spend_count": "spend_count",
            "median_spend": "spend_count",
            "mean_spend": "spend_count",
        },
    )
)
BUYERS = View(Shape("buyers", by=("buying",)))
STAGES = View(Shape("stages", by=("journey_stage",)))
TENTHS = View(
    Shape("tenths", by=("tenth",), running=("running_share",)),
    {
        "tenth": Column("Tenth"),
        "customer_count": Column("Customers"),
        "total": Column("Total"),
        "value_share": Column("Share of value"),
        "running_share": Column("Running share", "share"),
    },
)
LORENZ = View(Shape("lorenz", by=("customer_share",)))
# The parts lie within each other.
CONCENTRATION = View(Shape("concentration", by=("part",), adds_up=False))
BOUGHT = Condition("buying", "!=", NEVER)


def list_tables(customers: pd.DataFrame) -> list[tuple[pd.DataFrame, View]]:
    """Return everybody, the buyers, and the stages of the journey, each with its view."""
    return [
        (summarise_customers(customers), CUSTOMERS),
        (count_buyers(customers), BUYERS),
        (count_stages(customers), STAGES),
    ]


def list_concentration(
    customers: pd.DataFrame, value: str, *, at: Settings
) -> list[tuple[pd.DataFrame, View]]:
    """Return the curve of concentration and its parts, each with its view.

    Parameters
    ----------
    customers : DataFrame
        One row a customer.
    value : str
        The column that measures value.
    at : Settings
        ``smallest_cell`` says of how few customers nothing is told.
    """
    curve, parts = measure_concentration(customers, value, smallest_cell=at.smallest_cell)
    return [(curve, LORENZ), (parts, CONCENTRATION)]


@chart("customer_share", "value_share")
def plot_lorenz(
    table,
    *,
    parts: pd.DataFrame | None = None,
    value_name: str = "net spend",
    period: str = "",
    title: str = "Concentration of customers",
) -> Axes:
    """Draw the Lorenz curve: how much of the value which share of customers brings.

    How to read it: on the dashed line every customer would bring the same. The further the
    curve hangs below it, the fewer customers carry the business. The Gini coefficient is twice
    the area between the two (Gini 1912): 0 is equal, 1 is one customer bringing everything.
    The table has ``customer_share`` and ``value_share``, both cumulative from 0 to 1, customers
    ordered from the smallest value to the largest. ``parts`` has the shares and the coefficient
    that are written, a row a ``part``, as `segkit.profiles.concentration` measures them.
    """
    rows = table[["customer_share", "value_share"]].sort_values("customer_share", kind="stable")
    people, value = np.vstack([[0, 0], rows.to_numpy(float)]).T
    value_name = word_spend(value_name, period)
    fifth, gini = _read_written(parts)
    ax = figures.new_axes(title, height=4.4)
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    ax.fill_between(people, value, people, color=SKY, alpha=0.16, linewidth=0)
    ax.plot(people, value, color=BLUE, linewidth=2.4)
    ax.text(0.40, 0.43, "all equal", rotation=33, color=MUTED, ha="center")
    said = [f"Lorenz curve of {join_period(value_name, period)}, customer by customer"]
    if gini is not None:
        text = format_number(gini, 2)
        ax.text(0.03, 0.93, f"Gini {text}", fontsize=13, fontweight="bold", va="top")
        said.append(f"Gini coefficient {text}")
    if fifth is not None:
        top = f"{format_share(fifth)} of {value_name}"
        _mark_fifth(ax, 1 - fifth, f"top fifth of customers:\n{top}")
        said.append(f"The top fifth of customers bring {top}")
    order = f"share of customers, from the lowest {value_name} to the highest"
    ax.set(xlim=(0, 1.003), ylim=(0, 1.003), xlabel=order)
    figures.name_values(ax, f"share of {value_name}", period=period)
    ax.grid(True)
    figures.set_numbers(ax.xaxis, "share")
    figures.set_numbers(ax.yaxis, "share")
    return figures.describe_chart(ax, *said)


def _read_written(parts: pd.DataFrame | None) -> tuple[float | None, float | None]:
    """Return the top fifth's share and the Gini coefficient, None where they are not shown."""
    if parts is None or parts.empty:
        return None, None
    by_part = parts.set_index("part")
    found = by_part.loc[TOP_FIFTH, "value_share"], by_part.loc[ALL, "gini"]
    fifth, gini = (None if is_missing_value(value) else float(value) for value in found)
    return fifth, gini


def _mark_fifth(ax: Axes, share_of_others: float, label: str) -> None:
    """Mark where the top fifth of customers begins, and what the others bring."""
    ends = [0, share_of_others, share_of_others]
    ax.plot([0.8, 0.8, 1], ends, "o-", color=ORANGE, linewidth=1.2, markevery=[1])
    ax.text(0.79, share_of_others + 0.025, label, ha="right", color=ORANGE)


def state_customers(customers: Published, buyers: Published, stages: Published) -> list[Finding]:
    """Say how many customers there are and what they spend, as far as that is known."""
    count = _count_customers(customers)
    if buyers.empty:
        told = [write_finding("customer_base.customers.count", [count], count=count)]
    else:
        told = [_state_buyers(count, buyers)]
    if "median_spend" in customers.frame and not customers.frame["median_spend"].isna().all():
        spends = [
            customers.read_figure("median_spend", kind="money"),
            customers.read_figure("mean_spend", kind="money"),
        ]
        spend_count = customers.read_figure("spend_count", kind="count")
        told.append(write_finding("customer_base.customers.spend", spends, count=spend_count))
    if not stages.empty:
        told.append(_state_stages(stages))
    return told


def _count_customers(customers: Published) -> Figure:
    return customers.read_figure("customer_count", kind="count", unit="customer")


def _state_buyers(count: Figure, buyers: Published) -> Finding:
    bought = buyers.locate("customer_count", where=[BOUGHT], how="sum")
    buyer_count = buyers.read_figure(
        "customer_count", where=[BOUGHT], how="sum", kind="count", name="buyer_count"
    )
    repeat_share = buyers.read_figure(
        "customer_count", where={"buying": AGAIN}, over=bought, kind="share", name="repeat_share"
    )
    if buyer_count.value is None:
        return write_finding("customer_base.customers.buyers_hidden", [count], count=count)
    return write_finding(
        "customer_base.customers.buyers", [count, buyer_count, repeat_share], count=count
    )


def _state_stages(stages: Published) -> Finding:
    names = stages.frame["journey_stage"].tolist()
    shares = [
        stages.read_figure(
            "customer_share", where={"journey_stage": name}, kind="share", name=f"share_{number}"
        )
        for number, name in enumerate(names)
    ]
    texts = [f"{name} {write_figure(share)}" for name, share in zip(names, shares, strict=True)]
    count = stages.read_figure("customer_count", how="sum", kind="count")
    words = {"stages": join_words(texts)}
    return write_finding("customer_base.customers.stages", shares, count=count, words=words)


def state_concentration(parts: Published, *, value_name: str) -> list[Finding]:
    """Say how few customers bring how much; nothing of what is not known."""
    if parts.empty:
        return []
    words = {"value_name": value_name}
    everybody = parts.read_figure("customer_count", where={"part": ALL}, kind="count")
    fifth, hundredth = (
        _read_part(parts, part, name)
        for part, name in ((TOP_FIFTH, "top_fifth_share"), (TOP_HUNDREDTH, "top_hundredth_share"))
    )
    told = []
    if hundredth.value is not None:
        kind = "top_by_few" if hundredth.carried else "top"
        told.append((kind, [fifth, hundredth]))
    elif fifth.value is not None:
        told.append(("top_fifth_by_few" if fifth.carried else "top_fifth", [fifth]))
    gini = parts.read_figure("gini", where={"part": ALL}, decimals=2)
    most = parts.read_figure("customer_share", where={"part": MOST}, kind="share")
    if most.value is not None:
        told.append(("most", [most, gini]))
    elif gini.value is not None:
        told.append(("gini", [gini]))
    losses = parts.read_figure(
        "customer_count", where={"part": LOSSES}, kind="count", unit="customer", name="loss_count"
    )
    if losses.value:
        told.append(("losses", [losses]))
    return [
        write_finding(f"customer_base.concentration.{name}", read, count=everybody, words=words)
        for name, read in told
    ]


def _read_part(parts: Published, part: str, name: str) -> Figure:
    """Read a part's share of the value, and whether two customers have more than a fifth of it."""
    row = parts.frame.index[parts.frame["part"] == part]
    carried = parts.is_made_by_few("value_share", row[0]) if len(row) else None
    return parts.read_figure(
        "value_share", where={"part": part}, kind="share", name=name, carried=carried
    )


def list_headline(customers: Published, parts: Published, *, value_name: str) -> dict[str, Finding]:
    """Return the figures of the customer base for the first page, by label."""
    count = customers.read_figure("customer_count", kind="count")
    headline = {"Customers": write_finding("customer_base.headline.customers", [count])}
    if not parts.empty:
        share = _read_part(parts, TOP_FIFTH, "top_fifth_share")
        top = write_finding("customer_base.headline.top_fifth", [share])
        label = f"Top fifth's share of {word_spend(value_name, share.period)}"
        headline[f"{label}, {name_span(share.period)}"] = top
    return headline
