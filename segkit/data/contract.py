"""The tables and columns that segkit understands, written once.

A plan maps the user's own names onto these. The checks, the data dictionary in the docs and the
gap list in the reports are all generated from here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    ``kind`` is one of ``id``, ``text``, ``category``, ``integer``, ``number``, ``money``, ``date``,
    ``datetime`` and ``boolean``; of a feature of one's own the values decide.
    A value outside ``minimum`` to ``maximum`` or ``allowed`` rejects the row; one outside
    ``usual_minimum`` to ``usual_maximum`` is kept with a warning.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    usual_minimum: float | None = None
    usual_maximum: float | None = None
    personal: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract: what a row is, its key, and its columns.

    Of each group in ``one_of`` at least one column must be there. ``key`` is empty where rows
    need not be unique.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    one_of: tuple[tuple[str, ...], ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the contract's order."""
        return tuple(column.name for column in self.columns)


CUSTOMER_ID = Column("customer_id", "id", "Identifies one customer in every table", required=True)
OPTIONAL_CUSTOMER_ID = Column("customer_id", "id", "The customer, where known")
ORDERED_AT = Column("ordered_at", "datetime", "When the order was placed", unit="date or time")
CURRENCY = Column("currency", "category", "Currency of the amounts in the row", unit="ISO 4217")
CHANNEL = Column("channel", "category", "Where it happened: web, app, store, phone, e-mail")
COUNTRY = Column("country", "category", "Country's name or code, spelt one way throughout")
SOURCE = Column("source", "text", "Where the figure was taken from")
CAMPAIGN_ID = Column("campaign_id", "id", "The campaign it belongs to")
DEVICE = Column("device", "category", "Kind of device: desktop, mobile, tablet")
SYSTEM = Column("operating_system", "category", "Operating system of the device")
BROWSER = Column("browser", "category", "Browser or app")

