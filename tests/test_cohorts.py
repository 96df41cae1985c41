"""Cohorts by the time of the first order: who orders again, when, and what they spend."""

from __future__ import annotations

import datetime
import itertools

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import explain_empty
from segkit.core.statistics import bound_clustered_share, bound_median, bound_share
from segkit.evidence.experience import cohorts, history, repeat, sources
from segkit.report import cohorts as shown
from segkit.report import history as shown_history

AS_OF = datetime.date(2026, 4, 15)  # April has not ended, so it counts for nothing


def make_lines(rows: list[tuple]) -> ibis.Table:
    """Return order lines: order, customer, day, amount and, if given, the type of line."""
    full = [(*row, "sale") if len(row) == 4 else row for row in rows]
    frame = pd.DataFrame(
        full, columns=["order_id", "customer_id", "ordered_at", "line_amount", "line_type"]
    )
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"])
    frame = frame.assign(product_id="tent", quantity=1.0)
    return ibis.duckdb.connect().create_table("order_lines", frame)


# ann and bob first order in January, cat in February, dan in March; eve only sends back.
LINES = [
    ("a1", "ann", "2026-01-05", 100.0),
    ("a2", "ann", "2026-02-10", 50.0),
    ("a3", "ann", "2026-02-20", -20.0, "return"),
    ("a4", "ann", "2026-04-02", 70.0),
    ("b1", "bob", "2026-01-31", 40.0),
    ("c1", "cat", "2026-02-01", 30.0),
    ("c2", "cat", "2026-03-31", 10.0),
    ("d1", "dan", "2026-03-15", 80.0),
    ("e1", "eve", "2026-02-02", -5.0, "return"),
    ("x1", None, "2026-01-02", 900.0),
]


@pytest.fixture(scope="module")
def lines() -> ibis.Table:
    return make_lines(LINES)


@pytest.fixture(scope="module")
def read(lines) -> cohorts.Cohorts:
    return cohorts.read_cohorts(lines, as_of=AS_OF)


def test_a_cohort_is_those_who_first_ordered_in_a_month_and_ages_are_whole_months(read):
    table = cohorts.summarise_cohort_retention(read)
    found = table[["cohort", "age", "customer_count", "active_count", "retention_share"]]
    assert found.values.tolist() == [
        ["2026-01", 1, 2, 1, 0.5],
        ["2026-01", 2, 2, 0, 0.0],
        ["2026-02", 1, 1, 1, 1.0],
    ], "April, in which ann ordered again, is not over: it is no fall and no rise"


def test_spend_of_a_cohort_adds_up_net_of_returns(read):
    table = cohorts.summarise_cohort_spend(read).set_index(["cohort", "age"])
    january = table.loc["2026-01"]["spend_per_customer"]
    assert january.tolist() == [70, 85, 85], "(100 + 40) / 2, and (50 - 20) / 2 more"
    assert table.loc[("2026-03", 0), "spend_per_customer"] == 80
    assert table.loc[("2026-01", 1), "spend_per_customer_largest"] == 130


def test_only_a_return_or_no_name_makes_no_cohort(read):
    assert read.customers["customer_id"].tolist() == ["ann", "bob", "cat", "dan"]


def test_cohorts_of_where_the_data_begin_are_marked(read):
    # ann's days with an order are 43.5 days apart on average, cat's 58: 50 in the mean. 5 January
    # and 50 days is 24 February, so who came in January or February may have bought before.
    marks = read.customers.set_index("customer_id")["is_truncated"]
    assert marks.to_dict() == {"ann": True, "bob": True, "cat": True, "dan": False}
    assert cohorts.group_new(read)["customer_id"].tolist() == ["dan"]


def test_without_a_second_order_the_first_cohort_alone_is_marked():
    rows = [(f"o{i}", f"c{i}", f"2026-0{1 + i % 3}-10", 10.0) for i in range(6)]
    read = cohorts.read_cohorts(make_lines(rows), as_of=AS_OF)
    marked = read.customers.groupby("cohort")["is_truncated"].all()
    assert marked.tolist() == [True, False, False]


def make_years(month_count: int, customers: int = 12) -> ibis.Table:
    """Return a shop where everybody orders in each second month after the first, up to a year."""
    months = pd.date_range("2023-01-10", periods=month_count, freq="MS") + pd.Timedelta(days=9)
    rows = []
    for start, month in enumerate(months):
        for number in range(customers):
            for later in range(start, min(start + 12, month_count), 2):
                name = f"c{start}-{number}"
                rows.append((f"o{name}-{later}", name, months[later], 10.0 + number))
        assert month is not None
    return make_lines(rows)


