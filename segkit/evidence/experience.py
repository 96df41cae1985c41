"""What each segment does, asks for and says.

Rows stay in the engine: the segments, a small table ``customer_id, segment_name``, are joined
there and only sums come back. A figure that rests on fewer customers than ``smallest_cell`` is
hidden, and ``note`` says so. Nothing that a customer wrote is ever shown.
"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from segkit.evidence.by_segment import (
    Z_95,
    add_interval,
    count_customers,
    hide_small_cells,
    join_segments,
)
from segkit.evidence.missing import empty_table, is_missing
from segkit.features.expressions import count_true

EXPERIENCE_TABLES = ("order_lines", "products", "messages", "events", "tickets", "responses")
MOST_CHOICES = 12
NUMBER, CHOICE, VERBATIM = "number", "choice", "free text"


def summarise_messages_by_segment(
    messages: ibis.Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise how each segment answers messages, with 95 % Wilson intervals.

    Rows of a control group are not sent and do not count; a message is delivered unless it
    bounced. Shares are of delivered messages. The intervals take messages as independent, so they
    are too narrow where few customers get many.

    Returns
    -------
    DataFrame
        segment_name, customer_count (with a message), sent_count, delivered_count and, where the
        column is there, open_share, click_share, unsubscribe_share, each with _low and _high, note.
    """
    wanted = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed"}
    columns = ["segment_name", "customer_count", "sent_count", "delivered_count"]
    if is_missing(messages, "customer_id"):
        return empty_table([*columns, "open_share", "note"], "There is no table of messages.")
    if "arm" in messages.columns:
        messages = messages.filter(messages.arm.fill_null("") != "control")
    rows = join_segments(messages, segments)
    delivered = ibis.literal(True)
    if "bounced" in rows.columns:
        delivered = ~rows.bounced.fill_null(False)
    rows = rows.mutate(delivered_=delivered)
    found = {name: column for name, column in wanted.items() if column in rows.columns}
    hits = {f"{name}_hits": count_true(rows.delivered_ & rows[c]) for name, c in found.items()}
    sums = rows.group_by("segment_name").agg(
        customer_count=rows.customer_id.nunique(),
        sent_count=rows.count(),
        delivered_count=count_true(rows.delivered_),
        **hits,
    )
    table = sums.to_pandas().sort_values("segment_name", ignore_index=True)
    for name in found:
        table = add_interval(table, name, f"{name}_hits", "delivered_count")
    table = table.drop(columns=list(hits))
    return hide_small_cells(
        table, "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )


def summarise_events_by_segment(
    events: ibis.Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise what each segment does on the site and in the app.

    A visit is a session, or an event called ``visit`` where there are no sessions. The figures
    a customer divide by all customers of the segment, also those who never came.

    Returns
    -------
    DataFrame
        segment_name, customer_count (with an event), reached_share (of the segment's customers),
        visits_per_customer, views_per_customer, carts_per_customer, wishes_per_customer, note.
    """
    kinds = {"views": "view", "carts": "cart", "wishes": "wish"}
    columns = ["segment_name", "customer_count", "reached_share", "visits_per_customer"]
    columns += [f"{name}_per_customer" for name in kinds]
    if is_missing(events, "customer_id", "event_type"):
        return empty_table([*columns, "note"], "There is no table of events with customers.")
    rows = join_segments(events, segments)
    visits = count_true(rows.event_type == "visit")
    if "session_id" in rows.columns:
        visits = rows.session_id.nunique()
    sums = rows.group_by("segment_name").agg(
        customer_count=rows.customer_id.nunique(),
        visits=visits,
        **{name: count_true(rows.event_type == kind) for name, kind in kinds.items()},
    )
    sizes = count_customers(segments).rename(columns={"customer_count": "segment_size"})
    table = sizes.merge(sums.to_pandas(), on="segment_name", how="left")
    table["customer_count"] = table["customer_count"].fillna(0).astype("int64")
    table["reached_share"] = table["customer_count"] / table["segment_size"]
    for name in ("visits", *kinds):
        table[f"{name}_per_customer"] = table[name] / table["segment_size"]
    return hide_small_cells(
        table[columns], "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )


def count_shares_by_segment(
    table: ibis.Table | None,
    segments: pd.DataFrame,
    column: str,
    *,
    top: int = 5,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Count how each segment's rows split over the values of one column, such as ``device``.

    Returns
    -------
    DataFrame
        segment_name, rank, value, customer_count, row_count, share (of the segment's rows that
        have a value), base_share (of all segments' rows), note; the ``top`` values a segment.
    """
    columns = ["segment_name", "rank", "value", "customer_count", "row_count", "share"]
    columns += ["base_share", "note"]
    if is_missing(table, "customer_id", column):
        return empty_table(columns, f"There is no table with customers and a column {column}.")
    rows = join_segments(table.filter(table[column].notnull()), segments)
    counts = rows.group_by("segment_name", value=rows[column].cast("string")).agg(
        customer_count=rows.customer_id.nunique(), row_count=rows.count()
    )
    counts = counts.to_pandas()
    if counts.empty:
        return empty_table(columns, f"No customer with a segment has a {column}.")
    counts["share"] = counts["row_count"] / counts.groupby("segment_name")["row_count"].transform(
        "sum"
    )
    base = counts.groupby("value")["row_count"].sum() / counts["row_count"].sum()
    counts["base_share"] = counts["value"].map(base)
    order = ["segment_name", "row_count", "value"]
    counts = counts.sort_values(order, ascending=[True, False, True], ignore_index=True)
    counts["rank"] = counts.groupby("segment_name").cumcount() + 1
    counts = counts[counts["rank"] <= top].reset_index(drop=True)
    keep = ["segment_name", "rank", "value"]
    hidden = hide_small_cells(counts, "customer_count", smallest_cell=smallest_cell, keep=keep)
    return hidden[columns]


def summarise_tickets_by_segment(
    tickets: ibis.Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise how much support each segment needs, and how it is served.

    Returns
    -------
    DataFrame
        segment_name, customer_count (with a ticket), ticket_count, tickets_per_100_customers (of
        the whole segment) and, where the columns are there, resolved_share,
        median_hours_to_resolve (of resolved tickets), mean_satisfaction (1 to 5),
        satisfaction_count, note.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "tickets_per_100_customers"]
    if is_missing(tickets, "customer_id"):
        return empty_table([*columns, "note"], "There is no table of tickets with customers.")
    rows = join_segments(tickets, segments)
    measures = {"customer_count": rows.customer_id.nunique(), "ticket_count": rows.count()}
    if "resolved_at" in rows.columns:
        seconds = rows.resolved_at.epoch_seconds() - rows.opened_at.epoch_seconds()
        measures["resolved_share"] = rows.resolved_at.notnull().mean()
        measures["median_hours_to_resolve"] = (seconds / 3600).median()
    if "satisfaction" in rows.columns:
        measures["mean_satisfaction"] = rows.satisfaction.mean()
        measures["satisfaction_count"] = rows.satisfaction.count()
    sums = rows.group_by("segment_name").agg(**measures).to_pandas()
    sizes = count_customers(segments).rename(columns={"customer_count": "segment_size"})
    table = sizes.merge(sums, on="segment_name", how="left")
    counts = [c for c in table.columns if c.endswith("_count")]
    table[counts] = table[counts].fillna(0).astype("int64")
    table["tickets_per_100_customers"] = 100 * table["ticket_count"] / table["segment_size"]
    table = table[[*columns, *[c for c in measures if c not in columns]]]
    return hide_small_cells(
        table, "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )


def classify_questions(responses: ibis.Table | None) -> pd.DataFrame:
    """Tell questions with numbers from those with choices and those in the customers' own words.

    A question is a number if every answer is one; a choice if it has at most 12 different
    answers; else it is free text, which is never shown.

    Returns
    -------
    DataFrame
        question, kind (``number``, ``choice`` or ``free text``), answer_count, distinct_count.
    """
    columns = ["question", "kind", "answer_count", "distinct_count"]
    if is_missing(responses, "question", "answer"):
        return empty_table(columns, "There is no table of responses with answers.")
    rows = responses.filter(responses.answer.notnull())
    number = rows.answer.strip().try_cast("float64")
    table = rows.group_by("question").agg(
        answer_count=rows.count(),
        distinct_count=rows.answer.strip().nunique(),
        number_count=number.count(),
    )
    table = table.to_pandas().sort_values("question", ignore_index=True)
    if table.empty:
        return empty_table(columns, "The responses have no answers.")
    numeric = table["number_count"] == table["answer_count"]
    choice = table["distinct_count"] <= MOST_CHOICES
    return table.assign(kind=np.select([numeric, choice], [NUMBER, CHOICE], VERBATIM))[columns]


def summarise_responses_by_segment(
    responses: ibis.Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise what each segment answers: means of numbers and shares of choices.

    Free text is left out; :func:`classify_questions` lists it. An answer that too few gave is
    hidden together with its figures, and such answers share one row. Intervals are at 95 %: the
    mean plus and minus 1.96 standard errors, and Wilson's for shares.

    Returns
    -------
    DataFrame
        question, kind, segment_name, answer (empty for a number), customer_count, value (mean or
        share), low, high, base_value (of all segments), note.
    """
    columns = ["question", "kind", "segment_name", "answer", "customer_count", "value"]
    columns += ["low", "high", "base_value", "note"]
    questions = classify_questions(responses)
    if questions.empty or is_missing(responses, "customer_id"):
        reason = "There is no table of responses with customers."
        return empty_table(columns, questions.attrs.get("reason", reason))
    rows = join_segments(responses.filter(responses.answer.notnull()), segments)
    rows = rows.mutate(answer=rows.answer.strip())
    kinds = questions.set_index("question")["kind"]
    numbers = rows.filter(rows.question.isin(list(kinds.index[kinds == NUMBER])))
    choices = rows.filter(rows.question.isin(list(kinds.index[kinds == CHOICE])))
    parts = [_average_answers(numbers), _count_choices(choices)]
    parts = [part for part in parts if len(part)]
    if not parts:
        return empty_table(columns, "No customer with a segment answered a closed question.")
    table = pd.concat(parts, ignore_index=True)
    table["kind"] = table["question"].map(kinds)
    order = ["question", "answer", "segment_name"]
    table = table.sort_values(order, ignore_index=True)
    keep = ["question", "kind", "segment_name"]
    hidden = hide_small_cells(table, "customer_count", smallest_cell=smallest_cell, keep=keep)
    return hidden[columns].drop_duplicates(ignore_index=True)


def _average_answers(rows: ibis.Table) -> pd.DataFrame:
    rows = rows.mutate(number_=rows.answer.try_cast("float64"))
    sums = rows.group_by("question", "segment_name").agg(
        customer_count=rows.customer_id.nunique(),
        answer_count=rows.count(),
        value=rows.number_.mean(),
        deviation=rows.number_.std(how="sample"),
    )
    table = sums.to_pandas()
    base = (table["value"] * table["answer_count"]).groupby(table["question"]).sum()
    base = base / table.groupby("question")["answer_count"].sum()
    half = Z_95 * table["deviation"] / np.sqrt(table["answer_count"])
    return table.assign(
        answer="",
        low=table["value"] - half,
        high=table["value"] + half,
        base_value=table["question"].map(base),
    )


def _count_choices(rows: ibis.Table) -> pd.DataFrame:
    sums = rows.group_by("question", "segment_name", "answer").agg(
        customer_count=rows.customer_id.nunique(), hits=rows.count()
    )
    table = sums.to_pandas()
    table["trials"] = table.groupby(["question", "segment_name"])["hits"].transform("sum")
    table = add_interval(table, "answer", "hits", "trials")
    base = table.groupby(["question", "answer"])["hits"].transform("sum")
    table["base_value"] = base / table.groupby("question")["hits"].transform("sum")
    names = {"answer_share": "value", "answer_low": "low", "answer_high": "high"}
    return table.rename(columns=names).drop(columns=["hits", "trials"])
