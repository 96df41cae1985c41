"""A shop whose smallest segment has two customers: its report shows no figure of them anywhere.

The segments of the plan are Plain (60 customers), Keen (41) and Grand (2). Grand is too small to be
seen, so its customers belong to Keen, the next that they meet. They alone live in AX.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from fake_shop import call_run

pytestmark = pytest.mark.slow

PLAN = """
name = "small"
title = "A small shop"
owner = "Nobody"
scope = "Everybody"
target_market = "Here"
budget = "None"
deliverables = ["A list"]
as_of = 2026-01-31
random_state = 3
currency = "EUR"

[privacy]
smallest_cell = 5

[[goals]]
name = "keep"
text = "Keep customers"
kpi = "repeat_share"

[tables.order_lines]
path = "lines.csv"

[tables.customers]
path = "people.csv"

[[schemes]]
name = "worth"
goal = "keep"
base = "value"
method = "rules"
rules = [
    { name = "Grand", when = "total_spend > 5000" },
    { name = "Keen", when = "total_spend > 500" },
    { name = "Plain", when = "true" },
]
"""
SIZES = {"Plain": 60, "Keen": 41, "Grand": 2}
STEPS = ("01_plan", "02_market_review", "03_base_analysis", "04_experience_data", "05_analysis")
PAGES = ("index", *STEPS)


def make_shop(folder: Path) -> pd.DataFrame:
    """Write the shop, and return each customer's spend with the name of the segment."""
    rows = []
    people = []
    amounts = {"Plain": 10.0, "Keen": 150.0, "Grand": 2345.67}
    for name, count in SIZES.items():
        for number in range(count):
            customer = f"{name[0].lower()}{number:02}"
            country = "AX" if name == "Grand" else ("FI", "SE")[number % 2]
            people.append((customer, country, 1950 + number % 50, number % 3 > 0))
            for order in range(2 + number % 3):
                day = pd.Timestamp("2025-02-01") + pd.Timedelta(
                    days=(7 * number + 90 * order) % 360
                )
                amount = amounts[name] * (2 + number % 5) + order
                rows.append((f"{customer}-{order}", customer, "p1", f"{day:%Y-%m-%d}", 1, amount))
    columns = ["order_id", "customer_id", "product_id", "ordered_at", "quantity", "unit_price"]
    lines = pd.DataFrame(rows, columns=columns)
    lines.to_csv(folder / "lines.csv", index=False)
    columns = ["customer_id", "country", "birth_year", "consent"]
    pd.DataFrame(people, columns=columns).to_csv(folder / "people.csv", index=False)
    (folder / "plan.toml").write_text(PLAN, encoding="utf-8")
    return lines.groupby("customer_id")["unit_price"].sum()


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> tuple[Path, pd.Series]:
    folder = tmp_path_factory.mktemp("small")
    spend = make_shop(folder)
    code, answer, told = call_run(folder)
    assert code == 0, told
    return Path(answer["index"]).parent, spend


def read_page(folder: Path, name: str) -> str:
    """Return a page without its pictures, its code and its styles; alternative texts stay."""
    text = (folder / f"{name}.html").read_text(encoding="utf-8")
    text = re.sub(r'src="data:[^"]*"', "", text)
    text = re.sub(r"<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'<section class="cell">.*?</section>', "", text, flags=re.DOTALL)
    return re.sub(r'<details class="code">.*?</details>', "", text, flags=re.DOTALL)


def list_rows(page: str) -> list[list[str]]:
    """Return the cells of each row of each table."""
    rows = re.findall(r"<tr>.*?</tr>", page, flags=re.DOTALL)
    found = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL) for row in rows]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)) for cell in row] for row in found]


def list_clauses(page: str) -> list[str]:
    """Return what sentences and alternative texts say, clause by clause."""
    texts = re.findall(r"<li>(.*?)</li>", page, flags=re.DOTALL)
    texts += re.findall(r' alt="([^"]*)"', page)
    return [clause for text in texts for clause in re.split(r"[;.] ", html.unescape(text))]


def says_a_figure(text: str, name: str) -> bool:
    told = text.replace(name, "").replace("fewer than 5 customers", "")
    return name in text and re.search(r"\d", told) is not None


@pytest.mark.parametrize("name", PAGES)
class TestPage:
    def test_neither_the_small_segment_nor_its_country_is_a_row_of_a_table(self, published, name):
        rows = list_rows(read_page(published[0], name))
        assert [row for row in rows if {"Grand", "AX"} & set(row)] == []

    def test_no_sentence_and_no_alternative_text_gives_a_figure_of_it(self, published, name):
        told = list_clauses(read_page(published[0], name))
        for hidden in ("Grand", "AX"):
            assert [clause for clause in told if says_a_figure(clause, hidden)] == []

    def test_neither_its_share_nor_its_spend_stands_anywhere(self, published, name):
        folder, spend = published
        text = html.unescape(read_page(folder, name)).replace("\u202f", "")
        for figure in list_secrets(spend):
            assert not re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d])", text), figure


def list_secrets(spend: pd.Series) -> list[str]:
    """Return Grand's share of customers and of spend, its spend, and its mean, as written."""
    grand = spend[spend.index.str.startswith("g")]
    total = grand.sum()
    return ["1.9%", f"{100 * total / spend.sum():.1f}%", f"{total:.0f}", f"{grand.mean():.0f}"]


def test_run_json_holds_no_figure_of_it(published):
    folder, spend = published
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    findings = [finding for step in record["findings"].values() for finding in step]
    assert findings
    assert [f["text"] for f in findings if says_a_figure(f["text"], "Grand")] == []
    for finding in findings:
        for figure in finding.get("figures", ()):
            names = [part["value"] for part in (figure["cell"] or {}).get("where", ())]
            assert "Grand" not in names or figure["value"] is None, finding
    text = json.dumps({"verdicts": record["verdicts"], "findings": record["findings"]})
    for figure in list_secrets(spend):
        assert figure not in text
    assert str(2 / 103)[:8] not in text


def test_the_sizes_show_the_two_segments_that_are_left(published):
    rows = list_rows(read_page(published[0], "05_analysis"))
    first = [row for row in rows if row[0] in SIZES][:2]
    assert sorted(row[:3] for row in first) == [["Keen", "43", "41.7%"], ["Plain", "60", "58.3%"]]


def test_the_run_s_segments_are_those_of_the_report(published):
    folder = published[0].parents[2] / "runs" / "small" / "05_analysis" / "tables"
    placements = pd.read_parquet(folder / "placements.parquet")
    assert placements["segment"].value_counts().to_dict() == {"Plain": 60, "Keen": 43}
