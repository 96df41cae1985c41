"""What features need: groups of columns of the tables, and keys of the plan.

What the plan must say stands as ``plan.<key>``.
"""

from __future__ import annotations

from segkit.contract.definitions import Needs, all_of, any_of

BUYER_ID: Needs = any_of("order_lines.customer_id", "orders.customer_id")
ORDER_TIME: Needs = any_of("order_lines.ordered_at", "orders.ordered_at")
BUYER: Needs = BUYER_ID + ORDER_TIME
SPEND: Needs = BUYER + any_of("order_lines.line_amount", "order_lines.unit_price")
CATEGORY: Needs = SPEND + all_of("products.category")
PROFIT: Needs = SPEND + any_of("order_lines.unit_cost", "products.unit_cost")
DISCOUNT: Needs = SPEND + all_of("order_lines.discount_amount")
CHANNEL: Needs = SPEND + any_of("order_lines.channel", "orders.channel")
CLIMATE: Needs = any_of("customers.climate_zone", "customers.latitude")
HOME_COUNTRY: Needs = any_of("customers.country", "order_lines.country", "orders.country")
BIRTH_YEAR: Needs = all_of("customers.birth_year")
AGE: Needs = any_of("customers.age_band", "customers.birth_year")
BUSINESS: Needs = any_of(
    "customers.industry", "customers.employee_count", "customers.annual_revenue"
)
EVENTS: Needs = all_of("events.customer_id", "events.occurred_at", "events.event_type")
MESSAGES: Needs = all_of("messages.customer_id", "messages.sent_at")
OPENED_MESSAGES: Needs = MESSAGES + all_of("messages.opened")
CALLS: Needs = MESSAGES + all_of("messages.channel")
ANYBODY: Needs = any_of(
    "events.customer_id", "messages.customer_id", "tickets.customer_id", "responses.customer_id"
)
CONTACT: Needs = (
    any_of("events.occurred_at", "messages.opened", "tickets.opened_at", "responses.answered_at")
    + ANYBODY
)
ANSWERED: Needs = any_of(
    "messages.opened", "messages.clicked", "messages.converted", "events.event_type"
)
REACH: Needs = any_of("messages.customer_id", "events.customer_id") + ANSWERED
TICKETS: Needs = all_of("tickets.customer_id", "tickets.opened_at")
RESPONSES: Needs = all_of("responses.customer_id", "responses.question")
SAID: Needs = RESPONSES + all_of("responses.answer")
PLACE: Needs = any_of(
    "customers.country",
    "customers.region",
    "customers.city",
    "order_lines.country",
    "orders.country",
)
FIRM: Needs = all_of("customers.customer_type") + any_of("customers.country", "customers.region")
HOUSEHOLD: Needs = any_of("customers.household_type", "customers.household_size")
