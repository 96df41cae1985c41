"""The headings of a persona's sheet, and which column of the customer table stands under which."""

from __future__ import annotations

from dataclasses import dataclass

from segkit.contract.features import CATEGORY_SHARE
from segkit.features.own_features import describe_feature
from segkit.plan.personas import Personas

PERSON = "person"
FIRM = "firm"
OTHER = "other"
REASON = "stops_"  # what the columns of reasons not to buy begin with


@dataclass(frozen=True)
class Heading:
    """One heading of a sheet.

    ``label`` is what it is called, ``firm_label`` on the sheet of a firm if that differs.
    ``columns`` stand under it, and those of ``bases`` that no other heading names. ``tells`` is
    what would tell, for a sheet without evidence. ``whom`` says on whose sheets it is missed; on
    the others it is there only if there is something to say.
    """

    name: str
    label: str
    columns: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    tells: str = ""
    firm_label: str = ""
    whom: tuple[str, ...] = (PERSON, FIRM)

    def name_for(self, whom: str) -> str:
        """Return what it is called on a person's or a firm's sheet."""
        return self.firm_label if whom == FIRM and self.firm_label else self.label


HEADINGS = (
    Heading(
        "age",
        "Age",
        columns=("age_years", "age_band", "gender"),
        bases=("generational",),
        tells="“birth_year” or “age_band” of “customers”",
        whom=(PERSON,),
    ),
    Heading(
        "family",
        "Family",
        columns=("marital_status", "household_size", "child_count", "household_type", "has_pets"),
        tells="“household_type”, “household_size” or “child_count” of “customers”",
        whom=(PERSON,),
    ),
    Heading(
        "work",
        "Work",
        columns=("occupation", "education", "income", "income_band"),
        bases=("demographic",),
        tells="“occupation”, “education” or “income” of “customers”",
        firm_label="Role",
    ),
    Heading(
        "firm",
        "Kind of customer",
        bases=("firmographic",),
        tells="“industry”, “employee_count” or “annual_revenue” of “customers”",
        firm_label="Firm",
        whom=(FIRM,),
    ),
    Heading(
        "place",
        "Place",
        bases=("geographic",),
        tells="“country”, “region” or “city” of “customers”",
    ),
    Heading(
        "worth",
        "How much and how often",
        bases=("value", "behavioural", "journey"),
        tells="the table “order_lines”",
    ),
    Heading("buys", "What they buy", bases=("purchase_history",), tells="“category” of “products”"),
    Heading(
        "when",
        "When",
        columns=(
            "favourite_weekday",
            "part_of_day",
            "weekend_share",
            "morning_share",
            "afternoon_share",
            "evening_share",
            "night_share",
            "mean_days_between_orders",
            "gap_variation",
            "expected_gap_days",
        ),
        bases=("season",),
        tells="“ordered_at” of “order_lines”, with the hour",
    ),
    Heading(
        "channel",
        "Channel and device",
        columns=("favourite_channel", "cross_channel_share"),
        bases=("technographic", "source"),
        tells="“channel” of “orders”, or the table “events”",
    ),
    Heading("contact", "Contact", bases=("engagement", "moment"), tells="the table “messages”"),
    Heading(
        "values",
        "What they value",
        bases=("needs", "benefit", "psychographic"),
        tells="“scales” or “choices” of a survey in the plan, with the table “responses”",
    ),
    Heading(
        "complaints",
        "What they complain about",
        columns=("ticket_topic", "ticket_count", "mean_satisfaction", "hours_to_resolve"),
        tells="“topic” of “tickets”",
    ),
    Heading(
        "stops",
        "What stops them",
        tells="a question on reasons not to buy, under “surveys.reasons” of the plan",
    ),
    Heading(
        "decision",
        "Decision power",
        columns=("decision_power", "decision_role", "buying_role", "role"),
        tells="a column of “customers” such as “buying_role”",
    ),
    Heading(
        "deals",
        "Deals",
        columns=("deals_won", "decision_days", "deal_source"),
        tells="the table “deals”",
        whom=(FIRM,),
    ),
    Heading(OTHER, "Also", bases=("own",), whom=()),
)
# Columns that say the same: one of each group is told.
SAME = (
    ("age_band", "age_years", "generation", "birth_decade"),
    ("household_type", "household_size", "child_count"),
    ("income", "income_band"),
    ("employee_band", "employee_count"),
    ("revenue_band", "annual_revenue"),
    ("country", "region", "city", "territory", "business_place", "language"),
    ("peak_month", "fourth_quarter_share", *(f"quarter_{n}_share" for n in range(1, 5))),
    ("part_of_day", "morning_share", "afternoon_share", "evening_share", "night_share"),
    ("favourite_weekday", "weekend_share"),
    ("mean_days_between_orders", "expected_gap_days"),
    ("favourite_channel", "cross_channel_share"),
    ("source", "medium", "campaign", "last_source", "last_medium", "last_campaign"),
    ("operating_system", "device", "app_share"),
    (
        "order_count",
        "active_days",
        "expected_order_count",
        *(f"order_count_last_{days}_days" for days in (30, 90, 365)),
    ),
    (
        "total_spend",
        "total_profit",
        "lifetime_value",
        *(f"spend_last_{days}_days" for days in (30, 90, 365)),
    ),
    ("recency_days", "overdue_ratio", "active_probability", "journey_stage"),
    ("product_count", "category_count", "category_diversity", "favourite_category_share"),
)
# Of columns that say the same these draw a person best, where one of their levels is a trait.
PICTURED = (
    "age_band",
    "household_type",
    "industry",
    "favourite_category",
    "favourite_channel",
    "favourite_weekday",
    "part_of_day",
    "peak_month",
)
_GROUPS = {name: group[0] for group in SAME for name in group}
_BY_COLUMN = {column: heading.name for heading in HEADINGS for column in heading.columns}
_BY_BASE = {base: heading.name for heading in HEADINGS for base in heading.bases}


def find_heading(column: str, personas: Personas | None = None) -> str:
    """Return the name of the heading that a column of the customer table stands under.

    The plan's word goes first, then the headings that name the column, then its base.

    >>> find_heading("has_pets"), find_heading("needs_purpose"), find_heading("wine_spend")
    ('family', 'values', 'other')
    """
    told = personas.find_heading(column) if personas is not None else ""
    if told:
        return told
    if column.startswith(REASON):
        return "stops"
    return _BY_COLUMN.get(column) or _BY_BASE.get(describe_feature(column).base, OTHER)


def find_group(column: str) -> str:
    """Return what stands for all columns that say the same as this one.

    >>> find_group("age_years"), find_group("has_pets")
    ('age_band', 'has_pets')
    """
    if column.startswith(CATEGORY_SHARE):
        return "favourite_category"
    return _GROUPS.get(column, column)
