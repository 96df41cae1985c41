"""The white space: what is open to us, how much it could bring, and what would have to be true."""

from __future__ import annotations

import ibis
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import HIDDEN, Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.core.settings import Settings
from segkit.evidence.market.white_space import OPEN, find_white_space
from segkit.report.market.penetration import GROWTH, INDEX, list_axes
from segkit.report.shared import figures
from segkit.report.shared.figures import GREY, ORANGE, chart
from segkit.report.shared.numbers import format_money, format_share, plural
from segkit.report.shared.sentences import explain_absence, name_some, write_finding
from segkit.report.shared.views import Column, View

WHITE_SPACE = (Condition("white_space", "==", True),)
OPEN_QUESTIONS = (Condition("status", "==", OPEN),)
RANGE = ("opportunity_low", "opportunity_high")
MOST_TOLD = 3  # opportunities with what would have to be true


def view_white_space(cells: pd.DataFrame) -> View:
    """Return the view of the cells: sizes are money, or buyers where no value is known.

    The gate has hidden our figures with the penetration already; the same rows are hidden here, and
    the opportunity is sized without them.
    """
    is_money = set(cells["measure"]) == {"market_value"}
    size = Column(kind="money" if is_money else "integer")
    shape = Shape(
        "white_space",
        by=tuple(list_axes(cells)) or ("cell",),
        count="rests_on_count",
        adds_up=False,
        measures={"needed_count": "figure", "buyer_count": "figure", "rival_count": "figure"},
        shown=(
            *("cell", "measure", "size", "buyer_count", "year", "growth_rate", "average_share"),
            *("rival_share", "rival_count", "first_rival", "first_rival_share", "likeness"),
            *("large", "growing", "open_to_us", "open_from_rivals", "people_like_ours"),
            *("fails_on", "not_known", "status", "white_space", "opportunity", *RANGE),
            *("needed_count", "mark", "source"),
        ),
    )
    columns = {
        "cell": Column(),
        "status": Column("White space"),
        "opportunity": Column("Opportunity", size.kind),
        "opportunity_range": Column("From, to", size.kind, interval=RANGE),
        "size": size,
        "growth_rate": GROWTH,
        "index": INDEX,
        "rival_share": Column("Competitors' share", "share"),
        "likeness": Column("People like ours", "share"),
        "fails_on": Column(),
        "not_known": Column("Not known"),
        "mark": Column("Mind"),
        "source": Column(),
    }
    return View(shape, columns)


def find_open_cells(
    share: pd.DataFrame,
    competitors: ibis.Table | None,
    *,
    shown: Published,
    at: Settings,
    largest_rival_share: float,
    people: pd.DataFrame | None = None,
    smallest_likeness: float = 0.7,
) -> pd.DataFrame:
    """Find the white space, where the opportunity tells nothing that the gate hid.

    Parameters
    ----------
    share : DataFrame
        From `segkit.evidence.market.penetration.compare_with_market`.
    competitors : ibis.Table or None
        The table of the competitors' shares.
    shown : Published
        ``share`` after the gate.
    at : Settings
        Of ``as_of``.
    largest_rival_share : float
        A cell is closed where competitors hold more than this together, from 0 to 1.
    people : DataFrame, optional
        From `segkit.evidence.market.people.compare_people`.
    smallest_likeness : float
        How alike a cell's people and our customers are at the least, from 0 to 1.

    Returns
    -------
    DataFrame
        As `segkit.evidence.market.white_space.find_white_space` returns it.
    """
    return find_white_space(
        share,
        competitors,
        at=at,
        people=people,
        largest_rival_share=largest_rival_share,
        smallest_likeness=smallest_likeness,
        hidden=shown.frame.get(HIDDEN),
    )


