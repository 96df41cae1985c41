"""How deals with businesses go, who renews, and who is no customer yet."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import pandas as pd
from ibis import Table
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.measures import FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.experience.business import (
    UNKNOWN_DEAL,
    count_contract_fates,
    count_deal_fates,
    count_stages,
    open_contracts,
    open_deals,
    summarise_contracts,
    summarise_deal_cohorts,
    summarise_deals,
    summarise_stages,
)
from segkit.evidence.experience.leads import count_people
from segkit.report.by_segment import RESTS_ON
from segkit.report.shared import charts
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View

INTEGER = Column(kind="integer")
DAYS = Column("Median days", "number")
DAYS_INTERVAL = Column(kind="number", interval=("median_days_low", "median_days_high"))
WIN_SHARE = Column("Won of the decided", "share")
WIN_INTERVAL = Column(kind="share", interval=("win_low", "win_high"))
# Deals and contracts are no customers: one of them may have many.
ROWS = dict.fromkeys(
    ("deal_count", "open_count", "decided_count", "contract_count", "due_count"), FIGURE
)
GROUP_HEADINGS = {
    "segment_name": "Segment",
    "industry": "Industry",
    "employee_band": "Employees",
    "source": "Source",
}
MOST_TOLD = 3
MANY_OPEN = 0.2
PEOPLE = View(
    Shape("people", by=("customer_type", "stage")),
    {
        "customer_type": Column("Who"),
        "stage": Column(),
        "customer_count": Column("People", "integer"),
        "unplaced_count": Column("Without a segment", "integer"),
        "unplaced_share": Column("Share of them", "share"),
        NOTE: Column(),
    },
)
DEAL_FATES = View(
    Shape("deal_fates", population="rows", by=("fate",)),
    {
        "fate": Column("What became of it"),
        "deal_count": Column("Deals", "integer"),
        "counts_as": Column("Counts as"),
    },
)
CONTRACT_FATES = View(
    Shape("contract_fates", population="rows", by=("fate",)),
    {
        "fate": Column("What became of it"),
        "contract_count": Column("Contracts", "integer"),
        "counts_as": Column("Counts as"),
    },
)
COHORTS = View(
    Shape("deal_cohorts", by=("quarter",), count=RESTS_ON, repeats=True, measures=ROWS),
    {
        "quarter": Column("Opened in the quarter from", "date"),
        "deal_count": Column("Deals", "integer"),
        "open_share": Column("Still open", "share"),
        "decided_count": Column("Decided", "integer"),
        "win_share": WIN_SHARE,
        "win_interval": WIN_INTERVAL,
        NOTE: Column(),
    },
)
STAGES = View(
    Shape("deal_stages", by=("stage",), count=RESTS_ON, repeats=True, measures=ROWS),
    {
        "stage": Column(),
        "deal_count": Column("Deals that came there", "integer"),
        "open_count": Column("Still there", "integer"),
        "lost_share": Column("Lost there, of those that left", "share"),
        "lost_interval": Column(kind="share", interval=("lost_low", "lost_high")),
        "median_days": DAYS,
        "days_interval": DAYS_INTERVAL,
        NOTE: Column(),
    },
)


STAGE_COUNTS = View(
    Shape("stage_counts", population="rows", by=("belongs_to",)),
    {"belongs_to": Column("Belongs to"), "stage_count": Column("Stages", "integer")},
)
CAPTIONS = {
    "people": "Customers and leads, and who has no segment",
    "deals_by_industry": "Deals by industry",
    "deals_by_segment_name": "Deals by segment",
    "deal_cohorts": "Deals by the quarter in which they were opened",
    "deal_stages": "Stages of deals, and how long deals stay there",
    "contracts_by_segment_name": "Contracts by segment",
    "contracts_by_employee_band": "Contracts by size of the business",
}
DEALS_BY = ("segment_name", "industry")
CONTRACTS_BY = ("segment_name", "employee_band")


def list_business_tables(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: datetime.date
) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables on people, deals and contracts, each with its view.

    Where there are no deals, or no contracts, one table without rows says so.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Accepted tables.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    as_of : datetime.date
        The last day counted.
    """
    deals = open_deals(tables, segments, as_of=as_of)
    contracts = open_contracts(tables, segments, as_of=as_of)
    found = [(count_people(tables, segments, as_of=as_of), PEOPLE)]
    deal_fates = count_deal_fates(deals)
    found.append((deal_fates, DEAL_FATES))
    if deals is not None and not deal_fates.empty:
        stages = summarise_stages(tables.get("deal_stages"), deals, as_of=as_of)
        found += [(summarise_deals(deals, by=by), view_deals(by)) for by in DEALS_BY]
        found += [(summarise_deal_cohorts(deals), COHORTS), (stages, STAGES)]
        counted = count_stages(tables.get("deal_stages"), deals)
        found += [(counted, STAGE_COUNTS)] if counted["stage_count"].all() else []
    contract_fates = count_contract_fates(contracts)
    found.append((contract_fates, CONTRACT_FATES))
    if contracts is not None and not contract_fates.empty:
        groups = [
            (summarise_contracts(contracts, by=by), view_contracts(by)) for by in CONTRACTS_BY
        ]
        found += groups
    return found


