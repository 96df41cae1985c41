"""The whole walk: a plan goes in, five pages and an index come out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from findings_check import check_findings
from papermill.cli import papermill
from small_plans import keep_schemes, shorten_plan
from truth_check import check_run

from segkit.core.audit import TOO_LARGE
from segkit.data.checks import check_plan
from segkit.data.sample import make_sample
from segkit.plan.reading import read_plan
from segkit.report.shared.pages import verify_page

ROOT = Path(__file__).parent.parent
STEPS = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
PLAN = shorten_plan((ROOT / "plan.toml").read_text(encoding="utf-8"))
FEW = ("--set", "bootstrap_pairs=4")
pytestmark = pytest.mark.slow


def call_segkit(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "segkit.cli", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900)


def run_plan(folder: Path, *arguments: str) -> dict:
    result = call_segkit(folder, "run", "--json", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def read_faults(outcome: dict) -> list[str]:
    """Return the sentences of a published run that may mislead."""
    record = json.loads((Path(outcome["index"]).parent / "run.json").read_text())
    return [f"{one['rule']}: {one['found']}: {one['text']}" for one in record["finding_faults"]]


def read_pages(published: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in published.glob("*.html")}


def read_text(page: str) -> str:
    return re.sub(r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", page, flags=re.S))


@pytest.fixture(scope="module")
def outcome(sample_shop) -> dict:
    return json.loads((sample_shop / "outcome.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def shop(sample_shop, tmp_path_factory) -> Path:
    """A copy of the small sample shop that was run, to run again."""
    return shutil.copytree(sample_shop, tmp_path_factory.mktemp("copy") / "shop")


def test_every_figure_of_every_finding_can_be_worked_out_again(sample_shop):
    assert check_findings(sample_shop / "runs" / "sample_shop") > 200


def test_no_sentence_of_the_sample_breaks_a_rule(outcome):
    assert read_faults(outcome) == []


def test_a_run_publishes_five_whole_pages_and_an_index(sample_shop, outcome):
    index = Path(outcome["index"])
    assert [step["name"] for step in outcome["steps"]][-5:] == STEPS
    pages = read_pages(index.parent)
    assert set(pages) == {"index.html", *(f"{step}.html" for step in STEPS)}
    for path in index.parent.glob("*.html"):
        assert verify_page(path) == [], path.name
    assert (sample_shop / "reports" / "sample_shop" / "index.html").is_file()


def test_no_page_names_a_customer(sample_shop, outcome):
    published = Path(outcome["index"]).parent
    customers = pd.read_csv(sample_shop / "data" / "sample" / "customers.csv", dtype=str)
    emails = set(customers["email"].dropna().str.strip())
    names = {name for name in customers["name"].dropna() if len(name) > 8}
    identifiers = set(customers["customer_id"].dropna().str.strip())
    for name, page in read_pages(published).items():
        text = read_text(page)
        assert "example.com" not in page
        assert str(sample_shop) not in page, f"{name} shows a path of this machine"
        assert not [email for email in emails if email in page], name
        assert not [person for person in names if person in text], name
        assert not identifiers & set(re.findall(r"\b\d{5,}\b", text)), name


def test_a_second_run_reruns_nothing(shop, outcome):
    again = run_plan(shop, *FEW)
    assert {step["state"] for step in again["steps"]} == {"skipped"}
    published = Path(outcome["index"]).parent.name
    assert Path(again["index"]) == shop / "reports" / "sample_shop" / published / "index.html"


def test_run_json_records_what_was_run(outcome):
    record = json.loads((Path(outcome["index"]).parent / "run.json").read_text())
    text = json.dumps(record)
    for word in ("random_state", "seconds", "versions", "accepted", "sha256"):
        assert word in text, word
    for counts in record["tables"].values():
        assert counts["read"] == counts["accepted"] + counts["rejected"]


def test_a_changed_parameter_reruns_only_what_depends_on_it(shop):
    changed = run_plan(shop, *FEW, "--set", "top_categories=3", "--only", "4")
    states = {step["name"]: step["state"] for step in changed["steps"]}
    assert states["01_plan"] == states["03_base_analysis"] == "skipped"
    assert states["04_experience_data"] == "ran"


def test_the_notebooks_run_one_by_one_under_plain_papermill(tmp_path):
    shop = tmp_path / "shop"
    make_sample(shop / "data" / "sample", customers=600)
    text = keep_schemes(PLAN, "value_tiers", "behaviour")
    (shop / "plan.toml").write_text(text, encoding="utf-8")
    for step in STEPS:
        source, target = ROOT / "notebooks" / f"{step}.ipynb", tmp_path / f"{step}.ipynb"
        command = [sys.executable, "-m", "papermill", str(source), str(target)]
        command += ["--cwd", str(shop), "-p", "run_dir", "runs/alone", "--no-progress-bar"]
        if step == "03_base_analysis":
            command += ["-p", "bootstrap_pairs", "4"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert result.returncode == 0, result.stderr[-2000:]
        assert (shop / "runs" / "alone" / step / "facts.json").is_file()


def test_papermill_describes_every_parameter():
    for step in STEPS:
        path = str(ROOT / "notebooks" / f"{step}.ipynb")
        told = CliRunner().invoke(papermill, ["--help-notebook", path]).output
        assert "plan_path: str" in told
        assert "the plan to follow" in told
        assert "Unknown type" not in told


def read_with_fewer_columns(plan: str, category: str) -> str:
    """Let the sample's schemes read what order lines and orders alone carry."""
    plan = plan.replace("category_count", "product_count")
    style = '["mean_order_value", "product_count", "fourth_quarter_share", "journey_stage"]'
    for name, columns in (
        ("shopping_style", style),
        ("lifestyle", f'["journey_stage", "{category}"]'),
    ):
        pattern = rf'(name = "{name}".*?columns = )\[.*?\]'
        plan, found = re.subn(pattern, rf"\1{columns}", plan, flags=re.S)
        assert found == 1, name
    return plan


