"""What a sale is: statuses, orders taken back whole, discounts, and fields of a first line."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_plans import HEADER, make_plan, write_lines

from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError
from segkit.data.engine import open_tables
from segkit.features.customer_table import build_customers
from segkit.features.lifetime_choice import hold_out
from segkit.features.lifetime_value import fit_lifetime
from segkit.validation.lifetime_checks import compare_holdout

# Two customers who buy and keep, so that every plan can be carried out.
KEPT = ("k1,P1,ada,2024-01-05,1,10", "k2,P2,ada,2024-02-05,1,20", "k3,P1,ben,2024-03-05,2,10")


class Shop:
    """A shop in a folder: its lines, and perhaps its orders, as they are found."""

    def __init__(self, folder):
        self.folder = folder
        self.tables = {"order_lines": {"path": "lines.csv"}}

    def write(self, *lines, header=HEADER, columns=None):
        """Write the order lines; ``columns`` maps the contract's names to those of the header."""
        write_lines(self.folder, *lines, header=header)
        self.tables["order_lines"]["columns"] = columns or {}
        return self

    def write_orders(self, *rows):
        """Write the orders, header first."""
        (self.folder / "orders.csv").write_text("\n".join(rows) + "\n")
        self.tables["orders"] = {"path": "orders.csv"}
        return self

    def plan(self, **policies):
        return make_plan(self.folder, self.tables, policies=policies)

    def prepare(self, **policies):
        """Return the accepted lines, and the rules with how many rows each found."""
        self.prepared = prepare_tables(self.plan(**policies), self.folder / "run")
        quality = self.prepared.quality
        rules = dict(zip(quality["rule"], quality["row_count"], strict=True))
        return pd.read_parquet(self.prepared.paths["order_lines"]), rules

    def describe(self, as_of="2024-12-31", **policies):
        """Return the customers as they are on a day, by their id."""
        self.prepare(**policies)
        tables = open_tables(self.plan(), self.prepared.paths, self.folder / "run")
        day = datetime.date.fromisoformat(as_of)
        return build_customers(tables, as_of=day).frame.set_index("customer_id")

    def refuse(self, **policies):
        """Return the message of the plan that is refused."""
        with pytest.raises(DataError) as caught:
            self.prepare(**policies)
        return str(caught.value)


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_an_order_cancelled_minutes_later_counts_in_nothing(shop):
    shop.write(
        *KEPT,
        "553573,22980,16446,2024-05-18 09:52,1,1.65",
        "581483,23843,16446,2024-12-09 09:15,80995,2.08",
        "C581484,23843,16446,2024-12-09 09:27,-80995,2.08",
    )
    found = shop.describe(cancelled_order_prefix="C").loc["16446"]
    assert (found["order_count"], found["recency_days"], found["active_days"]) == (1, 227, 0)
    assert (found["mean_order_value"], found["total_spend"]) == (1.65, 1.65)
    assert (found["return_share"], found["spend_last_30_days"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("day", ["2024-06-20", "2024-06-21", "2024-12-31"])
def test_an_order_taken_back_weeks_later_is_a_sale_until_then(shop, day):
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,1,30",
        "v2,P8,cyn,2024-05-10,3,9",
        "v2,P9,cyn,2024-05-10,1,5",
        "v3,P9,cyn,2024-06-01,-1,5",
        "v4,P8,cyn,2024-06-21,-3,9",
    )
    found = shop.describe(day).loc["cyn"]
    expected = (2, 62 / 2) if day < "2024-06-21" else (1, 30)
    assert (found["order_count"], found["mean_order_value"]) == expected
    spend = {"2024-06-20": 30 + 27 + 5 - 5}.get(day, 30)
    assert found["total_spend"] == spend


@pytest.mark.slow
def test_no_later_cancellation_changes_what_was_known_before(shop):
    lines = (
        *KEPT,
        "v1,P7,cyn,2024-04-01,1,30",
        "v2,P7,cyn,2024-04-20,1,30",
        "v3,P7,cyn,2024-05-02,-1,30",
        "v4,P8,cyn,2024-06-01,2,8",
        "v0,P9,zoe,2024-01-01,1,8",
    )
    later = (
        "v5,P7,cyn,2024-07-02,-1,30",
        "v6,P8,cyn,2024-07-03,-2,8",
        "k9,P1,ben,2024-07-04,-2,10",
    )
    for day in ("2024-04-30", "2024-05-02", "2024-07-01"):
        before = shop.write(*lines).describe(day)
        after = shop.write(*lines, *later).describe(day)
        pd.testing.assert_frame_equal(before, after)
    whole = shop.describe()
    assert list(whole.index) == ["ada", "zoe"]


def test_of_two_like_sales_the_latest_before_the_return_is_taken_back(shop):
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,1,30",
        "v2,P7,cyn,2024-04-20,1,30",
        "v3,P7,cyn,2024-05-02,-1,30",
        "v4,P7,cyn,2024-06-01,1,30",
        "v5,P7,dot,2024-04-01,-1,30",
        "v6,P7,dot,2024-04-02,1,30",
    )
    lines, rules = shop.prepare()
    gone = lines[lines["taken_back_at"].notna()]
    assert gone["order_id"].tolist() == ["v2", "v3"]
    assert rules["matched_by_sale"] == rules["order_taken_back"] == 1
    found = shop.describe()
    assert found.loc["cyn", "order_count"] == 2
    assert (found.loc["dot", "order_count"], found.loc["dot", "total_spend"]) == (1, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("returned", "is_partial"),
    [("-1,30", True), ("-2,25", True), ("-3,30", True), ("-2,30", False)],
)
def test_a_return_of_a_part_or_of_another_amount_leaves_the_sale(shop, returned, is_partial):
    shop.write(*KEPT, "v1,P7,cyn,2024-04-01,2,30", f"v2,P7,cyn,2024-05-02,{returned}")
    found = shop.describe()
    assert ("cyn" in found.index) == is_partial
    if is_partial:
        units, price = map(float, returned.split(","))
        assert found.loc["cyn", "order_count"] == 1
        assert found.loc["cyn", "total_spend"] == 60 + units * price