def lay_out_business(shown: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_business_tables`; one line where nothing is."""
    by_name = {table.shape.name.rpartition("/")[2]: table for table in shown}
    tell: dict[str, Callable[[Published], list[Finding]]] = {
        "people": state_people,
        "deal_fates": state_deal_fates,
        "deals_by_segment_name": lambda table: state_deals(table, "segment_name"),
        "deals_by_industry": lambda table: state_deals(table, "industry"),
        "deal_cohorts": state_cohorts,
        "deal_stages": state_stages,
        "stage_counts": state_lost_stages,
        "contract_fates": state_contract_fates,
        "contracts_by_segment_name": lambda table: state_contracts(table, "segment_name"),
        "contracts_by_employee_band": lambda table: state_contracts(table, "employee_band"),
    }
    told = [
        finding
        for name, state in tell.items()
        if name in by_name
        for finding in state(by_name[name])
    ]
    exhibits = [Exhibit(thing=told, title="Leads, deals and contracts")]
    if "deals_by_industry" in by_name and not by_name["deals_by_industry"].empty:
        caption = "Share of the decided deals that were won, by industry."
        exhibits.append(
            Exhibit(thing=plot_win_shares(by_name["deals_by_industry"]), caption=caption)
        )
    exhibits += [
        Exhibit(thing=by_name[name], caption=caption, folded=name == "people")
        for name, caption in CAPTIONS.items()
        if name in by_name and not by_name[name].empty
    ]
    return exhibits


def view_deals(by: str) -> View:
    """Return the view of deals by a column of groups, such as ``industry``."""
    columns = {
        "group_name": Column(GROUP_HEADINGS[by]),
        "customer_count": INTEGER,
        "deal_count": Column("Deals", "integer"),
        "open_count": Column("Still open", "integer"),
        "win_share": WIN_SHARE,
        "win_interval": WIN_INTERVAL,
        "median_days": Column("Median days to a decision", "number"),
        "days_interval": DAYS_INTERVAL,
        "won_amount": Column("Amount won", "money"),
        NOTE: Column(),
    }
    shape = Shape(
        f"deals_by_{by}", by=("group_name",), count=RESTS_ON, repeats=by == "source", measures=ROWS
    )
    return View(shape, columns)


def view_contracts(by: str) -> View:
    """Return the view of contracts by a column of groups, such as ``segment_name``."""
    columns = {
        "group_name": Column(GROUP_HEADINGS[by]),
        "customer_count": INTEGER,
        "contract_count": Column("Contracts", "integer"),
        "due_count": Column("Due by the last day", "integer"),
        "renewal_share": Column("Renewed of those due", "share"),
        "renewal_interval": Column(kind="share", interval=("renewal_low", "renewal_high")),
        "due_amount": Column("Yearly amount due", "money"),
        "renewed_amount_share": Column("Of it renewed", "share"),
        NOTE: Column(),
    }
    shape = Shape(f"contracts_by_{by}", by=("group_name",), count=RESTS_ON, measures=ROWS)
    return View(shape, columns)


def plot_win_shares(deals, *, title: str = "Deals that are won, of those decided") -> Axes:
    """Draw which share of the decided deals each group won.

    How to read it: lengths start at zero and may be compared; the table beside it has the
    intervals, and how many are still open.
    The table has a row a group: ``group_name`` and ``win_share``.
    """
    return charts.plot_bars(
        deals,
        label="group_name",
        value="win_share",
        kind="share",
        value_name="share won of the decided deals",
        title=title,
    )


def state_people(people: Published) -> list[Finding]:
    """Say how many people are leads, and how many of all have no segment."""
    if people.empty:
        return [explain_absence(people)]
    if people.frame["customer_count"].isna().any():
        hidden = explain_silence(people)
        return [hidden] if hidden else []
    lead = [Condition("stage", "==", "lead")]
    has_leads = (people.frame["stage"] == "lead").any()
    how = "sum" if has_leads else "rows"
    whole = people.read_figure(
        "customer_count", how="sum", kind="count", unit="person|people", name="people_count"
    )
    leads = people.read_figure(
        "customer_count", where=lead, how=how, kind="count", unit="lead", name="lead_count"
    )
    unplaced = people.read_figure("unplaced_count", how="sum", kind="count", name="unplaced_count")
    unplaced_leads = people.read_figure(
        "unplaced_count", where=lead, how=how, kind="count", name="unplaced_lead_count"
    )
    if unplaced.value != unplaced.value:
        return [write_finding("business.people.leads", [whole, leads], count=whole)]
    kind = "left_out" if unplaced.value else "all_placed"
    if unplaced.value and unplaced.value == unplaced_leads.value == leads.value:
        kind = "leads_left_out"
    figures = [whole, leads, unplaced, unplaced_leads]
    return [write_finding(f"business.people.{kind}", figures, count=whole)]


def state_deal_fates(fates: Published) -> list[Finding]:
    """Say how many deals are decided and how many still open, and what is left out and why."""
    return _state_fates(fates, "deal", kinds=("decided", "open"))


def state_contract_fates(fates: Published) -> list[Finding]:
    """Say how many contracts were due and how many are not yet, and what is left out and why."""
    return _state_fates(fates, "contract", kinds=("due", "not due"))


def _state_fates(fates: Published, what: str, *, kinds: tuple[str, str]) -> list[Finding]:
    if fates.empty:
        return [explain_absence(fates)]
    column = f"{what}_count"
    whole = fates.read_figure(column, how="sum", kind="count", unit=what, name="whole_count")
    counts = [
        _count_fates(fates, column, kind, name=name)
        for name, kind in zip(("first_count", "second_count"), kinds, strict=True)
    ]
    told = [write_finding(f"business.fates.{what}", [whole, *counts])]
    reasons = fates.frame.loc[fates.frame["counts_as"] == "left out", "fate"]
    if len(reasons):
        left_out = _count_fates(fates, column, "left out", name="left_out_count", unit=what)
        words = {"reasons": join_words(list(reasons))}
        told.append(write_finding("business.fates.left_out", [left_out], words=words))
    return told


def _count_fates(fates: Published, column: str, kind: str, *, name: str, unit: str = "") -> Figure:
    """Read how many rows count as something; none where there is no such row."""
    where = [Condition("counts_as", "==", kind)]
    how = "sum" if (fates.frame["counts_as"] == kind).any() else "rows"
    return fates.read_figure(column, where=where, how=how, kind="count", unit=unit, name=name)


def state_deals(deals: Published, by: str) -> list[Finding]:
    """Say of the groups with most deals which share of the decided ones they won."""
    return _state_shares(deals, by, share="win", counted="decided_count", kind="deals")


def state_contracts(contracts: Published, by: str) -> list[Finding]:
    """Say of the groups with most contracts due which share was renewed."""
    return _state_shares(contracts, by, share="renewal", counted="due_count", kind="contracts")


def state_cohorts(cohorts: Published) -> list[Finding]:
    """Warn of quarters of which many deals are still open: of these the quick ones are decided."""
    if cohorts.empty:
        return [explain_absence(cohorts)]
    young = [Condition("open_share", ">", MANY_OPEN)]
    is_young = cohorts.frame["open_share"].astype(float) > MANY_OPEN
    if not is_young.any():
        return []
    quarters = cohorts.read_figure(
        "open_share", where=young, how="rows", kind="count", unit="quarter", name="young_count"
    )
    still = cohorts.read_figure("open_count", where=young, how="sum", kind="count", unit="deal")
    return [write_finding("business.cohorts.young", [quarters, still])]


def state_lost_stages(counts: Published) -> list[Finding]:
    """Say how many stages belong to no deal that is known; nothing where all do."""
    where = {"belongs_to": UNKNOWN_DEAL}
    if counts.empty or not counts.read_figure("stage_count", where=where).value:
        return []
    lost = counts.read_figure("stage_count", where=where, kind="count", unit="stage")
    whole = counts.read_figure("stage_count", how="sum", kind="count", name="whole_count")
    return [write_finding("business.stages.lost", [lost, whole])]


def state_stages(stages: Published) -> list[Finding]:
    """Say how long half of the deals stay in each stage, with those that are still there."""
    if stages.empty:
        return [explain_absence(stages)]
    rows = stages.frame.dropna(subset=["median_days", "median_days_low", "median_days_high"])
    if rows.empty:
        hidden = explain_silence(stages)
        return [hidden] if hidden else []
    told = []
    for stage in rows["stage"].head(MOST_TOLD):
        place = {"stage": stage}
        interval = ("median_days_low", "median_days_high")
        days = stages.read_figure("median_days", where=place, interval=interval, name="days")
        count = stages.read_figure("deal_count", where=place, kind="count", unit="deal")
        still = stages.read_figure("open_count", where=place, kind="count", name="still_count")
        words = {"stage": stage}
        told.append(write_finding("business.stages.median", [days, count, still], words=words))
    return told


def _state_shares(
    table: Published, by: str, *, share: str, counted: str, kind: str
) -> list[Finding]:
    """Say of the first groups which share won, or was renewed, with its interval."""
    if table.empty:
        return [explain_absence(table)]
    column = f"{share}_share"
    rows = table.frame.dropna(subset=[column, f"{share}_low", f"{share}_high"])
    if rows.empty:
        hidden = explain_silence(table)
        return [hidden] if hidden else [write_finding(f"business.{kind}.none")]
    told = []
    for group in rows["group_name"].head(MOST_TOLD):
        place = {"group_name": group}
        figure = table.read_figure(
            column,
            where=place,
            interval=(f"{share}_low", f"{share}_high"),
            kind="share",
            name="share",
        )
        unit = kind.removesuffix("s")
        count = table.read_figure(counted, where=place, kind="count", unit=unit, name="row_count")
        people = table.read_figure("customer_count", where=place, kind="count", unit="customer")
        words = {"of": GROUP_HEADINGS[by], "group": group}
        figures = [figure, count, people]
        told.append(write_finding(f"business.{kind}.share", figures, count=people, words=words))
    return told
