"""The run folder: one place for every path, one long table of segments, and its history."""

from __future__ import annotations

import ast
import datetime
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from segkit.action.lists.customers import list_contacts
from segkit.action.run_comparison import compare_runs
from segkit.core.errors import SegkitError
from segkit.runs import history
from segkit.runs.layout import RunFolder
from segkit.runs.segments import LONG_COLUMNS, lengthen_segments, read_segments, select_scheme

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "segkit"
DAY = datetime.date(2026, 1, 31)
FIRST = "20260201T080000Z-0000aa"
SECOND = "20260301T080000Z-0000bb"

# What names a place inside a run folder or a publication, wherever a text holds it ...
FILES = re.compile(
    r"\b(facts|step|record|run)\.json|kernels\.log|\bpage\.html|\bnotebook\.ipynb|index\.html"
    r"|\b(quality|segments|placements)\.parquet|\b(tables|published|accepted|rejected|failed|history)/"
)
# ... and what names one where it is added to a path.
FOLDERS = {"tables", "published", "accepted", "rejected", "failed", "history", "lock"}


def find_spelled_paths(source: str) -> list[str]:
    """Return the texts in a program that spell a place inside a run; docstrings do not count."""
    tree = ast.parse(source)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(node.value)
    found = []
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and node not in docstrings and FILES.search(node.value):
            found.append(node.value)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            part = node.right
            if isinstance(part, ast.Constant) and part.value in FOLDERS:
                found.append(part.value)
            whose = node.left
            name = getattr(whose, "attr", getattr(whose, "id", ""))
            if name in ("run_folder", "run_dir"):
                found.append(ast.unparse(node))
    return found


# What people are told, and the sample's own truth: no places inside a run.
TOLD = {
    "workflow/publishing.py": ["this folder already has an index.html that segkit did not write"],
    "cli.py": ["segments.parquet or a run."],
    "data/sample.py": ["truth/segments.parquet", "segments.parquet"],
}
OUTSIDE = [path for path in sorted(PACKAGE.rglob("*.py")) if path.parent.name != "runs"]


