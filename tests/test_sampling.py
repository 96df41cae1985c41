"""Fitting a sample gives the segmentation of all, where there are segments to find."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from sklearn.metrics import adjusted_rand_score
from test_segmentation import make_scheme

from segkit.plan.models import Criteria
from segkit.report import candidates
from segkit.segmentation.documents import fit_segmentation
from segkit.validation.candidates import Candidates, compare_candidates, count_fitted
from segkit.validation.sampling import sample_customers

SEEDS = {"as_of": datetime.date(2026, 6, 30), "random_state": 0}
ADULT = ["age", "work", "weight", "education", "school_years", "marital", "occupation"]
ADULT += ["relationship", "race", "sex", "gain", "loss", "hours", "country", "income"]
FEW = ("age", "school_years", "hours", "marital", "relationship", "sex")
MANY = (*FEW, "gain", "loss", "work", "occupation", "race")


def draw_mixed(count: int) -> pd.DataFrame:
    """Draw three overlapping kinds of customers, some values missing."""
    rng = np.random.default_rng(1)
    kind = rng.choice(3, count, p=[0.5, 0.35, 0.15])
    drawn = {
        "customer_id": [f"k{i}" for i in range(count)],
        "recency_days": rng.gamma(2, 40 + 60 * kind).round(),
        "total_spend": np.exp(rng.normal(4 + kind, 0.6)).round(2),
        "visit_count": rng.poisson(np.array([25, 3, 12])[kind]),
        "channel": np.array(["web", "shop", "phone"])[(kind + (rng.random(count) < 0.15)) % 3],
        "region": rng.choice(["north", "south", None], count, p=[0.6, 0.3, 0.1]),
    }
    customers = pd.DataFrame(drawn)
    return customers.mask(rng.random(customers.shape) < [0, 0.03, 0, 0, 0.03, 0])


def compare_fits(customers: pd.DataFrame, scheme, n_segments: int, most: int) -> float:
    """Return the adjusted Rand index of all customers by the sample's and by the full fit."""
    sample, options = sample_customers(customers, most), {"n_segments": n_segments, **SEEDS}
    assert len(sample) == most
    found, _ = fit_segmentation(sample, scheme, **options)
    _, full = fit_segmentation(customers, scheme, **options)
    return adjusted_rand_score(full, found.assign(customers)["segment"])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["kprototypes", "kmeans", "latent_classes", "rfm"])
def test_a_sample_of_mixed_customers_gives_the_segments_of_all(method):
    customers = draw_mixed(40_000)
    columns = {
        "kprototypes": tuple(customers.columns[1:]),
        "kmeans": ("recency_days", "total_spend", "visit_count"),
        "latent_classes": ("channel", "region", "visits", "spend", "recency"),
        "rfm": (),
    }[method]
    customers["order_count"] = customers["visit_count"] + 1
    for name, column in (("visits", "visit_count"), ("spend", "total_spend")):
        customers[name] = pd.qcut(customers[column], 4, labels=list("abcd"))
    customers["recency"] = pd.qcut(customers["recency_days"], 3, labels=list("abc"))
    assert compare_fits(customers, make_scheme(method, columns), 3, 4_000) > 0.9


# Where another seed finds other segments in all the customers, a sample does too; these are stable.
@pytest.mark.slow
@pytest.mark.parametrize(("columns", "n_segments"), [(FEW, 2), (MANY, 3), (MANY, 4)])
def test_a_sample_of_real_customers_gives_the_segments_of_all(shared_data, columns, n_segments):
    path = shared_data("uci_mixed/adult.csv.gz")
    adult = pd.read_csv(path, header=None, names=ADULT, na_values="?", skipinitialspace=True)
    adult.insert(0, "customer_id", [f"a{i}" for i in range(len(adult))])
    score = compare_fits(adult, make_scheme("kprototypes", columns), n_segments, 8_000)
    assert score > 0.95


def test_the_sample_is_the_same_in_any_order_and_hardly_changes_when_customers_come():
    customers = draw_mixed(3_000)
    sample = sample_customers(customers, 1_000)
    shuffled = sample_customers(customers.sample(frac=1, random_state=3), 1_000)
    assert set(shuffled["customer_id"]) == set(sample["customer_id"])
    assert sample.index.is_monotonic_increasing
    grown = sample_customers(draw_mixed(3_300), 1_000)
    assert len(set(grown["customer_id"]) & set(sample["customer_id"])) > 850
    assert sample_customers(customers, 3_000) is customers


def test_the_report_says_when_only_a_sample_was_fitted():
    customers, scheme = draw_mixed(2_000), make_scheme("kmeans", ("total_spend", "visit_count"))
    scheme = scheme.model_copy(update={"segments": (2, 2)})
    options = {"pairs": 5, **SEEDS}
    few = compare_candidates(customers, [scheme], Criteria(), most_fitted=1_500, **options)
    assert few.customer_count == 2_000
    first = tell_kinds(few)[0].replace("\u202f", "")
    assert first.startswith("Fitted to 1500 customers, drawn by their identifiers from all 2000;")
    every = compare_candidates(customers, [scheme], Criteria(), **options)
    assert "Fitted to" not in " ".join(tell_kinds(every))


def tell_kinds(found: Candidates) -> list[str]:
    compared = publish(found.table, candidates.CANDIDATES)
    fitted = publish(count_fitted(found), candidates.FITTED)
    return read_texts(candidates.state_kinds(compared, fitted))
