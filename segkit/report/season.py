"""When customers buy: sales by month, and whether they follow the calendar."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Figure, Finding
from segkit.core.measures import FIGURE
from segkit.core.privacy import Published, Shape
from segkit.features.season import measure_season
from segkit.report.shared.charts import plot_trend
from segkit.report.shared.extremes import MOST_TIED, End, find_ends
from segkit.report.shared.figures import chart
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View

ENOUGH_P_VALUE = 0.05

MONTHS = View(
    Shape(
        "months",
        by=("month",),
        count="active_customers",
        repeats=True,
        measures={"order_count": FIGURE},  # of whom one customer may have many
    )
)
SEASON = View(
    Shape("season", by=("month",)),
    {"month": Column("Month"), "index": Column("Net sales to the mean month", "share", bar=True)},
)
# A test of the order of months over years: it speaks of no customer.
TEST = View(Shape("season_test", population="years"))


def list_tables(months: pd.DataFrame) -> list[tuple[pd.DataFrame, View]]:
    """Return the months of the year and the test whether they differ, each with its view.

    ``months`` are whole, see `segkit.features.season.keep_whole_months`.
    """
    by_month, test = measure_season(months)
    return [(by_month, SEASON), (test, TEST)]


@chart("month", "total_spend")
def plot_monthly_sales(table, *, currency: str = "", title: str = "By month") -> Axes:
    """Draw the net sales of each month: of all lines that count, less what was returned.

    How to read it: compare a month with the same month a year before, not with the one before it.
    The table has a row a month: ``month`` (its first day) and ``total_spend``.
    """
    return plot_trend(
        table,
        x="month",
        y="total_spend",
        kind="money",
        currency=currency,
        value_name="net sales a month",
        title=title,
    )


def state_lines(quality: Published) -> list[Finding]:
    """Say what the plan does with lines that name no customer, where there are any.

    ``quality`` has a row a rule that found something, see `segkit.data.checks`.
    """
    place = {"table": "order_lines", "rule": "missing_customer"}
    found = quality.frame[(quality.frame[list(place)] == place.values()).all(axis=1)]
    if found.empty or not found["row_count"].sum():
        return []
    kind = "left_out" if found["severity"].eq("reject").any() else "counted"
    rows = quality.read_figure("row_count", where=place, how="sum", kind="count", unit="line")
    return [write_finding(f"season.lines.{kind}", [rows])]


def state_season(by_month: Published, test: Published) -> list[Finding]:
    """Say whether sales follow the calendar, as `segkit.features.season.measure_season` found."""
    year_count = int(test.frame["year_count"].iloc[0])
    ends = _find_ends(by_month)
    if year_count < 1:
        return [write_finding("season.season.no_year")]
    if year_count < 2:
        return [_write_ends("one_year_ends", ends) if ends else _write_one_year()]
    figures = [
        test.read_figure("year_count", kind="count"),
        test.read_figure("agreement", decimals=2),
        test.read_figure("p_value", decimals=3),
    ]
    if test.frame["p_value"].iloc[0] >= ENOUGH_P_VALUE:
        return [write_finding("season.season.chance", figures)]
    told = [write_finding("season.season.calendar", figures)]
    return [*told, _write_ends("ends", ends)] if ends else told


def _write_one_year() -> Finding:
    return write_finding("season.season.one_year")


def _find_ends(by_month: Published) -> tuple[Finding, Finding] | None:
    """Say which months have the highest and the lowest sales, if all are shown and they differ.

    A month that changes places without two customers is not named.
    """
    if by_month.empty or by_month.frame["index"].isna().any():
        return None

    def read(row: pd.Series, name: str) -> Figure:
        where = {"month": row["month"]}
        return by_month.read_figure("index_percent", where=where, kind="index", name=name)

    ends = find_ends(by_month, "index_percent", read, names=("highest_index", "lowest_index"))
    if ends is None or not any(end.stands for end in ends):
        return None
    if any(len(end.rows) > MOST_TIED for end in ends):
        return None
    return tuple(_state_end(by_month, end) for end in ends)


def _state_end(by_month: Published, end: End) -> Finding:
    months = by_month.frame.loc[list(end.rows), "month"].tolist()
    name = end.figure.name.removesuffix("_index")
    where = {"month": months[0]}
    count = by_month.read_figure("customer_count", where=where, kind="count", name=f"{name}_count")
    figures = [replace(end.figure, name="index"), replace(count, name="count")]
    kind = "end_by_few" if end.is_made_by_few else "end"
    if len(months) > 1:
        kind = "end_shared"
    if not end.stands:
        kind = "hanging"
    words = {"end": name, "months": join_words(months)}
    part = write_finding(f"season.season.{kind}", figures, words=words)
    return replace(part, figures=(end.figure, count))


def _write_ends(name: str, ends: tuple[Finding, Finding]) -> Finding:
    highest, lowest = ends
    figures = [*highest.figures, *lowest.figures]
    words = {"highest": highest.text, "lowest": lowest.text}
    return write_finding(f"season.season.{name}", figures, words=words)
