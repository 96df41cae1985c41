"""Kind: a count that is hidden is worked out from others that are shown.

The attacker reads what is published: tables, texts and run.json. They know that counts are whole
and not negative, that what is hidden is seldom 0, and that what belongs together adds up.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from published_pages import list_statements, read_tables, read_texts
from scipy.optimize import milp
from truth_check import check_run

from segkit.core.absence import empty_table
from segkit.core.audit import TOO_LARGE
from segkit.core.privacy import Shape, publish_table
from segkit.report.shared.tables import build_table, lay_out_view
from segkit.runs.layout import RunFolder
from segkit.runs.ledgers import StepLedger

ROOT = Path(__file__).parent.parent.parent
SMALLEST = 5
DASH = "–"


def read_count(text: str) -> float:
    """Return a count; NaN where it is hidden."""
    digits = re.sub(r"[^\d]", "", text)
    return float(digits) if digits else np.nan


class Attacker:
    """Gathers cells and sums, and finds the least and the most that each hidden cell can be."""

    def __init__(self):
        self.cells: dict[tuple, float] = {}
        self.sums: list[tuple[list[tuple], tuple]] = []
        self.can_be_nought: set[tuple] = set()

    def see(self, cell: tuple, count: float, *, least: int = 1) -> None:
        """Take in a cell; what is shown in one table is known in all."""
        if np.isnan(count) and least == 0:
            self.can_be_nought.add(cell)
        if np.isnan(self.cells.get(cell, np.nan)):
            self.cells[cell] = count

    def add_up(self, cells: list[tuple], total: tuple) -> None:
        """Take in that cells add up to another, which may be shown, hidden or in no table."""
        self.sums.append((cells, total))

    def find_told(self, *, least: int = 1) -> dict[tuple, tuple[float, float]]:
        """Return hidden cells that may be small and are known to within less than the limit."""
        names = list(dict.fromkeys([*self.cells, *itertools.chain(*(c for c, _ in self.sums))]))
        names = list(dict.fromkeys([*names, *(total for _, total in self.sums)]))
        places = {name: place for place, name in enumerate(names)}
        values = np.array([self.cells.get(name, np.nan) for name in names])
        hidden = np.isnan(values) & np.array([name in self.cells for name in names])
        matrix = np.zeros((len(self.sums), len(names)))
        for row, (cells, total) in enumerate(self.sums):
            matrix[row, [places[cell] for cell in cells]] = 1
            matrix[row, places[total]] -= 1
        is_some = hidden & [name not in self.can_be_nought for name in names]
        low = np.where(np.isnan(values), np.where(is_some, least, 0), values)
        high = np.where(np.isnan(values), 10_000, values)
        told = {}
        for place in np.flatnonzero(hidden):
            ends = []
            for sign in (1, -1):
                weights = np.zeros(len(names))
                weights[place] = sign
                found = milp(
                    weights,
                    constraints=(matrix, 0, 0),
                    bounds=(low, high),
                    integrality=np.ones(len(names)),
                )
                if found.status == 2 and least:  # some that are hidden are 0
                    return self.find_told(least=0)
                assert found.status == 0, found.message
                ends.append(sign * found.fun)
            if ends[0] < SMALLEST and ends[1] - ends[0] < SMALLEST - 1e-6:
                told[names[place]] = tuple(ends)
        return told


class Shop:
    """Publishes counts of customers as the notebooks do: through the gate, the ledger and HTML."""

    def __init__(self, folder: Path, customers: pd.DataFrame):
        self.customers = customers
        self.ledger = StepLedger(RunFolder(folder), "03_step", SMALLEST)
        self.attacker = Attacker()

    def publish(self, *by: str, name: str = "", within: dict[str, str] | None = None) -> None:
        """Publish the counts by one or two columns, and let the attacker read them."""
        counts = self.customers.groupby(list(by)).size()
        if len(by) > 1:
            counts = counts.unstack(fill_value=0).stack()
        table = counts.rename("customer_count").reset_index()
        shape = Shape(name or "_".join(by), by=by)
        audited = self.ledger.audit(table, shape)
        if audited.reason:
            table = empty_table(list(table), audited.reason)
        published = publish_table(table, shape, smallest_cell=SMALLEST, also_hidden=audited.hidden)
        laid = lay_out_view(published)
        page = build_table(laid.pop("table"), caption="t", max_rows=500, **laid)
        counts = table["customer_count"]
        hides_noughts = not table.empty and bool((audited.hidden & (counts == 0)).any())
        self.read(page, by, least=0 if hides_noughts else 1)

    def read(self, page: str, by: tuple[str, ...], *, least: int) -> None:
        table = read_tables(page)["t"]
        if len(table.columns) < 2:
            return  # only the reason why there is none
        shown = {}
        for row in table.itertuples(index=False):
            levels = tuple(row[: len(by)])
            count = read_count(row[len(by)]) if "Customer" in " ".join(table.columns) else np.nan
            shown[levels] = count
            self.attacker.see(tuple(zip(by, levels, strict=True)), count, least=least)
        for place, column in enumerate(by):
            for level in dict.fromkeys(levels[place] for levels in shown):
                line = [levels for levels in shown if levels[place] == level]
                cells = [tuple(zip(by, levels, strict=True)) for levels in line]
                if len(by) > 1:
                    self.attacker.add_up(cells, ((column, level),))
        if len(by) == 1:
            self.attacker.see((), float(len(self.customers)))
            self.attacker.add_up([((by[0], levels[0]),) for levels in shown], ())

    def list_recovered(self) -> list[str]:
        """Return what the attacker finds out of cells that have too few customers."""
        told = []
        for cell, ends in self.attacker.find_told().items():
            rows = self.customers
            for column, level in cell:
                rows = rows[rows[column] == level]
            if len(rows) < SMALLEST:
                told.append(f"{dict(cell)} is {len(rows)}, found to be {ends}")
        return told


def make_customers(seed: int) -> pd.DataFrame:
    """Return a shop with a tiny segment, tiny levels, and other schemes that cross it."""
    random = np.random.default_rng(seed)
    count = 140
    segment = np.array(["A"] * 60 + ["B"] * 40 + ["C"] * 37 + ["Tiny"] * 3)
    return pd.DataFrame(
        {
            "segment_name": segment,
            "gender": random.choice(["woman", "man", "other"], count, p=[0.55, 0.42, 0.03]),
            "country": random.choice(["FI", "SE", "NO", "MT"], count, p=[0.6, 0.3, 0.07, 0.03]),
            "consent": random.choice(["yes", "no", "unknown"], count, p=[0.7, 0.25, 0.05]),
            "other": np.where(segment == "A", "x", random.choice(["x", "y", "z"], count)),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_no_small_count_of_a_shop_can_be_recovered_from_all_its_tables(tmp_path, seed):
    shop = Shop(tmp_path, make_customers(seed))
    shop.publish("segment_name")
    for column in ("gender", "country", "consent", "other"):
        shop.publish(column)
    for column in ("gender", "country", "consent", "other"):
        shop.publish("segment_name", column)
    assert shop.list_recovered() == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_nor_where_the_totals_come_after_the_parts(tmp_path, seed):
    shop = Shop(tmp_path, make_customers(seed))
    shop.publish("country", "segment_name")
    shop.publish("consent", "segment_name")
    shop.publish("country")
    shop.publish("segment_name")
    shop.publish("consent")
    assert shop.list_recovered() == []


def test_the_attacker_finds_what_a_single_dash_hides(tmp_path):
    """An attack that finds nothing anywhere would prove nothing."""
    shop = Shop(tmp_path, make_customers(0))
    counts = {"A": 60.0, "B": 40.0, "C": 37.0, "Tiny": np.nan}
    for level, count in counts.items():
        shop.attacker.see((("segment_name", level),), count)
    shop.attacker.see((), 140.0)
    shop.attacker.add_up([(("segment_name", level),) for level in counts], ())
    assert shop.list_recovered() == ["{'segment_name': 'Tiny'} is 3, found to be (3.0, 3.0)"]


def test_the_sizes_of_the_example_cannot_be_told(tmp_path):
    segments = ["A"] * 60 + ["B"] * 40 + ["C"] * 3
    shop = Shop(tmp_path, pd.DataFrame({"segment_name": segments}))
    shop.publish("segment_name")
    assert shop.list_recovered() == []
    hidden = [name for name, count in shop.attacker.cells.items() if np.isnan(count)]
    assert len(hidden) == 2


def test_noughts_beside_a_single_dash_do_not_tell_it(tmp_path):
    """Crossed schemes: one customer of B is in y, everybody else of y is in A."""
    pairs = [("A", "x")] * 30 + [("A", "y")] * 20 + [("B", "x")] * 47 + [("B", "y")]
    pairs += [("C", "x")] * 25
    shop = Shop(tmp_path, pd.DataFrame(pairs, columns=["segment_name", "other"]))
    for by in (("segment_name",), ("other",), ("other", "segment_name")):
        shop.publish(*by)
    assert shop.list_recovered() == []


def read_report(report: Path) -> dict[str, pd.DataFrame]:
    tables = {}
    for path in sorted(report.glob("0*.html")):
        tables |= read_tables(path.read_text(encoding="utf-8"))
    return tables


def attack_report(tables: dict[str, pd.DataFrame]) -> Attacker:
    """Gather what the report shows of segments, crossed schemes, consent, levels and rules."""
    attacker = Attacker()
    caption = next(name for name in tables if name.startswith("Customers by segment of the scheme"))
    for row in tables[caption].to_dict("records"):
        attacker.see(("segment", row["Segment"]), read_count(row["Customers"]))
    crossed = tables["Customers by segment of each pair of schemes"]
    for scheme, part in crossed.groupby("Other scheme"):
        for segment in crossed.columns[2:]:
            cells = []
            for other, text in zip(part["Other segment"], part[segment], strict=True):
                cells.append((scheme, other, segment))
                attacker.see(cells[-1], read_count(text))
            attacker.add_up(cells, ("segment", segment))
    consent = tables["Customers of each segment who may be contacted"]
    answers = ["With consent", "Without consent", "Unknown consent"]
    for row in consent.to_dict("records"):
        cells = [("consent", row["Segment"], answer) for answer in answers]
        for cell, answer in zip(cells, answers, strict=True):
            attacker.see(cell, read_count(row[answer]))
        attacker.add_up(cells, ("segment", row["Segment"]))
    rules = tables["Rules in order, and whom each takes"]
    for scheme, part in rules.groupby("Scheme"):
        for place, row in enumerate(part.to_dict("records")):
            taken = ("taken", scheme, place)
            before = ("taken before", scheme, place)
            attacker.see(taken, read_count(row["Who are taken"]))
            attacker.see(("meet", scheme, place), read_count(row["Who meet it"]))
            attacker.add_up([taken, before], ("meet", scheme, place))
    return attacker


def list_small_differences(rules: pd.DataFrame) -> list[tuple[float, float]]:
    """Return rules of which few are taken before: 78 meet it, 77 are taken."""
    pairs = zip(
        rules["Who meet it"].map(read_count), rules["Who are taken"].map(read_count), strict=True
    )
    return [(met, taken) for met, taken in pairs if 0 < met - taken < SMALLEST]


@pytest.mark.slow
def test_no_small_count_of_the_report_can_be_recovered(report):
    tables = read_report(report)
    attacker = attack_report(tables)
    assert sum(np.isnan(list(attacker.cells.values()))) > 10, "something is hidden"
    assert attacker.find_told() == {}
    assert list_small_differences(tables["Rules in order, and whom each takes"]) == []


@pytest.mark.slow
def test_true_values_solve_all_that_is_taken_to_be_known_in_a_report(report):
    check_run(report.parents[2] / "runs" / "sample_shop")
    for path in report.glob("0*.html"):
        assert TOO_LARGE not in path.read_text(encoding="utf-8"), path.name


@pytest.mark.slow
def test_no_level_of_a_feature_is_told_by_those_beside_it(report):
    for caption, table in read_report(report).items():
        if not caption.startswith("All features:"):
            continue
        for _, part in table.groupby("Feature"):
            attacker = Attacker()
            levels = []
            for row in part.to_dict("records"):
                attacker.see((row["Level"],), read_count(row["Customers"]))
                if row["Level"] != "all known":
                    levels.append((row["Level"],))
            attacker.add_up(levels, ("all known",))
            assert attacker.find_told() == {}, caption


@pytest.mark.slow
def test_no_statement_rests_on_a_handful_of_customers(report):
    record = json.loads((report / "run.json").read_text(encoding="utf-8"))
    told = list(list_statements(record))
    assert len(told) > 20
    few = [one["text"] for one in told if 0 < (one.get("count") or 0) < SMALLEST]
    assert few == []


@dataclass(frozen=True)
class HiddenRow:
    """A row that no table shows: what its group is called, and how many it is."""

    table: str
    names: tuple[str, ...]
    count: int


def list_hidden_rows(run: Path) -> list[HiddenRow]:
    """Return the rows of customers that are hidden, with their true counts, of a run folder.

    Which are hidden is read of the published frames; only the true counts are not published.
    """
    told = []
    shown = set()
    for path in sorted(run.glob("0*/ledger.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            part = json.loads(line)
            seen = read_seen(path.parent / "published", part)
            for levels, count in zip(part["levels"], part["counts"], strict=True):
                row = frozenset(zip(part["dimensions"], levels, strict=True))
                if tuple(levels) in seen:
                    shown.add((row, count))
                else:
                    names = tuple(level or "not known" for level in levels)
                    told.append((row, HiddenRow(part["table"], names, count)))
    return [row for key, row in told if row.count > 0 and (key, row.count) not in shown]


def read_seen(folder: Path, part: dict) -> set[tuple[str, ...]]:
    """Return the levels of the rows of a part that its published frame does not hide."""
    frame = pd.read_parquet(folder / f"{part['table'].rpartition('/')[2]}.parquet")
    covered = frame["is_hidden"].fillna(False).astype(bool)
    covered &= frame["note"].str.startswith("fewer than")
    names = {"feature": "descriptor", "level": "value", "segment_name": "segment"}
    columns = [name if name in frame else names[name] for name in part["dimensions"]]
    return set(frame.loc[~covered, columns].astype(str).itertuples(index=False, name=None))


def find_told_in_texts(texts: list[str], rows: list[HiddenRow]) -> list[tuple[HiddenRow, str]]:
    """Return hidden rows whose true count stands in a clause that names their group.

    A clause ends with a semicolon or a full stop; "n = 95", "(95)" and "95 customers" are alike.
    """
    found = []
    names = {name for row in rows for name in row.names}
    spellings = {name: {name, name.replace("_", " ")} for name in names}
    for text in texts:
        named = {name for name in names if any(way in text for way in spellings[name])}
        for row in rows:
            if not named.issuperset(row.names) or not any(map(str.isalpha, "".join(row.names))):
                continue
            found += [(row, clause) for clause in split_clauses(text, row) if tells(clause, row)]
    return found


def split_clauses(text: str, row: HiddenRow) -> list[str]:
    """Return the clauses that name the group, each name replaced by a mark."""
    for place, name in sorted(enumerate(row.names), key=lambda named: -len(named[1])):
        for way in (name, name.replace("_", " ")):
            text = re.sub(
                rf"(?<!\w)(?<!\d[.,]){re.escape(way)}(?!\w)", f"<{chr(97 + place)}>", text
            )
    marks = [f"<{chr(97 + place)}>" for place in range(len(row.names))]
    clauses = re.split(r"[;.](?:\s|$)", text)
    return [clause for clause in clauses if all(mark in clause for mark in marks)]


def tells(clause: str, row: HiddenRow) -> bool:
    """Return whether a clause holds the count by itself, not as a share or of something else."""
    number = r"(?<![\w.,-])(\d+(?:[\u2009\u202f ]\d{3})*)(?![\w%-]|[.,]\d)"
    other = r"(?!\s(?!customers?\b|of\b|who\b)[a-z])"
    numbers = re.findall(number + other, clause)
    return row.count in {int(re.sub(r"\D", "", one)) for one in numbers}


def test_the_attack_on_texts_finds_counts_in_sentences_and_alternative_texts():
    tiny = HiddenRow("levels", ("pay_ment", "Tiny, new", "cash"), 3)
    many = HiddenRow("sizes", ("Loyal",), 1405)
    told = [
        "Pay: pay ment cash of Tiny, new (12.5%, n = 3)",
        "Bars. A: 12; Loyal: 1\u2009405 customers; B: 9.",
        "pay ment cash: 3 customers of Tiny, new",
    ]
    found = find_told_in_texts(told, [tiny, many])
    assert [row.count for row, _ in found] == [3, 1405, 3]
    untold = [
        "Tiny, new: not shown; A: 3 customers by pay ment cash.",
        "Loyal: 14.05% of customers; 1405 customers of A",
        "pay ment cash of Tiny, new: 3.5%, rank 30, in 3 columns",
    ]
    assert find_told_in_texts(untold, [tiny, many]) == []


@pytest.mark.slow
def test_no_sentence_or_alternative_text_gives_the_count_of_a_hidden_row(report):
    rows = list_hidden_rows(report.parents[2] / "runs" / "sample_shop")
    texts = read_texts(report)
    assert len(rows) > 100
    assert sum("customers" in text for text in texts) > 20
    assert find_told_in_texts(texts, rows) == []


LEAVE_OUT_SIZES = """
import json, sys
from segkit.core import audit
from segkit.runs import ledgers