def test_an_order_of_which_a_product_is_kept_stays_a_sale(shop):
    shop.write(
        *KEPT, "v1,P7,cyn,2024-04-01,2,30", "v1,P8,cyn,2024-04-01,1,5", "v2,P7,cyn,2024-05-02,-2,30"
    )
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["total_spend"], found["return_share"]) == (1, 5, 60 / 65)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["v1", "R-v1", "Xv1"])
def test_returns_that_name_their_order_take_it_back_in_parts(shop, number):
    """Units and amounts differ from the sale's, so that nothing but the number tells."""
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,5,30",
        "v0,P8,cyn,2024-03-01,1,7",
        f"{number},P7,cyn,2024-05-02,-3,30",
        f"{number},P7,cyn,2024-05-09,-2,30",
    )
    policies = {"cancelled_order_prefix": "X"}
    assert shop.describe("2024-05-08", **policies).loc["cyn", "order_count"] == 2
    found = shop.describe(**policies).loc["cyn"]
    assert (found["order_count"], found["total_spend"], found["return_share"]) == (1, 7, 0)


def test_an_exchange_is_a_return_of_the_earlier_order_not_a_discount(shop):
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,1,30",
        "v2,P8,cyn,2024-04-09,1,25",
        "v2,P7,cyn,2024-04-09,-1,30",
    )
    lines, _ = shop.prepare()
    assert lines["line_type"].tolist()[-1] == "return"
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["total_spend"], found["recency_days"]) == (1, 25, 266)


@pytest.mark.slow
@pytest.mark.parametrize("line", ["-1,4", "1,-4"])
def test_a_negative_line_beside_sales_that_names_no_product_is_a_discount(shop, line):
    shop.write(*KEPT, "v1,P7,cyn,2024-04-01,2,30", f"v1,COUPON,cyn,2024-04-01,{line}")
    lines, rules = shop.prepare(returns="drop")
    assert lines["line_type"].tolist()[-1] == "discount"
    assert rules == {"discount": 1}
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["mean_order_value"], found["total_spend"]) == (1, 56, 56)
    assert found["return_share"] == 0


