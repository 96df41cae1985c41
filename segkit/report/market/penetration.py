"""What we hold of the market, cell by cell, beside what our average share would bring."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from segkit.contract.market import AXIS_NAMES, GOODS_AXES
from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.evidence.market.penetration import MARKS, OURS_ONLY, select_largest
from segkit.evidence.market.served import LIKE_AVERAGE, OVER, UNDER
from segkit.report.market.ends import MARKET, state_ends
from segkit.report.shared import charts
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

GROWTH = Column("Growth a year", "share")
INDEX = Column("Index, average = 100", "integer")
# What the market's table says of a cell; it tells nothing of our customers.
OF_THE_MARKET = (
    *("cell", "matched", "reason", "year", "market_value", "buyer_count", "growth_rate"),
    *("measure", "size", "size_low", "size_high", "mark", "source"),
)
# What people are called by: these groups may have customers in common.
MAY_REPEAT = ("country", "territory", "region", *(axis.name for axis in GOODS_AXES))
# What did not join is no part of the share of the market, so the two are not added up.
PENETRATION_TOTALS = View(
    Shape(
        "penetration_totals",
        by=("part",),
        adds_up=False,
        shown=(
            *("measure", "cell_count", "size", "first_year", "year", "days", "smallest_cell"),
            *("told", "smallest_share", "stale_years", *MARKS),
        ),
    )
)
UNMATCHED = {"part": "ours only"}


def list_axes(table: pd.DataFrame | Published) -> list[str]:
    """Return the axes of a table of cells."""
    columns = table.frame if isinstance(table, Published) else table
    return [axis for axis in AXIS_NAMES if axis in columns]


def view_penetration(cells: pd.DataFrame, *, name: str = "penetration") -> View:
    """Return the view of cells by whatever axes they have.

    A customer has one age band, but may buy in several categories and for several countries.
    """
    axes = list_axes(cells) or ["cell"]
    is_money = "measure" not in cells or "buyer_count" not in set(cells["measure"])
    size = Column(kind="money" if is_money else "integer")
    shape = Shape(
        name,
        by=tuple(axes),
        count="rests_on_count",
        repeats=any(axis in MAY_REPEAT for axis in axes),
        shown=OF_THE_MARKET,
        measures={"served": "figure"},  # it is told from the index, and hidden with it
    )
    columns = {
        "cell": Column(),
        "size": Column("Market value" if is_money else "Buyers in the market", size.kind),
        "customer_count": Column(kind="integer"),
        "spend": Column("Our net sales", "money"),
        "expected": Column("At our average share", size.kind),
        "index": INDEX,
        "index_interval": Column("From, to", "integer", interval=("index_low", "index_high")),
        "served": Column("Served"),
        "mark": Column("Mind"),
        "reason": Column("Why it did not join"),
    }
    return View(shape, columns)


def keep_largest(share: Published) -> Published:
    """Return the cells of those names under which we sell most, for a chart."""
    return share.keep(select_largest(share.frame))


def keep_matched(share: Published) -> Published:
    """Return the cells that the market table has."""
    return share.keep(share.frame["matched"] != OURS_ONLY)


def keep_unmatched(share: Published) -> Published:
    """Return our own cells that the market table does not have."""
    return share.keep(share.frame["matched"] == OURS_ONLY)


def plot_country_shares(
    cells, *, title: str = "Where our share is above and below our average"
) -> Axes:
    """Draw our share by country, or by another single axis, as an index of our average share.

    How to read it: twice the length is twice the share; one hundred is our own average.
    The table has a row a cell: ``country``, or else ``cell``, and ``index``.
    """
    frame = cells.frame if isinstance(cells, Published) else cells
    name = "index of our share of the market, our average = 100"
    label = "country" if "country" in frame else "cell"
    return charts.plot_bars(cells, label=label, value="index", value_name=name, title=title)


def plot_cell_shares(cells, *, title: str = "Our share, average = 100") -> Axes:
    """Draw our share of each cell as an index of our average share.

    How to read it: the darker a cell, the stronger we are there; a dash means that nothing is
    known, or that too few customers buy there to show it.
    The table has a row a cell: two axes such as ``country`` and ``category``, and ``index``. Of
    three axes or more the first two are rows; of one, bars are drawn.
    """
    frame = cells.frame if isinstance(cells, Published) else cells
    axes = list_axes(frame)
    if len(axes) < 2:
        return plot_country_shares(cells, title=title)
    row, column = axes[0], axes[-1]
    if len(axes) > 2:
        joined = frame[axes[0]].str.cat([frame[axis] for axis in axes[1:-1]], sep=", ")
        frame = frame.assign(**{row: joined})
        cells = cells if not isinstance(cells, Published) else _replace_rows(cells, frame)
    return charts.plot_cells(
        cells,
        row=row,
        column=column,
        value="index",
        kind="integer",
        value_name="index of our share of the market, our average = 100",
        title=title,
    )


def _replace_rows(cells: Published, frame: pd.DataFrame) -> Published:
    return cells.keep(frame)


def state_penetration(penetration: Published, totals: Published) -> list[Finding]:
    """Say what share of the market we hold, where most and where least, and what did not join."""
    if penetration.empty:
        return [explain_absence(penetration)]
    market = totals.frame.set_index("part").loc["market"]
    if not market["size"]:
        return [write_finding("market.penetration.no_size"), *_state_unmatched(penetration, totals)]
    held = _state_held(totals) if market["told"] else _state_other_market(totals)
    return [
        held,
        *_state_served(penetration),
        *state_ends(penetration, int(market["smallest_cell"]), totals),
        *_state_unmatched(penetration, totals),
        *_state_marks(totals),
    ]


def _state_held(totals: Published) -> Finding:
    words = {"measured": "value" if _is_money(totals) else "buyers"}
    return _write_held("held", totals, words, [read_held_share(totals)])


def _state_other_market(totals: Published) -> Finding:
    """Say that the table counts another market than ours, so that no share of it is told."""
    limit = totals.read_figure("smallest_share", where=MARKET, kind="small share", period="")
    return _write_held("other_market", totals, {}, [limit])


def _write_held(
    kind: str, totals: Published, words: dict[str, str], figures: Sequence[Figure]
) -> Finding:
    """Write what we have beside what the market has, with the years of both."""
    is_money = _is_money(totals)
    count = totals.read_figure("customer_count", where=MARKET, kind="count", unit="customer")
    year = totals.read_figure("year", where=MARKET, kind="text", period="")
    found = [
        *figures,
        totals.read_figure(
            "ours",
            where=MARKET,
            kind="large" if is_money else "count",
            unit=totals.currency if is_money else "customer",
        ),
        totals.read_figure("days", where=MARKET, kind="count", unit="day"),
        totals.read_figure(
            "size",
            where=MARKET,
            kind="large" if is_money else "count",
            unit=totals.currency if is_money else "buyer",
            period=f"the year {year.value}",
        ),
        year,
        count,
    ]
    words = {**words, "net": " net of returns" if is_money else ""}
    words["yearly"] = " a year" if is_money else ""
    words["years"] = _name_years(totals)
    return write_finding(f"market.penetration.{kind}", found, count=count, words=words)


def _is_money(totals: Published) -> bool:
    return totals.frame["measure"].iloc[0] == "market_value"


def _name_years(totals: Published) -> str:
    """Return of which years the market's figures are."""
    market = totals.frame.set_index("part").loc["market"]
    if pd.isna(market["year"]):
        return "year not known"
    if market["first_year"] == market["year"]:
        return f"of {market['year']}"
    return f"of {market['first_year']} to {market['year']}"


