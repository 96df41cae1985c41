"""What a page shows of how segments answer messages, and of what they do on the site."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from ibis import Table

from segkit.core.privacy import Published
from segkit.core.settings import Settings
from segkit.evidence.experience.engagement import summarise_messages_by_segment
from segkit.evidence.experience.message_shares import summarise_messages
from segkit.evidence.experience.messages import Messages, count_message_stages, keep_whole_months
from segkit.evidence.experience.site import (
    list_missing_steps,
    list_recorded_steps,
    summarise_visits,
)
from segkit.report import engagement as shown
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence
from segkit.report.shared.views import View


def list_messages(
    messages: Messages | None, segments: pd.DataFrame, *, at: Settings
) -> list[tuple[pd.DataFrame, View]]:
    """Return how messages are answered: in all, by segment, by campaign, and by month."""
    cell = at.smallest_cell
    by_month = summarise_messages(
        keep_whole_months(messages, as_of=at.as_of),
        segments,
        by=["month"],
        names=["click"],
        smallest_cell=cell,
    )
    by_campaign = summarise_messages(
        messages,
        by=["campaign_id"],
        names=["open", "human_open", "click", "unsubscribe"],
        smallest_cell=cell,
    )
    return [
        (count_message_stages(messages), shown.STAGES),
        (summarise_messages_by_segment(messages, segments, smallest_cell=cell), shown.MESSAGES),
        (by_campaign, shown.CAMPAIGNS),
        (by_month, shown.MESSAGE_MONTHS),
    ]


def lay_out_messages(published: Sequence[Published], messages: Messages | None) -> list[Exhibit]:
    """Return what is shown of the tables of `list_messages`, once they passed the gate."""
    repeat_count = messages.repeat_count if messages else 0
    stages, by_segment, by_campaign, by_month = published
    if stages.empty or by_segment.empty:
        return [Exhibit(thing=[explain_absence(stages)], title="What is missing")]
    exhibits = [
        Exhibit(thing=stages, caption="What became of the messages", folded=True),
        Exhibit(thing=shown.state_stages(stages, repeat_count=repeat_count)),
        Exhibit(
            thing=by_segment,
            caption="Messages by segment, shares of those delivered, with intervals of customers",
            columns=shown.FIRST_COLUMNS,
        ),
        Exhibit(
            thing=by_segment,
            caption="Opens and clicks in total, and what went wrong, by segment",
            columns=shown.MORE_COLUMNS,
            folded=True,
        ),
        Exhibit(thing=shown.state_messages(by_segment), title="By segment"),
    ]
    if not by_month.empty and by_month.frame["click_share"].notna().any():
        chart = shown.plot_message_months(by_month)
        caption = "Share of delivered messages that were clicked, whole months only."
        exhibits.append(Exhibit(thing=chart, caption=caption))
    if not by_campaign.empty:
        caption = "Messages by campaign"
        exhibits.append(Exhibit(thing=by_campaign, caption=caption, max_rows=40, folded=True))
    return exhibits


def list_visits(
    events: Table | None, segments: pd.DataFrame, *, at: Settings
) -> list[tuple[pd.DataFrame, View]]:
    """Return how far visits come, by segment, by device and by source."""
    recorded = list_recorded_steps(events)
    listed = []
    for by, name in (("segment_name", ""), ("device", "_by_device"), ("source", "_by_source")):
        table = summarise_visits(
            events,
            segments if by == "segment_name" else None,
            as_of=at.as_of,
            by=by,
            recorded=recorded,
            smallest_cell=at.smallest_cell,
        )
        listed.append((table, shown.view_visits(f"visit_steps{name}", by)))
    return listed


def lay_out_visits(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_visits`, once they passed the gate."""
    by_segment, *others = published
    if all(table.empty for table in published):
        return [Exhibit(thing=[explain_absence(by_segment)], title="What is missing")]
    exhibits = []
    first = next(table for table in published if not table.empty)
    if not by_segment.empty:
        caption = "Share of each segment's visits with each step."
        exhibits.append(Exhibit(thing=shown.plot_visit_steps(by_segment), caption=caption))
        caption = "How far visits come, by segment"
        exhibits.append(Exhibit(thing=by_segment, caption=caption, folded=True))
    for table, by in zip(others, ("device", "source"), strict=True):
        if not table.empty:
            caption = f"How far visits come, by {by}, visitors without a name included"
            exhibits.append(Exhibit(thing=table, caption=caption))
    missing = shown.state_missing_steps(list_missing_steps(first.frame))
    return [*exhibits, Exhibit(thing=missing)] if missing else exhibits
