"""The tables of business customers, and of what happens to a request to support.

They belong to `segkit.contract.tables`, which lists all.
"""

from __future__ import annotations

from segkit.contract.definitions import Column, Table
from segkit.contract.shared_columns import KNOWN_CUSTOMER_ID

TICKET_EVENTS = Table(
    "ticket_events",
    meaning="One thing that happened to a ticket",
    answers="Where the time of a request goes, and how often it changes hands",
    collect="The help desk's log",
    key=(),
    columns=(
        Column("ticket_id", "id", "The ticket", required=True),
        Column("occurred_at", "datetime", "When", unit="date or time", required=True),
        Column(
            "event",
            "category",
            "What happened, or the state that it went to; the plan says which one is resolved",
            required=True,
        ),
        Column("queue", "category", "The role or queue that did it, never a person's name"),
    ),
)

DEALS = Table(
    "deals",
    meaning="One deal with a business, or with a household that bargains",
    answers="Which segments are won, how often and how fast",
    collect="The CRM",
    key=("deal_id",),
    columns=(
        Column("deal_id", "id", "Identifies one deal", required=True),
        KNOWN_CUSTOMER_ID,
        Column("opened_on", "date", "When it was opened", unit="date", required=True),
        Column("closed_on", "date", "When it was won or lost", unit="date"),
        Column("stage", "category", "The stage that it is in, or was last"),
        Column("outcome", "category", "How it ended, if it did", allowed=("won", "lost", "open")),
        Column("amount", "money", "What it is, or would be, worth", unit="currency", minimum=0),
        Column("source", "category", "Where it came from"),
        Column("owner_role", "category", "The role that leads it, never a person's name"),
    ),
)

DEAL_STAGES = Table(
    "deal_stages",
    meaning="One deal that came to one stage",
    answers="Where deals wait, and where they are lost",
    collect="The CRM's history of changes",
    key=(),
    columns=(
        Column("deal_id", "id", "The deal", required=True),
        Column("entered_on", "date", "When it came there", unit="date", required=True),
        Column("stage", "category", "The stage", required=True),
    ),
)

CONTRACTS = Table(
    "contracts",
    meaning="One contract with an end",
    answers="Who renews, and who lets it end",
    collect="The contract register",
    key=("contract_id",),
    columns=(
        Column("contract_id", "id", "Identifies one contract", required=True),
        KNOWN_CUSTOMER_ID,
        Column("started_on", "date", "Its first day", unit="date", required=True),
        Column("ends_on", "date", "The day on which it ends unless renewed", unit="date"),
        Column("renewed_on", "date", "When it was renewed, if it was", unit="date"),
        Column("renewed", "boolean", "Was renewed, where the day is not known"),
        Column("amount", "money", "What it is worth a year", unit="currency a year", minimum=0),
    ),
)

BUSINESS_TABLES = (DEALS, DEAL_STAGES, CONTRACTS)