def test_36_months_are_grouped_to_quarters_so_that_labels_stand_apart():
    lines = make_years(36)
    read = cohorts.read_cohorts(lines, as_of=datetime.date(2026, 1, 31))
    assert read.grain == "quarter"
    table = publish(cohorts.summarise_cohort_retention(read), shown.COHORT_RETENTION)
    ax = shown.plot_cohort_retention(table)
    ax.figure.draw_without_rendering()
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        boxes = [label.get_window_extent() for label in labels if label.get_text()]
        assert len(boxes) > 8
        assert not any(one.overlaps(next_one) for one, next_one in itertools.pairwise(boxes))


def test_the_same_customers_are_followed_at_each_age():
    read = cohorts.read_cohorts(make_years(13), as_of=datetime.date(2024, 1, 31))
    retention, spend = cohorts.follow_groups(read)
    assert retention["customer_count"].nunique() == 1, "nobody joins or leaves a curve"
    # Of months after the first, everybody orders in the second, the fourth and so on.
    shares = retention.set_index("age")["retention_share"]
    assert shares.tolist() == [0.0, 1.0, 0.0, 1.0, 0.0][: len(shares)]
    assert spend["spend_per_customer"].is_monotonic_increasing


def test_a_history_too_short_to_follow_anybody_says_so():
    rows = [(f"o{i}", f"c{i}", "2026-03-10", 10.0) for i in range(9)]
    read = cohorts.read_cohorts(make_lines(rows), as_of=AS_OF)
    tables = [*cohorts.follow_groups(read), cohorts.summarise_cohort_retention(read)]
    assert all("most likely new" in explain_empty(table) for table in tables)
    new = cohorts.group_new(read)
    waits = repeat.count_waits(repeat.read_waits(make_lines(rows), as_of=AS_OF), new)
    assert waits.empty


def test_no_lines_no_buyers_and_no_whole_month_are_no_cohorts():
    assert cohorts.read_cohorts(None, as_of=AS_OF) is None
    nobody = make_lines([("r1", "ann", "2026-01-05", -1.0, "return")])
    assert cohorts.read_cohorts(nobody, as_of=AS_OF) is None
    young = make_lines([("o1", "ann", "2026-04-02", 1.0)])
    assert cohorts.read_cohorts(young, as_of=AS_OF) is None
    assert "no purchases" in explain_empty(cohorts.summarise_cohort_retention(None))


def test_where_customers_came_from_is_the_source_else_the_channel_of_the_first_order(lines):
    con = lines.get_backend()
    people = pd.DataFrame({"customer_id": ["ann", "bob"], "source": ["google", None]})
    tables = {"order_lines": lines, "customers": con.create_table("people", people)}
    found = sources.find_sources(tables, as_of=AS_OF).set_index("customer_id")["source"]
    assert found.to_dict() == {"ann": "google", "bob": "not known"}
    frame = lines.to_pandas()
    frame["channel"] = np.where(frame["order_id"] == "a1", "store", "web")
    tables = {"order_lines": con.create_table("by_channel", frame)}
    found = sources.find_sources(tables, as_of=AS_OF).set_index("customer_id")["source"]
    assert found["ann"] == "store"
    assert sources.find_sources({}, as_of=AS_OF).empty


def test_waits_are_counted_until_the_second_order_or_as_of(lines):
    waits = repeat.count_waits(repeat.read_waits(lines, as_of=AS_OF))
    # ann waited 36 days, cat 58; bob waits 74 days so far, dan 31.
    assert waits.iloc[:, 1:].values.tolist() == [[31, 0, 1], [36, 1, 0], [58, 1, 0], [74, 0, 1]]


def test_two_orders_of_one_day_are_no_days_apart():
    lines = make_lines([("o1", "ann", "2026-03-01", 5.0), ("o2", "ann", "2026-03-01", 5.0)])
    waits = repeat.count_waits(repeat.read_waits(lines, as_of=AS_OF))
    assert waits.iloc[0, 1:].tolist() == [0, 1, 0]


def test_the_share_that_orders_again_counts_those_who_may_still_do_so(lines):
    waits = repeat.count_waits(repeat.read_waits(lines, as_of=AS_OF))
    table = repeat.summarise_second_orders(waits, smallest_cell=1).iloc[0]
    # After 36 days one of the three who were still watched ordered, after 58 one of the two left:
    # 1 - 2/3 * 1/2. A plain share would be 2 of 4.
    assert table["repeat_60_share"] == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert table["repeat_30_share"] == 0
    assert table["median_days"] == 58
    assert np.isnan(table["repeat_90_share"]), "nobody was watched for 90 days"


def test_a_median_that_was_not_reached_is_told_as_that():
    rows = [(f"o{i}", f"c{i}", "2026-01-10", 10.0) for i in range(20)]
    rows += [(f"p{i}", f"c{i}", "2026-02-10", 10.0) for i in range(6)]
    waits = repeat.count_waits(repeat.read_waits(make_lines(rows), as_of=AS_OF))
    table = repeat.summarise_second_orders(waits, smallest_cell=5)
    assert table["median_note"].tolist() == ["not reached"]
    told = shown.state_second_orders(publish(table, shown.view_second_orders("s", "segment_name")))
    assert any("is not reached" in text for text in read_texts(told))


