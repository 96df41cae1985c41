"""Kind: a plan's query is one SELECT over the files that it lists, and can do nothing else."""

from __future__ import annotations

import contextlib

import duckdb
import pandas as pd
import pytest
from small_plans import make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.engine import open_locked, set_limits
from segkit.plan.engine import count_bytes

NO_SELECT = [
    "COPY l TO 'out.csv'",
    "COPY l TO 'lines.csv'",
    "SELECT * FROM l; COPY l TO 'out.csv'",
    "SELECT * FROM l;",
    "SELECT 1) ; COPY (SELECT 1) TO 'out.csv'; SELECT * FROM (SELECT 1",
    "ATTACH 'out.db' AS a",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET threads = 3",
    "SET VARIABLE a = 1",
    "PRAGMA version",
    "CREATE TABLE t AS SELECT 1",
    "EXPORT DATABASE 'out'",
    "CALL pragma_version()",
    "WITH n AS (INSERT INTO l VALUES (1) RETURNING *) SELECT * FROM n",
    "DROP TABLE l",
    "CHECKPOINT",
    "SHOW TABLES",
    "",
    "-- nothing",
]
READS_OTHERS = [
    "SELECT * FROM read_csv('secret.csv')",
    "SELECT * FROM 'secret.csv'",
    "SELECT * FROM l WHERE order_id IN (SELECT content FROM read_text('/etc/passwd'))",
    "SELECT (SELECT max(content) FROM read_text('secret.csv')) AS order_id, * FROM l",
    "SELECT * FROM l, glob('/*')",
    "WITH a AS (SELECT * FROM READ_BLOB('secret.csv')) SELECT * FROM a",
    "SELECT * FROM query('SELECT * FROM read_csv(''secret.csv'')')",
    "SELECT * FROM query_table(['secret.csv'])",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM pandas_scan(1, 2, 3)",
    "SELECT * FROM arrow_scan(1, 2, 3)",
    "SELECT * FROM read_parquet('https://127.0.0.1:9/x.parquet')",
    "SELECT * FROM secret",
    "SELECT * FROM source",
    "SELECT * FROM con",
]


@pytest.fixture
def shop(tmp_path):
    write_lines(tmp_path)
    (tmp_path / "secret.csv").write_text("order_id\nSECRET\n")
    return tmp_path


def ask(shop, query, **more):
    spec = {"query": query, "files": {"l": str(shop / "lines.csv")}}
    return make_plan(shop, {"order_lines": spec}, **more)


@pytest.mark.slow
@pytest.mark.parametrize("query", NO_SELECT)
def test_what_is_not_one_select_is_refused_and_does_nothing(shop, query, monkeypatch):
    monkeypatch.chdir(shop)
    before = {path.name: path.read_bytes() for path in shop.iterdir()}
    (problem,) = check_plan(ask(shop, query)).problems
    assert "query of [tables.order_lines]" in problem.describe()
    assert {path.name: path.read_bytes() for path in shop.iterdir()} == before


@pytest.mark.slow
@pytest.mark.parametrize("query", READS_OTHERS)
def test_what_reads_anything_else_is_refused(shop, query, monkeypatch):
    monkeypatch.chdir(shop)
    (problem,) = check_plan(ask(shop, query)).problems
    assert "query of [tables.order_lines]" in problem.describe()
    assert "SECRET" not in problem.describe()


@pytest.mark.slow
@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM l",
        "FROM l",
        "(SELECT * FROM l)",
        "SELECT * FROM l -- all of them",
        "WITH a AS (FROM l), b AS (FROM a) SELECT * FROM b UNION ALL FROM b LIMIT 3",
        "SELECT l.* FROM l, range(1)",
        "SELECT l.* FROM l, unnest([1])",
        "SELECT * FROM l QUALIFY row_number() OVER (PARTITION BY order_id) = 1",
    ],
)
def test_a_select_over_its_files_is_answered(shop, query):
    prepared = prepare_tables(ask(shop, query), shop / "run")
    assert prepared.counts["read"].tolist() == [3]
    assert not list((shop / "run").rglob("*.duckdb"))