@pytest.fixture(scope="module")
def hostile_shop(tmp_path_factory) -> Path:
    """Order lines alone, with text that wants to be markup, a formula or a path."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "data").mkdir()
    lines = """
        copy (
            select 'o' || (i // 3) as order_id,
                case i % 7 when 0 then '<script>alert(1)</script>' when 1 then '=1+1'
                    when 2 then '🛶 kayak' else 'p' || (i % 40) end as product_id,
                case when i % 90 = 0 then '<img src=x onerror=alert(1)>'
                    else '00' || ((i // 3) * 37 % 211) end as customer_id,
                timestamp '2024-01-01' + to_minutes((i * 7919 % 780000)::integer) as ordered_at,
                case when i % 50 = 0 then -1 else 1 + i % 5 end as quantity,
                case when i % 997 = 0 then 'NaN' when i % 991 = 0 then '1e12'
                    else ((i * 31 % 900) / 10.0)::varchar end as unit_price,
                case i % 3 when 0 then '<b>Narnia</b> & "Co"' when 1 then '../../etc' end as country
            from range(6000) t(i)
        ) to 'FILE' (header, delimiter ';')
        """
    duckdb.sql(lines.replace("FILE", str(folder / "data" / "lines.csv")))
    head, tables = PLAN.split("[tables.order_lines]", 1)
    policies = tables[tables.index("[policies]") :]
    text = head + '[tables.order_lines]\npath = "data/lines.csv"\n\n' + policies
    text = read_with_fewer_columns(text, "country").replace(
        'title = "Customers of the sample shop"', 'title = "<script>alert(2)</script> & co"'
    )
    (folder / "plan.toml").write_text(text, encoding="utf-8")
    return folder


def test_order_lines_alone_are_enough_and_hostile_text_stays_text(hostile_shop):
    outcome = run_plan(hostile_shop, *FEW)
    published = Path(outcome["index"]).parent
    for path in published.glob("*.html"):
        assert verify_page(path) == [], path.name
        page = path.read_text(encoding="utf-8")
        assert "<script>alert" not in page, path.name
        assert "<img src=x" not in page, path.name
        assert "<b>Narnia" not in page, path.name
    assert "&lt;script&gt;alert(2)" in read_pages(published)["index.html"]


@pytest.mark.parametrize(
    ("example", "table", "read"),
    [
        ("online_retail/plan.toml", "order_lines", 541_909),
        ("complete_journey/plan.toml", "order_lines", 75_000),
        ("customer_personality/plan.toml", "customers", 2_240),
        ("young_people/plan.toml", "customers", 1_010),
        ("vacation_motives/plan.toml", "customers", 1_000),
    ],
)
def test_an_example_on_real_data_publishes(example, table, read, shared_data, tmp_path):
    folder = example.split("/")[0]
    shared_data("flexclust" if folder == "vacation_motives" else folder)
    plan = ROOT / "examples" / example
    outcome = run_plan(ROOT, str(plan), *FEW, "--out", str(tmp_path / "out"))
    record = json.loads((Path(outcome["index"]).parent / "run.json").read_text())
    rows = record["tables"][table]
    assert rows["read"] == read == rows["accepted"] + rows["rejected"]
    for path in Path(outcome["index"]).parent.glob("*.html"):
        assert verify_page(path) == [], path.name
        assert TOO_LARGE not in path.read_text(encoding="utf-8"), path.name
    assert read_faults(outcome) == []
    if folder in ("online_retail", "customer_personality"):
        check_run(Path(outcome["run_folder"]))


def test_the_same_lines_in_parquet_are_read_alike(shared_data):
    shared_data("online_retail")
    folder = ROOT / "examples" / "online_retail"
    both = [check_plan(read_plan(folder / name)) for name in ("plan.toml", "plan_parquet.toml")]
    assert all(report.ok for report in both)
    csv, parquet = (report.counts.set_index("table").loc["order_lines"] for report in both)
    assert csv.tolist() == parquet.tolist()
    assert parquet["read"] == 541_909


def test_a_run_reads_a_database_once_for_all_its_notebooks(sample_shop, tmp_path):
    folder = tmp_path / "shop"
    (folder / "data").mkdir(parents=True)
    lines = sample_shop / "data" / "sample" / "order_lines.parquet"
    orders = sample_shop / "data" / "sample" / "orders.parquet"
    with duckdb.connect(folder / "data" / "shop.duckdb") as con:
        con.execute(f"create table lines as from '{lines}'")
        con.execute(f"create table orders as from '{orders}'")
    head, tables = PLAN.split("[tables.order_lines]", 1)
    place = 'connection = "duckdb://data/shop.duckdb"'
    text = f'{head}[tables.order_lines]\n{place}\ntable = "lines"\n\n[tables.orders]\n{place}\n'
    text += 'table = "orders"\n\n' + tables[tables.index("[policies]") :]
    (folder / "plan.toml").write_text(read_with_fewer_columns(text, "favourite_channel"))
    run_plan(folder, "--only", "2")
    made = folder / "runs" / "sample_shop" / "tables" / "accepted" / "order_lines.parquet"
    later = folder / "runs" / "sample_shop" / "02_market_review" / "facts.json"
    assert made.stat().st_mtime_ns < later.stat().st_mtime_ns
