"""Every feature of the customer table: its base, unit, meaning and what it needs.

A need is a group of contract columns, written ``table.column``, of which one must be there; a
feature is given when each of its groups is met.
"""

from __future__ import annotations

from dataclasses import dataclass

Needs = tuple[tuple[str, ...], ...]

BUYER: Needs = (
    ("order_lines.customer_id", "orders.customer_id"),
    ("order_lines.ordered_at", "orders.ordered_at"),
)
SPEND: Needs = (*BUYER, ("order_lines.line_amount", "order_lines.unit_price"))
CATEGORY: Needs = (*SPEND, ("products.category",))
PROFIT: Needs = (*SPEND, ("order_lines.unit_cost", "products.unit_cost"))
DISCOUNT: Needs = (*SPEND, ("order_lines.discount_amount",))
SALES_CHANNEL: Needs = (*SPEND, ("order_lines.channel", "orders.channel"))
HOME: Needs = (("customers.country", "order_lines.country", "orders.country"),)
BIRTH: Needs = (("customers.birth_year",),)
EVENTS: Needs = (("events.customer_id",), ("events.occurred_at",), ("events.event_type",))
MESSAGES: Needs = (("messages.customer_id",), ("messages.sent_at",))
OPENED: Needs = (*MESSAGES, ("messages.opened",))
CLICKED: Needs = (*MESSAGES, ("messages.clicked",))
CONVERTED: Needs = (*MESSAGES, ("messages.converted",))
UNSUBSCRIBED: Needs = (*MESSAGES, ("messages.unsubscribed",))
CONTACT: Needs = (
    ("events.occurred_at", "messages.opened"),
    ("events.customer_id", "messages.customer_id"),
)
TICKETS: Needs = (("tickets.customer_id",), ("tickets.opened_at",))
SATISFACTION: Needs = (*TICKETS, ("tickets.satisfaction",))
RESPONSES: Needs = (("responses.customer_id",), ("responses.question",), ("responses.answer",))


@dataclass(frozen=True)
class Feature:
    """One column of the customer table.

    ``kind`` is ``number``, ``category``, ``boolean`` or ``date``.
    """

    name: str
    base: str
    unit: str
    meaning: str
    needs: Needs
    kind: str = "number"


def _number(name: str, base: str, unit: str, meaning: str, needs: Needs = ()) -> Feature:
    return Feature(name, base, unit, meaning, needs or _own(name))


def _category(
    name: str, base: str, meaning: str, needs: Needs = (), kind: str = "category"
) -> Feature:
    return Feature(name, base, "", meaning, needs or _own(name), kind)


def _own(column: str, *others: str) -> Needs:
    return ((f"customers.{column}", *others),)


