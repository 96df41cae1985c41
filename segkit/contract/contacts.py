"""The tables of contacts: what visitors did on the site, and what was sent to customers."""

from __future__ import annotations

from segkit.contract.definitions import Column, Table
from segkit.contract.shared_columns import (
    BROWSER,
    CAMPAIGN_ID,
    CHANNEL,
    CUSTOMER_ID,
    DEVICE,
    KNOWN_CUSTOMER_ID,
    OPERATING_SYSTEM,
)

EVENTS = Table(
    "events",
    meaning="One thing a visitor did on the site or in the app",
    answers="How each segment uses the site, and on which device",
    collect="The web analytics export",
    key=(),
    columns=(
        KNOWN_CUSTOMER_ID,
        Column("occurred_at", "datetime", "When", unit="date or time", required=True),
        Column(
            "event_type",
            "category",
            "What: visit, view, cart, wish, checkout, order, signup, form, ad_click, or your own",
            required=True,
        ),
        Column("session_id", "id", "The visit that it belongs to"),
        Column("product_id", "id", "The product concerned"),
        CHANNEL,
        DEVICE,
        OPERATING_SYSTEM,
        BROWSER,
        Column("source", "category", "UTM source of the visit"),
        Column("medium", "category", "UTM medium of the visit"),
        Column("campaign", "category", "UTM campaign of the visit"),
    ),
)

MESSAGES = Table(
    "messages",
    meaning="One message or call to one customer",
    answers="Who opens, clicks and unsubscribes",
    collect="The mail tool's log",
    key=(),
    columns=(
        CUSTOMER_ID,
        Column("sent_at", "datetime", "When it was sent", unit="date or time", required=True),
        CAMPAIGN_ID,
        CHANNEL,
        Column(
            "arm",
            "category",
            (
                "Arm of the campaign, as the plan names or spells it; segmented: a message for the "
                "segment; unsegmented: the same for all; control: nothing was sent"
            ),
        ),
        Column("opened", "boolean", "Opened or answered"),
        Column("clicked", "boolean", "Clicked"),
        Column("bounced", "boolean", "Could not be delivered"),
        Column("unsubscribed", "boolean", "Unsubscribed"),
        Column("reported_spam", "boolean", "Reported as spam"),
        Column("converted", "boolean", "Bought in the campaign's time; of the control group too"),
        Column(
            "message_id",
            "id",
            "Identifies one message; rows that share one count once, those without one are told "
            "apart by customer, campaign, channel and time",
        ),
        Column("open_count", "integer", "How often it was opened", unit="opens", minimum=0),
        Column("click_count", "integer", "How often it was clicked", unit="clicks", minimum=0),
        Column("opened_at", "datetime", "When it was first opened", unit="date or time"),
        Column(
            "machine_open",
            "boolean",
            "A machine opened it, such as a scanner, as far as the mail tool can tell",
        ),
    ),
)

PREFERENCES = Table(
    "preferences",
    meaning="What one customer said of one product",
    answers="Which products are not recommended to a customer, and which they wish for",
    collect="The customer account of the shop",
    key=(),
    columns=(
        CUSTOMER_ID,
        Column("product_id", "id", "The product concerned", required=True),
        Column("is_ignored", "boolean", "Not to be used for, nor among, recommendations"),
        Column("rating", "number", "How the customer rated it", unit="1 to 5", minimum=0),
        Column("is_wished", "boolean", "Stands on the customer's wish list"),
        Column("noted_at", "datetime", "When", unit="date or time"),
    ),
)