@chart("cell", "size", "growth_rate", values=["white_space"])
def plot_white_space(
    table, *, currency: str = "", title: str = "Market cells by size and growth"
) -> Axes:
    """Draw market cells by size and growth; white space is an orange, named diamond.

    How to read it: right is a larger market, up is a growing one. A named diamond is a cell that
    is large, growing and hardly served; the other cells are grey circles.
    The table has a row a cell: ``cell`` (its name), ``size`` (currency a year, or buyers where
    ``measure`` says so), ``growth_rate`` (share a year) and ``white_space`` (boolean).
    """
    counts_buyers = "measure" in table and set(table["measure"]) == {"buyer_count"}
    unit = "buyers" if counts_buyers else currency
    rows = table.sort_values("size", ascending=False, kind="stable")
    is_chosen = rows["white_space"].fillna(False).astype(bool)
    others = rows[~is_chosen]
    found = rows[is_chosen]
    ax = figures.new_axes(title, height=4.4)
    ax.axhline(0, color=GREY, linewidth=1)
    ax.scatter("size", "growth_rate", s=46, color=GREY, alpha=0.75, linewidth=0, data=others)
    ax.scatter("size", "growth_rate", s=90, marker="D", color=ORANGE, edgecolor="white", data=found)
    ax.margins(x=0.16, y=0.16)
    ax.grid(True)
    scale = figures.set_numbers(ax.xaxis, "money", largest=rows["size"].max())
    figures.set_numbers(ax.yaxis, "share")
    ax.set_xlabel(figures.join_unit("size of the market", unit, scale))
    figures.name_values(ax, "growth a year")
    named = found[["cell", "size", "growth_rate"]].head(8).to_numpy()
    avoided = others[["size", "growth_rate"]].to_numpy(dtype=float)
    figures.name_points(ax, named[:, 1:].astype(float), named[:, 0], others=avoided)
    points = []
    for name, size, growth in named:
        text = plural(size, "buyer") if counts_buyers else format_money(size, currency)
        points.append(f"{name}, {text}, growth {format_share(growth)}")
    said = f"Market size against growth of {plural(len(rows), 'cell')}"
    return figures.describe_chart(ax, f"{said}; {len(found)} marked as white space", points)


def state_white_space(cells: Published) -> list[Finding]:
    """Say which cells are white space or an open question, what each could bring, and on what."""
    if cells.empty:
        return [explain_absence(cells)]
    frame = cells.frame
    chosen = frame[frame["white_space"]]
    asked = frame[frame["status"] == OPEN]
    told = [_state_chosen(cells, chosen)] if len(chosen) else _state_none(cells, asked)
    if len(asked):
        told.append(_state_asked(cells, asked))
    ranked = pd.concat([chosen, asked])
    if ranked.empty:
        return told
    if len(chosen):
        told += _state_sum(cells, chosen)
    for row in ranked.dropna(subset=["opportunity"]).head(MOST_TOLD).to_dict("records"):
        told.append(_state_true(cells, row))
        told += _state_rivals(cells, row)
    unknown = ranked.loc[ranked["rival_share"].isna(), "cell"]
    if len(unknown):
        words = {"names": name_some(unknown)}
        told.append(write_finding("market.white_space.no_rivals", words=words))
    words = {"sources": name_some(ranked["source"].unique())}
    return [*told, write_finding("market.white_space.sources", words=words)]


def _state_chosen(cells: Published, chosen: pd.DataFrame) -> Finding:
    counts = [count_white_space(cells), _count_cells(cells)]
    return write_finding(
        "market.white_space.cells", counts, words={"names": name_some(chosen["cell"])}
    )


def _state_none(cells: Published, asked: pd.DataFrame) -> list[Finding]:
    """Say that no cell is white space, and which comes nearest unless some are open questions."""
    count = _count_cells(cells)
    if len(asked):
        return [write_finding("market.white_space.none_known", [count])]
    failed = cells.frame["fails_on"].str.count(",")
    if (failed == failed.min()).sum() > 1:
        return [write_finding("market.white_space.none_nearest", [count])]
    nearest = cells.frame.loc[failed.idxmin()]
    words = {"cell": nearest["cell"], "fails_on": nearest["fails_on"]}
    return [write_finding("market.white_space.none", [count], words=words)]