_TABLES = (
    Table(
        "order_lines",
        "One product in one order; needed unless there are customers",
        (),
        (
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
                usual_minimum=-1_000,
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
            Column("unit_cost", "money", "Cost of one unit", unit="currency", minimum=0),
            Column("discount_amount", "money", "Discount given on the line", unit="currency"),
            Column("description", "text", "The product's name on the line"),
            CURRENCY,
            COUNTRY,
            CHANNEL,
        ),
        one_of=(("unit_price", "line_amount"),),
    ),
    Table(
        "orders",
        "One order",
        ("order_id",),
        (
            Column("order_id", "id", "Identifies one order", required=True),
            OPTIONAL_CUSTOMER_ID,
            ORDERED_AT,
            CHANNEL,
            Column("status", "category", "State of the order, such as complete or cancelled"),
            CAMPAIGN_ID,
            CURRENCY,
            Column("shipping_amount", "money", "Shipping paid", unit="currency", minimum=0),
            COUNTRY,
        ),
    ),
    Table(
        "customers",
        "One customer: a person, a household or a business; may have features of your own",
        ("customer_id",),
        (
            CUSTOMER_ID,
            Column("name", "text", "Name; never leaves the run folder", personal=True),
            Column("email", "text", "E-mail address; never leaves the run folder", personal=True),
            Column(
                "customer_type",
                "category",
                "A person or a business",
                allowed=("consumer", "business"),
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
            Column(
                "income",
                "money",
                "Yearly income of the household",
                unit="currency a year",
                minimum=0,
                usual_minimum=1_000,
                usual_maximum=500_000,
            ),
            Column("income_band", "category", "Income group, where the amount is not known"),
            COUNTRY,
            Column("region", "category", "Region or sales territory"),
            Column("city", "category", "City"),
            Column("density", "category", "How densely people live: urban, suburban, rural"),
            Column("language", "category", "Preferred language", unit="ISO 639-1"),
            Column("industry", "category", "Industry of a business customer"),
            Column(
                "employee_count",
                "number",
                "Employees of a business customer",
                unit="people",
                minimum=0,
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
            SYSTEM,
            BROWSER,
            Column("loyalty_card_id", "id", "Loyalty card, links store and web", personal=True),
            Column("consent", "boolean", "May be contacted"),
        ),
    ),
    Table(
        "products",
        "One product",
        ("product_id",),
        (
            Column("product_id", "id", "Identifies one product", required=True),
            Column("name", "text", "Name of the product"),
            Column("category", "category", "Category of the product"),
            Column("subcategory", "category", "Finer category"),
            Column("brand", "category", "Brand"),
            Column("list_price", "money", "Price before discount", unit="currency", minimum=0),
            Column("unit_cost", "money", "Cost of one unit", unit="currency", minimum=0),
        ),
    ),
    Table(
        "events",
        "One thing a visitor did on the site or in the app",
        (),
        (
            OPTIONAL_CUSTOMER_ID,
            Column("occurred_at", "datetime", "When", unit="date or time", required=True),
            Column(
                "event_type",
                "category",
                "What: visit, view, cart, wish, checkout, signup, form, ad_click, or your own",
                required=True,
            ),
            Column("session_id", "id", "The visit that it belongs to"),
            Column("product_id", "id", "The product concerned"),
            DEVICE,
            SYSTEM,
            BROWSER,
            Column("source", "category", "UTM source of the visit"),
            Column("medium", "category", "UTM medium of the visit"),
            Column("campaign", "category", "UTM campaign of the visit"),
        ),
    ),
    Table(
        "messages",
        "One message or call to one customer",
        (),
        (
            CUSTOMER_ID,
            Column("sent_at", "datetime", "When it was sent", unit="date or time", required=True),
            CAMPAIGN_ID,
            CHANNEL,
            Column(
                "arm",
                "category",
                "segmented: a message for the segment; unsegmented: the same for all; "
                "control: nothing was sent",
            ),
            Column("opened", "boolean", "Opened or answered"),
            Column("clicked", "boolean", "Clicked"),
            Column("bounced", "boolean", "Could not be delivered"),
            Column("unsubscribed", "boolean", "Unsubscribed"),
            Column("reported_spam", "boolean", "Reported as spam"),
            Column("converted", "boolean", "Bought within the campaign's time"),
        ),
    ),
    Table(
        "tickets",
        "One request to support",
        ("ticket_id",),
        (
            Column("ticket_id", "id", "Identifies one ticket", required=True),
            OPTIONAL_CUSTOMER_ID,
            Column(
                "opened_at", "datetime", "When it was opened", unit="date or time", required=True
            ),
            Column("resolved_at", "datetime", "When it was resolved", unit="date or time"),
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
    ),
    Table(
        "responses",
        "One answer to one question of a survey, review or quiz",
        (),
        (
            OPTIONAL_CUSTOMER_ID,
            Column("question", "text", "The question, spelt one way throughout", required=True),
            Column("answer", "text", "The answer; empty where the question was skipped"),
            Column("survey", "category", "The survey that it belongs to"),
            Column("answered_at", "datetime", "When", unit="date or time"),
        ),
    ),
    Table(
        "market_cells",
        "One cell of the market: a country or category in one year, with its size",
        (),
        (
            COUNTRY,
            Column("category", "category", "Category of product"),
            Column("year", "integer", "Year", unit="year", minimum=1900, maximum=2100),
            Column("buyer_count", "number", "People or firms who buy", unit="buyers", minimum=0),
            Column("market_value", "money", "Sales in the cell", unit="currency a year", minimum=0),
            Column("growth_rate", "number", "Yearly growth; .05 is five per cent", unit="share"),
            SOURCE,
        ),
        one_of=(("country", "category"), ("buyer_count", "market_value")),
    ),
    Table(
        "competitors",
        "One competitor in one cell of the market",
        (),
        (
            Column("competitor", "category", "Name of the competitor", required=True),
            COUNTRY,
            Column("category", "category", "Category of product"),
            Column(
                "market_share", "number", "Share of the cell", unit="share", minimum=0, maximum=1
            ),
            Column("segments_served", "text", "How it segments its customers"),
            Column("offer", "text", "How it serves them"),
            SOURCE,
        ),
    ),
    Table(
        "trends",
        "One figure of one trend in one year",
        (),
        (
            Column("trend", "category", "Name of the trend", required=True),
            Column(
                "year", "integer", "Year", unit="year", required=True, minimum=1900, maximum=2100
            ),
            Column("value", "number", "The figure", required=True),
            Column("unit", "category", "Unit of the figure"),
            COUNTRY,
            SOURCE,
        ),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
