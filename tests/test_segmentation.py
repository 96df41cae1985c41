"""Fitting, the JSON document, and the one implementation of assigning."""

from __future__ import annotations

import datetime
import json

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.cluster import KMeans

from segkit.errors import SegkitError
from segkit.plan import Scheme
from segkit.segments.kmeans import name_clusters
from segkit.segments.preparation import learn_preparation
from segkit.segments.segmentation import Segmentation, fit_segmentation, read_segmentation

AS_OF = datetime.date(2026, 6, 30)
COLUMNS = ("recency_days", "order_count", "mean_order_value")


def make_scheme(method: str, columns: tuple[str, ...] = (), name: str = "s") -> Scheme:
    return Scheme(name=name, goal="g", base="value", method=method, columns=columns)


def make_customers(count: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i:04}" for i in range(count)],
            "recency_days": rng.integers(0, 300, count).astype(float),
            "order_count": rng.poisson(2, count) + 1,
            "mean_order_value": np.exp(rng.normal(3, 1, count)).round(2),
        }
    )
    spend = customers["order_count"] * customers["mean_order_value"]
    customers["total_spend"] = spend - 20 * (rng.random(count) < 0.1)
    customers.loc[rng.random(count) < 0.05, "recency_days"] = np.nan
    return customers


def fit(customers: pd.DataFrame, method: str = "kmeans", n: int = 4):
    scheme = make_scheme(method, COLUMNS if method == "kmeans" else ())
    return fit_segmentation(customers, scheme, n_segments=n, as_of=AS_OF, random_state=3)[0]


METHODS = [("kmeans", 4), ("rfm", 6), ("tiers", 3)]


def copy_as_estimator(segmentation) -> KMeans:
    """Scikit-learn's estimator with the document's centres, in the order of its segments."""
    centres = np.array(segmentation.model.centres)
    estimator = KMeans(len(centres), init=centres, n_init=1, max_iter=1).fit(centres)
    estimator.cluster_centers_ = centres
    return estimator


def test_k_means_assigns_like_the_estimator_row_by_row():
    customers = make_customers()
    segmentation = fit(customers)
    learned = [learn_preparation(customers, column) for column in COLUMNS]
    assert tuple(preparation for preparation, _ in learned) == segmentation.model.preparations
    prepared = np.column_stack([values for _, values in learned])
    expected = copy_as_estimator(segmentation).predict(prepared) + 1
    assert segmentation.assign(customers)["segment"].tolist() == expected.tolist()


def test_a_customer_between_two_centres_goes_to_the_lower_number_as_in_the_estimator():
    # Columns as they are (mean 0, sd 1); centres 0, 2 and 4: 1 and 3 are ties.
    segmentation = fit(make_customers(), n=3)
    content = json.loads(segmentation.to_json())
    plain = {"fill": 0, "lower": -9, "upper": 9, "transform": "none", "mean": 0, "sd": 1}
    content["model"]["preparations"] = [{"column": "x", **plain}]
    content["model"]["centres"] = [[0.0], [2.0], [4.0]]
    edited = Segmentation.model_validate_json(json.dumps(content))
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0, np.nan, 99.0]})
    found = edited.assign(rows)
    assert found["segment"].tolist() == [1, 1, 2, 2, 3, 1, 3]
    filled = rows.fillna(0).clip(-9, 9).to_numpy()
    assert (copy_as_estimator(edited).predict(filled) + 1).tolist() == found["segment"].tolist()
    assert found["distance"].tolist() == [0, 1, 0, 1, 0, 0, 5]
    # 1 - nearest / second nearest; nothing is known of the sixth.
    assert found["confidence"].tolist() == pytest.approx([1, 0, 1, 0, 1, 0, 1 - 5 / 7])


