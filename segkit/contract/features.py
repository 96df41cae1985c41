"""The sixteen bases and every feature of the customer table: unit, meaning and what each needs."""

from __future__ import annotations

from dataclasses import dataclass

from segkit.contract.bases import BASES as BASE_ROWS

# Groups of contract columns, each met by one of its columns; all groups must be met.
Needs = tuple[tuple[str, ...], ...]

# The shares of the largest categories are features too, named after the categories.
CATEGORY_SHARE = "category_share_"

_NEEDS = """
buyer: order_lines.customer_id or orders.customer_id; order_lines.ordered_at or orders.ordered_at
spend: buyer; order_lines.line_amount or order_lines.unit_price
category: spend; products.category
profit: spend; order_lines.unit_cost or products.unit_cost
discount: spend; order_lines.discount_amount
channel: spend; order_lines.channel or orders.channel
climate: customers.climate_zone or customers.latitude
home: customers.country or order_lines.country or orders.country
birth: customers.birth_year
age: customers.age_band or customers.birth_year
business: customers.industry or customers.employee_count or customers.annual_revenue
events: events.customer_id; events.occurred_at; events.event_type
messages: messages.customer_id; messages.sent_at
opened: messages; messages.opened
calls: messages; messages.channel
contact: events.occurred_at or messages.opened or tickets.opened_at or responses.answered_at; anybody
anybody: events.customer_id or messages.customer_id or tickets.customer_id or responses.customer_id
answered: messages.opened or messages.clicked or messages.converted or events.event_type
reach: messages.customer_id or events.customer_id; answered
tickets: tickets.customer_id; tickets.opened_at
responses: responses.customer_id; responses.question
said: responses; responses.answer
place: customers.country or customers.region or customers.city or order_lines.country or orders.country
firm: customers.customer_type; customers.country or customers.region
household: customers.household_type or customers.household_size
"""  # noqa: E501