@pytest.mark.slow
@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_other_module_spells_a_place_inside_a_run(path):
    told = TOLD.get(path.relative_to(PACKAGE).as_posix(), [])
    found = find_spelled_paths(path.read_text(encoding="utf-8"))
    assert [text for text in found if text not in told] == []


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_no_notebook_spells_a_place_inside_a_run(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert find_spelled_paths("".join(cell["source"])) == []


def test_spelled_places_are_seen():
    assert find_spelled_paths('run / "tables" / name') == ["tables"]
    assert find_spelled_paths('plan.run_folder / "x"') == ["plan.run_folder / 'x'"]
    assert find_spelled_paths('path = f"{step}/tables/{name}"') == ["/tables/"]
    assert find_spelled_paths('def f():\n    """Reads facts.json."""\n    table["accepted"]') == []


# ---------------------------------------------------------------- the long table


PLACED = pd.DataFrame(
    {
        "customer_id": ["01", "02", "01", "02"],
        "scheme": ["tiers", "tiers", "rfm", "rfm"],
        "segment": ["High", "Low", "Lost", "New"],
    }
)
WIDE = pd.DataFrame(
    {"customer_id": ["01", "02"], "segment_tiers": ["High", "Low"], "segment_rfm": ["Lost", "New"]}
)
OLD_FINAL = pd.DataFrame(
    {
        "customer_id": ["01", "02"],
        "segment": [1, 2],
        "segment_name": ["High", "Low"],
        "confidence": [0.9, 0.8],
        "scheme": ["tiers", "tiers"],
    }
)


def list_rows(table: pd.DataFrame) -> list[tuple]:
    return list(table[["customer_id", "scheme", "segment"]].itertuples(index=False, name=None))


def test_a_wide_table_of_an_earlier_segkit_reads_as_the_long_one():
    long = lengthen_segments(WIDE)
    assert list(long.columns) == LONG_COLUMNS
    assert list_rows(long) == list_rows(PLACED)


def test_the_final_table_of_an_earlier_segkit_reads_as_the_long_one():
    assert list_rows(lengthen_segments(OLD_FINAL)) == list_rows(PLACED)[:2]


def test_what_score_wrote_has_no_scheme():
    scored = OLD_FINAL.drop(columns="scheme")
    assert list_rows(lengthen_segments(scored)) == [("01", "", "High"), ("02", "", "Low")]


def test_a_scheme_called_name_is_not_taken_for_the_names_of_segments():
    wide = WIDE.rename(columns={"segment_rfm": "segment_name"})
    assert lengthen_segments(wide)["scheme"].unique().tolist() == ["tiers", "name"]


def test_a_customer_without_a_segment_has_no_row():
    wide = WIDE.assign(segment_rfm=["Lost", None])
    assert list_rows(lengthen_segments(wide)) == list_rows(PLACED)[:3]


def test_identifiers_are_text():
    assert lengthen_segments(OLD_FINAL.assign(customer_id=[1, 2]))["customer_id"].tolist() == [
        "1",
        "2",
    ]


def test_what_is_no_table_of_segments_is_refused(tmp_path):
    with pytest.raises(SegkitError, match="lacks segment_name"):
        lengthen_segments(pd.DataFrame({"customer_id": ["01"], "spend": [1]}))
    with pytest.raises(SegkitError, match="lacks customer_id"):
        lengthen_segments(pd.DataFrame({"segment_name": ["High"]}))
    (tmp_path / "a.parquet").write_bytes(b"who")
    with pytest.raises(SegkitError, match="cannot be read"):
        read_segments(tmp_path / "a.parquet")


def test_an_unknown_scheme_is_refused_with_the_nearest_name():
    assert select_scheme(PLACED, "rfm")["segment"].tolist() == ["Lost", "New"]
    with pytest.raises(SegkitError, match="Did you mean 'tiers'"):
        select_scheme(PLACED, "tier")


# ---------------------------------------------------------------- the history


def write(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run folder whose steps left segments of two schemes, the final one being tiers."""
    run = RunFolder(tmp_path / "runs" / "tiny")
    write(run.step("03_base_analysis").table("segments"), PLACED)
    final = PLACED[:2].assign(segment_number=[1, 2], confidence=[0.9, 0.8])
    write(run.step("05_analysis").table("placements"), final)
    run.step("03_base_analysis").file("segmentation.json").write_text('{"scheme": "tiers"}')
    return run


@pytest.fixture
def old_run(tmp_path) -> RunFolder:
    """A run folder, and a kept run, as an earlier segkit wrote them."""
    run = RunFolder(tmp_path / "runs" / "old")
    write(run.step("03_base_analysis").table("segments"), WIDE)
    write(run.step("05_analysis").table("segments"), OLD_FINAL)
    write(run.kept_run(FIRST).segments, OLD_FINAL)
    document = {"schema_version": 2, "scheme": "tiers", "as_of": "2026-01-31"}
    (run.kept_run(FIRST).path / "segmentation.json").write_text(json.dumps(document))
    return run


def test_the_history_has_every_scheme_of_every_run(run):
    history.keep_run(run, FIRST, as_of=DAY)
    moved = PLACED.assign(segment=["Low", "Low", "Lost", "New"])
    write(run.step("03_base_analysis").table("segments"), moved)
    write(run.step("05_analysis").table("placements"), moved[:2])
    history.keep_run(run, SECOND, as_of=datetime.date(2026, 2, 28))
    found = history.read_history(run)
    assert list(found.columns) == LONG_COLUMNS
    counts = found.groupby(["run_id", "scheme"], sort=False).size()
    assert counts.to_dict() == {
        (FIRST, "tiers"): 2,
        (FIRST, "rfm"): 2,
        (SECOND, "tiers"): 2,
        (SECOND, "rfm"): 2,
    }
    first = found.query("customer_id == '01' and scheme == 'tiers'")
    assert first["segment"].tolist() == ["High", "Low"]
    assert first["as_of"].tolist() == [pd.Timestamp("2026-01-31"), pd.Timestamp("2026-02-28")]
    assert history.read_history(run, [SECOND])["run_id"].unique().tolist() == [SECOND]


def test_the_steps_tables_know_nothing_of_the_run_that_published_them(run):
    before = run.step("03_base_analysis").table("segments").read_bytes()
    history.keep_run(run, FIRST, as_of=DAY)
    assert run.step("03_base_analysis").table("segments").read_bytes() == before
    assert not {"run_id", "as_of"} & set(
        pd.read_parquet(run.step("05_analysis").table("placements"))
    )


def test_kept_runs_are_listed_with_their_day_and_final_scheme(run):
    assert history.list_runs(run).empty
    history.keep_run(run, FIRST, as_of=DAY)
    (row,) = history.list_runs(run).to_dict("records")
    assert row == {"run_id": FIRST, "as_of": pd.Timestamp(DAY), "final_scheme": "tiers"}


def test_an_empty_history_is_an_empty_table(run):
    found = history.read_history(run)
    assert found.empty
    assert list(found.columns) == LONG_COLUMNS


def test_a_final_scheme_that_the_base_analysis_did_not_place_is_kept_too(run):
    other = PLACED[:2].assign(scheme="needs", segment="Comfort")
    write(run.step("05_analysis").table("placements"), other)
    history.keep_run(run, FIRST, as_of=DAY)
    assert set(history.read_history(run)["scheme"]) == {"tiers", "rfm", "needs"}
    assert history.list_runs(run)["final_scheme"].tolist() == ["needs"]


def test_of_the_final_scheme_the_history_keeps_what_the_analysis_said(run):
    write(run.step("05_analysis").table("placements"), PLACED[:2].assign(segment="Low"))
    history.keep_run(run, FIRST, as_of=DAY)
    kept = history.read_history(run).query("scheme == 'tiers'")
    assert kept["segment"].tolist() == ["Low", "Low"]
    assert len(history.read_history(run)) == 4


def test_a_run_that_an_earlier_segkit_kept_reads_like_any_other(old_run):
    (row,) = history.list_runs(old_run).to_dict("records")
    assert row == {"run_id": FIRST, "as_of": pd.Timestamp(DAY), "final_scheme": "tiers"}
    found = history.read_history(old_run)
    assert list_rows(found) == list_rows(PLACED)[:2]
    assert found["run_id"].tolist() == [FIRST, FIRST]
    assert found["as_of"].tolist() == [pd.Timestamp(DAY)] * 2


def test_an_old_run_folder_is_kept_in_the_new_form(old_run):
    history.keep_run(old_run, SECOND, as_of=DAY)
    assert set(list_rows(history.read_history(old_run, [SECOND]))) == set(list_rows(PLACED))
    assert history.list_runs(old_run)["final_scheme"].tolist() == ["tiers", "tiers"]


# ---------------------------------------------------------------- comparing


def test_runs_are_compared_by_their_final_scheme_wherever_one_points(run, old_run, tmp_path):
    history.keep_run(run, SECOND, as_of=DAY)
    kept = run.kept_run(SECOND)
    scored = tmp_path / "scored.parquet"
    write(scored, OLD_FINAL.drop(columns="scheme"))
    for place in (
        run.path,
        kept.path,
        kept.segments,
        old_run.path,
        old_run.kept_run(FIRST).path,
        old_run.kept_run(FIRST).segments,
        scored,
    ):
        found = compare_runs(place, run.path)
        assert (found.summary["common_count"], found.summary["moved_count"]) == (2, 0), place


def test_several_schemes_without_a_final_one_cannot_be_compared(run):
    with pytest.raises(SegkitError, match=r"segments of several schemes.*rfm, tiers"):
        compare_runs(run.step("03_base_analysis").table("segments"), run.path)
    with pytest.raises(SegkitError, match="there are no segments here"):
        compare_runs(run.path, run.path / "nowhere")


# ---------------------------------------------------------------- forgetting


def find_customers(run: RunFolder) -> set[str]:
    """Return everybody whom a table of the run folder names."""
    tables = (pd.read_parquet(path) for path in run.path.rglob("*.parquet"))
    return {customer for table in tables for customer in table.get("customer_id", ())}


def test_a_forgotten_customer_is_in_no_table_of_the_history_and_of_the_steps(run, old_run):
    for each in (run, old_run):
        write(each.step("03_base_analysis").table("customers"), PLACED[["customer_id"]][:2])
        write(each.step("03_base_analysis").table("ratings"), pd.DataFrame({"stability": [1.0]}))
        history.keep_run(each, SECOND, as_of=DAY)
        assert find_customers(each) == {"01", "02"}
        assert history.forget_customer(each, "01") > 0
        assert find_customers(each) == {"02"}
        assert history.forget_customer(each, "01") == 0
    assert list_rows(history.read_history(old_run, [FIRST])) == [("02", "tiers", "Low")]


def test_forgetting_one_customer_leaves_the_rows_of_others_as_they_were(run):
    history.keep_run(run, FIRST, as_of=DAY)
    before = pd.read_parquet(run.kept_run(FIRST).segments)
    history.forget_customer(run, "01")
    after = pd.read_parquet(run.kept_run(FIRST).segments)
    expected = before[before["customer_id"] == "02"].reset_index(drop=True)
    pd.testing.assert_frame_equal(after, expected)


def test_forgetting_a_customer_leaves_the_runs_in_their_order(run):
    history.keep_run(run, FIRST, as_of=DAY)
    write(run.step("03_base_analysis").table("segments"), PLACED[PLACED["customer_id"] == "02"])
    write(run.step("05_analysis").table("placements"), PLACED[1:2])
    history.keep_run(run, SECOND, as_of=DAY)
    history.forget_customer(run, "01")  # changes the first run's folder alone
    assert history.list_runs(run)["run_id"].tolist() == [FIRST, SECOND]


def test_forgotten_runs_leave_the_history(run):
    history.keep_run(run, FIRST, as_of=DAY)
    history.keep_run(run, SECOND, as_of=DAY)
    with pytest.raises(SegkitError, match="keeps no run called"):
        history.forget_runs(run, [FIRST, "../05_analysis"])
    assert history.list_runs(run)["run_id"].tolist() == [FIRST, SECOND]
    history.forget_runs(run, [FIRST])
    assert history.list_runs(run)["run_id"].tolist() == [SECOND]


# ---------------------------------------------------------------- contacts of accounts


def test_the_contacts_of_an_account_are_in_its_segment():
    customers = pd.DataFrame({"customer_id": ["a", "b", "c"], "account_id": ["A", "A", None]})
    accounts = pd.DataFrame({"customer_id": ["A", "c"], "segment_name": ["Large", "Small"]})
    found = list_contacts(customers, accounts).set_index("customer_id")["segment_name"]
    assert found.to_dict() == {"a": "Large", "b": "Large", "c": "Small"}
