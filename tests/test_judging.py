"""The whole of the tables is judged: what no row shows by itself is refused or warned of."""

from __future__ import annotations

import ast
import datetime
from pathlib import Path

import pandas as pd
import pytest
from small_plans import HEADER, make_plan, write_lines

from segkit.data import judging, notices
from segkit.data.answered import OF_TABLES
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.last_days import find_last_day
from segkit.data.learned import EXACT_ROWS, LINE_MEASURES
from segkit.plan.models import Policies

DAY = datetime.date


def list_lines(
    count: int = 60, *, start: str = "2024-01-03", step: int = 5, customers: int = 12
) -> list[str]:
    """Return lines of one order each, ``step`` days apart, customers in turn."""
    days = pd.date_range(start, periods=count, freq=f"{step}D").strftime("%Y-%m-%d")
    return [
        f"O{n:03},P{n % 3},K{n % customers:02},{day},1,{10 + n % 7}" for n, day in enumerate(days)
    ]


def check(folder: Path, lines: list[str], *, header: str = HEADER, tables=None, **others):
    """Check order lines and further tables, written as CSV from their lines."""
    write_lines(folder, *lines, header=header)
    specs = {"order_lines": "lines.csv"}
    for name, rows in (tables or {}).items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        specs[name] = f"{name}.csv"
    return check_plan(make_plan(folder, specs, **others))


def list_warnings(report) -> dict[str, int]:
    rows = report.open_warnings
    return dict(zip(rows["table"] + "." + rows["rule"], rows["row_count"], strict=True))


def test_good_tables_are_not_nagged(tmp_path):
    customers = ["customer_id,birth_year", *(f"K{n:02},{1960 + n}" for n in range(12))]
    products = ["product_id,category", "P0,a", "P1,b", "P2,c"]
    report = check(tmp_path, list_lines(), tables={"customers": customers, "products": products})
    assert report.ok
    assert report.found.empty


def test_what_was_learned_stands_in_one_table(tmp_path):
    lines = list_lines(40)
    lines[0] = "O000,P0,K00,2024-01-03,1,1000"
    report = check(tmp_path, lines)
    learned = report.learned
    amounts = [float(line.split(",")[-1]) for line in lines]
    assert (learned.row_count, learned.order_count, learned.customer_count) == (40, 40, 12)
    assert (learned.first_on, learned.last_on) == (DAY(2024, 1, 3), DAY(2024, 7, 16))
    assert learned.spend == learned.found_spend == sum(amounts)
    assert learned.largest_order == 1000
    told = report.to_json()["learned"]
    assert told["largest_orders_share"] == pytest.approx(1000 / sum(amounts), abs=1e-6)
    assert told["currency"] == "EUR"


def test_estimates_of_large_tables_are_near_and_cost_no_pass(tmp_path, monkeypatch):
    exact = check(tmp_path, list_lines(300, step=1, customers=50)).learned
    monkeypatch.setattr(judging, "EXACT_ROWS", 10)
    rough = check(tmp_path, list_lines(300, step=1, customers=50)).learned
    assert EXACT_ROWS > 1_000_000
    assert {"spend", "order_count", "customer_count"} < set(LINE_MEASURES)
    assert not rough.is_exact
    assert rough.spend == exact.spend
    assert rough.customer_count == pytest.approx(exact.customer_count, rel=0.1)
    assert rough.order_count == pytest.approx(exact.order_count, rel=0.1)
    told = rough.to_frame().iloc[0]
    assert told[["spend", "order_count", "customer_count"]].isna().all()
    assert rough.repeat_count == exact.repeat_count == 50
    assert rough.top_spend is None


@pytest.mark.parametrize(
    ("other", "rows"),
    [
        ("customers", ["customer_id,birth_year", *(f"C{n:05},1970" for n in range(30))]),
        ("products", ["product_id,category", "S-1,Tents", "S-2,Boots"]),
        ("orders", ["order_id,ordered_at", *(f"{n},2024-02-01" for n in range(60))]),
    ],
)
def test_tables_of_two_shops_are_refused_with_an_id_of_each(tmp_path, other, rows):
    report = check(tmp_path, list_lines(), tables={other: rows})
    assert not report.ok
    (told,) = [problem.describe() for problem in report.problems]
    assert f"no {other[:-1]} of order_lines is in {other}" in told
    assert "Two shops, or two ways to write the id?" in told
    assert f"take [tables.{other}] out of the plan" in told


