"""Kind: two writers of one thing. What is written is locked, has a name of its own until it is
whole, is read back before it is said to be there, and never replaces what is read."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import call_run, make_shop, start_run
from test_segmentation import fit, make_customers

from segkit.action.lists.exporting import export_from_run
from segkit.core.errors import BusyError, SegkitError
from segkit.core.files import replace_alone, replace_whole, write_json
from segkit.core.locks import hold_lock
from segkit.plan.reading import read_plan
from segkit.segmentation.scoring import score_table
from segkit.workflow import publishing
from segkit.workflow.publishing import read_pointer, verify_publication

ROUNDS = 3


@pytest.mark.slow
def test_two_working_folders_publish_to_one_place_and_the_pointer_is_never_torn(tmp_path):
    out = tmp_path / "reports"
    shops = [make_shop(tmp_path / name) for name in ("one", "two")]
    for number in range(ROUNDS):
        size = ("--set", f"size={number + 10}")
        runs = [start_run(shop, "--json", *size, "--out", str(out)) for shop in shops]
        for run in runs:
            answer, messages = run.communicate(timeout=120)
            assert run.returncode == 0, messages
            index = Path(json.loads(answer)["index"])
            assert verify_publication(index.parent) == []
        current = out / read_pointer(out)
        assert verify_publication(current) == []
        assert f"Size {number + 10}." in (current / "index.html").read_text()
    assert not list(out.glob(".*"))


@pytest.mark.slow
def test_a_publication_waits_for_another_one_and_a_scheduler_may_try_again(tmp_path):
    shop = make_shop(tmp_path / "shop")
    out = tmp_path / "out"
    with hold_lock(out / ".lock", is_kept=False):
        code, answer, _ = call_run(shop, "--no-wait", "--out", str(out))
    assert code == 75
    assert "another run is publishing to this folder" in answer["error"]
    assert not read_pointer(out)
    assert call_run(shop, "--no-wait", "--out", str(out))[0] == 0
    assert not list(out.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["pointer", "page", "folder"])
def test_what_somebody_else_harmed_meanwhile_is_not_said_to_be_published(
    tmp_path, monkeypatch, harm
):
    shop = make_shop(tmp_path / "shop")
    out = shop / "reports" / "tiny"

    def harm_it(folder, **_):
        current = out / read_pointer(out)
        if harm == "pointer":
            (out / "index.html").write_text("<h1>Mine</h1>")
        elif harm == "page":
            (current / "01_plan.html").write_text("Mine")
        else:
            shutil.rmtree(current, ignore_errors=True)

    monkeypatch.setattr(publishing, "prune_run_folders", harm_it)
    code, answer, messages = call_run(shop)
    assert code == 1
    assert "is not there as it was made" in answer["error"]
    assert "published 2" not in messages


@pytest.mark.slow
def test_a_report_is_not_published_into_a_run_folder(tmp_path):
    shop = make_shop(tmp_path / "shop")
    code, answer, _ = call_run(shop, "--out", str(shop / "runs" / "tiny" / "history"))
    assert code == 1
    assert "segkit's own" in answer["error"]


# ---------------------------------------------------------------- score


@pytest.fixture
def scoring(tmp_path):
    customers = make_customers(40)
    fit(customers, n=2).write_json(tmp_path / "s.json")
    customers.to_csv(tmp_path / "in.csv", index=False)
    return tmp_path


def score_many(folder: Path, name: str, out: Path, results) -> None:
    for _ in range(ROUNDS):
        counts, *_ = score_table(folder / "s.json", folder / name, out)
        results.put(sum(counts.values()))


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_two_that_score_into_one_file_each_count_their_own_rows(scoring, ending):
    sizes = {"a.csv": 60, "b.csv": 90}
    for name, size in sizes.items():
        make_customers(size).to_csv(scoring / name, index=False)
    out = scoring / f"out.{ending}"
    spawn = multiprocessing.get_context("spawn")
    results = {name: spawn.Queue() for name in sizes}
    workers = [
        spawn.Process(target=score_many, args=(scoring, name, out, results[name])) for name in sizes
    ]
    for worker in workers:
        worker.start()
    found = {name: [results[name].get(timeout=60) for _ in range(ROUNDS)] for name in sizes}
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert found == {name: [size] * ROUNDS for name, size in sizes.items()}
    rows = pd.read_csv(out) if ending == "csv" else pd.read_parquet(out)
    assert len(rows) in sizes.values()
    assert not list(scoring.glob(".*"))


def link(kind: str, target: Path, path: Path) -> Path:
    if kind == "itself":
        return target
    if kind == "another spelling":
        return target.parent / "x" / ".." / target.name
    (path.symlink_to if kind == "symbolic" else path.hardlink_to)(target)
    return path


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("in.csv", "itself"),
        ("in.csv", "another spelling"),
        ("in.csv", "symbolic"),
        ("in.csv", "hard"),
        ("s.json", "symbolic"),
        ("s.json", "hard"),
    ],
)
def test_score_does_not_replace_what_it_reads(scoring, target, kind):
    (scoring / "x").mkdir()
    before = (scoring / target).read_bytes()
    out = link(kind, scoring / target, scoring / "link.csv")
    with pytest.raises(SegkitError, match="would replace what is read"):
        score_table(scoring / "s.json", scoring / "in.csv", out)
    assert (scoring / target).read_bytes() == before


# ---------------------------------------------------------------- export


@pytest.fixture
def segmented(tmp_path) -> Path:
    shop = make_shop(tmp_path / "shop")
    placed = pd.DataFrame({"customer_id": ["c1"], "scheme": ["tiers"], "segment": ["High"]})
    step = shop / "runs" / "tiny" / "05_analysis"
    (step / "tables").mkdir(parents=True)
    placed.to_parquet(step / "tables" / "placements.parquet")
    (step / "step.json").write_text("{}")
    (shop / "customers.csv").write_text("customer_id,consent\nc1,true\nc2,true\n")
    with (shop / "plan.toml").open("a") as plan:
        plan.write('\n[tables.customers]\npath = "customers.csv"\n')
    return shop


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "lines.csv",
        "customers.csv",
        "plan.toml",
        "runs/tiny/05_analysis/step.json",
        "runs/tiny/new.csv",
        "reports/tiny/list.csv",
        "notebooks/01_plan.ipynb",
        "link.csv",
        "runs-link/x.csv",
    ],
)
def test_export_replaces_no_table_of_the_plan_and_writes_nothing_among_runs_and_reports(
    segmented, place
):
    (segmented / "link.csv").hardlink_to(segmented / "lines.csv")
    (segmented / "runs-link").symlink_to(segmented / "runs" / "tiny")
    path = segmented / place
    before = path.read_bytes() if path.is_file() else None
    plan = read_plan(segmented / "plan.toml")
    with pytest.raises(SegkitError, match=r"would replace|segkit's own"):
        export_from_run(plan, "High", path=path)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert export_from_run(plan, "High", path=segmented / "lists" / "high.csv")["exported"] == 1


# ---------------------------------------------------------------- any file


def test_two_writers_of_one_json_never_write_into_one_file(tmp_path):
    with replace_whole(tmp_path / "a.json") as first:
        first.write_text("1")
        write_json(tmp_path / "a.json", {"second": 2})
    assert (tmp_path / "a.json").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_long_name_leaves_room_for_the_temporary_one(tmp_path):
    name = "é" * 120 + ".csv"
    with replace_whole(tmp_path / name) as aside:
        assert aside.suffix == ".csv"
        aside.write_text("x")
    assert (tmp_path / name).read_text() == "x"


def test_a_second_writer_of_a_file_that_waits_in_vain_may_try_again(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from segkit.core.files import replace_alone\n"
        "with replace_alone(Path(sys.argv[1])) as aside:\n"
        "    aside.write_text('1'); print('held', flush=True); time.sleep(60)\n"
    )
    path = tmp_path / "a.csv"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError) as caught, replace_alone(path, wait=0.2):
            pass
        assert caught.value.exit_code == 75
    finally:
        holder.kill()
        holder.communicate()
    with replace_alone(path) as aside:  # what the killed one left is in nobody's way, and cleared
        aside.write_text("2")
    assert path.read_text() == "2"
    assert [found.name for found in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_something_else_replaced_is_not_said_to_be_written(tmp_path, monkeypatch):
    replace = os.replace

    def replace_and_meddle(source, target):
        replace(source, target)
        Path(target).unlink()
        Path(target).write_text("somebody else's")

    monkeypatch.setattr(os, "replace", replace_and_meddle)
    with pytest.raises(SegkitError, match="something else replaced this file"):  # noqa: SIM117
        with replace_alone(tmp_path / "a.csv") as aside:
            aside.write_text("mine")
