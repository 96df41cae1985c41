"""The tables and columns that segkit understands, written once.

A plan maps the user's own names onto these. The checks, the data dictionary in the docs and the
gap list in the reports are all generated from here.
"""

from __future__ import annotations

from segkit.contract.business_tables import BUSINESS_TABLES, TICKET_EVENTS
from segkit.contract.contacts import EVENTS, MESSAGES, PREFERENCES
from segkit.contract.definitions import Column, Table
from segkit.contract.market import COMPETITORS, MARKET_CELLS, TRENDS
from segkit.contract.shared_columns import (
    BROWSER,
    CAMPAIGN_ID,
    CANCELLED_AT,
    CHANNEL,
    COUNTRY,
    CURRENCY,
    CUSTOMER_ID,
    DEVICE,
    KNOWN_CUSTOMER_ID,
    OPERATING_SYSTEM,
    STATUS,
    UNIT_COST,
)

ORDER_LINES = Table(
    "order_lines",
    meaning="One product in one order",
    answers="What each segment buys, and in which months",
    collect="The till or the web shop",
    key=(),
    one_of=(("unit_price", "line_amount"),),
    decides=("ordered_at",),
    columns=(
        Column("order_id", "id", "The order that the line belongs to", required=True),
        Column("product_id", "id", "The product sold", required=True),
        Column(
            "customer_id", "id", "The buyer; taken from orders where the line does not carry it"
        ),
        Column(
            "ordered_at",
            "datetime",
            "When the order was placed; taken from orders where the line does not carry it",
            unit="date or time",
        ),
        Column(
            "quantity",
            "number",
            "Units sold; negative for a return",
            unit="units",
            required=True,
            usual_minimum=-1000,
            usual_maximum=10_000,
        ),
        Column(
            "unit_price",
            "money",
            "Price of one unit after discount",
            unit="currency",
            usual_maximum=10_000,
        ),
        Column(
            "line_amount",
            "money",
            "Amount of the line after discount; quantity times unit_price where it is absent",
            unit="currency",
        ),
        UNIT_COST,
        Column("discount_amount", "money", "Discount given on the line", unit="currency"),
        Column("description", "text", "The product's name on the line"),
        CURRENCY,
        COUNTRY,
        CHANNEL,
        STATUS,
        CANCELLED_AT,
        Column(
            "order_discount_amount",
            "money",
            "Discount on the whole order, shared out among its lines",
            unit="currency",
        ),
        Column(
            "order_refunded_amount",
            "money",
            "Refunded of the whole order, shared out among its lines",
            unit="currency",
        ),
    ),
)

ORDERS = Table(
    "orders",
    meaning="One order",
    answers="Which channels and campaigns are behind the purchases",
    collect="The order system",
    key=("order_id",),
    columns=(
        Column("order_id", "id", "Identifies one order", required=True),
        KNOWN_CUSTOMER_ID,
        Column("ordered_at", "datetime", "When the order was placed", unit="date or time"),
        CHANNEL,
        STATUS,
        CAMPAIGN_ID,
        CURRENCY,
        Column("shipping_amount", "money", "Shipping paid", unit="currency", minimum=0),
        COUNTRY,
        CANCELLED_AT,
        Column(
            "discount_amount",
            "money",
            "Discount on the whole order, where its lines do not have it",
            unit="currency",
        ),
        Column("refunded_amount", "money", "Refunded of the order", unit="currency"),
    ),
)

