"""Every feature of every base, against numbers worked out on paper for a shop of six customers.

Purchases are those of shops.py, on more channels and with a discount. The last day counted is
30 June 2026; a row after it in each table must change nothing.
"""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published import publish, read_texts
from shops import AS_OF, make_lines

from segkit.contract.features import CATEGORY_SHARE, FEATURES
from segkit.features.accounts import roll_up_accounts
from segkit.features.customer_table import build_customers, count_prospects, list_gaps, list_given
from segkit.features.own_features import list_kinds
from segkit.plan.bases import BaseSettings, ChoiceQuestion, Scale
from segkit.profiles.funnel import count_funnel, list_unrecorded, pool_steps
from segkit.report import journey
from segkit.report.shared.numbers import THIN_SPACE

WHO = ["ann", "bob", "cat", "dan", "eve", "fay"]
RETURNED_ONLY = "dan"  # so that he has no place among buyers
SETTINGS = BaseSettings(
    territories={"Helsinki": "Capital", "FI": "North", "EE": "Baltic", "LV": "Baltic"},
    key_moments=("cart", "form", "signup"),
    scales=[
        Scale(
            name="adventure",
            base="psychographic",
            questions=("I seek adventure", "I like calm", "I read of travels"),
            reversed=("I like calm",),
        )
    ],
    choices=[
        ChoiceQuestion(name="use", base="needs", question="Use?"),
        ChoiceQuestion(
            name="care",
            base="benefit",
            question="What matters?",
            separator=";",
            options={"price": "A low price", "speed": "Speed"},
        ),
    ],
)

