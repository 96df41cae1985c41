"""Spark computes the same tables as DuckDB, to the last row."""

from __future__ import annotations

import datetime

import duckdb
import pandas as pd
import pytest
from small_plans import RETAIL_COLUMNS, make_plan
from test_segmentation import make_scheme

from segkit.data.checks import prepare_tables
from segkit.data.engine import open_tables
from segkit.features.customer_table import build_customers
from segkit.plan.models import Engine
from segkit.segmentation.documents import fit_segmentation

pytestmark = pytest.mark.spark
LOCAL = "local[2]"


def read_both(plan, folder, connection=LOCAL):
    """Prepare a plan's tables on DuckDB and on Spark, check that they agree, and build customers.

    The customer table is compared to the last row; amounts and shares to the twelfth digit, since
    the order of adding differs.
    """
    found = []
    for engine in (Engine(), Engine(connection=connection)):
        own = plan.model_copy(update={"engine": engine})
        prepared = prepare_tables(own, folder / engine.connection[:5])
        tables = open_tables(own, prepared.paths, folder)
        found.append((prepared, build_customers(tables, as_of=plan.as_of), tables))
    (one, expected_built, _), (two, built, _) = found
    expected, customers = expected_built.frame, built.frame
    pd.testing.assert_frame_equal(one.counts, two.counts)
    pd.testing.assert_frame_equal(one.quality, two.quality)
    for name, path in one.paths.items():
        pd.testing.assert_frame_equal(pd.read_parquet(path), pd.read_parquet(two.paths[name]))
    assert built.habits == expected_built.habits
    assert built.prospect_count == expected_built.prospect_count
    assert built.lifetime_reason == expected_built.lifetime_reason
    empty = expected.columns[expected.isna().all()]  # of whatever type
    assert customers[empty].isna().all(axis=None)
    pair = (table.drop(columns=empty) for table in (customers, expected))
    pd.testing.assert_frame_equal(*pair, rtol=1e-12, atol=1e-12)
    return one, expected, found[1][2]


def check_placed(customers, tables, folder, columns):
    """Fit segments, and let Spark place the customers."""
    scheme, as_of = make_scheme("kprototypes", columns), datetime.date(2026, 6, 30)
    found, _ = fit_segmentation(customers, scheme, n_segments=3, as_of=as_of, random_state=0)
    path = folder / "customers.parquet"
    customers.to_parquet(path)
    backend = next(iter(tables.values())).get_backend()
    placed = found.assign(backend.read_parquet(path)).order_by("customer_id").to_pandas()
    expected = found.assign(customers)
    assert placed["segment_name"].tolist() == expected["segment_name"].tolist()
    pd.testing.assert_series_equal(placed["distance"], expected["distance"], rtol=1e-9)


def plan_retail(folder, shared_data):
    path = str(shared_data("online_retail/online_retail.parquet"))
    policies = {"cancelled_order_prefix": "C", "adjustment_order_prefix": "A"}
    policies |= {"non_product_ids": ["POST", "DOT", "M"], "exact_duplicates": "drop"}
    spec = {"order_lines": {"path": path, "columns": RETAIL_COLUMNS}}
    return make_plan(folder, spec, as_of="2011-12-31", currency="GBP", policies=policies)


def test_online_retail_is_the_same_on_spark(spark, shared_data, tmp_path):
    prepared, customers, tables = read_both(plan_retail(tmp_path, shared_data), tmp_path)
    assert prepared.counts["read"].tolist() == [541_909]
    assert len(customers) > 4_000
    columns = ("recency_days", "order_count", "total_spend", "country")
    check_placed(customers, tables, tmp_path, columns)