@pytest.mark.slow
def test_an_order_with_a_discount_that_is_taken_back_whole_is_gone(shop):
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,2,30",
        "v1,COUPON,cyn,2024-04-01,-1,4",
        "v0,P9,cyn,2024-01-01,1,3",
        "v1,P7,cyn,2024-04-11,-2,28",
    )
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["total_spend"]) == (1, 3)


def test_an_order_whose_lines_are_all_zero_is_no_order(shop):
    shop.write(
        *KEPT,
        "v1,P7,cyn,2024-04-01,2,30",
        "v1,GIFT,cyn,2024-04-01,1,0",
        "v2,P7,cyn,2024-06-01,2,0",
        "v2,P8,cyn,2024-06-01,1,0",
    )
    lines, rules = shop.prepare()
    assert lines["line_type"].tolist()[-4:] == ["sale", "sale", "nothing", "nothing"]
    assert rules["order_of_nothing"] == 2
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["recency_days"]) == (1, 274)


STATES = f"{HEADER},state"


@pytest.mark.slow
def test_statuses_of_lines_decide_by_words_that_shops_use(shop):
    words = {
        "ok": ["Shipped", "wc-completed", "VERSENDET", "payé", "Partially Fulfilled"],
        "back": ["Cancelled", "refunded", "Storniert", "annulée", "charge-back", "Canceled: late"],
        "out": ["Failed", "On Hold", "pending", "brouillon", "unpaid"],
    }
    lines = [
        f"{kind}{n},P{n},{kind},2024-04-0{n + 1},1,10,{word}"
        for kind, found in words.items()
        for n, word in enumerate(found)
    ]
    shop.write(*lines, "z,P1,zoe,2024-05-01,1,9,paid", header=STATES, columns={"status": "state"})
    accepted, rules = shop.prepare()
    assert rules["status_left_out"] == 5
    assert rules["status_taken_back"] == rules["order_taken_back"] == 6
    assert set(accepted[accepted["taken_back_at"].isna()]["customer_id"]) == {"ok", "zoe"}
    found = shop.describe()
    assert found["order_count"].to_dict() == {"ok": 5, "zoe": 1}


def test_the_plan_s_words_come_first_and_the_check_lists_each_status(shop):
    lines = [f"{n},P{n},C{n},2024-04-0{n},1,{n}0" for n in range(1, 7)]
    shop.write(*lines).write_orders(
        "order_id,status", "1,Paid", "2,won", "3,LOST", "4,In Clearing", "5,wait", "6,"
    )
    statuses = {"sales": ["in-clearing"], "taken_back": ["Won"], "left_out": ["wait"]}
    report = check_plan(shop.plan(statuses=statuses))
    assert report.ok
    listed = report.statuses.set_index("status")
    assert listed["counts_as"].to_dict() == {
        "In Clearing": "sale",
        "LOST": "left out",
        "Paid": "sale",
        "wait": "left out",
        "won": "taken back",
    }
    assert listed["amount"].to_dict()["LOST"] == 30
    assert set(listed.query("known_by == 'segkit'").index) == {"LOST", "Paid"}
    assert report.to_json()["statuses"][0]["line_count"] == 1
    accepted, rules = shop.prepare(statuses=statuses)
    assert rules["status_words"] == 2
    assert accepted["order_id"].tolist() == ["1", "2", "4", "6"]


@pytest.mark.slow
@pytest.mark.parametrize(("price", "is_refused"), [(10, False), (901, True)])
def test_a_status_that_nobody_knows_is_warned_of_or_refused(shop, price, is_refused):
    lines = [f"{n},P{n},C{n},2024-04-01,1,100,paid" for n in range(9)]
    lines.append(f"x,P9,C9,2024-04-01,1,{price},zaplaceno")
    shop.write(*lines, header=STATES, columns={"status": "state"})
    if is_refused:
        message = shop.refuse()
        assert "'zaplaceno': 50% of the amounts" in message
        assert 'sales = ["zaplaceno"] under [policies.statuses]' in message
        assert shop.prepare(statuses={"sales": ["ZAPLACENO"]})[1] == {"status_words": 9}
    else:
        assert shop.prepare()[1] == {"status_not_known": 1, "status_words": 9}
        assert len(shop.describe()) == 10