# fay is not among the customers; gus never bought; hal signed up after the last day.
CUSTOMERS = """
customer_id customer_type birth_year age_band gender education occupation marital_status household_size child_count has_pets income income_band country region  city     density latitude language industry employee_count annual_revenue signed_up_on source medium campaign device operating_system browser loyalty_card_id consent
ann         consumer      1980       -        woman  master    nurse      married        4              2           True     50000  middle      -       Uusimaa Helsinki urban   60.2     fi       -        -              -              2024-06-30   google cpc    c1       -      -                -       L1              True
bob         consumer      1890       55-64    man    basic     clerk      single         1              0           False    20000  low         LV      -       Riga     urban   66.6     lv       -        -              -              2026-06-30   -      -      -        -      -                -       -               False
cat         business      -          -        -      -         -          -              -              -           -        -      -           -       Skåne   -        -       -33.9    sv       hotels   9              2000000        2025-06-30   -      -      -        -      -                -       -               True
dan         business      -          -        -      -         -          -              -              -           -        -      -           NO      -       -        rural   70       nb       events   50             2000001        -            friend -      -        -      -                -       -               -
eve         consumer      1997       -        -      -         -          -              2              -           -        -      -           EE      -       Tartu    -       -23.4    -        -        -              -              2026-06-01   -      -      -        tablet Android          Chrome  L2              True
gus         consumer      2000       -        man    -         -          -              3              -           -        -      -           FI      -       -        -       -        -        -        -              -              2026-01-01   -      -      -        -      -                -       -               True
hal         consumer      2001       -        man    -         -          -              1              -           -        -      -           FI      -       -        -       -        -        -        -              -              2026-07-01   -      -      -        -      -                -       -               True
"""  # noqa: E501
EVENTS = """
customer_id occurred_at      event_type session_id channel device  operating_system browser source     medium campaign
ann         2026-06-20T10:00 view       s1         web     mobile  iOS              Safari  newsletter email  c2
ann         2026-06-20T10:05 cart       s1         web     mobile  iOS              Safari  newsletter email  c2
ann         2026-06-25T08:00 view       s2         App     desktop Windows          Edge    direct     none   -
bob         2026-01-01T08:00 wish       s3         web     desktop Windows          Edge    bing       cpc    c3
bob         2026-07-02T08:00 cart       s4         web     mobile  iOS              Safari  late       late   late
cat         2026-05-31T09:00 visit      s5         web     desktop Linux            Firefox -          -      -
cat         2026-05-31T09:10 cart       s5         web     desktop Linux            Firefox -          -      -
cat         2026-05-31T09:20 checkout   s5         web     desktop Linux            Firefox -          -      -
dan         2026-06-30T23:59 signup     s6         app     mobile  Android          Chrome  bing       cpc    c3
fay         2026-06-01T09:00 form       s7         -       mobile  Android          Chrome  -          -      -
-           2026-06-29T08:00 view       s8         web     mobile  iOS              Safari  bing       cpc    c3
"""  # noqa: E501
MESSAGES = """
customer_id sent_at          channel arm         opened clicked bounced unsubscribed converted
ann         2026-06-01T08:00 e-mail  segmented   True   True    False   False        False
ann         2026-06-10T08:00 e-mail  segmented   False  False   False   False        False
ann         2026-06-12T08:00 Phone   segmented   True   -       False   -            True
ann         2026-07-01T08:00 e-mail  segmented   True   True    False   True         True
bob         2026-06-01T08:00 -       control     -      -       -       -            True
dan         2026-03-01T08:00 e-mail  unsegmented True   False   False   True         False
eve         2026-06-01T08:00 e-mail  unsegmented False  False   True    False        False
fay         2026-06-05T08:00 phone   unsegmented False  -       False   False        False
"""
TICKETS = """
ticket_id customer_id opened_at        resolved_at      satisfaction
t1        ann         2026-05-31T08:00 2026-05-31T18:00 4
t2        ann         2026-06-29T08:00 2026-06-29T09:00 -
t3        cat         2025-12-31T08:00 2026-07-01T08:00 2
t4        eve         2026-07-05T08:00 2026-07-05T09:00 1
t5        ann         2026-06-10T08:00 2026-06-11T04:00 -
"""
RESPONSES = [
    ("ann", "I seek adventure", "5", "2026-03-01"),
    ("ann", "I seek adventure", " 3 ", "2026-04-01"),  # the last one counts
    ("ann", "I like calm", "2", "2026-03-01"),  # turned around: 4
    ("ann", "I read of travels", None, "2026-03-01"),
    ("ann", "Use?", "Home", "2026-03-01"),
    ("ann", "Use?", "Gifts", "2026-03-01"),  # a tie goes to the alphabet
    ("ann", "What matters?", "A low price; Speed", "2026-03-01"),
    ("bob", "I seek adventure", "much", "2026-03-01"),  # no number
    ("bob", "I like calm", "1", "2026-03-01"),  # one of three is not half
    ("bob", "What matters?", "Speed", "2026-03-01"),
    ("cat", "I seek adventure", "2", "2026-01-01"),
    ("cat", "I seek adventure", "7", "2026-02-01"),  # off the scale: the 2 counts
    ("cat", "I like calm", "3", "2026-01-01"),
    ("cat", "I read of travels", "4.0", "2026-01-01"),
    ("cat", "What matters?", "Speedy", "2026-01-01"),
    ("dan", "I seek adventure", "4", "2026-07-01"),
    ("eve", "I seek adventure", "1", None),
    ("eve", "I seek adventure", "5", "2020-01-01"),  # a dated answer comes after an undated one
    ("eve", "I read of travels", "5", None),
    ("fay", "Use?", "Work", None),
    (None, "Use?", "Work", "2026-01-01"),
]
N = None


def shrink_shares(shares: list[float | None], base: float) -> list[float | None]:
    """Add four orders like all customers' to the two, two, one, none, one and one of the six."""
    both = zip(shares, [2, 2, 1, 0, 1, 1], strict=True)
    return [None if share is None else (n * share + 4 * base) / (n + 4) for share, n in both]


