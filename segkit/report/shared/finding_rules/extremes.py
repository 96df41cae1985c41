"""Which sentences name an extreme, and whether it is one among all that is shown.

An extreme that a report names is worked out again from the published table: nothing that is shown
may exceed it. It comes with its count and, where the table has one, its interval; and it is said
where one or two customers make it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segkit.core.errors import SegkitError
from segkit.core.findings import Condition, Figure, Finding
from segkit.report.shared.sentences import write_figure

if TYPE_CHECKING:
    import pandas as pd

SLACK = 1e-9
ALL_KNOWN = Condition("level", "!=", "all known")
OTHERS = Condition("level", "!=", "all others")
NOT_ALL = Condition("customer_share", "<", 1)  # a level that everybody is at is no group
# Words by which a sentence says that one or two customers make a figure.
CARRIED = re.compile(
    r"\b(?:one|two|1|2|single)\b[^.]*\bcustomers?\b|without[^.]*\bcustomers?\b|\brests? on few\b"
)


@dataclass(frozen=True)
class Extreme:
    """An end that a sentence names.

    ``figure`` is the figure's name, ``is_highest`` which end it is. ``within`` are the columns by
    which the rows are chosen that it is compared with; ``among`` are further conditions on them.
    ``passed`` is the figure of a further row that the sentence tells as resting on few: then that
    one is the end of all that is shown. ``floors`` are columns that the rows must reach a figure of
    the finding in. ``of_customers`` says that the figure is an amount or a rate of groups of
    customers, which one or two of them can carry; ``is_card`` that it is one short figure on the
    first page, without room for an interval.
    """

    figure: str
    is_highest: bool = True
    within: tuple[str, ...] = ()
    among: tuple[Condition, ...] = ()
    floors: tuple[tuple[str, str], ...] = ()
    passed: str = ""
    of_customers: bool = False
    is_card: bool = False


def _highest(figure: str, **more: object) -> Extreme:
    return Extreme(figure, True, **more)


def _lowest(figure: str, **more: object) -> Extreme:
    return Extreme(figure, False, **more)


ENDS = (_highest("top", of_customers=True), _lowest("least", of_customers=True))
ENOUGH = (("customer_count", "smallest_cell"),)
MOST, LEAST = (
    make(f"{name}_index", among=(ALL_KNOWN,), passed=f"{name}_passed_index", of_customers=True)
    for make, name in ((_highest, "most"), (_lowest, "least"))
)
CELLS = tuple(
    make(f"{name}_index", floors=ENOUGH, passed=f"{name}_passed_index", of_customers=True)
    for make, name in ((_highest, "top"), (_lowest, "least"))
)
LARGEST_GROUP = (_highest("customer_share", among=(ALL_KNOWN, OTHERS, NOT_ALL)),)
NOT_ALL_TOGETHER = (Condition("group", "!=", "all customers"),)
LARGEST_VALUE = (_highest("value_share", among=NOT_ALL_TOGETHER, of_customers=True),)
LARGEST_SPEND = (_highest("spend_share", of_customers=True),)
HARDEST = (_lowest("recall", of_customers=True),)
MONTHS = (_highest("highest_index", of_customers=True), _lowest("lowest_index", of_customers=True))
OVERLAPS = (
    _lowest("least_share", within=("place",), of_customers=True),
    _highest("most_share", within=("place",), of_customers=True),
)
RISING, FALLING = ((Condition("direction", "==", word),) for word in ("rises", "falls"))
# The extremes of each sentence.
EXTREMES: dict[str, tuple[Extreme, ...]] = {
    "bases.base.least_known": (
        _lowest("customer_share", among=(Condition("level", "==", "all known"),)),
    ),
    "bases.base.largest": LARGEST_GROUP,
    "bases.base.largest_of_several": LARGEST_GROUP,
    "bases.base.value": (MOST, LEAST),
    "by_segment.measures.ends": ENDS,
    "descriptors.descriptors.furthest": (_highest("cramers_v"),),
    "descriptors.descriptors.furthest_of_several": (_highest("cramers_v"),),
    "descriptors.descriptors.by_chance": (_highest("cramers_v"),),
    "differences.differences.furthest": (
        _highest(
            "effect_size",
            within=("segment_name",),
            among=(Condition("set_apart", "==", True), Condition("by_construction", "==", False)),
        ),
    ),
    "journey.funnel.lost": (_lowest("step_share"),),
    "lifetime_value.value.best": LARGEST_VALUE,
    "lifetime_value.value.best_by_few": LARGEST_VALUE,
    "market.penetration.ends": CELLS,
    "market.players.largest": (_highest("mean_share"),),
    "market.players.largest_with_sales": (_highest("estimated_sales"),),
    "market.trends.fastest": (_highest("growth_rate", among=RISING),),
    "market.trends.fastest_fall": (_lowest("growth_rate", among=FALLING),),
    "plan.quality.rejects_most": (_highest("row_count"),),
    "reach.reach.hardest": HARDEST,
    "reach.reach.hardest_of_several": HARDEST,
    "season.season.ends": MONTHS,
    "season.season.one_year_ends": MONTHS,
    "separation.separation.ends": OVERLAPS,
    "separation.separation.ends_by_few": OVERLAPS,
    "sizes.headline.largest": (_highest("customer_share", is_card=True),),
    "spend.segments.brings_most": LARGEST_SPEND,
    "spend.segments.brings_most_by_few": LARGEST_SPEND,
    "stability.columns.hang_on": (_lowest("agreement"),),
    "stability.paths.step": (_lowest("continuity", within=("segment_count",)),),
    "stability.ratings.all": (_lowest("jaccard"),),
    "stability.ratings.all_of_those_shown": (_lowest("jaccard"),),
}


def list_extremes(finding: Finding) -> list[tuple[Figure, Extreme]]:
    """Return the ends that a finding names, each with its figure."""
    figures = {figure.name: figure for figure in finding.figures}
    named = EXTREMES.get(finding.kind, ())
    return [(figures[one.figure], one) for one in named if one.figure in figures]


def find_extreme_faults(
    finding: Finding, read_table: Callable[[str], pd.DataFrame] | None
) -> list[tuple[str, str]]:
    """Return the rules that a finding's extremes break, each with what was found."""
    faults = []
    figures = {figure.name: figure for figure in finding.figures}
    for figure, extreme in list_extremes(finding):
        if figure.cell is None:
            continue
        if extreme.of_customers:
            faults += [("extreme carried by few", one) for one in check_carried(finding, figure)]
        if read_table is None:
            continue
        try:
            table = read_table(figure.cell.table)
        except (OSError, SegkitError):
            faults.append(("extreme of hidden or few", f"there is no table {figure.cell.table}"))
            continue
        furthest = figures.get(extreme.passed, figure)
        found = check_rank(finding, furthest, extreme, table=table)
        found += check_support(finding, figure, extreme, table=table)
        faults += [("extreme of hidden or few", one) for one in found]
    return faults


