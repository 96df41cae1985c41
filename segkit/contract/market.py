"""The tables of the market: its cells, the competitors in them, and its trends.

A cell is what the filled axes of its row name: a country, a country's category, an age band. Any
column that the market's table and ours have in common is an axis.
"""

from __future__ import annotations

from segkit.contract.definitions import Column, Table
from segkit.contract.shared_columns import COUNTRY, SOURCE

# What people are: a customer has one of each, so that the buyers of these cells add up.
PEOPLE_AXES = (
    COUNTRY,
    Column("territory", "category", "Sales territory, as the plan names it"),
    Column("region", "category", "Region"),
    Column("city", "category", "City"),
    Column("density", "category", "How densely people live: urban, suburban, rural"),
    Column("climate_zone", "category", "Climate where people live"),
    Column("language", "category", "Language", unit="ISO 639-1"),
    Column("age_band", "category", "Age group"),
    Column("gender", "category", "Gender"),
    Column("education", "category", "Highest education"),
    Column("occupation", "category", "Occupation"),
    Column("marital_status", "category", "Marital or family status"),
    Column("household_type", "category", "Kind of household"),
    Column("income_band", "category", "Income group"),
    Column("customer_type", "category", "People or businesses"),
    Column("industry", "category", "Industry of businesses"),
)
# What is bought: somebody buys several, so that the buyers of these cells do not add up.
GOODS_AXES = (
    Column("category", "category", "Category of product"),
    Column("subcategory", "category", "Finer category"),
    Column("brand", "category", "Brand"),
    Column("channel", "category", "Where it is sold: web, app, store, phone"),
    Column("level", "category", "A level of the column of ours that the plan's [market] names"),
)
AXES = (*PEOPLE_AXES, *GOODS_AXES)
AXIS_NAMES = tuple(axis.name for axis in AXES)

MARKET_CELLS = Table(
    "market_cells",
    meaning="One cell of the market in one year, by country, category or any shared column",
    answers="Our share of each cell, and the white space",
    collect="Statistics, market reports",
    key=(),
    one_of=(AXIS_NAMES, ("buyer_count", "market_value")),
    decides=("year",),
    columns=(
        *AXES,
        Column("year", "integer", "Year", unit="year", minimum=1900, maximum=2100),
        Column("buyer_count", "number", "People or firms who buy", unit="buyers", minimum=0),
        Column("market_value", "money", "Sales in the cell", unit="currency a year", minimum=0),
        Column("growth_rate", "number", "Yearly growth; .05 is five per cent", unit="share"),
        SOURCE,
    ),
)

COMPETITORS = Table(
    "competitors",
    meaning="One competitor in one cell of the market",
    answers="Who else serves each cell, and how",
    collect="Annual reports, trade press",
    key=(),
    decides=("market_share",),
    columns=(
        Column("competitor", "category", "Name of the competitor", required=True),
        *AXES,
        Column("year", "integer", "Year", unit="year", minimum=1900, maximum=2100),
        Column("market_share", "number", "Share of the cell", unit="share", minimum=0, maximum=1),
        Column(
            "price_level",
            "number",
            "Prices beside the market's average, which is 100",
            unit="index",
            minimum=1,
            maximum=10_000,
        ),
        Column("channels", "text", "Where it sells"),
        Column("segments_served", "text", "How it segments its customers"),
        Column("offer", "text", "How it serves them"),
        SOURCE,
    ),
)

TRENDS = Table(
    "trends",
    meaning="One figure of one trend in one year",
    answers="Where the industry is going",
    collect="Statistics offices, trade associations",
    key=(),
    columns=(
        Column("trend", "category", "Name of the trend", required=True),
        Column("year", "integer", "Year", unit="year", required=True, minimum=1900, maximum=2100),
        Column("value", "number", "The figure", required=True),
        Column("unit", "category", "Unit of the figure"),
        COUNTRY,
        SOURCE,
    ),
)