# Feature -> ann, bob, cat, dan, eve, fay.
EXPECTED = {
    # Who they are. Age is 2026 less the year of birth; 136 is no age.
    "age_years": [46, N, N, N, 29, N],
    "age_band": ["45-54", "55-64", N, N, "25-34", N],
    "gender": ["woman", "man", N, N, N, N],
    "education": ["master", "basic", N, N, N, N],
    "occupation": ["nurse", "clerk", N, N, N, N],
    "marital_status": ["married", "single", N, N, N, N],
    "household_size": [4, 1, N, N, 2, N],
    "child_count": [2, 0, N, N, N, N],
    "household_type": ["with children", "one person", N, N, "two adults", N],
    "has_pets": [True, False, N, N, N, N],
    "income": [50_000, 20_000, N, N, N, N],
    "income_band": ["middle", "low", N, N, N, N],
    # Country: one's own, else of most sales. The city's territory comes before the country's.
    "country": ["FI", "LV", "FI", "NO", "EE", "EE"],
    "region": ["Uusimaa", N, "Skåne", N, N, N],
    "city": ["Helsinki", "Riga", N, N, "Tartu", N],
    "territory": ["Capital", "Baltic", "North", N, "Baltic", "Baltic"],
    "density": ["urban", "urban", N, "rural", N, N],
    "climate_zone": ["temperate", "temperate", "temperate", "polar", "tropical", N],
    "language": ["fi", "lv", "sv", "nb", N, N],
    "customer_type": ["consumer", "consumer", "business", "business", "consumer", N],
    "industry": [N, N, "hotels", "events", N, N],
    "employee_count": [N, N, 9, 50, N, N],
    "employee_band": [N, N, "micro (0-9)", "medium (50-249)", N, N],
    "annual_revenue": [N, N, 2_000_000, 2_000_001, N, N],
    "revenue_band": [N, N, "up to 2 million", "over 2 to 10 million", N, N],
    "business_place": [N, N, "Skåne", "NO", N, N],
    "generation": ["X (1965-1980)", N, N, N, "Z (1997-2012)", N],
    "birth_decade": ["1980s", N, N, N, "1990s", N],
    "signed_up_days": [730, 0, 365, N, 29, N],
    "has_loyalty_card": [True, False, False, False, True, N],
    "consent": [True, False, True, N, True, N],
    # What they use, and what brought them: one's own, else the most used or the first touch.
    "device": ["mobile", "desktop", "desktop", "mobile", "tablet", "mobile"],
    "operating_system": ["iOS", "Windows", "Linux", "Android", "Android", "Android"],
    "browser": ["Safari", "Edge", "Firefox", "Chrome", "Chrome", "Chrome"],
    "app_share": [1 / 3, 0, 0, 1, N, N],
    "source": ["google", "bing", N, "friend", N, N],
    "medium": ["cpc", "cpc", N, "cpc", N, N],
    "campaign": ["c1", "c3", N, "c3", N, N],
    "last_source": ["direct", "bing", N, "bing", N, N],
    "last_medium": ["none", "cpc", N, "cpc", N, N],
    "last_campaign": ["c2", "c3", N, "c3", N, N],  # the last visit with a campaign
    # What they do.
    "visit_count": [2, 1, 1, 1, 0, 1],
    "view_count": [2, 0, 0, 0, 0, 0],
    "cart_count": [1, 0, 1, 0, 0, 0],
    "wish_count": [0, 1, 0, 0, 0, 0],
    "signup_count": [0, 0, 0, 1, 0, 0],
    "furthest_step": ["cart", "lead", "checkout", "lead", N, "lead"],
    "last_moment": ["cart", N, "cart", "signup", N, "form"],  # a wish is no key moment here
    "days_since_moment": [10, N, 30, 0, N, 29],
    "days_since_first_visit": [10, 180, 30, 0, N, 29],
    "days_since_visit": [5, 180, 30, 0, N, 29],
    "days_since_cart": [10, N, 30, N, N, N],
    "has_left_cart": [True, N, False, N, N, N],
    # A bounced message was not delivered, a control group got none, a call is a message too.
    "message_count": [3, 0, 0, 1, 0, 1],
    "open_count": [2, 0, 0, 1, 0, 0],
    "open_share": [2 / 3, N, N, 1, N, 0],
    "click_count": [1, 0, 0, 0, 0, 0],
    "click_share": [1 / 3, N, N, 0, N, 0],
    "conversion_count": [1, 0, 0, 0, 0, 0],
    "conversion_share": [1 / 3, N, N, 0, N, 0],
    "call_count": [1, 0, 0, 0, 0, 1],
    "answered_call_count": [1, 0, 0, 0, 0, 0],
    "days_since_open": [18, N, N, 121, N, N],
    "has_unsubscribed": [False, False, N, True, False, False],
    "ticket_count": [3, 0, 1, 0, 0, 0],
    "days_since_ticket": [1, N, 181, N, N, N],
    "mean_satisfaction": [4, N, 2, N, N, N],
    # (10 + 20) / 2, the one of yesterday is too young; still open after more than a week.
    "hours_to_resolve": [15, N, 168, N, N, N],
    "answer_count": [6, 3, 5, 0, 3, 1],
    # From 1 April, 1 March, 1 February 2026; from 1 January 2020: six years with two leap days.
    "days_since_answer": [90, 121, 149, N, 6 * 365 + 2 + 180, N],
    # The fewest of days since a visit, an opened message, a ticket, an answer.
    "days_inactive": [1, 121, 30, 0, 2372, 29],
    "engagement_level": ["active", "quiet", "active", "active", "passive", "active"],
    # What they say: (3 + 4) / 2; one of three; (2 + 3 + 4) / 3; nothing yet; (5 + 5) / 2.
    "psychographic_adventure": [3.5, N, 3, N, 5, N],
    "needs_use": ["Gifts", N, N, N, N, "Work"],
    "benefit_price": [1, 0, 0, N, N, N],
    "benefit_speed": [1, 1, 0, N, N, N],
    # What they buy, see shops.py. Days to 30 June from 1 May, 31 March, 30 June, 1 October, 1 June.
    "recency_days": [60, 91, 0, N, 272, 394],
    "tenure_days": [180, 91, 0, N, 272, 394],
    "active_days": [120, 0, 0, N, 0, 0],
    "order_count": [2, 2, 1, 0, 1, 1],
    "order_count_last_365_days": [2, 2, 1, 0, 1, 0],
    "favourite_channel": ["web", "store", "web", N, "store", "store"],
    "total_spend": [120, 25, 20, -5, 50, 20],
    "spend_last_365_days": [120, 25, 20, -5, 50, 0],
    "mean_order_value": [85, 12.5, 20, N, 50, 20],
    "total_profit": [52, 12, N, N, 20, 12],
    "expected_order_count": [N] * 6,  # six customers are too few to predict a year
    "active_probability": [N] * 6,
    "lifetime_value": [N] * 6,
    "product_count": [2, 2, 1, 0, 1, 1],
    "category_count": [2, 1, 1, 0, 1, 1],
    "favourite_category": ["camp", "home", "home", N, "camp", "home"],
    "favourite_category_share": [150 / 170, 1, 1, N, 1, 1],
    "mean_days_between_orders": [120, N, N, N, N, N],
    "return_share": [50 / 170, 0, 0, N, 0, 0],
    "discount_share": [10 / 180, 0, 0, N, 0, 0],
    "fourth_quarter_share": [0, 0, 0, N, 1, 0],
    "spend_last_90_days": [0, 0, 20, -5, 0, 0],  # ann bought for 50 and gave 50 back
    "spend_last_30_days": [0, 0, 20, -5, 0, 0],
    "order_count_last_90_days": [1, 0, 1, 0, 0, 0],
    "order_count_last_30_days": [0, 0, 1, 0, 0, 0],
    # Sales of the last 180 days and of those before: ann 50 and 120, eve none and 50.
    "spend_trend": [-70 / 170, 1, 1, N, -1, N],
    "cross_channel_share": [50 / 170, 0, 0, N, 0, 0],
    "other_categories_share": [0, 0, 0, N, 0, 0],
    "category_diversity": [1 - (150**2 + 20**2) / 170**2, 0, 0, N, 0, 0],
    # Usual prices are 200 / 4 = 50 in camp and 85 / 8 = 10.625 at home.
    "price_level": [
        (4 * 170 / (3 * 50 + 10.625) + 5) / 9,
        (2 * 25 / 21.25 + 5) / 7,
        (4 * 20 / 42.5 + 5) / 9,
        N,
        1,
        (20 / 10.625 + 5) / 6,
    ],
    # There is one gap, ann's of 120 days; everybody's two gaps of that mean are added to it.
    "gap_variation": [N] * 6,
    "expected_gap_days": [120, 120, 120, N, 120, 120],
    "overdue_ratio": [60 / 120, 91 / 120, 0, N, 272 / 120, 394 / 120],
    # fay bought on a Sunday; bob for 20 at 9 and for 5 at 17 o'clock, cat a minute to midnight.
    "weekend_share": [0, 0, 0, N, 0, 1],
    "night_share": [0, 0, 0, N, 0, 0],
    "morning_share": [1, 0.8, 0, N, 0, 0],
    "afternoon_share": [0, 0.2, 0, N, 1, 1],
    "evening_share": [0, 0, 1, N, 0, 0],
    # Of 285 in all 145 fall into the first quarter, 90 into the second, 50 into the fourth.
    "quarter_1_share": shrink_shares([120 / 170, 1, 0, N, 0, 0], 145 / 285),
    "quarter_2_share": shrink_shares([50 / 170, 0, 1, N, 0, 1], 90 / 285),
    "quarter_3_share": shrink_shares([0, 0, 0, N, 0, 0], 0),
    "quarter_4_share": shrink_shares([0, 0, 0, N, 1, 0], 50 / 285),
    "peak_month": ["January", "March", "June", N, "October", "June"],
    # What lies in months of which the customer has more than all: 1 - 170 / 285 and so on.
    "season_concentration": [
        2 / 6 * 115 / 285,
        2 / 6 * 260 / 285,
        1 / 5 * 245 / 285,
        N,
        1 / 5 * 235 / 285,
        1 / 5 * 245 / 285,
    ],
    "buys_only_at_christmas": [False] * 6,
    "journey_stage": ["active", "active", "new", "never bought", "at risk", "lapsed"],
    "first_order_on": ["2026-01-01", "2026-03-31", "2026-06-30", N, "2025-10-01", "2025-06-01"],
    "last_order_on": ["2026-05-01", "2026-03-31", "2026-06-30", N, "2025-10-01", "2025-06-01"],
}