def test_a_few_who_ordered_between_two_days_cannot_be_told_apart():
    rows = [(f"o{i}", f"c{i}", "2025-10-10", 10.0) for i in range(30)]
    rows += [(f"p{i}", f"c{i}", "2025-10-20", 10.0) for i in range(8)]
    rows += [("q", "c9", "2025-11-20", 10.0)]  # a single one between 30 and 60 days
    waits = repeat.count_waits(repeat.read_waits(make_lines(rows), as_of=AS_OF))
    table = repeat.summarise_second_orders(waits, smallest_cell=5).iloc[0]
    assert table["repeat_30_share"] == pytest.approx(8 / 30)
    assert np.isnan(table["repeat_60_share"])
    curve = repeat.trace_second_orders(waits, smallest_cell=5)
    assert curve["repeat_share"].max() == pytest.approx(8 / 30)


def test_small_cohorts_are_hidden_and_the_others_told():
    rows = []
    for month, count in ((1, 40), (2, 3), (3, 30)):
        for number in range(count):
            name = f"c{month}-{number}"
            rows.append((f"o{name}", name, f"2025-{month:02d}-10", 10.0))
            if number % 2:
                rows.append((f"p{name}", name, f"2025-{month + 1:02d}-10", 10.0))
    read = cohorts.read_cohorts(make_lines(rows), as_of=datetime.date(2025, 6, 30))
    table = publish(cohorts.summarise_cohort_retention(read), shown.COHORT_RETENTION)
    small = table.frame[table.frame["cohort"] == "2025-02"]
    assert small[["customer_count", "active_count", "retention_share"]].isna().all(axis=None)
    assert (small["note"] != "").all()


@pytest.mark.slow
def test_kaplan_and_meier_hold_the_truth_where_a_plain_share_does_not():
    rng = np.random.default_rng(5)
    held = plain_held = 0
    truth = 1 - np.exp(-91 / 100)  # days are whole: within 90 days is 91 days of time
    for _ in range(150):
        wait = rng.exponential(100, 300).astype(int)
        watched = rng.integers(10, 150, 300)
        waits = pd.DataFrame({"segment_name": "all", "duration": np.minimum(wait, watched)})
        waits["event_count"] = (wait <= watched).astype(int)
        waits["censored_count"] = 1 - waits["event_count"]
        table = repeat.summarise_second_orders(waits, smallest_cell=1).iloc[0]
        held += table["repeat_90_low"] <= truth <= table["repeat_90_high"]
        plain = ((wait <= watched) & (wait <= 90)).mean()
        plain_held += abs(plain - truth) < 1.96 * np.sqrt(plain * (1 - plain) / 300)
    assert held >= 0.9 * 150
    assert plain_held < 0.4 * 150


# The history of segments.


SEGMENTS = pd.DataFrame(
    {"customer_id": ["ann", "bob", "cat", "zoe"], "segment_name": ["A", "A", "B", "B"]}
)


def test_orders_are_counted_by_number_and_nobody_is_left_out(lines):
    table = history.count_orders_by_segment(history.read_histories(lines, SEGMENTS, as_of=AS_OF))
    found = table.pivot(index="segment_name", columns="orders", values="customer_count")
    assert found.loc["A", ["none", "1", "2", "3"]].tolist() == [0, 1, 0, 1], "ann has three"
    assert found.loc["B", ["none", "1", "2"]].tolist() == [1, 0, 1], "zoe never ordered"
    assert table.groupby("segment_name")["order_share"].sum().tolist() == [1, 1]


def test_history_is_of_sales_and_gaps_are_between_days_with_an_order(lines):
    table = history.summarise_history_by_segment(
        history.read_histories(lines, SEGMENTS, as_of=AS_OF)
    )
    table = table.set_index("segment_name")
    assert table.loc["A", "orders_ever_per_buyer"] == 2
    assert table.loc["A", "median_gap_days"] == (31 + 28 + 28) / 2, "5 January to 2 April, twice"
    assert table.loc["B", "orders_ever_per_buyer"] == 2, "zoe is no buyer"
    assert table["discount_share"].isna().all(), "no discount is recorded, which is not none"


def test_a_discount_is_a_share_of_the_price_before_it():
    frame = make_lines([("o1", "ann", "2026-01-05", 80.0), ("o2", "bob", "2026-01-05", 100.0)])
    frame = frame.mutate(discount_amount=ibis.ifelse(frame.order_id == "o1", 20.0, 0.0))
    table = history.summarise_history_by_segment(
        history.read_histories(frame, SEGMENTS, as_of=AS_OF)
    )
    assert table["discount_share"].iloc[0] == pytest.approx(20 / 200)