def read_held_share(totals: Published) -> Figure:
    """Read our share of the market."""
    return totals.read_figure("share", where=MARKET, kind="small share")


def _state_served(penetration: Published) -> list[Finding]:
    """Count the cells where we surely sell more, or less, than at our average share."""
    served = penetration.frame["served"]
    counts = {"over": OVER, "under": UNDER, "like": LIKE_AVERAGE}
    found = []
    for name, word in counts.items():
        where = [Condition("served", "==", word)]
        found.append(
            penetration.read_figure(
                "served", where=where, how="rows", kind="count", name=f"{name}_count"
            )
        )
    if not served.isin(list(counts.values())).any():
        return []
    return [write_finding("market.penetration.served", found)]


def _state_unmatched(penetration: Published, totals: Published) -> list[Finding]:
    """Say which cells of ours did not join, with customers and spend where these may be seen."""
    names = penetration.frame.loc[penetration.frame["matched"] == OURS_ONLY, "cell"]
    if names.empty:
        return []
    words = {"names": name_some(names)}
    found = [
        penetration.read_figure(
            "cell",
            where={"matched": OURS_ONLY},
            how="rows",
            kind="count",
            unit="cell",
            name="unmatched_count",
        )
    ]
    spend = totals.read_figure("spend", where=UNMATCHED, kind="large")
    count = totals.read_figure("customer_count", where=UNMATCHED, kind="count", unit="customer")
    if spend.value is None or count.value is None:
        return [write_finding("market.penetration.unmatched", found, words=words)]
    found += [spend, totals.read_figure("spend_share", where=UNMATCHED, kind="small share"), count]
    kind = "market.penetration.unmatched_with_spend"
    return [write_finding(kind, found, count=count, words=words)]


def _state_marks(totals: Published) -> list[Finding]:
    """Say how many cells rest on figures that are old, without a source, or that differ."""
    market = totals.frame.set_index("part").loc["market"]
    every = totals.read_figure("cell_count", where=MARKET, kind="count", unit="cell", period="")
    limit = totals.read_figure("stale_years", where=MARKET, kind="count", unit="year", period="")
    told = []
    for column in MARKS:
        if not market[column]:
            continue
        count = totals.read_figure(column, where=MARKET, kind="count", name="count", period="")
        told.append(write_finding(f"market.marks.{column}", [count, every, limit]))
    return told