def read_rows(text: str) -> pd.DataFrame:
    """Read a table written with blanks between its cells; a dash is no value."""
    header, *rows = (line.split() for line in text.strip().splitlines())
    table = pd.DataFrame(rows, columns=header).replace({"-": None})
    for column in table:
        if column.endswith("_at"):
            table[column] = pd.to_datetime(table[column])
        elif column.endswith("_on"):
            table[column] = pd.to_datetime(table[column]).dt.date
        elif column in ("customer_id", "medium", "language", "birth_decade"):
            continue
        elif set(table[column].dropna()) <= {"True", "False"}:
            table[column] = table[column].map({"True": True, "False": False, None: None})
        else:
            numbers = pd.to_numeric(table[column], errors="coerce")
            if numbers.notna().sum() == table[column].notna().sum() > 0:
                table[column] = numbers.astype("Int64" if column == "birth_year" else float)
    return table


def make_frames() -> dict[str, pd.DataFrame]:
    lines = make_lines()
    lines["channel"] = np.where(lines["country"] == "FI", "web", "store")
    lines["discount_amount"] = np.where(lines.index == 0, 10.0, 0.0)  # ann's first line
    products = {
        "product_id": ["tent", "lamp", "mug"],
        "category": ["camp", "home", "home"],
        "unit_cost": [30.0, 8.0, None],
    }
    columns = ["customer_id", "question", "answer", "answered_at"]
    responses = pd.DataFrame(RESPONSES, columns=columns)
    responses["answered_at"] = pd.to_datetime(responses["answered_at"])
    return {
        "order_lines": lines,
        "products": pd.DataFrame(products),
        "customers": read_rows(CUSTOMERS),
        "events": read_rows(EVENTS),
        "messages": read_rows(MESSAGES),
        "tickets": read_rows(TICKETS),
        "responses": responses,
    }


