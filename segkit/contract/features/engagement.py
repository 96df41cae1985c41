"""Messages, calls, visits, tickets and answers: features of the base engagement."""

from __future__ import annotations

from segkit.contract.definitions import Base, Feature, all_of
from segkit.contract.requirements import (
    CALLS,
    CONTACT,
    EVENTS,
    MESSAGES,
    OPENED_MESSAGES,
    REACH,
    RESPONSES,
    TICKETS,
)

FEATURES = (
    Feature(
        "days_since_visit",
        base="engagement",
        unit="days",
        needs=EVENTS,
        meaning="Days since the last event",
    ),
    Feature(
        "message_count",
        base="engagement",
        unit="messages",
        needs=MESSAGES,
        meaning="Messages delivered",
    ),
    Feature(
        "open_count",
        base="engagement",
        unit="messages",
        needs=OPENED_MESSAGES,
        meaning="Delivered messages opened",
    ),
    Feature(
        "click_count",
        base="engagement",
        unit="messages",
        needs=MESSAGES + all_of("messages.clicked"),
        meaning="Delivered messages clicked",
    ),
    Feature(
        "conversion_count",
        base="engagement",
        unit="messages",
        needs=MESSAGES + all_of("messages.converted"),
        meaning="Delivered messages followed by a purchase",
    ),
    Feature(
        "call_count",
        base="engagement",
        unit="calls",
        needs=CALLS,
        meaning="Calls made: delivered messages by phone",
    ),
    Feature(
        "answered_call_count",
        base="engagement",
        unit="calls",
        needs=CALLS + all_of("messages.opened"),
        meaning="Calls answered",
    ),
    Feature(
        "signup_count",
        base="engagement",
        unit="sign-ups",
        needs=EVENTS,
        meaning="Sign-ups on site or app",
    ),
    Feature(
        "open_share",
        base="engagement",
        unit="share",
        needs=OPENED_MESSAGES,
        meaning="Share of delivered messages opened",
    ),
    Feature(
        "click_share",
        base="engagement",
        unit="share",
        needs=MESSAGES + all_of("messages.clicked"),
        meaning="Share of delivered messages clicked",
    ),
    Feature(
        "conversion_share",
        base="engagement",
        unit="share",
        needs=MESSAGES + all_of("messages.converted"),
        meaning="Share of delivered messages followed by a purchase in the campaign's time",
    ),
    Feature(
        "days_since_open",
        base="engagement",
        unit="days",
        needs=OPENED_MESSAGES,
        meaning="Days since the last opened message was sent",
    ),
    Feature(
        "has_unsubscribed",
        base="engagement",
        kind="boolean",
        needs=MESSAGES + all_of("messages.unsubscribed"),
        meaning="Unsubscribed from a message",
    ),
    Feature(
        "days_inactive",
        base="engagement",
        unit="days",
        needs=CONTACT,
        meaning="Days since the last visit, opened message, ticket or answer",
    ),
    Feature(
        "engagement_level",
        base="engagement",
        kind="category",
        needs=CONTACT,
        meaning="Active (inactive up to 30 days, or the plan's), quiet (180 days) or passive",
    ),
    Feature(
        "ticket_count", base="engagement", unit="tickets", needs=TICKETS, meaning="Support tickets"
    ),
    Feature(
        "days_since_ticket",
        base="engagement",
        unit="days",
        needs=TICKETS,
        meaning="Days since the last ticket",
    ),
    Feature(
        "mean_satisfaction",
        base="engagement",
        unit="1 to 5",
        needs=TICKETS + all_of("tickets.satisfaction"),
        meaning="Mean satisfaction with support",
    ),
    Feature(
        "answer_count",
        base="engagement",
        unit="answers",
        needs=RESPONSES,
        meaning="Questions of surveys answered",
    ),
    Feature(
        "days_since_answer",
        base="engagement",
        unit="days",
        needs=RESPONSES + all_of("responses.answered_at"),
        meaning="Days since the last answer",
    ),
    Feature(
        "has_loyalty_card",
        base="engagement",
        kind="boolean",
        needs=all_of("customers.loyalty_card_id"),
        meaning="Has a loyalty card",
    ),
    Feature(
        "consent",
        base="engagement",
        kind="boolean",
        needs=all_of("customers.consent"),
        meaning="May be contacted",
    ),
)

ENGAGEMENT = Base(
    "engagement", answers="Who opens, clicks, visits and answers", needs=REACH, features=FEATURES
)