def test_a_column_that_is_no_status_is_refused(shop):
    lines = [f"{n},P,C{n},2024-04-01,1,1,note {n}" for n in range(300)]
    shop.write(*lines, header=STATES, columns={"status": "state"})
    assert "more values than a status can have" in shop.refuse()


@pytest.mark.slow
@pytest.mark.parametrize("refund", ["v1,P7,cyn,2024-04-09,-2,30", "v9,P7,cyn,2024-04-09,-2,30"])
def test_a_status_and_a_refund_beside_it_take_an_order_back_once(shop, refund):
    shop.write(*KEPT, "v0,P8,cyn,2024-03-01,1,7", "v1,P7,cyn,2024-04-01,2,30", refund)
    shop.write_orders("order_id,status", "v0,complete", "v1,refunded", "v9,refunded")
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["total_spend"]) == (1, 7)
    # The refund says when; until then it was a sale.
    assert shop.describe("2024-04-08").loc["cyn", "total_spend"] == 67


@pytest.mark.slow
def test_lines_of_one_order_may_each_have_a_status(shop):
    shop.write(
        *(f"{line},paid" for line in KEPT),
        "v1,P7,cyn,2024-04-01,2,30,shipped",
        "v1,P8,cyn,2024-04-01,1,5,returned",
        "v2,P8,cyn,2024-04-20,-1,5,returned",
        header=STATES,
        columns={"status": "state"},
    )
    found = shop.describe().loc["cyn"]
    assert (found["order_count"], found["total_spend"], found["return_share"]) == (1, 60, 0)


@pytest.mark.slow
def test_a_cancellation_with_its_time_counts_from_that_time_on(shop):
    shop.write(*KEPT, "v0,P8,cyn,2024-03-01,1,7", "v1,P7,cyn,2024-04-01,2,30")
    shop.write_orders("order_id,status,cancelled_at", "v0,paid,2025-02-01", "v1,paid,2024-06-01")
    assert shop.describe("2024-05-31").loc["cyn", "order_count"] == 2
    assert shop.describe("2024-06-01").loc["cyn", "order_count"] == 1
    _, rules = shop.prepare()
    assert rules["cancelled"] == 1  # the other was cancelled after the last day


FIRST = "Name,Email,State,Currency,Off,Back,Created,qty,item,price"
FIRST_COLUMNS = {
    "order_id": "Name",
    "customer_id": "Email",
    "status": "State",
    "currency": "Currency",
    "order_discount_amount": "Off",
    "order_refunded_amount": "Back",
    "ordered_at": "Created",
    "product_id": "item",
    "quantity": "qty",
    "unit_price": "price",
}


@pytest.mark.slow
def test_fields_of_the_first_line_hold_for_the_whole_order(shop):
    shop.write(
        "1,ada,paid,EUR,5,0,2024-01-01,1,A,20",
        "1,,,,,,,1,B,30",
        "2,ben,paid,USD,1,0,2024-01-02,1,A,20",
        "2,,,,,,,1,B,35",
        "3,cyn,partially_refunded,EUR,0,-12,2024-01-03,2,A,20",
        "3,,,,,,,1,B,8",
        "4,dot,refunded,EUR,0,25,2024-01-04,1,A,20",
        "5,eve,paid,EUR,0,20,2024-01-05,1,A,20",
        "5,eve,,,,,2024-02-05,-1,A,20",
        "6,fay,paid,EUR,0,0,2024-01-05,1,A,20",
        header=FIRST,
        columns=FIRST_COLUMNS,
    )
    lines, rules = shop.prepare()
    assert rules["currency_differs"] == 2
    assert rules["carried_customer_id"] == rules["carried_ordered_at"] == 3
    assert "status_partly_taken_back" not in rules
    found = shop.describe()
    assert found["total_spend"].to_dict() == {"ada": 45, "cyn": 36, "fay": 20}
    assert found["order_count"].tolist() == [1, 1, 1]
    assert found.loc["ada", "discount_share"] == pytest.approx(5 / 50)
    sold = lines[lines["order_id"] == "1"]
    assert sold["line_amount"].tolist() == pytest.approx([18, 27])
    assert (sold["quantity"] * sold["unit_price"]).tolist() == pytest.approx([18, 27])
    sums = check_plan(shop.plan()).sums.set_index("what")
    assert sums.loc["order discounts"].tolist() == [1, 5]
    assert sums.loc["order refunds"].tolist() == [1, 12]