def open_tables(frames: dict[str, pd.DataFrame]) -> dict[str, ibis.Table]:
    return {name: ibis.memtable(frame) for name, frame in frames.items()}


@pytest.fixture(scope="module")
def shop() -> pd.DataFrame:
    return build_customers(open_tables(make_frames()), as_of=AS_OF, settings=SETTINGS).frame


@pytest.mark.slow
def test_the_shop_has_six_customers_five_of_whom_bought(shop):
    assert shop["customer_id"].tolist() == [name for name in WHO if name != RETURNED_ONLY]
    tables = open_tables(make_frames())
    assert count_prospects(tables, as_of=AS_OF) == 1  # gus


@pytest.mark.parametrize("feature", [*FEATURES, *SETTINGS.list_attitudes()])
def test_every_feature_agrees_with_the_paper(shop, feature):
    expected = [v for v, who in zip(EXPECTED[feature], WHO, strict=True) if who != RETURNED_ONLY]
    found = shop[feature]
    assert found.isna().tolist() == [value is None for value in expected]
    for value, known in zip(found, expected, strict=True):
        if isinstance(known, str):
            assert str(value).removesuffix(" 00:00:00") == known
        elif known is not None:
            assert float(value) == pytest.approx(float(known), abs=1e-6)


def test_the_features_given_are_those_promised(shop):
    columns = {name: list_kinds(table) for name, table in open_tables(make_frames()).items()}
    named = {name for name in shop.columns[1:] if not name.startswith(CATEGORY_SHARE)}
    assert set(list_given(columns, SETTINGS)) == named
    gaps = list_gaps(columns, settings=SETTINGS)
    assert gaps["ready"].all()
    assert {f for text in gaps["features"] for f in text.split(", ")} == named