def check_carried(finding: Finding, figure: Figure) -> list[str]:
    """Look whether it was judged who carries an extreme, and is said where few do."""
    if figure.carried is None:
        return [f"it was not judged whether one or two customers carry {figure.name}"]
    if figure.carried and not CARRIED.search(finding.text):
        return [f"one or two customers carry {figure.name}, unsaid"]
    return []


def check_rank(
    finding: Finding, figure: Figure, extreme: Extreme, *, table: pd.DataFrame
) -> list[str]:
    """Look whether anything that a table shows exceeds the extreme that is named."""
    cell = figure.cell
    if cell is None or cell.how not in ("value", "absolute") or cell.minus is not None:
        return []
    kept = [condition for condition in cell.where if condition.column in extreme.within]
    figures = {one.name: one.value for one in finding.figures}
    floors = [Condition(column, ">=", figures[name]) for column, name in extreme.floors]
    for condition in (*kept, *extreme.among, *floors):
        if condition.column in table:
            table = table[condition.select(table)]
    values = table[cell.column].dropna().astype(float)
    own = table
    for condition in cell.where:
        own = own[condition.select(own)]
    if values.empty or own.empty:
        return [f"{figure.name} is not among what is shown"]
    own_value = float(own[cell.column].iloc[0])
    if cell.how == "absolute":
        same_side = values[(values > 0) == (own_value > 0)]
        values = (values if "feature" in table else same_side).abs()
        own_value = abs(own_value)
    end = values.max() if extreme.is_highest else values.min()
    gap = end - own_value if extreme.is_highest else own_value - end
    if gap <= SLACK * max(1.0, abs(own_value)):
        return []
    rows = table.loc[values[values == end].index[:1]]
    named = [str(rows[c.column].iloc[0]) for c in cell.where if c.column in rows]
    return [f"{figure.name} is {own_value:.6g}, but {', '.join(named)} has {end:.6g}"]


def check_support(
    finding: Finding, figure: Figure, extreme: Extreme, *, table: pd.DataFrame
) -> list[str]:
    """Look whether an extreme comes with the count and the interval that its table has."""
    cell = figure.cell
    found = []
    counted = finding.count is not None or any(f.name.endswith("count") for f in finding.figures)
    if "customer_count" in table and not counted:
        found.append(f"{figure.name} has no count, though the table has one")
    stems = (cell.column, cell.column.removesuffix("_share"), cell.column.removesuffix("_size"))
    has_interval = any({f"{stem}_low", f"{stem}_high"} <= {*table} for stem in stems)
    shown = {one.name for one in finding.figures}
    told = figure.low is not None or any(f"{stem}_low" in shown for stem in stems)
    if has_interval and not told and not extreme.is_card:
        found.append(f"{figure.name} has no interval, though the table has one")
    if figure.low is not None and not tells_interval(finding.text, figure):
        found.append(f"{figure.name} has an interval that is not told")
    return found


def tells_interval(text: str, figure: Figure) -> bool:
    """Tell whether a text that has a figure has its interval; of several that share it none has."""
    written = write_figure(figure)
    if written not in text or f"{written} each" in text:
        return True
    return write_figure(figure, figure.low) in text