def _state_asked(cells: Published, asked: pd.DataFrame) -> Finding:
    """Say of which cells nothing speaks against it, though not all is known."""
    count = cells.read_figure(
        "cell", where=OPEN_QUESTIONS, how="rows", kind="count", unit="cell", name="asked_count"
    )
    parts = asked["not_known"].str.split(", ").explode().drop_duplicates()
    words = {"names": name_some(asked["cell"]), "unknown": name_some(parts)}
    return write_finding("market.white_space.asked", [count], words=words)


def _state_sum(cells: Published, chosen: pd.DataFrame) -> list[Finding]:
    """Say what all white space would bring together, where all of it may be seen."""
    if len(chosen) < 2:
        return []
    every = _read_sum(cells, "opportunity", name="every")
    ends = [_read_sum(cells, end, name=end) for end in RANGE]
    if every.value is None:
        return []
    words = {"yearly": _name_yearly(cells)}
    return [write_finding("market.white_space.together", [every, *ends], words=words)]


def _read_sum(cells: Published, column: str, *, name: str) -> Figure:
    kind, unit = _written(cells)
    return cells.read_figure(column, where=WHITE_SPACE, how="sum", kind=kind, unit=unit, name=name)


def _written(cells: Published) -> tuple[str, str]:
    """Return the kind and the unit of the cells' sizes."""
    is_money = cells.frame["measure"].iloc[0] == "market_value"
    return ("large", cells.currency) if is_money else ("count", "buyer")


def _name_yearly(cells: Published) -> str:
    return " a year" if cells.frame["measure"].iloc[0] == "market_value" else ""


def _state_true(cells: Published, row: dict) -> Finding:
    """Say what a cell would bring, within which range, and who would have to buy."""
    place = _locate(cells, row)
    kind, unit = _written(cells)
    found = [
        cells.read_figure("opportunity", where=place, kind=kind, unit=unit, interval=RANGE),
        cells.read_figure("index", where=place, kind="index"),
        cells.read_figure("needed_count", where=place, kind="count", unit="more buyer"),
    ]
    words = {"cell": row["cell"], "yearly": _name_yearly(cells)}
    is_money = kind == "large"
    if pd.notna(row.get("buyer_count")) and is_money:
        found.append(cells.read_figure("buyer_count", where=place, kind="count", unit="buyer"))
        return write_finding("market.white_space.true_of_buyers", found, words=words)
    sentence = "true" if is_money and pd.notna(row["needed_count"]) else "true_in_buyers"
    return write_finding(f"market.white_space.{sentence}", found, words=words)


def _state_rivals(cells: Published, row: dict) -> list[Finding]:
    """Say against whom, where competitors are recorded."""
    if pd.isna(row["rival_share"]):
        return []
    place = _locate(cells, row)
    found = [
        cells.read_figure("rival_count", where=place, kind="count", unit="listed competitor"),
        cells.read_figure("rival_share", where=place, kind="share", period=""),
        cells.read_figure("first_rival_share", where=place, kind="share", period=""),
    ]
    words = {"cell": row["cell"], "first": row["first_rival"]}
    return [write_finding("market.white_space.against", found, words=words)]


def _locate(cells: Published, row: dict) -> dict[str, str]:
    return {axis: row[axis] for axis in list_axes(cells)}


def count_white_space(cells: Published, *, unit: str = "") -> Figure:
    """Count the cells that are white space."""
    return cells.read_figure(
        "cell", where=WHITE_SPACE, how="rows", kind="count", unit=unit, name="chosen_count"
    )


def _count_cells(cells: Published) -> Figure:
    return cells.read_figure("cell", how="rows", kind="count", unit="cell", name="cell_count")