LATER = {
    "order_lines": ("L1", "tent", "ann", 9, 50.0, "sale", "FI", 450.0, True, "app", 99.0),
    "events": ("dan", "checkout", "s99", "app", "tv", "TV", "TV", "late", "late", "late"),
    "messages": ("bob", "phone", "segmented", True, True, False, True, True),
    "tickets": ("t99", "cat", 1.0),
    "responses": ("fay", "I seek adventure", "5"),
}


def add_later(frames: dict[str, pd.DataFrame], moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Add a row after ``moment`` to every table that has times, and a customer who signs up."""
    found = dict(frames)
    for name, values in LATER.items():
        table = frames[name]
        times = [column for column in table if column.endswith("_at")]
        row = dict(zip(table.columns.drop(times), values, strict=True)) | {times[0]: moment}
        found[name] = pd.concat([table, pd.DataFrame([row])], ignore_index=True)
    newcomer = {"customer_id": "zoe", "signed_up_on": moment.date(), "account_id": "ann"}
    people = pd.concat([frames["customers"], pd.DataFrame([newcomer])], ignore_index=True)
    return {**found, "customers": people}


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(
    as_of=st.dates(datetime.date(2025, 6, 1), datetime.date(2026, 7, 5)),
    later=st.integers(0, 400 * 24 * 60),
    ends=st.sampled_from([(30, 180), "learned"]),
)
def test_nothing_after_the_last_day_changes_a_feature(as_of, later, ends):
    given_settings = SETTINGS.model_copy(update={"engagement_days": ends})
    options = {"as_of": as_of, "settings": given_settings}
    moment = pd.Timestamp(as_of) + pd.Timedelta(days=1, minutes=later)
    frames = make_frames()
    built = build_customers(open_tables(frames), **options)
    before = built.frame
    tables = open_tables(add_later(frames, moment))
    built_later = build_customers(tables, **options)
    after = built_later.frame
    pd.testing.assert_frame_equal(before, after)
    assert built.habits == built_later.habits
    assert built.prospect_count == built_later.prospect_count
    assert built.lifetime_reason == built_later.lifetime_reason
    funnels = (count_funnel(t, as_of=as_of) for t in (open_tables(frames), tables))
    pd.testing.assert_frame_equal(*funnels)
    assert len(before) == before["customer_id"].nunique()


@pytest.mark.slow
def test_contacts_of_an_account_are_one_customer_in_every_table():
    frames = make_frames()
    people = frames["customers"]
    people["account_id"] = people["customer_id"].map({"ann": "acme", "bob": "acme", "hal": "acme"})
    people["visit_spend"] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
    tables = roll_up_accounts(open_tables(frames), as_of=AS_OF)
    customers = build_customers(tables, as_of=AS_OF, settings=SETTINGS).frame
    customers = customers.set_index("customer_id")
    assert customers.index.tolist() == ["acme", "cat", "eve", "fay"]
    acme = customers.loc["acme"]
    assert acme["order_count"] == 4
    assert acme["total_spend"] == 145
    assert acme["visit_count"] == 3
    assert acme["message_count"] == 3
    assert acme["answer_count"] == 9
    assert acme["visit_spend"] == 3  # a sum; hal, who signed up later, is left out
    assert acme["gender"] == "man"  # a tie goes to the alphabet
    assert acme["income"] == 20_000  # a tie goes to the smallest
    assert acme["signed_up_days"] == 730  # the first
    assert acme["consent"]  # of one contact; a list is made of the contacts who consented
    assert customers.loc["cat", "industry"] == "hotels"


def test_a_funnel_counts_who_came_how_far():
    funnel = count_funnel(open_tables(make_frames()), as_of=AS_OF)
    told = dict(zip(funnel["step"], funnel["customer_count"], strict=True))
    # The six and gus; all but gus bought or visited; eve bought; dan only gave back.
    # Twice bought ann and bob; once cat, eve and fay.
    assert told == {
        "known": 7, "visit": 6, "view": 6, "lead": 6, "cart": 5, "checkout": 5, "order": 5,
        "second order": 2,
    }  # fmt: skip
    assert funnel["known_share"].iloc[-1] == pytest.approx(2 / 7)
    assert funnel["step_share"].iloc[-1] == pytest.approx(2 / 5)
    # Nobody who orders must have been seen before; ann, bob, cat and fay were, and dan.
    seen = dict(zip(funnel["step"], funnel["seen_count"], strict=True))
    assert seen["known"] == 7
    assert (seen["order"], seen["second order"]) == (5, 2)
    assert all(seen[step] <= told[step] for step in told)
    assert seen["cart"] < told["cart"]


@pytest.mark.parametrize("kind", ["cart", "view"])
def test_a_step_that_nobody_is_seen_at_is_not_told(kind):
    frames = make_frames()
    events = frames["events"]
    frames["events"] = events[events["event_type"] != kind]
    funnel = count_funnel(open_tables(frames), as_of=AS_OF)
    assert kind not in set(funnel["step"])
    assert list_unrecorded(funnel) == [kind]
    told = read_texts(journey.state_funnel(publish(funnel, journey.FUNNEL), [kind]))
    assert told[-1].startswith(f"Nothing is recorded of “{kind}”")
    assert not any("stop before" in text and kind in text for text in told)


def test_orders_alone_tell_of_orders_alone():
    frames = {name: make_frames()[name] for name in ("customers", "order_lines")}
    funnel = count_funnel(open_tables(frames), as_of=AS_OF)
    assert funnel["step"].tolist() == ["known", "order", "second order"]
    assert list_unrecorded(funnel) == ["visit", "view", "lead", "cart", "checkout"]


@pytest.mark.parametrize("name", ["customers", "events"])
def test_one_recorded_step_is_no_funnel(name):
    table = make_frames()[name]
    if name == "events":
        table = table.assign(event_type="visit")
    funnel = count_funnel(open_tables({name: table}), as_of=AS_OF)
    pooled = publish(pool_steps(funnel, smallest_cell=1), journey.FUNNEL)
    assert read_texts(journey.state_funnel(pooled)) == [
        "Fewer than two steps are recorded of the customers, so how far they come is not told."
    ]


def test_those_who_are_only_taken_to_have_taken_a_step_are_told():
    steps = pd.DataFrame(
        {
            "step": ["known", "visit", "cart", "order"],
            "customer_count": [1000, 900, 800, 700],
            "seen_count": [1000, 890, 120, 700],
        }
    )
    pooled = publish(pool_steps(steps, smallest_cell=5), journey.FUNNEL)
    told = read_texts(journey.state_funnel(pooled))
    assert told[-1].replace(THIN_SPACE, "") == (
        "Of the 800 who count for the step “cart” 120 were seen at it; the others took a later "
        "step, and are taken to have taken this one."
    )
    # 897 of 900 would tell of three, and so would three fewer than were seen on a visit.
    few = pool_steps(steps.assign(seen_count=[1000, 897, 780, 700]), smallest_cell=5)
    assert few["seen_count"].isna().tolist() == [False, True, False, False]
    few = pool_steps(steps.assign(seen_count=[1000, 790, 787, 700]), smallest_cell=5)
    assert few["seen_count"].isna().tolist() == [False, False, True, False]


def test_a_funnel_tells_of_no_few_customers():
    funnel = count_funnel(open_tables(make_frames()), as_of=AS_OF)
    pooled = publish(pool_steps(funnel, smallest_cell=3), journey.FUNNEL, smallest_cell=3)
    counts = pooled.frame["customer_count"]
    assert counts.tolist() == [7]  # one stopped before the visit, one before the cart
    assert (counts >= 3).all()
    gaps = counts.diff().dropna().abs()
    assert ((gaps == 0) | (gaps >= 3)).all()


def test_a_funnel_says_where_most_are_lost():
    def state(counts: dict[str, int]) -> list[str]:
        steps = pd.DataFrame({"step": list(counts), "customer_count": list(counts.values())})
        steps = steps.assign(seen_count=steps["customer_count"])
        pooled = pool_steps(steps, smallest_cell=5)
        return read_texts(journey.state_funnel(publish(pooled, journey.FUNNEL)))

    assert state({"known": 100, "visit": 80, "view": 78, "cart": 20, "order": 20}) == [
        "100 customers are known by name or number.",
        "Most stop before the step “cart”: 25.0% of those who took the step before took it.",
    ]
    assert state({"known": 100, "visit": 100}) == ["100 customers are known by name or number."]
    assert state({"known": 4, "visit": 0}) == ["No table names enough customers."]
    nothing = publish(count_funnel({}, as_of=AS_OF), journey.FUNNEL)
    assert read_texts(journey.state_funnel(nothing)) == ["No table names enough customers."]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["events", "messages", "responses"])
def test_without_orders_and_customers_a_table_says_who_they_are(name):
    tables = open_tables({name: make_frames()[name]})
    customers = build_customers(tables, as_of=AS_OF, settings=SETTINGS).frame
    named = {"events": "ann bob cat dan fay", "messages": "ann bob dan eve fay"}
    assert customers["customer_id"].tolist() == named.get(name, "ann bob cat eve fay").split()
    columns = {name: list_kinds(tables[name])}
    assert set(list_given(columns, SETTINGS)) == set(customers.columns) - {"customer_id"}


@pytest.mark.slow
def test_cut_points_of_engagement_are_learned_from_the_customers():
    learned = SETTINGS.model_copy(update={"engagement_days": "learned"})
    shop = build_customers(open_tables(make_frames()), as_of=AS_OF, settings=learned).frame
    # Inactive for 0, 1, 29, 30, 121 and 2372 days: two of six up to 1, four up to 30.
    expected = ["active", "passive", "quiet", "passive", "quiet"]  # but dan
    assert shop["engagement_level"].tolist() == expected


@pytest.mark.slow
def test_tickets_without_customers_are_nobodys():
    frames = make_frames()
    frames["tickets"] = frames["tickets"].drop(columns="customer_id")
    shop = build_customers(open_tables(frames), as_of=AS_OF).frame
    assert "ticket_count" not in shop