def leave_out_sizes(table, shape, hidden, **options):
    if shape.name == "05_analysis/sizes":
        return audit.Audited(hidden, [], audit.TOO_LARGE)
    return audit.audit_table(table, shape, hidden, **options)

ledgers.audit_table = leave_out_sizes
space = {}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), space)
        space["run_dir"] = "runs/sample_shop"
"""


@pytest.mark.slow
def test_sizes_that_must_be_left_out_end_in_words(report, tmp_path):
    folder = tmp_path / "shop"
    shutil.copytree(report.parents[2], folder)
    notebook = ROOT / "notebooks" / "05_analysis.ipynb"
    command = [sys.executable, "-c", LEAVE_OUT_SIZES, str(notebook)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    assert f"Size of each segment. {TOO_LARGE}" in result.stdout
    facts = folder / "runs" / "sample_shop" / "05_analysis" / "facts.json"
    assert json.loads(facts.read_text(encoding="utf-8"))["segments"] == []


@pytest.mark.slow
def test_no_text_says_which_of_the_hidden_rows_are_small(report):
    for path in report.glob("*.html"):
        page = path.read_text(encoding="utf-8")
        for told in re.findall(r"fewer than \d+ customers[^<]{0,30}", page):
            assert "or would tell" in told, (path.name, told)