def test_most_lines_that_do_not_join_are_a_warning(tmp_path):
    customers = ["customer_id,birth_year", *(f"K{n:02},1970" for n in range(4))]
    warned = list_warnings(check(tmp_path, list_lines(), tables={"customers": customers}))
    assert warned["order_lines.few_customers_join"] == 40
    more = ["customer_id,birth_year", *(f"K{n:02},1970" for n in range(8))]
    warned = list_warnings(check(tmp_path, list_lines(), tables={"customers": more}))
    assert "order_lines.few_customers_join" not in warned


def test_messages_to_nobody_who_is_known_are_a_warning_not_a_refusal(tmp_path):
    customers = ["customer_id,birth_year", *(f"K{n:02},1970" for n in range(12))]
    messages = ["customer_id,sent_at", *(f"M{n},2024-03-01" for n in range(25))]
    tables = {"customers": customers, "messages": messages}
    report = check(tmp_path, list_lines(), tables=tables)
    assert report.ok
    assert list_warnings(report)["messages.few_customers_join"] == 25


def test_data_that_end_long_before_as_of_name_the_day_to_take(tmp_path):
    report = check(tmp_path, list_lines(), as_of="2026-06-30")
    (reason,) = report.open_warnings["reason"]
    assert "days before as_of" in reason
    assert "did you mean as_of = 2024-10-24?" in reason
    assert list_warnings(check(tmp_path, list_lines(), as_of="2025-01-20")) == {}


def test_a_shop_that_sleeps_in_winter_is_not_late_in_spring(tmp_path):
    seasons = [
        *list_lines(30, start="2022-05-01"),
        *list_lines(30, start="2023-05-01"),
        *list_lines(30, start="2024-05-01"),
    ]
    lines = [f"R{n}{line}" for n, line in enumerate(seasons)]
    assert list_warnings(check(tmp_path, lines, as_of="2025-04-20")) == {}


def test_much_that_is_rejected_by_one_rule_is_a_warning_and_nearly_all_a_refusal(tmp_path):
    def spoil(count: int) -> list[str]:
        lines = list_lines()
        return [line + "x" if n < count else line for n, line in enumerate(lines)]

    assert list_warnings(check(tmp_path, spoil(3))) == {}
    warned = check(tmp_path, spoil(9))
    assert list_warnings(warned) == {"order_lines.many_rejected": 9}
    assert "not_a_number_unit_price" in warned.open_warnings["reason"].iloc[0]
    refused = check(tmp_path, spoil(55))
    assert "hardly a row of order_lines can be used: 55 of 60 rows" in str(refused.problems[0])


def test_half_a_table_set_aside_by_policies_is_a_warning_too(tmp_path):
    lines = [
        line.replace(f",K{n % 12:02},", ",,") if n % 3 else line
        for n, line in enumerate(list_lines())
    ]
    warned = list_warnings(check(tmp_path, lines))
    assert warned["order_lines.many_rejected"] == 40


def test_a_total_that_policies_turned_negative_is_refused_with_both_sums(tmp_path):
    lines = [line.replace(",1,", ",-1,") if n % 3 else line for n, line in enumerate(list_lines())]
    lines[0] = "O000,P1,,2024-02-07,1,5000"
    report = check(tmp_path, lines)
    assert not report.ok
    (told,) = [problem.describe() for problem in report.problems]
    learned = report.learned
    assert learned.found_spend > 0 > learned.spend
    assert f"the lines as found sum to {learned.found_spend:,.2f} EUR" in told
    assert f"those accepted to {learned.spend:,.2f}" in told


def test_lines_that_a_prefix_turns_round_are_refused(tmp_path):
    lines = [line.replace("O0", "XX-0") if n % 5 else line for n, line in enumerate(list_lines())]
    report = check(tmp_path, lines, policies=Policies(cancelled_order_prefix="X"))
    assert not report.ok
    assert "cancelled_order_prefix" in report.problems[0].describe()


def test_a_sum_far_from_that_of_the_columns_is_a_warning(tmp_path):
    lines = list_lines()
    lines[7] = "O007,P1,,2024-02-07,1,5000"
    report = check(tmp_path, lines)
    assert list_warnings(report) == {"order_lines.total_far_from_found": 59}
    assert report.learned.found_spend > 5000 > report.learned.spend


