"""The charts and tables of the experience data, each with its caption."""

from __future__ import annotations

import pandas as pd

from segkit.evidence.by_segment import hide_small_cells
from segkit.report.charts import plot_bars, plot_cells, plot_monthly
from segkit.report.figures import show_chart
from segkit.report.findings import format_share
from segkit.report.tables import show_table


def show_segments(sizes: pd.DataFrame, scheme: str, *, smallest_cell: int = 5) -> None:
    """Table of :func:`segkit.evidence.by_segment.count_customers`."""
    sizes = hide_small_cells(
        sizes, "customer_count", smallest_cell=smallest_cell, keep=["segment_name"]
    )
    columns = _add_note({"segment_name": "", "customer_count": ""}, sizes)
    show_table(sizes, columns=columns, caption=f"Customers by segment of the scheme {scheme}")


def show_spend_bars(spend: pd.DataFrame, *, currency: str = "") -> None:
    """Chart of :func:`segkit.evidence.spending.summarise_spend_by_segment`."""
    ax = plot_bars(
        spend,
        label="segment_name",
        value="spend_per_customer",
        kind="money",
        currency=currency,
        value_name="spend a customer",
        title="Spend a customer by segment",
    )
    show_chart(ax, caption="Spend a customer, customers without a purchase included.")