def test_identifiers_keep_their_zeros_and_rows_their_order(shop):
    write_lines(shop, "007,P1,C1,2024-01-05,1,1", "008,P1,C2,2024-01-05,1,1")
    query = "SELECT row_number() OVER () AS number, * FROM l"
    prepared = prepare_tables(ask(shop, query), shop / "run")
    accepted = pd.read_parquet(prepared.paths["order_lines"])
    assert accepted["order_id"].tolist() == ["007", "008"]


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "COPY (SELECT 1) TO '{}/out.csv'",
        "SELECT * FROM read_text('{}/secret.csv')",
        "ATTACH '{}/other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM in_python",
    ],
)
def test_the_connection_of_a_query_holds_without_the_parser(shop, statement):
    in_python = pd.DataFrame({"secret": ["SECRET"]})
    assert len(in_python) == 1
    with (
        duckdb.connect() as main,
        open_locked(shop / "own.duckdb", ask(shop, "FROM l"), shop, beside=main) as con,
        pytest.raises(duckdb.Error),
    ):
        con.execute(statement.format(shop)).fetchall()
    assert not (shop / "out.csv").exists()


def test_a_view_in_a_database_file_reads_no_other_file(shop):
    with duckdb.connect(shop / "shop.duckdb") as con:
        con.execute(f"CREATE TABLE own AS FROM read_csv('{shop}/lines.csv', all_varchar = true)")
        con.execute("CREATE VIEW lines AS FROM own")
        con.execute(f"CREATE VIEW others AS FROM read_csv('{shop}/lines.csv', all_varchar = true)")
    spec = {"connection": "duckdb://shop.duckdb", "table": "lines"}
    assert check_plan(make_plan(shop, {"order_lines": spec})).ok
    (problem,) = check_plan(make_plan(shop, {"order_lines": spec | {"table": "others"}})).problems
    assert "the database's table cannot be read" in problem.describe()


@pytest.mark.slow
def test_a_table_that_is_larger_than_the_memory_goes_by_way_of_the_disk(shop):
    with duckdb.connect() as con:
        con.execute(
            f"""COPY (SELECT i AS order_id, 'P' AS product_id, 'C' || i % 999 AS customer_id,
            DATE '2024-01-05' AS ordered_at, 1 AS quantity, random() + 1 AS unit_price
            FROM range(1000000) t(i)) TO '{shop}/large.parquet'"""
        )
    spec = {"query": "FROM l ORDER BY unit_price", "files": {"l": "large.parquet"}}
    limits = {"memory_limit": "100MB", "threads": 1}
    report = check_plan(make_plan(shop, {"order_lines": spec}, engine=limits))
    assert report.counts["read"].tolist() == [1_000_000]


def read_setting(con, name):
    ((value,),) = con.execute(f"SELECT current_setting('{name}')").fetchall()
    return value


def count_memory(con):
    return count_bytes(read_setting(con, "memory_limit"))


@pytest.mark.parametrize("limit", ["800MB", "60%"])
@pytest.mark.parametrize("query_fails", [False, True])
def test_two_databases_at_once_share_the_memory_of_one(shop, limit, query_fails):
    plan = ask(shop, "FROM l", engine={"memory_limit": limit})
    with duckdb.connect() as main:
        set_limits(main, plan, shop)
        whole = count_memory(main)
        with (
            contextlib.suppress(duckdb.CatalogException),
            open_locked(shop / "own.duckdb", plan, shop, beside=main) as locked,
        ):
            assert count_memory(main) + count_memory(locked) <= 1.01 * whole  # it rounds
            assert count_memory(locked) >= 0.49 * whole
            # Two databases' temporary files have the same names.
            folders = {read_setting(con, "temp_directory") for con in (main, locked)}
            assert len(folders) == 2
            if query_fails:
                locked.execute("FROM nothing")
        assert count_memory(main) == whole
    assert {path.name for path in shop.iterdir()} <= {"lines.csv", "secret.csv", "own.duckdb"}


@pytest.mark.slow
def test_a_query_that_needs_too_much_memory_is_not_told_to_be_wrong(shop):
    query = "SELECT *, repeat('x', 400000000) AS more FROM l"
    plan = ask(shop, query, engine={"memory_limit": "100MB", "threads": 1})
    with pytest.raises(SegkitError, match="need more memory than they may have"):
        check_plan(plan)


def test_a_refusal_says_what_to_do(shop):
    with pytest.raises(SegkitError, match="Write one SELECT over the tables that"):
        prepare_tables(ask(shop, "DROP TABLE l"), shop / "run")
