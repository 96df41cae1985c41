"""What each segment buys, does, asks for and says.

A figure that rests on fewer customers than ``smallest_cell`` is hidden, and ``note`` says so.
Nothing that a customer wrote is ever shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import NO_PURCHASES, empty_table, is_missing
from segkit.core.statistics import bound_estimate
from segkit.evidence.by_segment import (
    add_interval,
    count_shares,
    hide_small_cells,
    keep_days,
    keep_delivered,
    summarise_by_segment,
)
from segkit.evidence.market import latest_cells, make_key
from segkit.features.expressions import count_true, sum_money
from segkit.features.purchases import divide_by_orders

EXPERIENCE_TABLES = ("order_lines", "products", "messages", "events", "tickets", "responses")
MOST_CHOICES = 12
NUMBER, CHOICE, VERBATIM = "number", "choice", "free text"
ABOVE_WALLET = "spends more than the market's mean buyer"


def summarise_spend_by_segment(
    lines: Table | None,
    segments: pd.DataFrame,
    *,
    as_of: date,
    days: int = 365,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Summarise each segment's purchases in the last ``days`` days.

    The columns are segment_name, customer_count, buyer_share (with a sale), spend (net),
    spend_share (of all segments shown), spend_per_customer, orders_per_buyer, mean_order_value
    (gross), return_share (returns and cancellations over gross sales), note; largest spend first.
    """
    columns = ["segment_name", "customer_count", "buyer_share", "spend", "spend_share"]
    columns += ["spend_per_customer", "orders_per_buyer", "mean_order_value", "return_share"]
    if lines is None:
        return empty_table(columns, NO_PURCHASES)
    sold = _.line_type == "sale"
    table = summarise_by_segment(
        keep_days(lines, "ordered_at", as_of=as_of, days=days),
        segments,
        buyers=_.customer_id.nunique(where=sold),
        orders=_.order_id.nunique(where=sold),
        spend=sum_money(_.line_amount),
        gross=sum_money(_.line_amount, where=sold),
        returned=sum_money(-_.line_amount, where=_.line_type.isin(["return", "cancellation"])),
    ).fillna(0)
    # Over the segments shown: else the hidden one would be what is left of the whole.
    total = table.loc[table["segment_size"] >= smallest_cell, "spend"].sum()
    table = table.assign(
        customer_count=table["segment_size"],
        buyer_share=table["buyers"] / table["segment_size"],
        spend_share=table["spend"] / total if total > 0 else np.nan,
        spend_per_customer=table["spend"] / table["segment_size"],
        orders_per_buyer=_divide(table["orders"], table["buyers"]),
        mean_order_value=divide_by_orders(table["gross"], table["orders"]),
        return_share=_divide(table["returned"], table["gross"]),
    ).sort_values("spend", ascending=False, ignore_index=True)
    return hide_small_cells(table, columns, smallest_cell=smallest_cell)


def add_categories(
    lines: Table | None, products: Table | None, *, as_of: date, days: int = 365
) -> Table | None:
    """Return the sales of the last ``days`` days: customer_id, category, sales.

    Products without a category count under ``not known``; without lines or products there is None.
    """
    if lines is None or is_missing(products, "category"):
        return None
    lines = keep_days(lines, "ordered_at", as_of=as_of, days=days).filter(_.line_type == "sale")
    lines = lines.select("customer_id", "product_id", sales=_.line_amount)
    lines = lines.left_join(products.select("product_id", "category"), "product_id")
    return lines.mutate(category=_.category.fill_null("not known"))


def summarise_months_by_segment(
    lines: Table | None, segments: pd.DataFrame, *, as_of: date, smallest_cell: int = 5
) -> pd.DataFrame:
    """Sum each segment's spend by month; only whole months, so that the last one compares.

    The columns are segment_name, month (its first day), customer_count, spend,
    spend_per_customer, note.
    """
    columns = ["segment_name", "month", "customer_count", "spend", "spend_per_customer"]
    if lines is None:
        return empty_table(columns, NO_PURCHASES)
    last_day = (as_of + timedelta(days=1)).replace(day=1) - timedelta(days=1)
    lines = keep_days(lines, "ordered_at", as_of=last_day)
    lines = lines.mutate(month=lines.ordered_at.cast("date").truncate("M"))
    spend = {"spend": sum_money(_.line_amount)}
    table = summarise_by_segment(lines, segments, by=["month"], **spend)
    table["month"] = pd.to_datetime(table["month"])
    table["spend_per_customer"] = table["spend"] / table["segment_size"]
    return hide_small_cells(table, columns, smallest_cell=smallest_cell, keep=columns[:2])