def test_more_paid_back_than_paid_is_a_warning(tmp_path):
    lines = [line.replace(",1,", ",-1,") if n % 3 else line for n, line in enumerate(list_lines())]
    assert "order_lines.total_not_positive" in list_warnings(check(tmp_path, lines))


def test_every_customer_with_one_order_is_a_warning_with_the_right_advice(tmp_path):
    report = check(tmp_path, list_lines(customers=60))
    assert list_warnings(report) == {"order_lines.one_order_each": 60}
    assert "Leave order_count out" in report.open_warnings["reason"].iloc[0]


def count_days(*days: tuple[DAY, int]) -> pd.DataFrame:
    return pd.DataFrame(days, columns=["day", "row_count"])


def test_the_last_day_is_that_of_the_data_and_days_few_and_far_beyond_are_none():
    year = [(DAY(2024, 1, 1) + datetime.timedelta(days=n), 20) for n in range(300)]
    last = year[-1][0]
    assert find_last_day(count_days(*year), "order_lines").day == last
    for slip in (DAY(2025, 10, 26), DAY(2099, 1, 1), DAY(9999, 12, 31)):
        found = find_last_day(count_days(*year, (slip, 2)), "order_lines")
        assert (found.day, found.beyond_count, found.first_beyond) == (last, 2, slip)
    # So many are no slips, and a later month with its orders is the shop's own.
    assert find_last_day(count_days(*year, (DAY(2025, 10, 26), 90)), "order_lines").day.year == 2025
    assert find_last_day(count_days(), "order_lines") is None


def test_orders_entered_for_later_leave_the_last_day_of_a_busy_shop():
    year = [(DAY(2024, 1, 1) + datetime.timedelta(days=n), 100) for n in range(300)]
    last = year[-1][0]
    trail = [(last + datetime.timedelta(days=n), 1) for n in (3, 9, 20, 41)]
    found = find_last_day(count_days(*year, *trail), "order_lines")
    assert (found.day, found.beyond_count) == (last, 4)
    # A week of part days, or the thin season of every year, is trade.
    assert find_last_day(count_days(*year, *trail[:1]), "order_lines").day == trail[0][0]
    thin = [(DAY(2024, 3, 1) + datetime.timedelta(days=n), 1) for n in range(60)]
    seasons = [*year[:60], *thin, *year[120:], *trail]
    assert find_last_day(count_days(*seasons), "order_lines").day == trail[-1][0]


def test_a_small_shop_may_have_its_last_order_after_a_lull():
    days = [DAY(2024, month, 1) for month in (1, 2, 3, 4, 5, 6)]
    quiet = count_days(*((day, 1) for day in days), (DAY(2024, 8, 20), 1))
    assert find_last_day(quiet, "order_lines").day == DAY(2024, 8, 20)


def test_without_as_of_all_that_is_counted_ends_on_the_last_day_in_the_data(tmp_path):
    lines = [*list_lines(), "O999,P1,K01,2098-01-02,1,10"]
    report = check(tmp_path, lines, as_of=None)
    assert (report.as_of, report.as_of_from) == (DAY(2024, 10, 24), "order_lines")
    assert list_warnings(report) == {"order_lines.dates_far_beyond": 1}
    rules = report.to_json()["tables"]["order_lines"]["rules"]
    assert rules["as_of_from_data"] == 61
    assert rules["after_as_of"] == 1
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"}, as_of=None)
    prepared = prepare_tables(plan, tmp_path / "run")
    assert (prepared.as_of, prepared.as_of_from) == (DAY(2024, 10, 24), "order_lines")
    again = prepare_tables(plan, tmp_path / "run")
    assert again.as_of == prepared.as_of
    given = prepare_tables(plan, tmp_path / "run", as_of=DAY(2024, 6, 1))
    assert (given.as_of, given.as_of_from) == (DAY(2024, 6, 1), "")
    assert given.counts["accepted"].item() < prepared.counts["accepted"].item()


def test_the_day_of_orders_counts_where_lines_have_none(tmp_path):
    header = "order_id,product_id,customer_id,quantity,unit_price"
    lines = [f"O{n:03},P1,K{n % 9},1,5" for n in range(30)]
    orders = ["order_id,ordered_at", *(f"O{n:03},2023-05-{n + 1:02}" for n in range(30))]
    report = check(tmp_path, lines, header=header, tables={"orders": orders}, as_of=None)
    assert report.ok
    assert (report.as_of, report.as_of_from) == (DAY(2023, 5, 30), "orders")