def test_fields_that_disagree_are_not_carried(shop):
    shop.write(
        *KEPT, "v1,P7,cyn,2024-04-01,1,30", "v1,P8,dot,2024-04-01,1,30", "v1,P9,,2024-04-01,1,30"
    )
    _, rules = shop.prepare()
    assert rules["missing_customer"] == 1
    assert "carried_customer_id" not in rules


@pytest.mark.slow
def test_amounts_of_orders_are_shared_out_in_proportion(shop):
    shop.write(*KEPT, "v1,P7,cyn,2024-04-01,1,30", "v1,P8,cyn,2024-04-01,3,20")
    shop.write_orders(
        "order_id,discount_amount,refunded_amount,status",
        "v1,9,8.1,partially refunded",
        "k1,25,0,paid",
        "k3,0,0,paid",
    )
    lines, rules = shop.prepare()
    assert lines["line_amount"].tolist() == pytest.approx([0, 20, 20, 24.3, 48.6])
    assert rules["order_discount_too_large"] == 1
    assert rules["order_discount_shared"] == 3
    assert rules["order_refund_shared"] == 2
    assert shop.describe().loc["cyn", "mean_order_value"] == pytest.approx(72.9)


def write_numbers(shop, numbers, price=10):
    lines = [f"{number},P{n},C{n % 7},2024-04-01,1,{price + n}" for n, number in enumerate(numbers)]
    return shop.write(*lines)


def test_a_prefix_that_makes_most_lines_cancellations_is_refused(shop):
    numbers = [f"CA-{n}" for n in range(10)] + ["US-1", "US-2"]
    message = write_numbers(shop, numbers).refuse(cancelled_order_prefix="C")
    assert (
        '83% of the lines would be cancellations; is cancelled_order_prefix = "C" right? '
        in message
    )
    assert "10 lines whose order begins with 'C', such as CA-0, CA-1, CA-2" in message
    assert 'Write cancelled_order_prefix = ""' in message
    assert shop.prepare()[1] == {}


def test_a_prefix_that_turns_sales_round_is_refused_though_they_are_few(shop):
    numbers = [f"{letter}{n}" for n in range(6) for letter in "CKLMNPRSTUVW"]
    message = write_numbers(shop, numbers).refuse(cancelled_order_prefix="C")
    assert "6 lines with positive quantity and amount would be cancellations" in message


def test_a_prefix_of_book_keeping_that_takes_sales_is_refused(shop):
    numbers = [f"AMZ-{n}" for n in range(3)] + [f"B-{n}" for n in range(9)]
    message = write_numbers(shop, numbers).refuse(adjustment_order_prefix="A")
    assert "25% of the lines would be left out as book-keeping; is adjustment_order_pre" in message


def test_few_sales_that_begin_as_book_keeping_does_are_a_warning(shop):
    numbers = [f"AMZ-{n}" for n in range(6)] + [f"B-{n}" for n in range(80)]
    _, rules = write_numbers(shop, numbers).prepare(adjustment_order_prefix="A")
    assert rules["adjustment_of_sales"] == 6


def test_positive_cancellations_of_known_sales_are_none_of_that(shop):
    """Some systems write what is taken back with a plus."""
    sales = [f"{n},P{n},C{n % 7},2024-04-01,1,1{n}" for n in range(8)]
    backs = [f"C{n},P{n},C{n % 7},2024-04-02,1,1{n}" for n in range(5)]
    lines, rules = shop.write(*sales, *backs, "C99,P1,C1,2024-04-02,1,5").prepare(
        cancelled_order_prefix="C"
    )
    assert rules["cancellation"] == rules["sign_turned"] == 6
    assert rules["order_taken_back"] == 5
    assert "cancellation_of_no_sale" not in rules  # one in six is no habit
    assert lines["line_amount"].sum() == pytest.approx(15 + 16 + 17 - 5)


