"""One document prints SQL for seven dialects; where it can be executed it agrees row by row."""

from __future__ import annotations

import os
import shutil
import sys

import duckdb
import pandas as pd
import pytest
import sqlglot
from sqlglot import exp
from test_segmentation import METHODS, fit, make_customers

from segkit.errors import SegkitError
from segkit.segments.segmentation import DIALECTS


@pytest.fixture(scope="module")
def cases():
    """Customers with whatever is new to the fit among them, and their segments by method."""
    customers = make_customers(600)
    fitted = {method: fit(customers, method) for method in METHODS}
    strange = customers.sample(60, random_state=1)
    strange["customer_id"] = "n" + strange["customer_id"]
    strange["favourite_channel"] = "pigeon 🐦"
    strange["mean_order_value"] *= -1e6
    strange["recency_days"] = None
    everyone = pd.concat([customers, strange], ignore_index=True)
    everyone["customer_type"] = everyone["customer_type"].astype("str")
    return everyone, fitted


def check_rows(found: pd.DataFrame, segmentation, customers: pd.DataFrame) -> None:
    expected = segmentation.assign(customers)[["customer_id", *segmentation.result_columns]]
    found = found.sort_values("customer_id", ignore_index=True)
    expected = expected.sort_values("customer_id", ignore_index=True)
    assert found["segment"].tolist() == expected["segment"].tolist()
    assert found["segment_name"].tolist() == expected["segment_name"].tolist()
    for column in segmentation.result_columns[2:]:
        pd.testing.assert_series_equal(
            found[column].astype(float), expected[column].astype(float), rtol=1e-9, atol=1e-9
        )


@pytest.mark.parametrize("method", METHODS)
def test_the_printed_query_runs_in_duckdb_and_agrees(cases, method):
    customers, fitted = cases
    connection = duckdb.connect()
    connection.register("customers", customers)
    found = connection.execute(fitted[method].to_sql("duckdb")).df()
    check_rows(found, fitted[method], customers)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("method", METHODS)
def test_every_dialect_compiles_and_parses(cases, method, dialect):
    _, fitted = cases
    text = fitted[method].to_sql(dialect, table="crm_customers", key="id")
    parsed = sqlglot.parse_one(text, dialect=dialect)
    assert parsed.named_selects == ["id", *fitted[method].result_columns]
    assert [table.name for table in parsed.find_all(exp.Table)] == ["crm_customers"]


@pytest.mark.parametrize("method", METHODS)
def test_postgres_makes_nothing_but_an_integer_of_a_truth(cases, method):
    parsed = sqlglot.parse_one(cases[1][method].to_sql("postgres"), dialect="postgres")
    truths = (exp.Predicate, exp.Not, exp.And, exp.Or)
    casts = [c for c in parsed.find_all(exp.Cast) if isinstance(c.this.unnest(), truths)]
    assert {str(cast.to) for cast in casts} <= {"INT"}


def test_an_unknown_dialect_is_named(cases):
    with pytest.raises(SegkitError, match="Did you mean 'postgres'"):
        cases[1]["rfm"].to_sql("postgre")


@pytest.fixture(scope="module")
def spark():
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "2",
    }
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.mark.spark
def test_spark_agrees_row_by_row(cases, spark, tmp_path):
    import ibis

    customers, fitted = cases
    customers.to_parquet(tmp_path / "customers.parquet")
    spark.read.parquet(str(tmp_path / "customers.parquet")).createOrReplaceTempView("customers")
    connection = ibis.pyspark.connect(spark)
    for segmentation in fitted.values():
        check_rows(spark.sql(segmentation.to_sql("spark")).toPandas(), segmentation, customers)
        placed = segmentation.assign(connection.table("customers")).to_pandas()
        check_rows(placed, segmentation, customers)
