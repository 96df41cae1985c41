"""Kind: a source is one thing for the length of a check, and every row of it is accounted for."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import call_run, make_shop

from segkit.core.errors import SegkitError
from segkit.core.files import read_json
from segkit.data import input_hashes
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.table_checks import TableChecks
from segkit.plan.reading import read_plan
from segkit.workflow.dependencies import Dependencies


def write_parquet(path, count, customer="C"):
    rows = [f"{i},P1,{customer}{i % 7},2024-01-05,1,2.50".split(",") for i in range(count)]
    pd.DataFrame(rows, columns=HEADER.split(",")).to_parquet(path)


def change_after(monkeypatch, method, change):
    """Let a change of the files happen right after a step of the checks."""
    inner = getattr(TableChecks, method)

    def outer(self, *arguments, **options):
        found = inner(self, *arguments, **options)
        change()
        return found

    monkeypatch.setattr(TableChecks, method, outer)


def replace(path, count):
    aside = path.with_suffix(".aside")
    write_parquet(aside, count, "OTHER")
    os.replace(aside, path)


CHANGES = {
    "replaced by a smaller one": lambda path: replace(path, 10),
    "replaced by a larger one": lambda path: replace(path, 900),
    "rewritten": lambda path: write_parquet(path, 301, "OTHER"),
    "taken away": lambda path: path.unlink(),
    "touched": lambda path: os.utime(path),
}


@pytest.mark.slow
@pytest.mark.parametrize("step", ["_open_sources", "_check_source", "_count_rules", "run"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_meanwhile_is_said_to(tmp_path, monkeypatch, change, step):
    path = tmp_path / "lines.parquet"
    write_parquet(path, 300)
    plan = make_plan(tmp_path, {"order_lines": "lines.parquet"})
    change_after(monkeypatch, step, lambda: CHANGES[change](path) if path.exists() else None)
    with pytest.raises(SegkitError) as caught:
        prepare_tables(plan, tmp_path / "run")
    word = "vanished" if change == "taken away" else "changed"
    assert f"the file {word} while it was read" in str(caught.value)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "run" / "tables" / "record.json").exists()
    assert not list((tmp_path / "run" / "tables").rglob("order_lines.parquet"))
    write_parquet(path, 300)
    with pytest.raises(SegkitError, match="while it was read"):
        check_plan(plan)


def test_a_file_that_changes_while_the_rows_are_written_is_said_to(tmp_path, monkeypatch):
    path = tmp_path / "lines.parquet"
    write_parquet(path, 300)
    plan = make_plan(tmp_path, {"order_lines": "lines.parquet"})
    change_after(monkeypatch, "write_tables", lambda: replace(path, 10))
    with pytest.raises(SegkitError, match="the file changed while it was read"):
        prepare_tables(plan, tmp_path / "run")
    assert not (tmp_path / "run" / "tables" / "accepted").exists()


def test_text_that_grows_between_its_hash_and_its_reading_is_said_to(tmp_path, monkeypatch):
    path = write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    inner = input_hashes.hash_bytes

    def hash_and_grow(file):
        found = inner(file)
        with path.open("a") as stream:
            stream.write("9,P1,C9,2024-01-05,1,1\n")
        return found

    monkeypatch.setattr(input_hashes, "hash_bytes", hash_and_grow)
    with pytest.raises(SegkitError, match="the file changed while it was read"):
        prepare_tables(plan, tmp_path / "run")
    monkeypatch.undo()
    prepare_tables(plan, tmp_path / "run")


def test_a_file_that_appears_in_a_tables_folder_is_said_to(tmp_path, monkeypatch):
    (tmp_path / "lines").mkdir()
    write_parquet(tmp_path / "lines" / "a.parquet", 30)
    plan = make_plan(tmp_path, {"order_lines": "lines"})
    change_after(
        monkeypatch, "_open_sources", lambda: write_parquet(tmp_path / "lines" / "b.parquet", 5)
    )
    with pytest.raises(SegkitError, match=r"b\.parquet: the file appeared while"):
        prepare_tables(plan, tmp_path / "run")


def test_a_file_of_a_query_that_changes_is_said_to(tmp_path, monkeypatch):
    path = write_lines(tmp_path)
    files = {"l": "lines.csv"}
    plan = make_plan(tmp_path, {"order_lines": {"query": "SELECT * FROM l", "files": files}})
    change_after(monkeypatch, "_open_sources", lambda: path.write_text(HEADER + "\n"))
    with pytest.raises(SegkitError, match="the file changed while it was read"):
        check_plan(plan)


def test_rows_that_do_not_add_up_are_an_error_and_no_account(tmp_path, monkeypatch):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    inner = TableChecks._count_rules

    def lose_one(self, *arguments):
        accepted, *others = inner(self, *arguments)
        return (accepted - 1, *others)

    monkeypatch.setattr(TableChecks, "_count_rules", lose_one)
    report = check_plan(plan)
    assert not report.ok
    assert "the rows do not add up" in report.problems[0].describe()


def test_files_that_hold_other_numbers_of_rows_are_no_tables(tmp_path, monkeypatch):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    inner = TableChecks._copy
    monkeypatch.setattr(
        TableChecks, "_copy", lambda self, query, path: inner(self, f"({query}) LIMIT 1", path)
    )
    with pytest.raises(SegkitError, match="the rows do not add up"):
        prepare_tables(plan, tmp_path / "run")
    assert not (tmp_path / "run" / "tables" / "accepted").exists()


def test_a_files_content_is_hashed_once_while_it_stays(tmp_path, monkeypatch):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    hashed = []
    inner = input_hashes.hash_bytes
    monkeypatch.setattr(input_hashes, "hash_bytes", lambda path: hashed.append(path) or inner(path))
    first = input_hashes.hash_files(plan)
    prepare_tables(plan, tmp_path / "run")
    assert input_hashes.hash_files(plan) == first
    assert len(hashed) == 1
    write_lines(tmp_path, *GOOD_LINES, GOOD_LINES[0])
    assert input_hashes.hash_files(plan) != first
    assert len(hashed) == 2


def test_the_record_of_a_run_has_the_hash_of_what_was_read(tmp_path, monkeypatch):
    shop = make_shop(tmp_path / "shop")
    inner = Dependencies.describe_tables

    def describe_and_change(self):
        found = inner(self)
        with (shop / "lines.csv").open("a") as stream:
            stream.write("o99,c1,p1,2026-01-05,1,7.5\n")
        return found

    monkeypatch.setattr(Dependencies, "describe_tables", describe_and_change)
    code, _, told = call_run(shop, "--only", "1")
    monkeypatch.undo()
    assert code == 0
    assert "order_lines changed after this run began" in told
    record = read_json(shop / "runs" / "tiny" / "tables" / "step.json")
    assert record["counts"]["order_lines"]["read"] == 31
    read = input_hashes.hash_files(read_plan(shop / "plan.toml"))
    assert record["parts"]["input"] == read
    _, again, told = call_run(shop, "--only", "1")
    assert [step["state"] for step in again["steps"][:2]] == ["skipped", "skipped"]
    assert "changed after" not in told


@pytest.mark.slow
def test_a_source_that_is_put_back_after_it_was_read_is_read_again(tmp_path, monkeypatch):
    shop = make_shop(tmp_path / "shop")
    lines = (shop / "lines.csv").read_text()
    inner = Dependencies.describe_tables

    def describe_and_change(self):
        found = inner(self)
        (shop / "lines.csv").write_text(lines + "o99,c1,p1,2026-01-05,1,7.5\n")
        return found

    monkeypatch.setattr(Dependencies, "describe_tables", describe_and_change)
    call_run(shop, "--only", "1")
    monkeypatch.undo()
    (shop / "lines.csv").write_text(lines)
    _, again, _ = call_run(shop, "--only", "1")
    assert again["steps"][0]["state"] == "ran"
    record = read_json(shop / "runs" / "tiny" / "tables" / "step.json")
    assert record["counts"]["order_lines"]["read"] == 30