@pytest.mark.slow
def test_customers_of_whom_there_are_returns_only_are_told_and_are_no_buyers(shop):
    shop.write(
        *KEPT, "1,P7,dan,2024-05-01,-2,10", "2,P7,eve,2024-06-01,1,9", "3,P7,eve,2024-07-01,-1,9"
    )
    _, rules = shop.prepare()
    assert rules["customer_of_returns_only"] == 1
    assert list(shop.describe().index) == ["ada", "ben"]
    assert list(shop.describe("2024-06-30").index) == ["ada", "ben", "eve"]


def match_by_hand(rows):
    """Return the rows of orders taken back whole, by stacks of sales in the order of time."""
    stacks, taken, groups = {}, {}, {}
    for number, (order, product, day, units) in enumerate(rows):
        groups.setdefault((order, product), (day, units, []))[2].append(number)
    for (order, product), (_, units, _) in sorted(
        groups.items(), key=lambda item: (item[1][0], -item[1][1], item[0][0])
    ):
        stack = stacks.setdefault((product, abs(units)), [])
        if units > 0:
            stack.append((order, product))
        elif stack:
            taken[stack.pop()] = (order, product)
    orders = {order for order, _ in groups}
    whole = [o for o in orders if all(key in taken for key in groups if key[0] == o)]
    gone = {number for key in groups if key[0] in whole for number in groups[key][2]}
    returns = [taken[key] for key in groups if key[0] in whole]
    return gone | {number for key in returns for number in groups[key][2]}


@pytest.mark.slow
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_matching_agrees_with_stacks_worked_by_hand(shop, data):
    products = st.sets(st.sampled_from("ABC"), min_size=1)
    order = st.tuples(st.integers(1, 28), st.sampled_from([-2, -1, 1, 2]), products)
    orders = enumerate(data.draw(st.lists(order, max_size=14)))
    rows = [
        (f"n{number:02}", product, day, units)
        for number, (day, units, products) in orders
        for product in sorted(products)
    ]
    shop.write(*KEPT, *(f"{n},{p},cyn,2024-05-{day:02},{units},5" for n, p, day, units in rows))
    accepted, _ = shop.prepare()
    found = set()
    if "taken_back_at" in accepted:
        found = set(np.flatnonzero(accepted["taken_back_at"].notna()) - len(KEPT))
    assert found == match_by_hand(rows)


def compare_weeks(order_lines: ibis.Table, day: datetime.date) -> pd.DataFrame:
    """Compare the last 34 weeks with what a fit before them expects."""
    split_on = day - datetime.timedelta(days=34 * 7)
    held_out = hold_out(order_lines, as_of=day, split_on=split_on)
    model = fit_lifetime(held_out.histories)
    return compare_holdout(order_lines, held_out, model, as_of=day)


def test_a_hold_out_expects_the_same_whatever_was_cancelled_after_it():
    rng = np.random.default_rng(1)
    gaps = rng.exponential(60, (300, 20)).cumsum(axis=1).astype(int)
    customers, numbers = np.nonzero(gaps < 730)
    days = pd.Timestamp("2022-01-01") + pd.to_timedelta(gaps[customers, numbers], unit="D")
    lines = pd.DataFrame({"customer_id": customers.astype(str), "ordered_at": days})
    lines = lines.assign(line_amount=10.0, line_type="sale", taken_back_at=pd.NaT)
    lines["taken_back_at"] = lines["taken_back_at"].astype("datetime64[us]")
    cancelled = lines.copy()
    cancelled.loc[(numbers == 0) & (customers < 50), "taken_back_at"] = pd.Timestamp("2023-12-01")
    day = datetime.date(2023, 12, 31)
    expected, found = (compare_weeks(ibis.memtable(t), day) for t in (lines, cancelled))
    assert len(expected) > 30
    pd.testing.assert_frame_equal(expected, found)
