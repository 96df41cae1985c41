"""Kind: a segment of a handful of people is told of: by its name, its rule or a figure of it.

Such a segment is merged before anything is numbered, named or measured, so that no page, text or
record knows of it, whatever the plan insists on.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_plans import keep_schemes, shorten_plan

from segkit.core.errors import SegkitError
from segkit.data.sample import make_sample
from segkit.plan.models import Criteria, Scheme
from segkit.segmentation.documents import fit_segmentation, fit_shown, read_segmentation
from segkit.validation.candidates import compare_candidates
from segkit.validation.verdict import choose_scheme

ROOT = Path(__file__).parents[2]
AS_OF = pd.Timestamp("2026-06-30").date()
FIT = {"as_of": AS_OF, "random_state": 3}
NAME = "Zeppelin owners"
VIPS = """[[schemes]]
name = "vips"
goal = "keep"
base = "value"
method = "rules"
rules = [
    { name = "Zeppelin owners", when = "total_spend > 25000" },
    { name = "Often here", when = "order_count > 9" },
    { name = "Yearly", when = "recency_days > 300" },
    { name = "Others", when = "true" },
]

"""


def make_customers(*groups: tuple[float, int]) -> pd.DataFrame:
    """Return customers in groups, each around a number, with a colour that goes with it."""
    random = np.random.default_rng(0)
    places = np.concatenate([np.full(count, place) for place, count in groups])
    customers = pd.DataFrame({"x": places + random.normal(0, 0.1, len(places))})
    customers["y"] = -customers["x"] + random.normal(0, 0.1, len(places))
    for column in ("colour", "size", "taste"):
        customers[column] = [f"{column} {place}" for place in places]
    customers["total_spend"] = 10.0 * (places + 1)
    return customers.assign(customer_id=[f"c{i:04}" for i in range(len(places))])


CUSTOMERS = make_customers((0, 60), (5, 50), (40, 3))
BASE = {"goal": "g", "base": "behavioural"}


def make_rules(*rules: tuple[str, str]) -> Scheme:
    rows = [{"name": name, "when": when} for name, when in rules]
    return Scheme(name="own", method="rules", rules=rows, **BASE)


WHALE_FIRST = make_rules(("Whales", "x > 20"), ("Middle", "x > 2"), ("Rest", "true"))
WHALE_WITH_ITS_OWN_COLUMN = make_rules(
    ("Whales", "total_spend > 300"), ("Middle", "x > 2"), ("Rest", "true")
)
WHALE_LAST = make_rules(("Rest", "x < 2"), ("Middle", "x < 20"), ("Whales", "true"))
KMEANS = Scheme(name="own", method="kmeans", columns=("x", "y"), **BASE)
MODES = Scheme(name="own", method="kprototypes", columns=("x", "colour"), **BASE)
CLASSES = Scheme(name="own", method="latent_classes", columns=("colour", "size", "taste"), **BASE)
TIERS = Scheme(name="own", method="tiers", cuts={"value": (100.0, 350.0)}, **BASE)
SCHEMES = [
    WHALE_FIRST, WHALE_WITH_ITS_OWN_COLUMN, WHALE_LAST, KMEANS, MODES, CLASSES, TIERS
]  # fmt: skip
IDS = [
    "rule", "rule with a column of its own", "last rule", "kmeans", "kprototypes", "classes",
    "tiers",
]  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES, ids=IDS)
def test_a_segment_of_a_handful_is_merged_into_the_one_next_to_it(scheme, tmp_path):
    customers = CUSTOMERS
    if scheme is TIERS:
        customers = customers.assign(total_spend=customers["total_spend"] * 2)
    plain, labels = fit_segmentation(customers, scheme, n_segments=3, **FIT)
    before = [segment.customer_count for segment in plain.segments]
    assert min(before) == 3, "the attack is none without a handful"
    fitted = fit_shown(customers, scheme, n_segments=3, smallest_cell=5, **FIT)
    found = fitted.segmentation
    assert fitted.merged_count == 1
    few = labels == 1 + int(np.argmin(before))
    is_next = (CUSTOMERS["x"] > 2).to_numpy()
    if scheme is CLASSES:  # no answers are nearer to each other, so the more probable class it is
        is_next = (CUSTOMERS["x"] < 2).to_numpy()
    assert set(fitted.labels[few]) == set(fitted.labels[is_next & ~few])
    assert sum(segment.customer_count for segment in found.segments) == 113
    if scheme.method == "rules":
        assert "Whales" not in found.to_json()
        assert "total_spend" not in found.to_json()
    found.write_json(tmp_path / "own.json")
    again = read_segmentation(tmp_path / "own.json").assign(customers)
    assert (again["segment"].to_numpy() == fitted.labels).all()


def test_what_may_be_seen_is_left_as_it_is():
    fitted = fit_shown(CUSTOMERS, KMEANS, n_segments=3, smallest_cell=3, **FIT)
    plain, labels = fit_segmentation(CUSTOMERS, KMEANS, n_segments=3, **FIT)
    assert fitted.segmentation == plain
    assert (fitted.labels == labels).all()
    assert fitted.merged_count == 0


def test_a_scheme_of_which_less_than_two_segments_are_left_is_refused():
    two = make_rules(("Whales", "x > 20"), ("Rest", "true"))
    with pytest.raises(SegkitError, match="fewer than two of its segments have 5 customers"):
        fit_shown(CUSTOMERS, two, n_segments=2, smallest_cell=5, **FIT)
    schemes = [two.model_copy(update={"name": "two"}), WHALE_FIRST]
    found = compare_candidates(CUSTOMERS, schemes, Criteria(), pairs=3, **FIT)
    assert found.table["scheme"].tolist() == ["own"]
    with pytest.raises(SegkitError, match="could not be fitted") as raised:
        choose_scheme(found.table, Criteria(final_scheme="two"), refused=found.refused)
    assert "fewer than two" in raised.value.describe()
    assert "Whales" not in raised.value.describe()


@pytest.mark.parametrize("scheme", SCHEMES[:-1], ids=IDS[:-1])
def test_no_candidate_has_a_segment_of_a_handful(scheme):
    if scheme.method != "rules":
        scheme = scheme.model_copy(update={"segments": (2, 4)})
    found = compare_candidates(CUSTOMERS, [scheme], Criteria(), pairs=3, **FIT)
    for segmentation in found.segmentations.values():
        assert min(segment.customer_count for segment in segmentation.segments) >= 5
    told = found.table.to_json() + found.refused.to_json() + found.merged.to_json()
    assert "Whales" not in told
    for resamples in found.resamples.values():
        assert resamples.labels.max() < resamples.segment_count
    if scheme.method == "rules":
        assert found.merged.to_dict("records") == [
            {"scheme": "own", "segment_count": 2, "merged_count": 1, "by_rules": True}
        ]


@pytest.mark.slow
def test_a_run_says_nothing_of_the_segment_that_its_plan_insists_on(tmp_path):
    plan = shorten_plan((ROOT / "plan.toml").read_text(encoding="utf-8"))
    criteria = "# What a scheme must meet before"
    assert criteria in plan
    plan = keep_schemes(plan, "rfm", "behaviour").replace(criteria, VIPS + criteria)
    chosen = '[criteria]\nfinal_scheme = "vips"\noverrule_reason = "The board wants it."\n'
    plan = plan.replace("[criteria]\n", chosen, 1)
    (tmp_path / "plan.toml").write_text(plan, encoding="utf-8")
    make_sample(tmp_path / "data" / "sample", customers=600)
    command = [sys.executable, "-m", "segkit.cli", "run", "--json", "--set", "bootstrap_pairs=4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    report = Path(json.loads(done.stdout)["index"]).parent
    (customers,) = (tmp_path / "runs").rglob("03_base_analysis/tables/customers.parquet")
    spend = pd.read_parquet(customers)["total_spend"]
    assert 0 < (spend > 25000).sum() < 5, "the attack is none without a handful"
    pages = {path.name: path.read_text(encoding="utf-8") for path in report.glob("*.html")}
    pages["run.json"] = (report / "run.json").read_text(encoding="utf-8")
    assert "Often here" in pages["05_analysis.html"], "the others of the scheme are told"
    assert "1 segment that had too few customers" in pages["05_analysis.html"]
    for name, page in pages.items():  # tables, sentences, alternative texts and records alike
        for word in (NAME, "25000", "25\u2009000", "25\u202f000"):
            assert word not in page, name