def test_the_first_category_is_that_of_which_the_first_order_had_most():
    rows = [("o1", "ann", "2026-03-05", 80.0), ("o1", "ann", "2026-03-05", 30.0)]
    rows += [("o2", "ann", "2026-03-09", 500.0), ("o3", "bob", "2026-03-05", 5.0)]
    frame = make_lines(rows).to_pandas().assign(product_id=["tent", "pan", "pan", "cup"])
    con = ibis.duckdb.connect()
    products = pd.DataFrame({"product_id": ["tent", "pan"], "category": ["Camp", "Home"]})
    tables = {
        "order_lines": con.create_table("order_lines", frame),
        "products": con.create_table("products", products),
    }
    new = pd.DataFrame({"customer_id": ["ann", "bob"], "segment_name": "A"})
    found = history.find_first_categories(tables, new, as_of=AS_OF)
    assert found.set_index("customer_id")["category"].to_dict() == {
        "ann": "Camp",
        "bob": "not known",
    }


def test_order_numbers_are_told_of_those_who_placed_them(lines):
    new = SEGMENTS.iloc[:1]
    table = history.summarise_order_numbers(lines, new, as_of=AS_OF)
    assert table["mean_order_value"].tolist() == [100, 50, 70]
    assert table["customer_count"].tolist() == [1, 1, 1]


def test_history_passes_the_gate_and_is_told(lines):
    rows = []
    for number in range(60):
        for order in range(1 + number % 5):
            rows.append((f"o{number}-{order}", f"c{number:02d}", f"2025-{order + 1:02d}-01", 10.0))
    segments = pd.DataFrame(
        {"customer_id": [f"c{n:02d}" for n in range(60)], "segment_name": ["A", "B"] * 30}
    )
    each = history.read_histories(make_lines(rows), segments, as_of=AS_OF)
    table = history.summarise_history_by_segment(each)
    published = publish(table, shown_history.HISTORY)
    assert read_texts(shown_history.state_history(published))
    counts = history.count_orders_by_segment(each)
    ax = shown_history.plot_order_counts(publish(counts, shown_history.ORDER_COUNTS))
    assert "Grid" in ax.figure._segkit_alt


# The statistics beneath.


def test_a_median_s_interval_holds_it_as_often_as_it_says():
    rng = np.random.default_rng(1)
    draws = rng.lognormal(0, 1, (600, 25))
    ends = [bound_median(row) for row in draws]
    held = np.mean([low <= 1 <= high for low, high in ends])
    assert 0.94 <= held <= 0.99, "the exact level of 25 is .957"
    assert np.isnan(bound_median(np.arange(5.0))).all()


def test_shares_of_independent_trials_have_wilson_s_interval():
    hits = np.array([1, 0, 1, 1, 0, 0, 1, 0] * 5)
    ends = bound_clustered_share(
        hits.sum(), 40, hit_squares=hits.sum(), products=hits.sum(), trial_squares=40, clusters=40
    )
    # Estimated variance, and Student's t of 39, make 40 trials worth 39 (1.960 / 2.023)^2 = 36.6.
    low, high = bound_share(18.3, 36.6)
    assert ends[0] == pytest.approx(low, abs=0.001)
    assert ends[1] == pytest.approx(high, abs=0.001)


def test_messages_of_few_customers_are_worth_less_and_the_interval_holds_the_truth():
    rng = np.random.default_rng(3)
    held = naive_held = 0
    for _ in range(400):
        chance = rng.beta(0.6, 1.4, 60)  # .3 on average, and customers differ widely
        trials = rng.integers(1, 25, 60)
        hits = rng.binomial(trials, chance)
        low, high = bound_clustered_share(
            hits.sum(),
            trials.sum(),
            hit_squares=(hits**2).sum(),
            products=(hits * trials).sum(),
            trial_squares=(trials**2).sum(),
            clusters=60,
        )
        held += low <= 0.3 <= high
        share = hits.sum() / trials.sum()
        reach = 1.96 * np.sqrt(share * (1 - share) / trials.sum())
        naive_held += abs(share - 0.3) <= reach
    assert held >= 0.92 * 400
    assert naive_held < 0.7 * 400


def test_nobody_who_opened_is_not_known_to_be_nobody():
    low, high = bound_clustered_share(
        0, 200, hit_squares=0, products=0, trial_squares=4000, clusters=10
    )
    assert low == 0
    assert 0.2 < high < 0.4, "as of ten trials, not of two hundred"
    assert np.isnan(
        bound_clustered_share(1, 5, hit_squares=1, products=5, trial_squares=25, clusters=1)
    ).all()