def estimate_wallet_by_segment(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: date, smallest_cell: int = 5
) -> pd.DataFrame:
    """Estimate which share of what its consumers spend a year each segment spends with us.

    A consumer's wallet is what a buyer of the same country spends a year in the whole market:
    market value over buyers. Where buyers are known by category only, the largest category's are
    taken, so our share is a lower bound. A segment that spends more than its wallet gets no share.
    The columns are segment_name, customer_count (with a wallet), spend, wallet_value, wallet_share.
    """
    columns = ["segment_name", "customer_count", "spend", "wallet_value", "wallet_share"]
    customers, market = tables.get("customers"), tables.get("market_cells")
    sizes = ("country", "market_value", "buyer_count")
    if "order_lines" not in tables:
        return empty_table(columns, NO_PURCHASES)
    if is_missing(market, *sizes) or is_missing(customers, "country"):
        reason = "Share of wallet needs market cells with value and buyers, and customers' country."
        return empty_table(columns, reason)
    cells = latest_cells(market, by=["country"]).dropna(subset=list(sizes))
    wallets = pd.DataFrame({"place": make_key(cells["country"])}).astype(str)
    wallets["wallet"] = (cells["market_value"] / cells["buyer_count"]).astype(float)
    if "customer_type" in customers.columns:  # what a business spends is another matter
        customers = customers.filter(_.customer_type.fill_null("") != "business")
    bought = keep_days(tables["order_lines"], "ordered_at", as_of=as_of, days=365)
    bought = bought.group_by("customer_id").agg(spend=sum_money(_.line_amount))
    people = customers.select("customer_id", place=_.country.strip().lower())
    people = people.inner_join(ibis.memtable(wallets), "place").left_join(bought, "customer_id")
    sums = {"spend": sum_money(_.spend), "wallet_value": sum_money(_.wallet)}
    table = summarise_by_segment(people.drop("customer_id_right"), segments, **sums)
    share = _divide(table["spend"], table["wallet_value"])
    above = share > 1
    table["wallet_share"] = share.mask(above)
    hidden = hide_small_cells(table, columns, smallest_cell=smallest_cell)
    return hidden.assign(note=hidden["note"].mask(above & (hidden["note"] == ""), ABOVE_WALLET))


