"""The course's answers are what segkit finds."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from segkit import open_workspace
from segkit.data.sample import make_sample
from segkit.features.customer_table import build_customers
from segkit.validation.candidates import compare_candidates
from segkit.validation.stability import compare_labels
from segkit.validation.verdict import choose_scheme

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def test_the_sample_shop_s_planted_segments_are_recommended_and_found(tmp_path):
    shutil.copy(ROOT / "plan.toml", tmp_path / "plan.toml")
    make_sample(tmp_path / "data" / "sample")
    ws = open_workspace(tmp_path / "plan.toml", "runs/lab", step="03_base_analysis")
    customers = build_customers(ws.tables, as_of=ws.as_of).frame
    seeds = {"as_of": ws.as_of, "random_state": ws.random_state}
    options = {**seeds, "pairs": 10}
    fitted = compare_candidates(customers, ws.plan.schemes, ws.plan.criteria, **options)
    choice = choose_scheme(fitted.table, ws.plan.criteria)
    answers = tomllib.loads((ROOT / "notebooks" / "course" / "answers.toml").read_text())
    answer = answers["sample_shop"]
    told = {name: getattr(choice, name) for name in ("scheme", "segment_count", "kind")}
    assert told == {name: answer[name] for name in told}
    assert choice.verdict == "yes"
    placed = fitted.segmentations[choice.scheme, choice.segment_count].assign(customers)
    truth = pd.read_parquet(tmp_path / "data" / "sample" / "truth" / "segments.parquet")
    both = placed.merge(truth, on="customer_id", validate="one_to_one")
    agreement = compare_labels(both["segment"].to_numpy(), both["true_segment"].factorize()[0])
    assert agreement >= answer["smallest_adjusted_rand_index"]
