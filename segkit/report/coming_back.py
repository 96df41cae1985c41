"""What a page shows of customers who come back: cohorts, the second order, and their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from ibis import Table

from segkit.core.privacy import Published
from segkit.core.settings import Settings
from segkit.evidence.experience import history, repeat
from segkit.evidence.experience.cohorts import (
    Cohorts,
    count_followed,
    follow_groups,
    group_new,
    summarise_cohort_retention,
    summarise_cohort_spend,
)
from segkit.report import cohorts as shown
from segkit.report.history import (
    HISTORY,
    ORDER_COUNTS,
    ORDER_NUMBERS,
    plot_order_counts,
    state_history,
)
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import View

MOST_ROWS = 120


def list_cohorts(cohorts: Cohorts | None) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of cohorts with their views: who is followed, retention and spend."""
    return [
        (count_followed(cohorts), shown.FOLLOWED),
        (summarise_cohort_retention(cohorts), shown.COHORT_RETENTION),
        (summarise_cohort_spend(cohorts), shown.COHORT_SPEND),
    ]


def lay_out_cohorts(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_cohorts`, once they passed the gate."""
    followed, retention, spend = published
    if followed.empty or retention.empty:
        first = followed if followed.empty else retention
        return [Exhibit(thing=[explain_absence(first)], title="What is missing")]
    told = [*shown.state_followed(followed), *shown.state_cohorts(retention)]
    return [
        Exhibit(
            thing=shown.plot_cohort_retention(retention),
            caption="Customers by the period of their first order: who ordered again, and when. "
            "* may hold customers who bought before the data begin.",
        ),
        Exhibit(thing=retention, caption="Retention by cohort", max_rows=MOST_ROWS, folded=True),
        Exhibit(
            thing=shown.plot_cohort_spend(spend),
            caption="What a customer has spent since the first order, net of returns.",
        ),
        Exhibit(thing=spend, caption="Spend by cohort", max_rows=MOST_ROWS, folded=True),
        Exhibit(thing=told),
    ]


def list_curves(
    cohorts: Cohorts | None, segments: pd.DataFrame, sources: pd.DataFrame
) -> list[tuple[pd.DataFrame, View]]:
    """Return retention and spend by segment, and by source, of the same customers at each age.

    ``sources`` are those of `segkit.evidence.experience.sources.find_sources`.
    """
    kept, spent = follow_groups(cohorts, segments)
    by_source = sources if sources.empty else follow_groups(cohorts, sources, by="source")[0]
    return [
        (kept, shown.view_retention("retention_by_segment", "segment_name")),
        (spent, shown.view_cohort_spend("spend_since_by_segment", "segment_name")),
        (by_source, shown.view_retention("retention_by_source", "source")),
    ]


def lay_out_curves(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_curves`, once they passed the gate."""
    kept, spent, by_source = published
    if kept.empty:
        return [Exhibit(thing=[explain_absence(kept)], title="What is missing")]
    exhibits = [
        Exhibit(
            thing=shown.plot_retention(kept),
            caption="The same customers at each point, by segment, with 95 % intervals.",
        ),
        Exhibit(
            thing=shown.plot_spend_since(spent),
            caption="Net spend a customer since the first order, by segment.",
        ),
    ]
    if by_source.empty:
        return [*exhibits, Exhibit(thing=[explain_absence(by_source)], title="By source")]
    title = "Who orders again, by where they came from"
    chart = shown.plot_retention(by_source, by="source", title=title)
    return [*exhibits, Exhibit(thing=chart, caption="The same customers at each point, by source.")]


def list_second_orders(
    cohorts: Cohorts | None,
    tables: Mapping[str, Table],
    segments: pd.DataFrame,
    *,
    sources: pd.DataFrame,
    at: Settings,
) -> list[tuple[pd.DataFrame, View]]:
    """Return the time to the second order by segment, by source and by the first category."""
    waits = repeat.read_waits(tables.get("order_lines"), as_of=at.as_of)
    cell = at.smallest_cell
    by_source = sources if sources.empty else group_new(cohorts, sources, by="source")
    by_category = history.find_first_categories(tables, group_new(cohorts), as_of=at.as_of)
    counts = repeat.count_waits(waits, group_new(cohorts, segments))
    curves = repeat.trace_second_orders(counts, smallest_cell=cell)
    shares = repeat.summarise_second_orders(counts, smallest_cell=cell)
    listed = [
        (curves, shown.view_second_order_curves("second_order_curves", "segment_name")),
        (shares, shown.view_second_orders("second_orders", "segment_name")),
    ]
    for groups, by in ((by_source, "source"), (by_category, "category")):
        counts = repeat.count_waits(waits, groups, by=by)
        shares = repeat.summarise_second_orders(counts, smallest_cell=cell, by=by)
        listed.append((shares, shown.view_second_orders(f"second_orders_by_{by}", by)))
    return listed


def lay_out_second_orders(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_second_orders`, once they passed the gate."""
    curves, by_segment, by_source, by_category = published
    if by_segment.empty:
        return [Exhibit(thing=[explain_absence(by_segment)], title="What is missing")]
    exhibits = [
        Exhibit(
            thing=shown.plot_second_orders(curves),
            caption="New buyers who have ordered a second time, by days since the first order.",
        ),
        Exhibit(thing=by_segment, caption="The second order by segment"),
        Exhibit(thing=shown.state_second_orders(by_segment)),
    ]
    groups = [(by_source, "source", "source")]
    groups += [(by_category, "category", "the category of the first order")]
    for table, by, name in groups:
        if table.empty:
            exhibits.append(Exhibit(thing=[explain_absence(table)], title=f"By {name}"))
            continue
        exhibits.append(Exhibit(thing=table, caption=f"The second order by {name}", folded=True))
        told = shown.state_second_orders(table, by=by)
        told.append(write_finding("cohorts.second_orders.association", words={"group": name}))
        exhibits.append(Exhibit(thing=told, title=f"By {name}"))
    return exhibits


def list_history(
    cohorts: Cohorts | None, lines: Table | None, segments: pd.DataFrame, *, at: Settings
) -> list[tuple[pd.DataFrame, View]]:
    """Return the purchase history by segment: figures, orders by number, and the first five."""
    new = group_new(cohorts, segments)
    each = history.read_histories(lines, segments, as_of=at.as_of)
    return [
        (history.summarise_history_by_segment(each), HISTORY),
        (history.count_orders_by_segment(each), ORDER_COUNTS),
        (history.summarise_order_numbers(lines, new, as_of=at.as_of), ORDER_NUMBERS),
    ]


def lay_out_history(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_history`, once they passed the gate."""
    figures, counts, numbers = published
    if figures.empty:
        return [Exhibit(thing=[explain_absence(figures)], title="What is missing")]
    exhibits = [
        Exhibit(
            thing=plot_order_counts(counts),
            caption="Share of each segment's customers by how many orders they have placed.",
        ),
        Exhibit(thing=figures, caption="The purchase history by segment, since the data begin"),
        Exhibit(thing=state_history(figures)),
    ]
    if not numbers.empty:
        caption = "The first to the fifth order of new buyers, gross of returns"
        exhibits.append(Exhibit(thing=numbers, caption=caption, max_rows=60, folded=True))
    return exhibits