def test_tiers_are_cut_at_shares_of_customers_and_ties_stay_together():
    spend = [10.0, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    customers = pd.DataFrame({"customer_id": range(10), "total_spend": spend})
    segmentation = fit(customers, "tiers", 3)
    # The cuts are the quantiles .5 and .8: 55 and 82.
    assert segmentation.model.scores[0].cuts == pytest.approx((55, 82))
    assert segmentation.assign(customers)["segment"].tolist() == [3] * 5 + [2] * 3 + [1] * 2
    tied = customers.assign(total_spend=[10.0] * 6 + [70, 70, 70, 100])
    found = fit(tied, "tiers", 3).assign(tied)
    # The cuts are 10 and 70; a value must beat a cut, so those on it stay below, together.
    assert found["segment"].tolist() == [3] * 6 + [2] * 3 + [1]


def test_rfm_scores_quintiles_and_names_the_combinations():
    customers = pd.DataFrame(
        {
            "customer_id": range(10),
            "recency_days": [1.0, 12, 23, 34, 45, 56, 67, 78, 89, np.nan],
            "order_count": [9, 1, 8, 3, 2, 9, 8, 2, 1, 0],
            "total_spend": [900.0, 20, 800, 90, 30, 950, 700, 40, 10, -5],
        }
    )
    segmentation = fit(customers, "rfm", 6)
    recency, frequency, _ = segmentation.model.scores
    # Nine days, 11 apart from 12 on: the quantiles .2 .4 .6 .8 lie at places 1.6, 3.2, 4.8, 6.4.
    assert recency.cuts == pytest.approx((12 + 6.6, 34 + 2.2, 45 + 8.8, 67 + 4.4))
    # Sorted 0 1 1 2 2 3 8 8 9 9: places 1.8, 3.6, 5.4, 7.2.
    assert frequency.cuts == pytest.approx((1, 2, 5, 8.2))
    found = segmentation.assign(customers)
    # Points R, F, M: 5 5 5 | 5 1 1, one order | 4 4 5 | ... | no recency scores 1.
    names = found["segment_name"].tolist()
    assert names[:3] == ["Champions", "New", "Champions"]
    assert names[5:7] == ["At risk", "At risk"]
    assert names[8:] == ["Lost", "Lost"]
    assert found["confidence"].tolist() == pytest.approx([1] * 9 + [2 / 3])


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_rfm_never_gives_more_segments_than_asked(count):
    segmentation = fit(make_customers(), "rfm", count)
    assert len(segmentation.segments) == count
    assert sum(segment.customer_count for segment in segmentation.segments) == 400


@pytest.mark.parametrize(("method", "count"), METHODS)
def test_json_there_and_back_assigns_identically(tmp_path, method, count):
    customers = make_customers()
    segmentation = fit(customers, method, count)
    segmentation.write_json(tmp_path / "segmentation.json")
    again = read_segmentation(tmp_path / "segmentation.json")
    assert again == segmentation
    pd.testing.assert_frame_equal(again.assign(customers), segmentation.assign(customers))


@pytest.mark.parametrize(("method", "count"), METHODS)
def test_a_table_of_the_engine_and_a_dataframe_get_the_same_segments(method, count):
    customers = make_customers()
    segmentation = fit(customers, method, count)
    table = ibis.duckdb.connect().create_table("customers", customers)
    there = segmentation.assign(table).order_by("customer_id").to_pandas()
    here = segmentation.assign(customers)
    assert list(there.columns) == list(here.columns)
    pd.testing.assert_frame_equal(there, here, check_dtype=False)


@pytest.mark.parametrize(("method", "count"), METHODS)
def test_fitting_does_not_depend_on_the_order_of_rows(method, count):
    customers = make_customers()
    shuffled = customers.sample(frac=1, random_state=1)
    one, other = fit(customers, method, count), fit(shuffled, method, count)
    assert one.to_json() == other.to_json()


def test_assigning_keeps_the_index_the_other_columns_and_the_argument():
    customers = make_customers(50)
    segmentation = fit(customers, n=2)
    turned = customers.sample(frac=1, random_state=2)
    before = turned.copy()
    found = segmentation.assign(turned)
    assert found.index.equals(turned.index)
    pd.testing.assert_frame_equal(turned, before)
    pd.testing.assert_frame_equal(found[before.columns], before)
    pd.testing.assert_frame_equal(found.sort_index(), segmentation.assign(customers))


anything = st.floats(allow_nan=True, allow_infinity=True, width=64)
VALUES = arrays(np.float64, st.tuples(st.integers(1, 12), st.just(3)), elements=anything)


@settings(max_examples=10, deadline=None)
@given(values=VALUES, which=st.integers(0, 2))
def test_whatever_comes_every_row_gets_exactly_one_segment(values, which, fitted):
    segmentation = fitted[which]
    columns = list(dict.fromkeys(segmentation.columns))
    rows = pd.DataFrame(values[:, : len(columns)], columns=columns)
    # Forwards and backwards: what a row gets does not depend on its place.
    twice = segmentation.assign(pd.concat([rows, rows[::-1]]))
    found, backwards = twice[: len(rows)], twice[len(rows) :]
    assert len(twice) == 2 * len(rows)
    assert set(found["segment"]) <= set(segmentation.names)
    assert found["segment_name"].tolist() == [segmentation.names[n] for n in found["segment"]]
    assert found["confidence"].between(0, 1).all()
    pd.testing.assert_frame_equal(backwards.sort_index(), found)


@pytest.fixture(scope="module")
def fitted():
    return [fit(make_customers(), method, count) for method, count in METHODS]


def test_segment_one_is_the_most_valuable_and_names_are_unique():
    customers = make_customers(1000)
    found = fit(customers, n=6).assign(customers)
    means = found.groupby("segment")["total_spend"].mean()
    assert means.is_monotonic_decreasing
    assert found.groupby("segment_name")["segment"].nunique().tolist() == [1] * 6


def test_names_say_what_sets_a_cluster_apart():
    centres = np.array([[-1.0, 1.0, 0.1], [1.0, 0.0, 0.0], [0.1, 0.0, -0.2]])
    assert name_clusters(COLUMNS, centres) == ["Recent, frequent", "Long gone", "Close to average"]
    same = name_clusters(COLUMNS, np.array([[-1.0, 1.0, 0.2], [-1.0, 1.0, -0.2]]))
    assert same == ["Recent, frequent, big baskets", "Recent, frequent, small baskets"]
    twice = name_clusters(("x",), np.array([[1.0], [2.0]]))
    assert twice == ["High x", "High x (2)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "schema_version None"),
        ('{"schema_version": 99}', "schema_version 99"),
        ('{"schema_version": true}', "schema_version True"),
        ('{"schema_version": 1}', "damaged at scheme"),
    ],
)
def test_an_unknown_or_damaged_document_is_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / "segmentation.json"
    path.write_text(text)
    with pytest.raises(SegkitError, match=message):
        read_segmentation(path)