def test_the_complete_journey_is_the_same_on_spark(spark, shared_data, tmp_path):
    folder = shared_data("complete_journey")
    who = {"customer_id": "household_id"}
    lines = who | {"order_id": "basket_id", "line_amount": "sales_value"}
    lines |= {"ordered_at": "transaction_timestamp"}
    tables = {
        "order_lines": {"path": str(folder / "transactions_sample.parquet"), "columns": lines},
        "customers": {
            "path": str(folder / "demographics.parquet"),
            "columns": who | {"age_band": "age", "income_band": "income", "household_size": ""},
        },
        "products": {
            "path": str(folder / "products.parquet"),
            "columns": {"category": "product_category"},
        },
    }
    plan = make_plan(tmp_path, tables, as_of="2018-01-31", currency="USD")
    _, customers, opened = read_both(plan, tmp_path)
    assert customers["age_band"].notna().sum() > 700
    columns = ("recency_days", "total_spend", "favourite_category", "age_band")
    check_placed(customers, opened, tmp_path, columns)


def draw_hostile(folder) -> dict:
    """Write a shop of ties, nulls, midnights, negative amounts, repeats and dangling references."""
    duckdb.execute(
        f"""COPY (SELECT if(i % 97 = 0, NULL, if(i % 11 = 0, 'C', '') || i // 3) AS order_id,
            if(i % 5 = 0, 'post', 'P' || i % 6) AS product_id,
            if(i % 13 = 0, NULL, if(i % 17 = 0, ' ', '') || 'k' || (i // 3) % 40) AS customer_id,
            TIMESTAMPTZ '2026-06-30 21:00:00+00' - to_hours(((i // 3) * 7) % 9000)
                + to_minutes(if(i % 29 = 0, 179, 0)) AS ordered_at,
            [1, 1, 2, -1, 0, NULL, 1e9][1 + i % 7] AS quantity,
            [5.0, 5.0, 2.5, 0, -3, NULL, 'nan'::DOUBLE, 0.1][1 + i % 8] AS unit_price,
            if(i % 19 = 0, 7.25, NULL) AS line_amount, ['EUR', 'eur', NULL, 'SEK'][1 + i % 4]
                AS currency, ['web', 'shop', NULL][1 + i % 3] AS channel
        FROM (SELECT if(i % 23 = 1, i - 1, i) AS i FROM range(3000) AS t(i)))
        TO '{folder}/lines.parquet';
        COPY (SELECT (i // 2)::VARCHAR AS order_id, 'k' || i % 45 AS customer_id,
            if(i % 9 = 0, 'cancelled', 'complete') AS status, 'FI' AS country FROM range(1500)
        AS t(i)) TO '{folder}/orders.parquet';
        COPY (SELECT 'P' || i AS product_id, if(i = 2, NULL, 'c' || i % 2) AS category,
            if(i = 1, -1, 1.5) AS unit_cost FROM range(5) AS t(i)) TO '{folder}/products.parquet'"""
    )
    (folder / "customers.csv").write_text(
        "customer_id,birth_year,signed_up_on,consent\n"
        "k1,1980,2026-06-30,yes\nk1,1981,2026-06-30,yes\nk2,18,,no\nk3,1990.5,2027-01-01,maybe\n"
        "k4,,2020-02-30,\nk5,1999,2020-02-29,1\n,1999,2020-02-29,1\n"
    )
    (folder / "events.csv").write_text(
        "customer_id,occurred_at,event_type,device\n"
        "k1,2026-06-30T23:59:59+03:00,visit,web\nk1,2026-06-30T20:59:59Z,cart,app\n"
        "k1,2026-06-30T20:59:59Z,wish,app\nk2,2026-07-01T01:00:00+03:00,visit,web\n"
        "k2,2026-06-30T23:30:00-05:00,visit,web\n,2026-01-01,visit,\nk1,2026-06-01,visit,web\n"
        "k1,2026-06-01,visit,web\n"
    )
    (folder / "tickets.csv").write_text(
        "ticket_id,customer_id,opened_at,resolved_at,satisfaction\n"
        "t1,k1,2026-06-01,2026-07-01,5\nt2,k2,2026-06-30 23:59:59,,9\nt1,k1,2026-06-01,,5\n"
    )
    names = ("orders", "products", "customers", "events", "tickets")
    files = {name: next(folder.glob(f"{name}.*")).name for name in names}
    return {"order_lines": "lines.parquet"} | files