CUSTOMERS = Table(
    "customers",
    meaning="One customer: a person, a household or a business; may have features of your own",
    answers="Who the customers are and where they live",
    collect="The customer register or the CRM",
    key=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column(
            "name",
            "text",
            "Name; on lists where the plan asks for it, never in a report",
            personal=True,
        ),
        Column(
            "email",
            "text",
            "E-mail address; on lists for the mail tool, never in a report",
            personal=True,
        ),
        Column("account_id", "id", "The business account that a contact belongs to"),
        Column(
            "customer_type", "category", "A person or a business", allowed=("consumer", "business")
        ),
        Column(
            "birth_year",
            "integer",
            "Year of birth",
            unit="year",
            minimum=1800,
            maximum=2100,
            usual_minimum=1920,
            usual_maximum=2012,
        ),
        Column("age_band", "category", "Age group, where the year of birth is not known"),
        Column("gender", "category", "Gender as the customer stated it"),
        Column("education", "category", "Highest education"),
        Column("occupation", "category", "Occupation"),
        Column("marital_status", "category", "Marital or family status"),
        Column("household_size", "number", "People in the household", unit="people", minimum=0),
        Column(
            "child_count",
            "number",
            "Children at home",
            unit="children",
            minimum=0,
            usual_maximum=12,
        ),
        Column("household_type", "category", "Kind of household, where its size is not known"),
        Column("has_pets", "boolean", "Keeps pets"),
        Column(
            "income",
            "money",
            "Yearly income of the household",
            unit="currency a year",
            minimum=0,
            usual_minimum=1000,
            usual_maximum=500_000,
        ),
        Column("income_band", "category", "Income group, where the amount is not known"),
        COUNTRY,
        Column("region", "category", "Region or sales territory"),
        Column("city", "category", "City"),
        Column("density", "category", "How densely people live: urban, suburban, rural"),
        Column(
            "latitude",
            "number",
            "Latitude of the home, south below zero",
            unit="degrees",
            minimum=-90,
            maximum=90,
        ),
        Column(
            "climate_zone", "category", "Climate where they live, where the latitude is not known"
        ),
        Column("language", "category", "Preferred language", unit="ISO 639-1"),
        Column("industry", "category", "Industry of a business customer"),
        Column(
            "employee_count", "number", "Employees of a business customer", unit="people", minimum=0
        ),
        Column(
            "annual_revenue",
            "money",
            "Yearly revenue of a business customer",
            unit="currency a year",
        ),
        Column("signed_up_on", "date", "When the customer first registered", unit="date"),
        Column("source", "category", "UTM source that brought the customer"),
        Column("medium", "category", "UTM medium that brought the customer"),
        Column("campaign", "category", "UTM campaign that brought the customer"),
        DEVICE,
        OPERATING_SYSTEM,
        BROWSER,
        Column("loyalty_card_id", "id", "Loyalty card, links store and web", personal=True),
        Column("consent", "boolean", "May be contacted"),
    ),
)

PRODUCTS = Table(
    "products",
    meaning="One product",
    answers="Which categories each segment buys",
    collect="The product register",
    key=("product_id",),
    columns=(
        Column("product_id", "id", "Identifies one product", required=True),
        Column("name", "text", "Name of the product"),
        Column("category", "category", "Category of the product"),
        Column("subcategory", "category", "Finer category"),
        Column("brand", "category", "Brand"),
        Column("list_price", "money", "Price before discount", unit="currency", minimum=0),
        UNIT_COST,
        Column("in_stock", "boolean", "Can be sold now"),
        Column("stock_count", "number", "Units in stock", unit="units"),
    ),
)

TICKETS = Table(
    "tickets",
    meaning="One request to support",
    answers="What each segment asks support for, and how long it waits",
    collect="The help desk",
    key=("ticket_id",),
    columns=(
        Column("ticket_id", "id", "Identifies one ticket", required=True),
        KNOWN_CUSTOMER_ID,
        Column("opened_at", "datetime", "When it was opened", unit="date or time", required=True),
        Column("answered_at", "datetime", "When somebody first answered", unit="date or time"),
        Column("resolved_at", "datetime", "When it was resolved", unit="date or time"),
        Column("status", "category", "State of the ticket, such as open, cancelled or merged"),
        Column("topic", "category", "What it was about"),
        CHANNEL,
        Column("body", "text", "What the customer wrote", personal=True),
        Column(
            "satisfaction",
            "number",
            "How satisfied the customer was",
            unit="1 to 5",
            minimum=1,
            maximum=5,
        ),
    ),
)

RESPONSES = Table(
    "responses",
    meaning="One answer to one question of a survey, review or quiz",
    answers="What the segments say themselves",
    collect="Surveys, reviews and quizzes",
    key=(),
    columns=(
        KNOWN_CUSTOMER_ID,
        Column("question", "text", "The question, spelt one way throughout", required=True),
        Column("answer", "text", "The answer; empty where the question was skipped"),
        Column("survey", "category", "The survey that it belongs to"),
        Column("answered_at", "datetime", "When", unit="date or time"),
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        ORDER_LINES,
        ORDERS,
        CUSTOMERS,
        PRODUCTS,
        EVENTS,
        MESSAGES,
        TICKETS,
        TICKET_EVENTS,
        RESPONSES,
        *BUSINESS_TABLES,
        PREFERENCES,
        MARKET_CELLS,
        COMPETITORS,
        TRENDS,
    )
}