def test_a_document_whose_parts_do_not_fit_is_refused(tmp_path):
    path = tmp_path / "segmentation.json"
    content = json.loads(fit(make_customers()).to_json())
    fewer = content | {"segments": content["segments"][:-1]}
    path.write_text(json.dumps(fewer))
    with pytest.raises(SegkitError, match="the segments do not fit the model"):
        read_segmentation(path)
    content["model"]["centres"][0].append(1.0)
    path.write_text(json.dumps(content))
    with pytest.raises(SegkitError, match="centres and preparations do not fit"):
        read_segmentation(path)


def test_a_missing_file_or_column_is_named(tmp_path):
    with pytest.raises(SegkitError, match="cannot be read"):
        read_segmentation(tmp_path / "nothing.json")
    customers = make_customers()
    segmentation = fit(customers)
    with pytest.raises(SegkitError, match="Did you mean 'recency_day'"):
        segmentation.assign(customers.rename(columns={"recency_days": "recency_day"}))
    with pytest.raises(SegkitError, match="'order_count' is not a number"):
        segmentation.assign(customers.astype({"order_count": str}))


def test_fewer_different_customers_than_segments_is_a_clear_error():
    same = make_customers(20).assign(recency_days=1.0, order_count=1, mean_order_value=2.0)
    with pytest.raises(SegkitError, match="at least 2 different customers"):
        fit(same, n=2)
