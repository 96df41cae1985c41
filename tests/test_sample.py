"""The sample shop: whole, the same for a seed, with the dirt and the truth that it claims."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError
from segkit.data import sample
from segkit.data.checks import check_plan
from segkit.data.sample import FILES, make_sample
from segkit.plan.reading import read_plan

ROOT = Path(__file__).parent.parent
SEGMENTS = {
    "family_campers",
    "city_minimalists",
    "gear_enthusiasts",
    "seasonal_gifters",
    "small_businesses",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with a plan and a shop of the usual size."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copy(ROOT / "plan.toml", folder / "plan.toml")
    make_sample(folder / "data" / "sample")
    return folder / "data" / "sample"


@pytest.fixture(scope="module")
def con(shop):
    """A connection with a view a table; text stays text."""
    with duckdb.connect() as con:
        for table, file in FILES.items():
            read = "read_parquet('{}')"
            if file.endswith(".csv"):
                read = "read_csv('{}', header=true, all_varchar=true, ignore_errors=true)"
            con.execute(f"CREATE VIEW {table} AS FROM {read.format(shop / file)}")
        con.execute(f"CREATE VIEW truth AS FROM '{shop}/truth/segments.parquet'")
        yield con


def ask(con, query):
    """Return the first value of the first row."""
    return con.execute(query).fetchone()[0]


def hash_files(folder):
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_files_and_another_does_not(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_sample(tmp_path / name, customers=300, random_state=seed)
    first, again, other = (hash_files(tmp_path / name) for name in "abc")
    assert first == again
    assert first["order_lines.parquet"] != other["order_lines.parquet"]
    assert first["customers.csv"] != other["customers.csv"]


@pytest.mark.slow
def test_rows_do_not_depend_on_the_number_of_threads(tmp_path, monkeypatch):
    make_sample(tmp_path / "one", customers=300)
    monkeypatch.setattr(sample, "MOST_IN_ONE_THREAD", 0)
    make_sample(tmp_path / "many", customers=300)
    with duckdb.connect() as con:
        for file in ("order_lines.parquet", "events.parquet", "messages.parquet"):
            one, many = (
                ask(con, f"SELECT sum(hash(t)) FROM '{tmp_path}/{name}/{file}' AS t")
                for name in ("one", "many")
            )
            assert one == many


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "low", "high"),
    [
        ("order_lines", 130_000, 170_000),
        ("customers", 5_000, 5_100),
        ("events", 80_000, 120_000),
        ("messages", 50_000, 70_000),
        ("tickets", 2_400, 3_600),
        ("responses", 12_000, 18_000),
    ],
)
def test_the_shop_has_the_size_it_should(con, table, low, high):
    assert low <= ask(con, f"SELECT count(*) FROM {table}") <= high


def test_every_table_of_the_contract_is_there_with_the_contracts_columns(con):
    assert set(FILES) == set(TABLES)
    for name, table in TABLES.items():
        columns = {row[0] for row in con.execute(f"DESCRIBE {name}").fetchall()}
        assert columns <= set(table.column_names)
        assert {column.name for column in table.columns if column.required} <= columns


def test_the_files_are_those_of_the_plan(shop):
    plan = read_plan(shop.parent.parent / "plan.toml")
    assert {name: Path(spec.path).name for name, spec in plan.tables.items()} == FILES


def test_orders_cover_two_years_that_end_with_the_last_day(tmp_path):
    make_sample(tmp_path, customers=100, until=datetime.date(2024, 2, 29))
    with duckdb.connect() as con:
        days = con.execute(
            f"SELECT min(ordered_at)::DATE, max(ordered_at)::DATE FROM '{tmp_path}/orders.parquet'"
            " WHERE ordered_at < DATE '2024-03-01'"
        ).fetchone()
    assert days[0] - datetime.date(2022, 3, 2) < datetime.timedelta(days=5)
    assert datetime.date(2024, 2, 29) - days[1] < datetime.timedelta(days=5)


@pytest.mark.parametrize(
    ("table", "rule", "test"),
    [
        ("order_lines", "missing_customer", "customer_id IS NULL"),
        ("order_lines", "missing_quantity", "quantity IS NULL"),
        ("order_lines", "missing_unit_price", "unit_price IS NULL"),
        ("order_lines", "zero_price", "unit_price = 0"),
        ("order_lines", "negative_price", "unit_price < 0"),
        ("order_lines", "cancellation", "order_id LIKE 'C%' AND quantity < 0"),
        ("order_lines", "return", "order_id NOT LIKE 'C%' AND quantity < 0"),
        ("order_lines", "adjustment", "order_id LIKE 'A%'"),
        ("order_lines", "non_product", "product_id = 'POST'"),
        ("order_lines", "after_as_of", "ordered_at >= '2026-07-01'"),
        ("order_lines", "currency_differs", "currency <> 'EUR'"),
        ("customers", "unusual_income", "income = '666666'"),
        ("customers", "unusual_birth_year", "birth_year = '1893'"),
        ("customers", "missing_customer_id", "customer_id IS NULL"),
        ("customers", "not_a_date_signed_up_on", "try_cast(signed_up_on AS DATE) IS NULL"),
        ("tickets", "out_of_range_satisfaction", "satisfaction = '9'"),
        ("events", "missing_event_type", "event_type IS NULL"),
        ("trends", "not_a_number_value", "try_cast(value AS DOUBLE) IS NULL AND value > ''"),
    ],
)
def test_planted_dirt_is_in_the_data(shop, con, table, rule, test):
    planted = json.loads((shop / "truth" / "dirt.json").read_text(encoding="utf-8"))
    assert planted[table][rule] > 0
    assert ask(con, f"SELECT count(*) FROM {table} WHERE {test}") == planted[table][rule]


def test_only_the_planted_lines_repeat_another(shop, con):
    planted = json.loads((shop / "truth" / "dirt.json").read_text(encoding="utf-8"))
    extra = "SELECT count(*) - (SELECT count(*) FROM (SELECT DISTINCT * FROM order_lines))"
    assert ask(con, f"{extra} FROM order_lines") == planted["order_lines"]["exact_duplicate"]


@pytest.mark.slow
def test_the_checks_find_exactly_the_planted_dirt(tmp_path):
    shutil.copy(ROOT / "plan.toml", tmp_path / "plan.toml")
    planted = make_sample(tmp_path / "data" / "sample", customers=1_000)["dirt"]
    report = check_plan(read_plan(tmp_path / "plan.toml"))
    assert report.ok
    found = {name: table["rules"] for name, table in report.to_json()["tables"].items()}
    # Orders that were taken back whole are no dirt: all the cancelled ones, and some of one line.
    lines = found["order_lines"]
    taken_back = lines.pop("order_taken_back")
    assert taken_back == lines.pop("return_of_whole_order")
    assert lines["cancellation"] < taken_back < lines["cancellation"] + lines["return"]
    assert {name: rules for name, rules in found.items() if rules} == planted


def test_each_customer_has_one_true_segment(con):
    found = con.execute("SELECT DISTINCT true_segment FROM truth").fetchall()
    assert {row[0] for row in found} == SEGMENTS
    both = "truth JOIN customers USING (customer_id)"
    assert ask(con, "SELECT count(*) FROM truth") == 5_000
    assert ask(con, f"SELECT count(DISTINCT customer_id) FROM {both}") == 5_000


def test_true_segments_differ_in_spend_recency_rhythm_and_season(con):
    rows = con.execute(
        """WITH buyers AS (
            SELECT customer_id, sum(quantity * unit_price) AS spend,
                min(DATE '2026-06-30' - ordered_at::DATE) AS recency,
                count(DISTINCT order_id) AS orders,
                avg((month(ordered_at) >= 11)::INT) AS late_in_year
            FROM order_lines WHERE ordered_at < '2026-07-01' GROUP BY customer_id
        )
        SELECT true_segment, median(spend), median(recency), median(orders), avg(late_in_year)
        FROM buyers JOIN truth USING (customer_id) GROUP BY true_segment"""
    ).fetchall()
    spend, recency, orders, late = ({row[0]: row[i] for row in rows} for i in range(1, 5))
    assert spend["small_businesses"] > 2 * spend["gear_enthusiasts"]
    assert spend["gear_enthusiasts"] > 1.4 * spend["family_campers"]
    assert spend["family_campers"] > 1.4 * spend["city_minimalists"]
    assert spend["city_minimalists"] > 1.4 * spend["seasonal_gifters"]
    assert recency["seasonal_gifters"] > 3 * recency["family_campers"]
    assert orders["gear_enthusiasts"] > 1.5 * orders["city_minimalists"]
    assert late["seasonal_gifters"] > 0.4 > 0.25 > late["family_campers"]


def test_no_table_tells_the_true_segment(con):
    names = "|".join(SEGMENTS)
    for table in FILES:
        told = f"regexp_matches(t::VARCHAR, '{names}')"
        assert ask(con, f"SELECT count(*) FROM {table} AS t WHERE {told}") == 0
        columns = {row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()}
        assert not any("true" in column for column in columns)


def test_messages_add_as_many_orders_as_the_truth_says(shop, con):
    effects = json.loads((shop / "truth" / "effects.json").read_text(encoding="utf-8"))
    rates = dict(
        con.execute("SELECT arm, avg(converted::INT) FROM messages GROUP BY arm").fetchall()
    )
    for arm, added in effects["added_order_probability"].items():
        expected = rates["control"] + added * (1 - rates["control"])
        assert rates[arm] == pytest.approx(expected, abs=0.012)
    assert rates["segmented"] > rates["unsegmented"] > rates["control"]


def test_a_conversion_is_an_order_within_two_weeks(con):
    wrong = """SELECT count(*) FROM messages
        WHERE campaign_id <> 'CMP-test' AND converted <> EXISTS (
            FROM orders WHERE orders.customer_id = messages.customer_id AND status = 'complete'
                AND ordered_at >= sent_at AND ordered_at < sent_at + INTERVAL 14 DAY
                AND length(order_id) = 8 AND order_id < '05001')"""
    assert ask(con, wrong) == 0


def test_the_white_space_is_large_growing_and_unserved(shop, con):
    white = json.loads((shop / "truth" / "effects.json").read_text(encoding="utf-8"))["white_space"]
    cell = f"(country = '{white['country']}' AND category = '{white['category']}')"
    largest = f"SELECT max(market_value::DOUBLE) FROM market_cells WHERE year = '2025' AND {cell}"
    assert ask(con, largest) > ask(con, largest.replace(cell, f"NOT {cell}"))
    assert ask(con, f"SELECT min(growth_rate::DOUBLE) FROM market_cells WHERE {cell}") > 0.1
    assert ask(con, f"SELECT sum(market_share::DOUBLE) FROM competitors WHERE {cell}") < 0.1


def test_hostile_names_and_other_alphabets_are_there(con):
    names = {row[0] for row in con.execute("SELECT name FROM customers").fetchall()}
    assert "<script>alert(1)</script>" in names
    assert any(name.startswith("=HYPERLINK(") for name in names)
    assert any(name.startswith(("Åsa", "Õnne", "Ģirts")) for name in names)
    assert ask(con, "SELECT count(*) FROM products WHERE name LIKE '%🏕%'") == 1
    assert ask(con, "SELECT count(*) FROM products WHERE category LIKE '%&%'") > 1
    assert ask(con, "SELECT min(customer_id) FROM customers") == "00001"


def test_profit_is_known_and_mostly_positive(con):
    share = """SELECT sum(quantity * (unit_price - unit_cost::DOUBLE)) / sum(quantity * unit_price)
        FROM order_lines JOIN products USING (product_id)"""
    assert 0.2 < ask(con, share) < 0.6


def test_too_few_customers_are_refused(tmp_path):
    with pytest.raises(SegkitError, match="50 or more"):
        make_sample(tmp_path / "tiny", customers=49)
    assert not (tmp_path / "tiny").exists()


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SegkitError, match="cannot be written"):
        make_sample(tmp_path / "file" / "sample", customers=50)


@pytest.mark.slow
def test_an_interrupted_generation_leaves_no_half_shop(tmp_path, monkeypatch):
    make_sample(tmp_path, customers=50)
    assert (tmp_path / "sample.json").is_file()
    before = hash_files(tmp_path)

    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sample, "_write_truth", stop)
        with pytest.raises(KeyboardInterrupt):
            make_sample(tmp_path, customers=60)
    assert hash_files(tmp_path) == before
    assert (tmp_path / "sample.json").is_file()

    moved = []

    def move_three(source, target):
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(target)
        Path(source).rename(target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", move_three)
        with pytest.raises(KeyboardInterrupt):
            make_sample(tmp_path, customers=60)
    assert not (tmp_path / "sample.json").exists()
    make_sample(tmp_path, customers=60)
    assert (tmp_path / "sample.json").is_file()
