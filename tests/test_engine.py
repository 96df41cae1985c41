"""DuckDB held to the plan's limits: what does not fit goes to disk, and the result is the same."""

from __future__ import annotations

import datetime

import duckdb
import pandas as pd
import pytest
from fake_shop import PLAN

from segkit.core.errors import SegkitError
from segkit.data.checks import prepare_tables
from segkit.data.engine import PYTHON_MEMORY, open_tables, set_limits
from segkit.data.table_checks import TableChecks
from segkit.features.customer_table import build_customers
from segkit.plan.engine import count_bytes
from segkit.plan.models import Engine
from segkit.plan.reading import read_plan

LINES = 1_500_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A plan of order lines that take more memory than the smallest limit of the tests."""
    folder = tmp_path_factory.mktemp("large")
    duckdb.execute(
        f"""COPY (SELECT 'ORDER-' || (i // 3) AS order_id, 'P' || (hash(i) % 3000) AS product_id,
            'CUSTOMER-' || (hash(i // 3) % 60000) AS customer_id,
            TIMESTAMP '2025-01-01' + to_minutes((hash(i // 3, 2) % 560000)::INT) AS ordered_at,
            if(hash(i, 3) % 50 = 0, -1.0, 1.0 + i % 4) AS quantity, 0.5 + i % 90 AS unit_price
        FROM range({LINES}) t(i)) TO '{folder}/lines.parquet' (FORMAT parquet)"""
    )
    (folder / "plan.toml").write_text(PLAN.replace("lines.csv", "lines.parquet"))
    return read_plan(folder / "plan.toml")


def hold_to(plan, **limits):
    return plan.model_copy(update={"engine": Engine(**limits)})


def test_memory_threads_and_folder_reach_the_engine(large, tmp_path):
    limits = {"memory_limit": "300MB", "threads": 1, "temp_folder": str(tmp_path / "scratch")}
    plan, paths = hold_to(large, **limits), {"order_lines": large.folder / "lines.parquet"}
    con = open_tables(plan, paths, tmp_path)["order_lines"].get_backend().con
    names = ("memory_limit", "threads", "temp_directory", "TimeZone")
    found = [con.sql(f"SELECT current_setting('{name}')").fetchall()[0][0] for name in names]
    assert (found[0], found[1], found[3]) == ("143.0 MiB", 1, "UTC")
    assert found[2].startswith(str(tmp_path / "scratch" / "segkit-"))


@pytest.mark.parametrize(
    ("limit", "own"),
    [("8GB", 7_500_000_000), ("1.2GB", 700_000_000), ("1GB", 500_000_000), ("64MB", 32_000_000)],
)
def test_duckdb_has_what_python_leaves_of_the_memory_and_at_least_half(large, tmp_path, limit, own):
    with duckdb.connect() as con:
        set_limits(con, hold_to(large, memory_limit=limit), tmp_path)
        rows = con.execute("SELECT current_setting('memory_limit')").fetchall()
    assert count_bytes(rows[0][0]) == pytest.approx(own, rel=0.02)  # DuckDB tells tenths


def test_a_share_of_the_memory_is_the_processs_too(large, tmp_path):
    found = {}
    for limit in ("100%", "50%"):
        with duckdb.connect() as con:
            con.execute(f"SET memory_limit = '{limit}'")
            whole = con.execute("SELECT current_setting('memory_limit')").fetchall()
            set_limits(con, hold_to(large, memory_limit=limit), tmp_path)
            own = con.execute("SELECT current_setting('memory_limit')").fetchall()
        found[limit] = count_bytes(whole[0][0]), count_bytes(own[0][0])
    for whole, own in found.values():
        assert own == pytest.approx(max(whole - PYTHON_MEMORY, whole / 2), rel=0.02)
        assert own < whole


def test_too_little_memory_names_the_line_to_write(large, tmp_path, monkeypatch):
    def run_out(self):
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate")

    monkeypatch.setattr(TableChecks, "run", run_out)
    lines = {"150MB": 'memory_limit = "300MB"', "60%": 'memory_limit = "100%"', "100%": "threads"}
    for limit, line in lines.items():
        with pytest.raises(SegkitError) as caught:
            prepare_tables(hold_to(large, memory_limit=limit), tmp_path / "run")
        assert f"Write {line}" in str(caught.value)


@pytest.mark.slow
def test_checks_of_more_than_the_memory_spill_and_say_so(large, tmp_path):
    ample = prepare_tables(large, tmp_path / "ample")
    held = prepare_tables(hold_to(large, memory_limit="150MB", threads=1), tmp_path / "held")
    assert "larger_than_memory" not in set(ample.quality["rule"])
    note = held.quality.set_index("rule").loc["larger_than_memory"]
    assert note["severity"] == "note"
    assert "150MB" in note["reason"]
    pd.testing.assert_frame_equal(held.counts, ample.counts)
    query = "SELECT bit_xor(hash(t)), count(*) FROM '{}' AS t"
    found = [
        duckdb.sql(query.format(prepared.paths["order_lines"])).fetchall()
        for prepared in (ample, held)
    ]
    assert found[0] == found[1]


@pytest.mark.slow
def test_customers_of_more_than_the_memory_are_the_same(large, tmp_path):
    paths, found = prepare_tables(large, tmp_path / "run").paths, []
    for name, limits in {"ample": {}, "held": {"memory_limit": "150MB", "threads": 1}}.items():
        (tmp_path / name).mkdir()
        tables = open_tables(hold_to(large, **limits), paths, tmp_path / name)
        options = {"as_of": datetime.date(2026, 1, 31), "settings": large}
        found.append(build_customers(tables, **options).frame)
        assert (tmp_path / name / "spill").exists() == bool(limits)
    assert len(found[0]) > 50_000
    pd.testing.assert_frame_equal(*found, rtol=1e-9)