# Needs of the plan stand as plan.<key>.
# A base: name | needs | what it answers. Below it its features: name | unit, or kind where it is
# not a number | needs | meaning. Needs "own" is the column of that name in customers, "also" that
# or the one in events; "any" of a base is any column that its features read.
_TABLE = """
demographic | any | Who the customers are: age, gender, family, education, income
age_years | years | birth | Age at as_of
age_band | category | age | Age group
gender | category | own | Gender as stated
education | category | own | Highest education
occupation | category | own | Occupation
marital_status | category | own | Marital status
household_size | people | own | People in the household
child_count | children | own | Children at home
household_type | category | household | The customer's own, else with children, one person, two adults, three adults or more
has_pets | boolean | own | Keeps pets
income | currency a year | own | Yearly income
income_band | category | own | Income group
geographic | any | Where they live, and which territories bring the spend
country | category | home | Country: the customer's own, else that of most sales
region | category | own | Region or territory
city | category | own | City
territory | category | place; plan.territories | The plan's territory of the city, else region, else country
density | category | own | Urban, suburban or rural
climate_zone | category | climate | The customer's own, else by latitude: tropical (to 23.4 degrees), temperate (to 66.6), polar
language | category | own | Preferred language
psychographic | said; plan.scales of psychographic or plan.choices of psychographic | What they value and how they live, from a survey
behavioural | buyer | How recently and how often they buy and visit
recency_days | days | buyer | Days since the last sale
order_count | orders | buyer | Orders with a sale
order_count_last_365_days | orders | buyer | Orders in the last 365 days
order_count_last_90_days | orders | buyer | Orders in the last 90 days
order_count_last_30_days | orders | buyer | Orders in the last 30 days
active_days | days | buyer | Days from the first sale to the last
tenure_days | days | buyer | Days since the first sale
favourite_channel | category | channel | Channel of most sales
cross_channel_share | share | channel | Share of sales outside the favourite channel
visit_count | visits | events | Visits to site or app
view_count | views | events | Products viewed
cart_count | carts | events | Products put in the cart
wish_count | wishes | events | Products put on the wish list
technographic | any | Which devices, systems and browsers they use
device | category | also | Own device, else the most used
operating_system | category | also | Own system, else the most used
browser | category | also | Own browser, else the most used
app_share | share | events; events.channel | Share of events in the app, of those in app or web
firmographic | business | Which businesses buy, of which industry and size
customer_type | category | own | A person or a business
industry | category | own | Industry
employee_count | people | own | Employees
employee_band | category | customers.employee_count | Micro, small (from 10 employees), medium (50), large (250)
annual_revenue | currency a year | own | Yearly revenue
revenue_band | category | customers.annual_revenue | Yearly revenue up to 2, 10 or 50 million, or more
business_place | category | firm | Region, else country, of a business
generational | birth | Which generations buy
generation | category | birth | Generation by year of birth, its years stated
birth_decade | category | birth | Decade of birth
needs | said; plan.scales of needs or plan.choices of needs | What they need the product for, from a survey or quiz
benefit | said; plan.scales of benefit or plan.choices of benefit | Which benefit matters to them, from a survey or quiz
value | spend | Who brings the spend and the profit
total_spend | currency | spend | Spend, net of returns
spend_last_365_days | currency | spend | Spend in the last 365 days, net of returns
spend_last_90_days | currency | spend | Spend in the last 90 days, net of returns
spend_last_30_days | currency | spend | Spend in the last 30 days, net of returns
spend_trend | -1 to 1 | spend | Sales of the last 180 days less those of the 180 before, over their sum
mean_order_value | currency | spend | Gross sales divided by orders
total_profit | currency | profit | Spend less cost, over lines whose cost is known
expected_order_count | expected orders | spend | Days with a sale expected in the next 365 days (BG/NBD)
active_probability | probability | spend | Probability of buying still (BG/NBD); 1 for who bought on one day only
lifetime_value | currency | spend | Gross sales expected in the next 365 days, discounted by 10 % a year
source | any | Which campaign, medium and source brought them
source | category | also | UTM source: the customer's own, else the first touch
medium | category | also | UTM medium, likewise
campaign | category | also | UTM campaign, likewise
last_source | category | events; events.source | UTM source of the last touch
last_medium | category | events; events.medium | UTM medium, likewise
last_campaign | category | events; events.campaign | UTM campaign, likewise
purchase_history | category | What they buy, how broadly and in which rhythm
product_count | products | buyer | Different products bought
category_count | categories | category | Different categories bought
favourite_category | category | category | Category of most sales
favourite_category_share | share | category | Share of the favourite category
other_categories_share | share | category | Share of all categories but the five largest, each of which has a category_share of its own
category_diversity | 0 to 1 | category | Diversity of categories (Simpson): 0 for one, near 1 for many alike
price_level | ratio | spend | Price paid over the mean price in the same categories, shrunk to 1 by 5 units
mean_days_between_orders | days | buyer | Mean days between days with an order; null below two
gap_variation | ratio | buyer | Standard deviation of the days between days with an order, over their mean; null below three days
expected_gap_days | days | buyer | Mean days between days with an order, with two gaps of all customers' mean length added
return_share | share | spend | Returned amount over gross sales
discount_share | share | discount | Discount over sales before discount
weekend_share | share | spend | Share of sales on Saturday and Sunday
morning_share | share | spend | Share of sales from 6 to 12 o'clock, of those with an hour (not exactly midnight)
afternoon_share | share | spend | Share of sales from 12 to 18 o'clock
evening_share | share | spend | Share of sales from 18 o'clock
night_share | share | spend | Share of sales before 6 o'clock
season | buyer | Who buys at a certain time of year
fourth_quarter_share | share | spend | Share of sales in October to December
quarter_1_share | share | spend | Share of sales in January to March, shrunk to all customers' by 4 orders
quarter_2_share | share | spend | Share of sales in April to June, likewise
quarter_3_share | share | spend | Share of sales in July to September, likewise
quarter_4_share | share | spend | Share of sales in October to December, likewise
peak_month | category | spend | Month of most sales; of the same sales the earlier
season_concentration | 0 to 1 | spend | Half the sum of differences between shares by month, shrunk, and all customers'
buys_only_at_christmas | boolean | buyer | All sales from 15 November to 31 December, in two years or more
journey | any | Who is a prospect, new, active, at risk or lapsed
journey_stage | category | buyer | Lapsed or at risk by the overdue ratio (cut points learned; else over 365 or 180 days), new (first sale within 90), one order, loyal (5 orders), active
overdue_ratio | ratio | buyer | Days since the last sale over the expected gap
furthest_step | category | events | Furthest step on site or app: visit, view, lead (wish, form, sign-up), cart, checkout
signed_up_days | days | customers.signed_up_on | Days since signing up
first_order_on | date | buyer | Day of the first sale
last_order_on | date | buyer | Day of the last sale
moment | events | Which key moment came last, and how long ago
last_moment | category | events | Last of the plan's key moments, such as cart or form
days_since_moment | days | events | Days since that moment
days_since_first_visit | days | events | Days since the first event
has_left_cart | boolean | events | No checkout came after the last cart
days_since_cart | days | events | Days since a product was put in the cart
engagement | reach | Who opens, clicks, visits and answers
days_since_visit | days | events | Days since the last event
message_count | messages | messages | Messages delivered
open_count | messages | opened | Delivered messages opened
click_count | messages | messages; messages.clicked | Delivered messages clicked
conversion_count | messages | messages; messages.converted | Delivered messages followed by a purchase
call_count | calls | calls | Calls made: delivered messages by phone
answered_call_count | calls | calls; messages.opened | Calls answered
signup_count | sign-ups | events | Sign-ups on site or app
open_share | share | opened | Share of delivered messages opened
click_share | share | messages; messages.clicked | Share of delivered messages clicked
conversion_share | share | messages; messages.converted | Share of delivered messages followed by a purchase in the campaign's time
days_since_open | days | opened | Days since the last opened message was sent
has_unsubscribed | boolean | messages; messages.unsubscribed | Unsubscribed from a message
days_inactive | days | contact | Days since the last visit, opened message, ticket or answer
engagement_level | category | contact | Active (inactive up to 30 days, or the plan's), quiet (180 days) or passive
ticket_count | tickets | tickets | Support tickets
days_since_ticket | days | tickets | Days since the last ticket
mean_satisfaction | 1 to 5 | tickets; tickets.satisfaction | Mean satisfaction with support
answer_count | answers | responses | Questions of surveys answered
days_since_answer | days | responses; responses.answered_at | Days since the last answer
has_loyalty_card | boolean | customers.loyalty_card_id | Has a loyalty card
consent | boolean | own | May be contacted
"""  # noqa: E501