def test_customers_without_any_day_need_as_of(tmp_path):
    (tmp_path / "customers.csv").write_text("customer_id,wine\na,1\nb,2\n", encoding="utf-8")
    tables = {"customers": {"path": "customers.csv", "features": "all"}}
    report = check_plan(make_plan(tmp_path, tables, as_of=None))
    (told,) = [problem.describe() for problem in report.problems]
    assert "as_of is missing" in told
    assert "Write as_of = YYYY-MM-DD" in told


def test_an_accepted_warning_is_a_note_with_its_reason(tmp_path):
    answers = {"order_lines.one_order_each": "tickets are sold once"}
    report = check(tmp_path, list_lines(customers=60), accepted_warnings=answers)
    assert report.ok
    assert report.open_warnings.empty
    row = report.found.set_index("rule").loc["one_order_each"]
    assert row["severity"] == "note"
    assert row["treatment"] == "Accepted in the plan: tickets are sold once"


def test_an_accepted_warning_that_was_not_found_is_a_note(tmp_path):
    answers = {"order_lines.unknown_customer": "the till knows no names"}
    report = check(tmp_path, list_lines(), accepted_warnings=answers)
    assert report.ok
    (row,) = report.found.to_dict("records")
    assert (row["rule"], row["severity"], row["row_count"]) == ("accepted_not_found", "note", 0)
    assert "order_lines.unknown_customer" in row["reason"]


def test_an_accepted_warning_of_a_name_that_no_rule_has_is_a_fault(tmp_path):
    answers = {"order_lines.unknown_custmer": "x", "order_lines.one_order_ech": "y"}
    report = check(tmp_path, list_lines(), accepted_warnings=answers)
    told = [problem.describe() for problem in report.problems]
    assert "Did you mean 'unknown_customer'?" in told[0]
    assert "Did you mean 'one_order_each'?" in told[1]


def test_a_rejecting_rule_is_not_answered_away(tmp_path):
    lines = [*list_lines(), "O1,P1,K1,2024-02-02,many,1"]
    answers = {"order_lines.not_a_number_quantity": "never mind"}
    report = check(tmp_path, lines, accepted_warnings=answers)
    assert report.counts["rejected"].item() == 1
    assert report.found["severity"].tolist() == ["reject"]


def test_an_answer_is_part_of_what_the_tables_depend_on(tmp_path):
    write_lines(tmp_path, *list_lines(customers=60))
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    prepare_tables(plan, tmp_path / "run")
    answers = {"order_lines.one_order_each": "tickets are sold once"}
    answered = plan.model_copy(update={"accepted_warnings": answers})
    quality = prepare_tables(answered, tmp_path / "run").quality
    assert "warning" not in set(quality["severity"])


def test_every_notice_can_be_accepted_by_its_name():
    """Names are known beforehand, so that an answer to one not found this time is no fault."""
    for path in Path(notices.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_notice = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Notice"
            if not is_notice or not call.args:
                continue
            name = call.args[0]
            if isinstance(name, ast.JoinedStr) and isinstance(name.values[0], ast.Constant):
                stem = name.values[0].value.rstrip("_")
                assert any(one.startswith(stem) for one in notices.NOTICED), path.name
            elif isinstance(name, ast.Constant):
                assert name.value in {*notices.NOTICED, *judging.JUDGED, *OF_TABLES}, path.name


def test_one_order_that_outweighs_all_others_is_a_warning(tmp_path):
    lines = [*list_lines(), "O999,P1,K01,2024-05-05,20000,12"]
    told = check(tmp_path, lines).found.set_index("rule")
    assert told.loc["one_order_of_most", "severity"] == "warning"
    assert "one_order_of_most" not in set(check(tmp_path, list_lines()).found["rule"])


@pytest.mark.parametrize("year", ["1024", "1924", "2004"])
def test_a_few_dates_long_before_all_others_are_a_warning(tmp_path, year):
    lines = [*list_lines(), f"O999,P1,K01,{year}-05-05,1,12"]
    told = check(tmp_path, lines).found.set_index("rule").loc["dates_far_before"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)
    assert f"ordered_at, until {year}-05-05" in told["reason"]


def test_a_shop_of_many_years_is_no_warning(tmp_path):
    lines = [*list_lines(20, start="2009-01-03"), *list_lines(40, start="2022-01-03")]
    told = check(tmp_path, [line.replace("O", f"O{n}") for n, line in enumerate(lines)]).found
    assert "dates_far_before" not in set(told["rule"])
