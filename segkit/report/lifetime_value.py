"""What customers will be worth, and whether to believe it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.features.lifetime_value import ALL
from segkit.report.shared import figures
from segkit.report.shared.charts import plot_trend
from segkit.report.shared.extremes import find_ends
from segkit.report.shared.figures import BLUE, ORANGE, chart
from segkit.report.shared.numbers import format_number, join_words, plural
from segkit.report.shared.sentences import explain_silence, write_finding
from segkit.report.shared.views import Column, View

VALUES = View(
    Shape("lifetime_value", by=("group",)),
    {
        "group": Column("Customers"),
        "customer_count": Column("Number"),
        "expected_order_count": Column("Expected purchases each", "number"),
        "mean_lifetime_value": Column("Mean value"),
        "mean_low": Column("From", "money"),
        "mean_high": Column("To", "money"),
        "total_lifetime_value": Column("Value of all"),
        "total_low": Column("From (all)", "money"),
        "total_high": Column("To (all)", "money"),
    },
)
CHECKS = View(
    Shape("lifetime_checks", population="models", by=("check",)),
    {
        "check": Column("Check"),
        "value_text": Column("Value"),
        "limit_text": Column("Wanted"),
        "passes": Column("Holds"),
        "note": Column("What that means"),
    },
)
CANDIDATES = View(
    Shape("lifetime_candidates", population="models", by=("model",)),
    {
        "model": Column("Model"),
        "expected_count": Column("Purchases expected", "integer"),
        "actual_count": Column("Purchases that came", "integer"),
        "relative_error": Column("Error in all", "share"),
        "absolute_error": Column("Errors with single customers", "share"),
        "later_log_likelihood": Column("Log-likelihood of what came", "integer"),
        "is_chosen": Column("Taken"),
        "note": Column("Why it cannot be taken"),
    },
)
HOLDOUT = View(Shape("holdout", population="purchases", by=("week_end",)))
REPEATS = View(
    Shape(
        "repeat_counts",
        by=("repeat_count",),
        count="actual_customers",
        shown=("expected_customers",),
    )
)
GROUPS = Condition("group", "!=", ALL)


@chart("week_end", "expected_running", "actual_running")
def plot_holdout(
    table, *, title: str = "Purchases in the time held out, expected and actual"
) -> Axes:
    """Draw the repeat purchases of the weeks held out, summed up: expected and actual.

    How to read it: the fit saw nothing of these weeks. Lines that stay together say that the
    expectation can be trusted for as long as this; a gap that opens says how far it may be off.
    The table has a row a week: ``week_end``, ``expected_running`` and ``actual_running``.
    """
    lines = {"expected_running": "expected", "actual_running": "actual"}
    rows = table.rename(columns=lines).melt("week_end", list(lines.values()), "line")
    return plot_trend(
        rows,
        x="week_end",
        group="line",
        kind="integer",
        value_name="days with a sale, summed up since the fit",
        title=title,
    )


@chart("repeat_count", "expected_customers", values=["actual_customers"])
def plot_repeat_counts(
    table, *, title: str = "How often customers bought again, expected and actual"
) -> Axes:
    """Draw how many customers bought again how often, beside what the model expects.

    How to read it: bars are the customers, dots what the fitted model would have. Dots far from
    the ends of their bars say that the model does not fit. A count too small to show has no bar.
    The table has a row a count: ``repeat_count``, ``actual_customers``, ``expected_customers``.
    """
    places = np.arange(len(table))
    actual = table["actual_customers"].astype(float)
    expected = table["expected_customers"]
    texts = actual.map(format_number)
    ax = figures.new_axes(title, height=3.4)
    bars = ax.bar(places, actual.fillna(0), color=BLUE, width=0.62)
    ax.bar_label(bars, texts, padding=6, fontsize=9)
    ax.scatter(places, expected, color=ORANGE, edgecolor="white", s=56, zorder=3)
    ax.set_xticks(places, table["repeat_count"])
    ax.set_xlabel("days with a sale after the first")
    ax.margins(y=0.12)
    scale = figures.set_numbers(ax.yaxis, "integer", largest=expected.max())
    figures.name_values(ax, "customers: bars actual, dots expected", scale)
    said = table["repeat_count"] + ": " + texts + " actual, "
    said += expected.map(format_number) + " expected"
    start = f"Bars and dots of customers by {plural(len(table), 'count')} of repeat purchases"
    return figures.describe_chart(ax, start, said)


def state_lifetime(values: Published) -> list[Finding]:
    """Say what a year will bring, with its interval; why not, where nothing could be fitted."""
    if values.empty:
        return [write_finding("lifetime_value.value.none", words={"reason": values.reason})]
    mean = _read_everybody(values, "mean_lifetime_value", ("mean_low", "mean_high"))
    if mean.value is None:
        hidden = explain_silence(values, values.frame[values.frame["group"] == ALL])
        return [hidden or write_finding("lifetime_value.value.no_spend")]
    count = values.read_figure(
        "customer_count", where={"group": ALL}, kind="count", unit="customer"
    )
    total = _read_everybody(values, "total_lifetime_value", ("total_low", "total_high"))
    kind = "year_alone" if mean.low is None else "year"
    told = [write_finding(f"lifetime_value.value.{kind}", [mean, count, total], count=count)]
    groups = values.frame[values.frame["group"] != ALL]
    if len(groups) > 1 and groups["total_lifetime_value"].notna().all():
        told += _state_best(values, groups.index)
    return told


def _read_everybody(values: Published, column: str, interval: tuple[str, str]) -> Figure:
    return values.read_figure(column, where={"group": ALL}, kind="money", interval=interval)


def _state_best(values: Published, groups: pd.Index) -> list[Finding]:
    """Say which group is expected to bring the largest part, unless two customers make it."""

    def read(row: pd.Series, name: str) -> Figure:
        where = {"group": row["group"]}
        return values.read_figure("total_lifetime_value", where=where, kind="money", name=name)

    ends = find_ends(values, "total_lifetime_value", read, rows=groups)
    if ends is None or not ends[0].stands or len(ends[0].rows) > 1:
        return []
    best = ends[0]
    place = {"group": values.frame.at[best.rows[0], "group"]}
    shares = [
        values.read_figure(
            column,
            where=place,
            over=values.locate(column, where=[GROUPS], how="sum"),
            kind="share",
            name=name,
        )
        for column, name in (
            ("total_lifetime_value", "value_share"),
            ("customer_count", "customer_share"),
        )
    ]
    shares[0] = replace(shares[0], carried=best.figure.carried)
    count = values.read_figure("customer_count", where=place, kind="count", unit="customer")
    kind = "best_by_few" if best.is_made_by_few else "best"
    found = [*shares, count]
    return [write_finding(f"lifetime_value.value.{kind}", found, count=count, words=place)]


def write_checks(checks: pd.DataFrame) -> pd.DataFrame:
    """Add values and limits of `check_lifetime` as text, each with the decimals that it needs."""
    values = checks["value"].map(_write_number)
    limits = checks["bound"] + " " + checks["limit"].map(_write_number)
    return checks.assign(value_text=values, limit_text=limits)


def _write_number(number: float) -> str:
    return format_number(number, 0 if number % 1 == 0 else 2)


def state_choice(candidates: Published) -> list[Finding]:
    """Say which model is taken, and how far it was off with single customers."""
    if candidates.empty:
        return []
    chosen = candidates.frame.loc[candidates.frame["is_chosen"]]
    words = {"model": chosen["model"].iloc[0]}
    if chosen["absolute_error"].isna().all():
        return [write_finding("lifetime_value.choice.likeliest", words=words)]
    error = candidates.read_figure("absolute_error", where=words, kind="share")
    return [write_finding("lifetime_value.choice.foresaw_best", [error], words=words)]


def state_lifetime_checks(checks: Published, holdout: Published) -> list[Finding]:
    """Say whether the models fit, and how far they were off in the time held out."""
    if checks.empty:
        return []
    failed = checks.frame[checks.frame["passes"].eq(False)]
    if failed.empty:
        made = checks.read_figure(
            "check",
            where=[Condition("passes", "known")],
            how="rows",
            kind="count",
            unit="check",
            name="made_count",
        )
        told = [write_finding("lifetime_value.checks.all_hold", [made])]
    else:
        kind = "one_fails" if len(failed) == 1 else "some_fail"
        words = {"checks": join_words("'" + failed["check"] + "'")}
        told = [write_finding(f"lifetime_value.checks.{kind}", words=words)]
        for note in failed["note"]:
            told.append(write_finding("lifetime_value.checks.note", words={"note": note}))
    if not holdout.empty:
        told.append(_state_holdout(holdout))
    return told


def _state_holdout(holdout: Published) -> Finding:
    return write_finding(
        "lifetime_value.checks.holdout",
        [
            holdout.read_figure(
                "week_end", how="rows", kind="count", unit="week", name="week_count"
            ),
            holdout.read_figure("expected_running", how="max", kind="count", name="expected"),
            holdout.read_figure("actual_running", how="max", kind="count", name="actual"),
        ],
    )
