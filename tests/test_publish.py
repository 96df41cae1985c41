"""Publication: whole or not at all, verified, and the last ten kept."""

from __future__ import annotations

import datetime
import errno
import json
import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_shop import PLAN

from segkit.core.errors import SegkitError
from segkit.plan.reading import read_plan
from segkit.runs.layout import RUN_ID
from segkit.workflow import publishing
from segkit.workflow.publishing import publish_report, read_pointer, verify_publication
from segkit.workflow.steps import STEPS

PAGE = (
    '<!DOCTYPE html><html lang="en"><head><title>{0}</title></head><body><h1>{0}</h1></body></html>'
)


@pytest.fixture
def plan(tmp_path):
    """The plan of a run folder in which all five pages lie."""
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = read_plan(tmp_path / "plan.toml")
    for step in STEPS:
        folder = plan.run_folder / step
        (folder / "tables").mkdir(parents=True)
        (folder / "page.html").write_text(PAGE.format(step))
        (folder / "facts.json").write_text(json.dumps({"step": step, "findings": ["One."]}))
    return plan


def publish_pages(plan, key="a", **more):
    record = {"key": key, "as_of": "2026-01-31", "random_state": 3, "tables": {}, **more}
    return publish_report(plan, plan.report_folder, record, tell=lambda _: None)


def change_page(plan, text: str) -> None:
    (plan.run_folder / "01_plan" / "page.html").write_text(PAGE.format(text))


def test_the_pointer_names_a_publication_that_is_whole(plan):
    index, new = publish_pages(plan)
    assert new
    assert index.parent.name == read_pointer(plan.report_folder)
    names = {"index.html", "run.json", *(f"{step}.html" for step in STEPS)}
    assert {path.name for path in index.parent.iterdir()} == names
    assert verify_publication(index.parent) == []
    pointer = (plan.report_folder / "index.html").read_text()
    assert f"url={index.parent.name}/index.html" in pointer
    assert not list(plan.report_folder.glob(".*"))


def test_run_json_carries_the_findings_of_all_steps_with_their_figures(plan):
    figure = {"name": "customer_count", "value": 405, "kind": "count"}
    finding = {"kind": "sizes.x", "text": "405.", "figures": [figure], "count": 405}
    facts = {"step": "05_analysis", "findings": [finding], "headline": {"Customers": finding}}
    (plan.run_folder / "05_analysis" / "facts.json").write_text(json.dumps(facts))
    index, _ = publish_pages(plan)
    record = json.loads((index.parent / "run.json").read_text())
    assert list(record["findings"]) == list(STEPS)
    assert record["findings"]["05_analysis"] == [finding, finding]
    assert record["findings"]["01_plan"][0]["text"] == "One."


def test_the_same_pages_are_not_published_twice_unless_a_file_was_harmed(plan):
    first, _ = publish_pages(plan)
    assert publish_pages(plan) == (first, False)
    (first.parent / "01_plan.html").write_text("harmed")
    assert (
        verify_publication(first.parent)[0] == "01_plan.html is missing or not what run.json says"
    )
    second, new = publish_pages(plan)
    assert new
    assert second != first
    assert verify_publication(second.parent) == []


def test_ten_publications_are_kept_and_stale_halves_removed(plan):
    stale = plan.report_folder / ".tiny.partial"
    stale.mkdir(parents=True)
    foreign = plan.report_folder / "notes"
    foreign.mkdir()
    made = []
    for number in range(12):
        change_page(plan, str(number))
        made.append(publish_pages(plan)[0].parent)
    assert [folder.exists() for folder in made] == [False] * 2 + [True] * 10
    assert not stale.exists()
    assert foreign.exists()


def test_history_keeps_who_was_in_which_segment_outside_the_report(plan):
    step = plan.run_folder / "05_analysis"
    placed = pd.DataFrame({"customer_id": ["c1"], "scheme": ["tiers"], "segment": ["High"]})
    placed.to_parquet(step / "tables" / "placements.parquet")
    (step / "segmentation.json").write_text("{}")
    index, _ = publish_pages(plan)
    run_id = index.parent.name
    kept = plan.run_folder / "history" / run_id
    names = {"segments.parquet", "segmentation.json", "run.json"}
    assert {path.name for path in kept.iterdir()} == names
    (row,) = pd.read_parquet(kept / "segments.parquet").to_dict("records")
    day = datetime.date(2026, 1, 31)
    assert row == {
        "customer_id": "c1",
        "scheme": "tiers",
        "segment": "High",
        "as_of": day,
        "run_id": run_id,
    }
    assert not list(plan.report_folder.rglob("*.parquet"))


def test_only_the_last_runs_of_the_history_are_kept(plan, monkeypatch):
    monkeypatch.setattr(publishing, "KEPT_HISTORY", 3)
    made = []
    for number in range(5):
        change_page(plan, str(number))
        made.append(publish_pages(plan)[0].parent.name)
    kept = {path.name for path in (plan.run_folder / "history").iterdir()}
    assert kept == set(made[2:])


@pytest.mark.parametrize("where", ["copyfile", "replace", "fsync"])
def test_a_full_disk_leaves_the_last_publication(plan, monkeypatch, where):
    first, _ = publish_pages(plan)
    change_page(plan, "new")

    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))

    monkeypatch.setattr(shutil if where == "copyfile" else os, where, fail)
    with pytest.raises(OSError, match="No space left"):
        publish_pages(plan)
    monkeypatch.undo()
    assert read_pointer(plan.report_folder) == first.parent.name
    assert verify_publication(first.parent) == []
    assert publish_pages(plan)[1]
    assert not list(plan.report_folder.glob(".*"))


def test_a_page_with_a_fault_is_not_published(plan):
    first, _ = publish_pages(plan)
    (plan.run_folder / "01_plan" / "page.html").write_text(
        PAGE.format("x").replace("</body>", '<img src="http://a.example/b.png"></body>')
    )
    with pytest.raises(SegkitError, match=r"01_plan\.html: .*without alternative text"):
        publish_pages(plan)
    assert read_pointer(plan.report_folder) == first.parent.name


def test_somebody_elses_index_is_not_replaced(plan):
    plan.report_folder.mkdir(parents=True)
    (plan.report_folder / "index.html").write_text("<h1>My own site</h1>")
    with pytest.raises(SegkitError, match="that segkit did not write"):
        publish_pages(plan)
    assert (plan.report_folder / "index.html").read_text() == "<h1>My own site</h1>"


def test_a_page_whose_link_leads_nowhere_is_not_published(plan):
    links = ("02_market_review.html#a", "#b", "https://a.example/c", "mailto:d@a.example", "e.html")
    change_page(plan, "".join(f'<a class="x" href="{link}">x</a>' for link in links))
    with pytest.raises(SegkitError) as caught:
        publish_pages(plan)
    assert caught.value.describe().count("leads nowhere") == 1
    assert "01_plan.html: the link e.html leads nowhere" in caught.value.describe()
    assert not read_pointer(plan.report_folder)


def test_a_title_cannot_bring_markup_into_the_pointer(plan):
    evil = plan.model_copy(update={"title": "<script>alert(1)</script>"})
    publish_pages(evil)
    pointer = (plan.report_folder / "index.html").read_text()
    assert "<script>" not in pointer
    assert "&lt;script&gt;" in pointer
    assert RUN_ID.fullmatch(read_pointer(plan.report_folder))
