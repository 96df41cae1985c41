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


# A table after the sign #: name | key | groups of which one column is needed | what a row is. Below
# it its columns: name | kind | unit | rules | meaning; a name alone stands for the last such line.
_TABLES = """
# order_lines | | unit_price or line_amount | One product in one order; needed unless there are customers
order_id | id | | required | The order that the line belongs to
product_id | id | | required | The product sold
customer_id | id | | | The buyer; taken from orders where the line does not carry it
ordered_at | datetime | date or time | | When the order was placed; taken from orders where the line does not carry it
quantity | number | units | required; usual -1000..10000 | Units sold; negative for a return
unit_price | money | currency | usual ..10000 | Price of one unit after discount
line_amount | money | currency | | Amount of the line after discount; quantity times unit_price where it is absent
unit_cost | money | currency | within 0.. | Cost of one unit
discount_amount | money | currency | | Discount given on the line
description | text | | | The product's name on the line
currency | category | ISO 4217 | | Currency of the amounts in the row
country | category | | | Country's name or code, spelt one way throughout
channel | category | | | Where it happened: web, app, store, phone, e-mail
# orders | order_id | | One order
order_id | id | | required | Identifies one order
customer_id | id | | | The customer, where known
ordered_at | datetime | date or time | | When the order was placed
channel
status | category | | | State of the order, such as complete or cancelled
campaign_id | id | | | The campaign it belongs to
currency
shipping_amount | money | currency | within 0.. | Shipping paid
country
# customers | customer_id | | One customer: a person, a household or a business; may have features of your own
customer_id | id | | required | Identifies one customer in every table
name | text | | personal | Name; never leaves the run folder
email | text | | personal | E-mail address; never leaves the run folder
customer_type | category | | among consumer, business | A person or a business
birth_year | integer | year | within 1800..2100; usual 1920..2012 | Year of birth
age_band | category | | | Age group, where the year of birth is not known
gender | category | | | Gender as the customer stated it
education | category | | | Highest education
occupation | category | | | Occupation
marital_status | category | | | Marital or family status
household_size | number | people | within 0.. | People in the household
child_count | number | children | within 0..; usual ..12 | Children at home
income | money | currency a year | within 0..; usual 1000..500000 | Yearly income of the household
income_band | category | | | Income group, where the amount is not known
country
region | category | | | Region or sales territory
city | category | | | City
density | category | | | How densely people live: urban, suburban, rural
language | category | ISO 639-1 | | Preferred language
industry | category | | | Industry of a business customer
employee_count | number | people | within 0.. | Employees of a business customer
annual_revenue | money | currency a year | | Yearly revenue of a business customer
signed_up_on | date | date | | When the customer first registered
source | category | | | UTM source that brought the customer
medium | category | | | UTM medium that brought the customer
campaign | category | | | UTM campaign that brought the customer
device | category | | | Kind of device: desktop, mobile, tablet
operating_system | category | | | Operating system of the device
browser | category | | | Browser or app
loyalty_card_id | id | | personal | Loyalty card, links store and web
consent | boolean | | | May be contacted
# products | product_id | | One product
product_id | id | | required | Identifies one product
name | text | | | Name of the product
category | category | | | Category of the product
subcategory | category | | | Finer category
brand | category | | | Brand
list_price | money | currency | within 0.. | Price before discount
unit_cost
# events | | | One thing a visitor did on the site or in the app
customer_id | id | | | The customer, where known
occurred_at | datetime | date or time | required | When
event_type | category | | required | What: visit, view, cart, wish, checkout, signup, form, ad_click, or your own
session_id | id | | | The visit that it belongs to
product_id | id | | | The product concerned
device
operating_system
browser
source | category | | | UTM source of the visit
medium | category | | | UTM medium of the visit
campaign | category | | | UTM campaign of the visit
# messages | | | One message or call to one customer
customer_id | id | | required | Identifies one customer in every table
sent_at | datetime | date or time | required | When it was sent
campaign_id
channel
arm | category | | | segmented: a message for the segment; unsegmented: the same for all; control: nothing was sent
opened | boolean | | | Opened or answered
clicked | boolean | | | Clicked
bounced | boolean | | | Could not be delivered
unsubscribed | boolean | | | Unsubscribed
reported_spam | boolean | | | Reported as spam
converted | boolean | | | Bought within the campaign's time
# tickets | ticket_id | | One request to support
ticket_id | id | | required | Identifies one ticket
customer_id | id | | | The customer, where known
opened_at | datetime | date or time | required | When it was opened
resolved_at | datetime | date or time | | When it was resolved
topic | category | | | What it was about
channel
body | text | | personal | What the customer wrote
satisfaction | number | 1 to 5 | within 1..5 | How satisfied the customer was
# responses | | | One answer to one question of a survey, review or quiz
customer_id | id | | | The customer, where known
question | text | | required | The question, spelt one way throughout
answer | text | | | The answer; empty where the question was skipped
survey | category | | | The survey that it belongs to
answered_at | datetime | date or time | | When
# market_cells | | country or category; buyer_count or market_value | One cell of the market: a country or category in one year, with its size
country
category | category | | | Category of product
year | integer | year | within 1900..2100 | Year
buyer_count | number | buyers | within 0.. | People or firms who buy
market_value | money | currency a year | within 0.. | Sales in the cell
growth_rate | number | share | | Yearly growth; .05 is five per cent
source | text | | | Where the figure was taken from
# competitors | | | One competitor in one cell of the market
competitor | category | | required | Name of the competitor
country
category
market_share | number | share | within 0..1 | Share of the cell
segments_served | text | | | How it segments its customers
offer | text | | | How it serves them
source
# trends | | | One figure of one trend in one year
trend | category | | required | Name of the trend
year | integer | year | required; within 1900..2100 | Year
value | number | | required | The figure
unit | category | | | Unit of the figure
country
source
"""  # noqa: E501


def _read_column(line: str) -> Column:
    """Read a column's line; a range is written like ``within 0..`` or ``usual 1920..2012``."""
    name, kind, unit, rules, meaning = (cell.strip() for cell in line.split("|", 4))
    given: dict = {"unit": unit}
    for rule in filter(None, rules.split("; ")):
        word, _, rest = rule.partition(" ")
        if word in ("required", "personal"):
            given[word] = True
        elif word == "among":
            given["allowed"] = tuple(rest.split(", "))
        else:
            start = "usual_" if word == "usual" else ""
            for end, limit in zip(("minimum", "maximum"), rest.split(".."), strict=True):
                given[start + end] = int(limit) if limit else None
    return Column(name, kind, meaning, **given)


def _read_tables() -> dict[str, Table]:
    tables: dict[str, Table] = {}
    lines: dict[str, str] = {}
    for part in _TABLES.strip().removeprefix("# ").split("\n# "):
        header, *rows = part.splitlines()
        table, key, groups, meaning = (cell.strip() for cell in header.split("|", 3))
        names = [row.split(" | ")[0] for row in rows]
        lines |= {name: row for name, row in zip(names, rows, strict=True) if "|" in row}
        columns = tuple(_read_column(lines[column]) for column in names)
        one_of = tuple(tuple(group.split(" or ")) for group in groups.split("; ") if group)
        tables[table] = Table(table, meaning, (key,) if key else (), columns, one_of)
    return tables


TABLES: dict[str, Table] = _read_tables()