_FEATURES = (
    _number("age_years", "demographic", "years", "Age at as_of", BIRTH),
    _category("age_band", "demographic", "Age group", _own("age_band", "customers.birth_year")),
    _category("gender", "demographic", "Gender as stated"),
    _category("education", "demographic", "Highest education"),
    _category("occupation", "demographic", "Occupation"),
    _category("marital_status", "demographic", "Marital status"),
    _number("household_size", "demographic", "people", "People in the household"),
    _number("child_count", "demographic", "children", "Children at home"),
    _number("income", "demographic", "currency a year", "Yearly income"),
    _category("income_band", "demographic", "Income group"),
    _category(
        "country", "geographic", "Country: the customer's own, else that of most sales", HOME
    ),
    _category("region", "geographic", "Region or territory"),
    _category("city", "geographic", "City"),
    _category("density", "geographic", "Urban, suburban or rural"),
    _category("language", "geographic", "Preferred language"),
    _number("recency_days", "behavioural", "days", "Days since the last sale", BUYER),
    _number("order_count", "behavioural", "orders", "Orders with a sale", BUYER),
    _number(
        "order_count_last_365_days", "behavioural", "orders", "Orders in the last 365 days", BUYER
    ),
    _number("active_days", "behavioural", "days", "Days from the first sale to the last", BUYER),
    _number("tenure_days", "behavioural", "days", "Days since the first sale", BUYER),
    _category("favourite_channel", "behavioural", "Channel of most sales", SALES_CHANNEL),
    _number("visit_count", "behavioural", "visits", "Visits to site or app", EVENTS),
    _number("view_count", "behavioural", "views", "Products viewed", EVENTS),
    _number("cart_count", "behavioural", "carts", "Products put in the cart", EVENTS),
    _number("wish_count", "behavioural", "wishes", "Products put on the wish list", EVENTS),
    _category(
        "device", "technographic", "Own device, else the most used", _own("device", "events.device")
    ),
    _category(
        "operating_system",
        "technographic",
        "Own system, else the most used",
        _own("operating_system", "events.operating_system"),
    ),
    _category(
        "browser",
        "technographic",
        "Own browser, else the most used",
        _own("browser", "events.browser"),
    ),
    _category("customer_type", "firmographic", "A person or a business"),
    _category("industry", "firmographic", "Industry"),
    _number("employee_count", "firmographic", "people", "Employees"),
    _number("annual_revenue", "firmographic", "currency a year", "Yearly revenue"),
    _category("generation", "generational", "Generation by year of birth", BIRTH),
    _number("total_spend", "value", "currency", "Spend, net of returns", SPEND),
    _number(
        "spend_last_365_days",
        "value",
        "currency",
        "Spend in the last 365 days, net of returns",
        SPEND,
    ),
    _number("mean_order_value", "value", "currency", "Gross sales divided by orders", SPEND),
    _number(
        "total_profit",
        "value",
        "currency",
        "Spend less cost, over lines whose cost is known",
        PROFIT,
    ),
    _category(
        "source",
        "source",
        "UTM source: the customer's own, else the first touch",
        _own("source", "events.source"),
    ),
    _category("medium", "source", "UTM medium, likewise", _own("medium", "events.medium")),
    _category("campaign", "source", "UTM campaign, likewise", _own("campaign", "events.campaign")),
    _number("product_count", "purchase_history", "products", "Different products bought", BUYER),
    _number(
        "category_count", "purchase_history", "categories", "Different categories bought", CATEGORY
    ),
    _category("favourite_category", "purchase_history", "Category of most sales", CATEGORY),
    _number(
        "favourite_category_share",
        "purchase_history",
        "share",
        "Share of the favourite category",
        CATEGORY,
    ),
    _number(
        "mean_days_between_orders",
        "purchase_history",
        "days",
        "Mean days between days with an order; null below two",
        BUYER,
    ),
    _number("return_share", "purchase_history", "share", "Returned amount over gross sales", SPEND),
    _number(
        "discount_share",
        "purchase_history",
        "share",
        "Discount over sales before discount",
        DISCOUNT,
    ),
    _number(
        "fourth_quarter_share", "season", "share", "Share of sales in October to December", SPEND
    ),
    _category(
        "journey_stage",
        "journey",
        "Lapsed (over 365 days), at risk (over 180), new (first sale within 90), one order, active",
        BUYER,
    ),
    _number("signed_up_days", "journey", "days", "Days since signing up", _own("signed_up_on")),
    _category("first_order_on", "journey", "Day of the first sale", BUYER, kind="date"),
    _category("last_order_on", "journey", "Day of the last sale", BUYER, kind="date"),
    _category("last_moment", "moment", "Last cart, wish, checkout, sign-up or form", EVENTS),
    _number("days_since_moment", "moment", "days", "Days since that moment", EVENTS),
    _number(
        "days_since_cart", "moment", "days", "Days since a product was put in the cart", EVENTS
    ),
    _number("days_since_visit", "engagement", "days", "Days since the last event", EVENTS),
    _number("message_count", "engagement", "messages", "Messages delivered", MESSAGES),
    _number("open_share", "engagement", "share", "Share of delivered messages opened", OPENED),
    _number("click_share", "engagement", "share", "Share of delivered messages clicked", CLICKED),
    _number(
        "conversion_share",
        "engagement",
        "share",
        "Share of delivered messages followed by a purchase in the campaign's time",
        CONVERTED,
    ),
    _number(
        "days_since_open",
        "engagement",
        "days",
        "Days since the last opened message was sent",
        OPENED,
    ),
    _category(
        "has_unsubscribed",
        "engagement",
        "Unsubscribed from a message",
        UNSUBSCRIBED,
        kind="boolean",
    ),
    _category(
        "engagement_level", "engagement", "Active (30 days), quiet (180 days) or passive", CONTACT
    ),
    _number("ticket_count", "engagement", "tickets", "Support tickets", TICKETS),
    _number(
        "mean_satisfaction", "engagement", "1 to 5", "Mean satisfaction with support", SATISFACTION
    ),
    _number("answer_count", "engagement", "answers", "Questions of surveys answered", RESPONSES),
    _category(
        "has_loyalty_card",
        "engagement",
        "Has a loyalty card",
        _own("loyalty_card_id"),
        kind="boolean",
    ),
    _category("consent", "engagement", "May be contacted", kind="boolean"),
)

FEATURES: dict[str, Feature] = {feature.name: feature for feature in _FEATURES}
