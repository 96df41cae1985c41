"""One document prints SQL for seven dialects; where it can be executed it agrees row by row."""

from __future__ import annotations

import json

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from sqlglot import exp
from test_segmentation import AS_OF, METHODS, fit, make_customers, make_scheme, predict

from segkit.core.errors import SegkitError
from segkit.segmentation.documents import DIALECTS, Segmentation, fit_segmentation
from segkit.segmentation.preparation import prepare_columns


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


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_the_printed_query_runs_in_duckdb_and_agrees(cases, method):
    customers, fitted = cases
    connection = duckdb.connect()
    connection.register("customers", customers)
    found = connection.execute(fitted[method].to_sql("duckdb")).df()
    check_rows(found, fitted[method], customers)


@pytest.mark.slow
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


def make_tied():
    """A document of three prototypes, and rows that lie exactly between them."""
    customers = make_customers()
    scheme = make_scheme("kprototypes", ("order_count", "customer_type"), gamma=4.0)
    own, _ = fit_segmentation(customers, scheme, n_segments=3, as_of=AS_OF, random_state=0)
    content = json.loads(own.to_json())
    plain = {"fill": 0, "lower": -99, "upper": 99, "transform": "none", "mean": 0, "sd": 1}
    plain |= {"smallest": -99, "largest": 99}
    content["model"]["preparations"] = [{"column": "order_count", **plain}]
    content["model"]["centres"] = [[2.0], [0.0], [0.0]]
    content["model"]["modes"] = [["person"], ["person"], ["business"]]
    rows = pd.DataFrame(
        {
            "customer_id": [f"t{i}" for i in range(8)],
            "order_count": [1.0, 1.0, 0.0, 2.0, None, 0.5, 0.0, 2.0],
            "customer_type": [*["person", None, None, "business"], *["pigeon", "person"] * 2],
        }
    )
    return Segmentation.model_validate_json(json.dumps(content)), rows


def test_ties_go_to_the_lower_number_in_the_printed_query_too():
    segmentation, rows = make_tied()
    connection = duckdb.connect()
    connection.register("customers", rows)
    check_rows(connection.execute(segmentation.to_sql("duckdb")).df(), segmentation, rows)
    found = segmentation.assign(rows)
    gaps = np.column_stack([(rows["order_count"].fillna(0) - c) ** 2 for c in (2, 0, 0)])
    types = rows["customer_type"].to_numpy(object)[:, None]
    # There was no missing value in the fit, so that one adds nothing; a pigeon is like nobody.
    differ = (types != np.array(["person", "person", "business"])) & rows[
        "customer_type"
    ].notna().to_numpy()[:, None]
    squares = gaps + 4 * differ
    assert (np.sort(squares, axis=1)[:, 0] == np.sort(squares, axis=1)[:, 1]).sum() >= 4
    assert found["segment"].tolist() == (squares.argmin(axis=1) + 1).tolist()


REAL = [("credit_a", "class"), ("heart_c", "num")]


def read_real(shared_data, name: str, known: str):
    """Real mixed customers, a scheme of all their columns, and their segmentation."""
    table = pd.read_parquet(shared_data(f"uci_mixed/{name}.parquet")).drop(columns=known)
    table = table.rename(columns=lambda column: f"c_{column}".replace("-", "_"))
    scheme = make_scheme("kprototypes", tuple(table.columns))
    table.insert(0, "customer_id", [f"c{i:05}" for i in range(len(table))])
    fitted, _ = fit_segmentation(table, scheme, n_segments=4, as_of=AS_OF, random_state=0)
    return table, scheme, fitted


@pytest.mark.slow
@pytest.mark.parametrize(("name", "known"), REAL)
def test_real_customers_get_the_estimators_own_segments_and_distances(shared_data, name, known):
    table, scheme, segmentation = read_real(shared_data, name, known)
    expected = predict(segmentation, prepare_columns(table, scheme))
    found = segmentation.assign(table)
    assert found["segment"].tolist() == expected[:, 0].tolist()
    np.testing.assert_allclose(found["distance"], expected[:, 1], rtol=1e-12)
    connection = duckdb.connect()
    connection.register("customers", table)
    check_rows(connection.execute(segmentation.to_sql("duckdb")).df(), segmentation, table)


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


@pytest.mark.spark
def test_spark_agrees_on_real_customers_and_on_ties(shared_data, spark, tmp_path):
    real = [read_real(shared_data, name, known)[::2] for name, known in REAL]
    for number, (customers, segmentation) in enumerate([*real, make_tied()[::-1]]):
        path = tmp_path / f"{number}.parquet"
        customers.to_parquet(path)
        spark.read.parquet(str(path)).createOrReplaceTempView("customers")
        check_rows(spark.sql(segmentation.to_sql("spark")).toPandas(), segmentation, customers)