def show_spend(spend: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.spending.summarise_spend_by_segment`."""
    columns = {"segment_name": "", "customer_count": "", "buyer_share": "Bought"}
    columns |= {"spend_share": "Share of spend", "spend_per_customer": "Spend a customer"}
    columns |= {"orders_per_buyer": "Orders a buyer", "mean_order_value": "Mean order value"}
    columns |= {"return_share": "Returned"}
    show_table(
        spend,
        caption="Purchases by segment",
        columns=_add_note(columns, spend),
        formats={"orders_per_buyer": "number"},
        currency=currency,
    )


def show_category_grid(categories: pd.DataFrame) -> None:
    """Grid of :func:`segkit.evidence.spending.rank_categories_by_segment`."""
    ax = plot_cells(
        categories,
        row="segment_name",
        column="category",
        value="index",
        kind="integer",
        title="Index of the leading categories",
    )
    show_chart(
        ax, caption="How much more or less of a category each segment buys; 100 is like everybody."
    )


def show_categories(categories: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.spending.rank_categories_by_segment`."""
    columns = {"segment_name": "", "rank": "", "category": "", "buyer_count": "", "sales": ""}
    columns |= {"share": "Share of its sales", "base_share": "Share among all", "index": ""}
    show_table(
        categories,
        caption="Leading categories by segment",
        columns=_add_note(columns, categories),
        formats={"index": "integer"},
        currency=currency,
        max_rows=40,
    )


def show_month_lines(months: pd.DataFrame, *, currency: str = "") -> None:
    """Chart of :func:`segkit.evidence.spending.summarise_months_by_segment`."""
    ax = plot_monthly(
        months,
        value="spend_per_customer",
        group="segment_name",
        kind="money",
        currency=currency,
        value_name="spend a customer",
        title="Spend a customer by month",
    )
    show_chart(ax, caption="Spend a customer by month, whole months only.")


def show_wallet(wallet: pd.DataFrame, *, currency: str = "") -> None:
    """Table of :func:`segkit.evidence.spending.estimate_wallet_by_segment`."""
    columns = {"segment_name": "", "customer_count": "", "income_count": "Scaled by income"}
    columns |= {"spend": "Spend with us", "wallet": "Wallet", "wallet_share": "Our share"}
    show_table(
        wallet,
        caption="Our share of the wallet, estimated",
        columns=_add_note(columns, wallet),
        formats={"wallet": "money"},
        currency=currency,
    )


def show_messages(messages: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.experience.summarise_messages_by_segment`."""
    columns = {"segment_name": "", "customer_count": "", "delivered_count": "Delivered"}
    for name, heading in (
        ("open", "Opened"),
        ("click", "Clicked"),
        ("unsubscribe", "Unsubscribed"),
    ):
        if f"{name}_low" in messages:
            columns |= {f"{name}_share": heading, f"{name}_interval": "interval"}
            messages = _write_interval(messages, name)
    show_table(
        messages,
        caption="Messages by segment, with intervals",
        columns=_add_note(columns, messages),
    )


def show_events(events: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.experience.summarise_events_by_segment`."""
    columns = {"segment_name": "", "customer_count": "With an event"}
    columns |= {"reached_share": "Share of the segment", "visits_per_customer": "Visits a customer"}
    columns |= {"views_per_customer": "Views a customer", "carts_per_customer": "Carts a customer"}
    columns |= {"wishes_per_customer": "Wishes a customer"}
    show_table(
        events,
        caption="Visits by segment",
        columns=_add_note(columns, events),
        formats=dict.fromkeys([c for c in columns if c.endswith("_per_customer")], "number"),
    )


def show_device_grid(devices: pd.DataFrame) -> None:
    """Grid of :func:`segkit.evidence.experience.count_shares_by_segment` of ``device``."""
    ax = plot_cells(
        devices, row="segment_name", column="value", value="share", title="Devices by segment"
    )
    show_chart(ax, caption="Share of each segment's events by device.")


def show_tickets(tickets: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.experience.summarise_tickets_by_segment`."""
    columns = {"segment_name": "", "customer_count": "With a ticket", "ticket_count": ""}
    columns |= {"tickets_per_100_customers": "Tickets per 100 customers"}
    for name, heading in (
        ("resolved_share", "Resolved"),
        ("median_hours_to_resolve", "Median hours to resolve"),
        ("mean_satisfaction", "Mean satisfaction, 1 to 5"),
        ("satisfaction_count", "Satisfaction given"),
    ):
        if name in tickets:
            columns[name] = heading
    numbers = ("tickets_per_100_customers", "median_hours_to_resolve", "mean_satisfaction")
    show_table(
        tickets,
        caption="Tickets by segment",
        columns=_add_note(columns, tickets),
        formats={name: "number" for name in numbers if name in columns},
    )


def show_topics(topics: pd.DataFrame) -> None:
    """Table of :func:`segkit.evidence.experience.count_shares_by_segment` of ``topic``."""
    columns = {"segment_name": "", "rank": "", "value": "Topic", "row_count": "Tickets"}
    columns |= {"share": "Share of its tickets", "base_share": "Share among all"}
    caption = "Leading topics of support by segment"
    columns = _add_note(columns, topics)
    show_table(topics, caption=caption, columns=columns, max_rows=40)


def show_answer_grid(responses: pd.DataFrame) -> None:
    """Grid of the numbers in :func:`segkit.evidence.experience.summarise_responses_by_segment`."""
    ax = plot_cells(
        _keep_kind(responses, "number", "No question is answered by a number."),
        row="question",
        column="segment_name",
        value="value",
        kind="number",
        title="Mean answers by segment",
    )
    show_chart(ax, caption="Mean answer by segment, on the scale of each question.")


def show_choices(responses: pd.DataFrame) -> None:
    """Table of the choices in :func:`segkit.evidence.experience.summarise_responses_by_segment`."""
    choices = _keep_kind(responses, "choice", "No question offers a choice.")
    columns = {"question": "", "segment_name": "", "answer": "", "customer_count": ""}
    columns |= {"value": "Share", "interval": "", "base_value": "Share among all"}
    show_table(
        _write_interval(choices),
        caption="Choices by segment, with intervals",
        columns=_add_note(columns, choices),
        formats=dict.fromkeys(("value", "base_value"), "share"),
        max_rows=40,
    )


def _write_interval(table: pd.DataFrame, name: str = "") -> pd.DataFrame:
    """Add an interval as text, empty where it is hidden."""
    start = f"{name}_" if name else ""
    ends = zip(table[f"{start}low"], table[f"{start}high"], strict=True)
    texts = [
        "" if pd.isna(low) else f"{format_share(low)} to {format_share(high)}" for low, high in ends
    ]
    return table.assign(**{f"{start}interval": texts})


def _keep_kind(responses: pd.DataFrame, kind: str, reason: str) -> pd.DataFrame:
    kept = responses[responses["kind"] == kind]
    kept.attrs["reason"] = responses.attrs.get("reason", reason)
    order = ["question", "segment_name", "value"]
    return kept.sort_values(order, ascending=[True, True, False], ignore_index=True)


def _add_note(columns: dict[str, str], table: pd.DataFrame) -> dict[str, str]:
    """Show the note on hidden figures only where there is one."""
    hidden = "note" in table and (table["note"].fillna("") != "").any()
    return {**columns, "note": "Note"} if hidden else columns