def summarise_messages_by_segment(
    messages: Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise how each segment answers delivered messages, with 95 % Wilson intervals.

    The columns are segment_name, customer_count (with a message), delivered_count, open_share,
    click_share and unsubscribe_share, each with _low and _high (empty where the column is missing),
    note. Messages are taken as independent, so intervals are too narrow where few get many.
    """
    answers = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed"}
    columns = ["segment_name", "customer_count", "delivered_count"]
    columns += [f"{name}_{part}" for name in answers for part in ("share", "low", "high")]
    if is_missing(messages, "customer_id"):
        return empty_table(columns, "There is no table of messages.")
    known = {name: answer for name, answer in answers.items() if answer in messages.columns}
    hits = {f"{name}_hits": count_true(_[answer]) for name, answer in known.items()}
    hits["delivered_count"] = _.count()
    table = summarise_by_segment(keep_delivered(messages), segments, **hits)
    for name in known:
        table = add_interval(table, f"{name}_", f"{name}_hits", "delivered_count")
    return hide_small_cells(table, columns, smallest_cell=smallest_cell)


def summarise_events_by_segment(
    events: Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise what each segment does on the site and in the app, an average over all customers.

    A visit is a session, or an event called ``visit`` where there are no sessions. The columns are
    segment_name, customer_count (with an event), reached_share (of the segment's customers), and
    visits_, views_, carts_ and wishes_per_customer, note.
    """
    kinds = {"visits": "visit", "views": "view", "carts": "cart", "wishes": "wish"}
    columns = ["segment_name", "customer_count", "reached_share"]
    columns += [f"{name}_per_customer" for name in kinds]
    if is_missing(events, "customer_id", "event_type"):
        return empty_table(columns, "There is no table of events with customers.")
    counts = {name: count_true(_.event_type == kind) for name, kind in kinds.items()}
    if "session_id" in events.columns:
        counts["visits"] = _.session_id.nunique()
    table = summarise_by_segment(events, segments, **counts)
    table["reached_share"] = table["customer_count"] / table["segment_size"]
    for name in kinds:
        table[f"{name}_per_customer"] = table[name] / table["segment_size"]
    return hide_small_cells(table, columns, smallest_cell=smallest_cell)


def count_shares_by_segment(
    table: Table | None,
    segments: pd.DataFrame,
    column: str,
    *,
    amount: str = "",
    top: int = 5,
    smallest_cell: int = 5,
) -> pd.DataFrame:
    """Split each segment's rows, or an amount, over the values of one column, such as ``device``.

    The columns are segment_name, rank, the column, customer_count, the amount (or row_count),
    share (of the segment's total), base_share (of all segments'), index (100 is like everybody),
    note; the ``top`` values of each segment.
    """
    columns = ["segment_name", "rank", column, "customer_count", amount or "row_count", "share"]
    columns += ["base_share", "index"]
    if is_missing(table, "customer_id", column):
        return empty_table(columns, f"There is no table with customers and their {column}.")
    measures = {amount: sum_money(_[amount])} if amount else {}
    counts = count_shares(table, segments, column, **measures)
    counts = counts[counts["rank"] <= top].reset_index(drop=True)
    return hide_small_cells(counts, columns, smallest_cell=smallest_cell, keep=columns[:3])


def summarise_tickets_by_segment(
    tickets: Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise how much support each segment needs, and how it is served.

    The columns are segment_name, customer_count (with a ticket), ticket_count,
    tickets_per_100_customers (of the whole segment), resolved_share, median_hours_to_resolve (of
    resolved tickets), mean_satisfaction (1 to 5; these three empty where the column is missing),
    note.
    """
    columns = ["segment_name", "customer_count", "ticket_count", "tickets_per_100_customers"]
    columns += ["resolved_share", "median_hours_to_resolve", "mean_satisfaction"]
    if is_missing(tickets, "customer_id"):
        return empty_table(columns, "There is no table of tickets with customers.")
    measures = {"ticket_count": _.count()}
    if "resolved_at" in tickets.columns:
        seconds = _.resolved_at.epoch_seconds() - _.opened_at.epoch_seconds()
        measures["resolved_share"] = _.resolved_at.notnull().mean()
        measures["median_hours_to_resolve"] = (seconds / 3600).median()
    if "satisfaction" in tickets.columns:
        measures["mean_satisfaction"] = _.satisfaction.mean()
    table = summarise_by_segment(tickets, segments, **measures)
    table["tickets_per_100_customers"] = 100 * table["ticket_count"] / table["segment_size"]
    return hide_small_cells(table, columns, smallest_cell=smallest_cell)


def classify_questions(responses: Table | None) -> pd.DataFrame:
    """Tell numbers from choices (at most 12 different answers) and free text, which is never shown.

    The columns are question, kind (``number``, ``choice`` or ``free text``) and answer_count.
    """
    columns = ["question", "kind", "answer_count"]
    if is_missing(responses, "question", "answer"):
        return empty_table(columns, "There is no table of responses with answers.")
    answered = responses.filter(_.answer.notnull()).group_by("question")
    table = answered.agg(
        answer_count=_.count(),
        distinct_count=_.answer.strip().nunique(),
        number_count=_.answer.strip().try_cast("float64").count(),
    )
    table = table.to_pandas().sort_values("question", ignore_index=True)
    numeric = table["number_count"] == table["answer_count"]
    choice = table["distinct_count"] <= MOST_CHOICES
    return table.assign(kind=np.select([numeric, choice], [NUMBER, CHOICE], VERBATIM))[columns]


def summarise_responses_by_segment(
    responses: Table | None, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Summarise what each segment answers: means of numbers and shares of choices.

    Free text is left out; an answer that too few gave is hidden together with its figures. The
    columns are question, kind, segment_name, answer (empty for a number), customer_count, value
    (mean or share), low, high (95 %: 1.96 standard errors, or Wilson's), base_value, note.
    """
    columns = ["question", "kind", "segment_name", "answer", "customer_count", "value"]
    columns += ["low", "high", "base_value"]
    questions = classify_questions(responses)
    if questions.empty or is_missing(responses, "customer_id"):
        return empty_table(columns, "There is no table of responses with customers.")
    kinds = questions.set_index("question")["kind"]
    rows = responses.filter(_.answer.notnull()).mutate(answer=_.answer.strip())
    numbers = rows.filter(_.question.isin(list(kinds.index[kinds == NUMBER])))
    choices = rows.filter(_.question.isin(list(kinds.index[kinds == CHOICE])))
    shares = count_shares(choices, segments, "answer", within=["question"])
    shares = add_interval(shares, "", "row_count", "total")
    shares = shares.rename(columns={"share": "value", "base_share": "base_value"})
    table = pd.concat([_average_answers(numbers, segments), shares], ignore_index=True)
    if table.empty:
        return empty_table(columns, "No customer with a segment answered a closed question.")
    table["kind"] = table["question"].map(kinds)
    order = ["question", "segment_name", "value"]
    table = table.sort_values(order, ascending=[True, True, False], ignore_index=True)
    hidden = hide_small_cells(table, columns, smallest_cell=smallest_cell, keep=columns[:3])
    return hidden.drop_duplicates(ignore_index=True)


def _average_answers(rows: Table, segments: pd.DataFrame) -> pd.DataFrame:
    rows = rows.mutate(number=_.answer.try_cast("float64"))
    measures = {"value": _.number.mean(), "deviation": _.number.std(), "answer_count": _.count()}
    table = summarise_by_segment(rows, segments, by=["question"], **measures)
    weights = table["answer_count"].groupby(table["question"]).transform("sum")
    part = table["value"] * table["answer_count"] / weights
    base = part.groupby(table["question"]).transform("sum")
    error = table["deviation"] / np.sqrt(table["answer_count"])
    low, high = bound_estimate(table["value"], error)
    return table.assign(answer="", low=low, high=high, base_value=base)


def _divide(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole > 0)