HOSTILE = {"cancelled_order_prefix": "C", "non_product_ids": ["POST"]}
LENIENT = dict.fromkeys(("lines_without_customer", "negative_prices", "non_products"), "keep")


@pytest.mark.parametrize("policies", [HOSTILE, HOSTILE | LENIENT])
def test_a_hostile_shop_is_the_same_on_spark(spark, tmp_path, policies):
    plan = make_plan(tmp_path, draw_hostile(tmp_path), as_of="2026-06-30", policies=policies)
    prepared, customers, tables = read_both(plan, tmp_path)
    rules = set(prepared.quality["rule"])
    assert {"exact_duplicate", "duplicate_key_differs", "unknown_product", "sign_turned"} <= rules
    assert {"after_as_of", "currency_differs", "status_taken_back", "missing_order_id"} <= rules
    assert 20 < len(customers) < 50
    check_placed(customers, tables, tmp_path, ("order_count", "total_spend", "favourite_channel"))


def test_what_a_sale_is_is_the_same_on_spark(spark, tmp_path):
    header = "order_id,product_id,customer_id,ordered_at,quantity,unit_price,order_discount_amount"
    lines = [
        *(f"k{n},P{n % 3},C{n % 9},2024-0{1 + n % 6}-05,1,1{n % 7}," for n in range(60)),
        "v1,P7,cyn,2024-04-01,5,30,",
        "Xv1,P7,cyn,2024-05-02,-3,30,",
        "Xv1,P7,cyn,2024-05-09,-2,30,",
        "v2,P7,cyn,2024-05-10,1,30,6",
        "v2,P8,,2024-05-10,1,30,",
        "v2,COUPON,,2024-05-10,-1,5,",
        "v3,P9,dot,2024-05-10,2,30,",
        "w3,P9,dot,2024-06-10,-2,30,",
        "v4,P8,dot,2024-06-11,2,0,",
        "v5,P8,dot,2024-06-12,1,9,",
        "v6,P8,eve,2024-06-12,1,9,",
        "v7,P8,eve,2024-06-12,1,8,",
        "w8,P1,fay,2024-06-12,-1,8,",
    ]
    (tmp_path / "lines.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "orders.csv").write_text(
        "order_id,status,cancelled_at,refunded_amount\n"
        "v5,pending,,\nv6,refunded,2024-07-01,\nv7,paid,,3\n"
    )
    tables = {"order_lines": "lines.csv", "orders": "orders.csv"}
    policies = {"cancelled_order_prefix": "X"}
    prepared, customers, _ = read_both(make_plan(tmp_path, tables, policies=policies), tmp_path)
    rules = set(prepared.quality["rule"])
    assert {"order_taken_back", "matched_by_sale", "customer_of_returns_only"} <= rules
    assert {"discount", "order_of_nothing", "order_discount_shared", "carried_customer_id"} <= rules
    assert {"status_left_out", "status_taken_back", "order_refund_shared"} <= rules
    spend = customers.set_index("customer_id")["total_spend"]
    assert spend[["cyn", "eve"]].tolist() == [60 - 6 - 5, 5]
    assert not {"dot", "fay"} & set(spend.index)


def test_separate_processes_compute_the_same(spark, tmp_path):
    from pyspark.sql import SparkSession

    (SparkSession.getActiveSession() or spark).stop()  # one process can hold one session
    plan = make_plan(tmp_path, draw_hostile(tmp_path), as_of="2026-06-30", policies=HOSTILE)
    _, _, tables = read_both(plan, tmp_path, "local-cluster[2,1,1024]")
    session = tables["order_lines"].get_backend()._session
    assert session.sparkContext.master.startswith("local-cluster")
    session.stop()