@dataclass(frozen=True)
class Feature:
    """One column; ``kind`` is ``number``, ``category``, ``boolean`` or ``date``."""

    name: str
    base: str
    unit: str
    meaning: str
    needs: Needs
    kind: str = "number"


@dataclass(frozen=True)
class Base:
    """A kind of characteristic to segment by; ``row`` is its number, B1 to B16."""

    name: str
    row: str
    answers: str
    needs: Needs
    features: tuple[str, ...]


def _read_needs(text: str) -> Needs:
    """Read groups separated by semicolons; a name from ``_NEEDS`` stands for its groups."""
    named = dict(line.split(": ") for line in _NEEDS.strip().splitlines())
    groups: list[tuple[str, ...]] = []
    for part in text.split("; "):
        groups += _read_needs(named[part]) if part in named else [tuple(part.split(" or "))]
    return tuple(groups)


def _read_tables() -> tuple[dict[str, Feature], dict[str, Base]]:
    rows, features = [], {}
    for line in _TABLE.strip().splitlines():
        cells = line.split(" | ")
        if len(cells) == 3:
            rows.append(cells)
            continue
        name, unit, needs, meaning = cells
        own = f"customers.{name}"
        needs = {"own": own, "also": f"{own} or events.{name}"}.get(needs, needs)
        other = unit in ("category", "boolean", "date")
        kind, unit = (unit, "") if other else ("number", unit)
        base = rows[-1][0]
        features[name] = Feature(name, base, unit, meaning, _read_needs(needs), kind)
    bases = {}
    for name, needs, answers in rows:
        given = tuple(f.name for f in features.values() if f.base == name)
        read = dict.fromkeys(c for f in given for group in features[f].needs for c in group)
        any_read = tuple(sorted(read, key=lambda column: column.split(".")[0]))
        groups = (any_read,) if needs == "any" else _read_needs(needs)
        bases[name] = Base(name, BASE_ROWS[name], answers, groups, given)
    return features, bases


FEATURES, BASES = _read_tables()
