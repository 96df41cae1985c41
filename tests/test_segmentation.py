"""Fitting, the JSON document, and the one implementation of assigning."""

from __future__ import annotations

import datetime
import json

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from segkit.core.errors import SegkitError
from segkit.models.columns import learn_levels
from segkit.models.prototypes import assign_prototypes
from segkit.plan.models import Scheme
from segkit.segmentation.documents import Segmentation, fit_segmentation, read_segmentation
from segkit.segmentation.names import name_segments
from segkit.segmentation.preparation import prepare_columns

AS_OF = datetime.date(2026, 6, 30)
COLUMNS = ("recency_days", "order_count", "mean_order_value")
MIXED = (*COLUMNS, "favourite_channel", "customer_type", "has_loyalty_card")
ANSWERS = ("favourite_channel", "customer_type", "has_loyalty_card", "rating")
LIKERT = ("answer_1", "answer_2", "answer_3", "answer_4")
RULES = (
    {"name": "Big and near", "when": "total_spend >= 100 and recency_days < 200"},
    {"name": "Web", "when": "favourite_channel in ('web', 'Zoë''s <b>') or has_loyalty_card"},
)


def make_scheme(method: str, columns: tuple[str, ...] = (), **more) -> Scheme:
    own = {"name": "s", "goal": "g", "base": "value", "method": method, "columns": columns}
    return Scheme(**own, **more)


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
    channels = ["web", "shop", "Zoë's <b>", "post 😀", None]
    shares = [0.5, 0.28, 0.1, 0.02, 0.1]
    customers["favourite_channel"] = rng.choice(channels, count, p=shares)
    customers["customer_type"] = pd.Categorical(rng.choice(["person", "business"], count))
    customers["has_loyalty_card"] = pd.array(rng.choice([True, False, None], count), "boolean")
    customers["rating"] = np.where(rng.random(count) < 0.2, np.nan, rng.integers(1, 6, count))
    agreeing = rng.normal(size=count)
    for number in range(1, 5):
        answer = np.clip(np.round(3 + agreeing + rng.normal(size=count)), 1, 5)
        customers[f"answer_{number}"] = np.where(rng.random(count) < 0.1, np.nan, answer)
    customers["is_member"] = pd.array(rng.choice([True, False, None], count), "boolean")
    return customers


SCHEMES = {
    "kmeans": make_scheme("kmeans", COLUMNS),
    "yes_no": make_scheme("kmeans", ("has_loyalty_card", "is_member")),
    "style": make_scheme("kmeans", LIKERT, answer_style="removed"),
    "style_ignore": make_scheme("kmeans", LIKERT, answer_style="removed", missing="ignore"),
    "mixed": make_scheme("kprototypes", MIXED),
    "mixed_ignore": make_scheme("kprototypes", MIXED, missing="ignore", gamma=0.5),
    "kmodes": make_scheme("kprototypes", ANSWERS, categorical=("rating",)),
    "latent": make_scheme("latent_classes", ANSWERS),
    "rules": make_scheme("rules", rules=RULES),
    "rfm": make_scheme("rfm"),
    "tiers": make_scheme("tiers"),
}
COUNTS = {"kmeans": 4, "rfm": 6, "latent": 2}
METHODS = list(SCHEMES)


def fit(customers: pd.DataFrame, method: str = "kmeans", n: int | None = None):
    n, scheme = n or COUNTS.get(method, 3), SCHEMES[method]
    return fit_segmentation(customers, scheme, n_segments=n, as_of=AS_OF, random_state=3)[0]


PROTOTYPES = [
    "kmeans", "yes_no", "style", "style_ignore", "mixed", "mixed_ignore", "kmodes",
]  # fmt: skip


def predict(segmentation, prepared) -> np.ndarray:
    """The estimator's own assignment from the document's numbers, in its order of segments."""
    model = segmentation.model
    modes = [
        [own.levels.index(mode) for own, mode in zip(model.levels, row, strict=True)]
        for row in model.modes
    ]
    centres = np.array(model.centres)
    labels, squares = assign_prototypes(
        prepared.numbers, prepared.codes, centres=centres, modes=np.array(modes), gamma=model.gamma
    )
    return np.column_stack([labels + 1, np.sqrt(squares)])


@pytest.mark.slow
@pytest.mark.parametrize("method", PROTOTYPES)
def test_prototypes_assign_like_the_estimator_row_by_row(method):
    customers = make_customers()
    segmentation = fit(customers, method)
    prepared = prepare_columns(customers, SCHEMES[method])
    assert prepared.preparations == segmentation.model.preparations
    assert prepared.levels == segmentation.model.levels
    expected = predict(segmentation, prepared)
    found = segmentation.assign(customers)
    assert found["segment"].tolist() == expected[:, 0].tolist()
    np.testing.assert_allclose(found["distance"], expected[:, 1], rtol=1e-12)


def test_a_customer_between_two_centres_goes_to_the_lower_number_as_in_the_estimator():
    # Columns as they are (mean 0, sd 1); centres 0, 2 and 4: 1 and 3 are ties.
    segmentation = fit(make_customers(), n=3)
    content = json.loads(segmentation.to_json())
    plain = {"fill": 0, "lower": -9, "upper": 9, "transform": "none", "mean": 0, "sd": 1}
    plain |= {"smallest": -99, "largest": 99}
    content["model"]["preparations"] = [{"column": "x", **plain}]
    content["model"]["centres"] = [[0.0], [2.0], [4.0]]
    content["model"]["modes"] = [[], [], []]
    edited = Segmentation.model_validate_json(json.dumps(content))
    rows = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0, np.nan, 99.0]})
    found = edited.assign(rows)
    assert found["segment"].tolist() == [1, 1, 2, 2, 3, 1, 3]
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
    # Of those who ordered, sorted 1 1 2 2 3 8 8 9 9: the same places.
    assert frequency.cuts == pytest.approx((1.6, 2.2, 7, 8.4))
    found = segmentation.assign(customers)
    # Points R, F, M: 5 5 5 | 5 1 1, one order | 4 4 5 | ... | no order at all.
    names = found["segment_name"].tolist()
    assert names[:3] == ["Champions", "Promising", "Champions"]
    assert names[5:7] == ["At risk", "At risk"]
    assert names[8:] == ["Lost", "No order"]
    assert found["confidence"].tolist() == pytest.approx([1] * 9 + [2 / 3])


@pytest.mark.parametrize("count", [2, 3, 4, 5, 6])
def test_rfm_never_gives_more_segments_than_asked(count):
    segmentation = fit(make_customers(), "rfm", count)
    assert len(segmentation.segments) == count
    assert sum(segment.customer_count for segment in segmentation.segments) == 400


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_json_there_and_back_assigns_identically(tmp_path, method):
    customers = make_customers()
    segmentation = fit(customers, method)
    segmentation.write_json(tmp_path / "segmentation.json")
    again = read_segmentation(tmp_path / "segmentation.json")
    assert again == segmentation
    pd.testing.assert_frame_equal(again.assign(customers), segmentation.assign(customers))


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_table_of_the_engine_and_a_dataframe_get_the_same_segments(method):
    customers = make_customers().astype({"customer_type": "str"})
    segmentation = fit(customers, method)
    table = ibis.duckdb.connect().create_table("customers", customers)
    there = segmentation.assign(table).order_by("customer_id").to_pandas()
    here = segmentation.assign(customers)
    assert list(there.columns) == list(here.columns)
    added = ["customer_id", *segmentation.result_columns]
    pd.testing.assert_frame_equal(there[added], here[added], check_dtype=False)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_fitting_does_not_depend_on_the_order_of_rows(method):
    customers = make_customers()
    shuffled = customers.sample(frac=1, random_state=1)
    one, other = fit(customers, method), fit(shuffled, method)
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


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["web", "shop", "person", "true"]),
)
ROW = st.tuples(*[st.floats(width=64) | st.none()] * 5, *[ANYTHING] * 3)
NAMES = (*COLUMNS, "total_spend", "rating", "favourite_channel", "customer_type")


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(ROW, min_size=1, max_size=8))
def test_whatever_comes_every_row_gets_exactly_one_segment(values, fitted):
    rows = pd.DataFrame(values, columns=[*NAMES, "has_loyalty_card"])
    rows[list(NAMES[:5])] = rows[list(NAMES[:5])].astype(float)
    rows["has_loyalty_card"] = rows["has_loyalty_card"].map(lambda v: v if v is True else None)
    rows["is_member"] = rows["has_loyalty_card"]
    rows[list(LIKERT)] = rows[list(NAMES[:4])]
    texts = ["favourite_channel", "customer_type"]
    rows[texts] = rows[texts].map(lambda v: v if v is None else str(v))
    for segmentation in fitted:
        # Forwards and backwards: what a row gets does not depend on its place, nor on the others.
        twice = segmentation.assign(pd.concat([rows, rows[::-1]]))
        found, backwards = twice[: len(rows)], twice[len(rows) :]
        assert len(twice) == 2 * len(rows)
        assert set(found["segment"]) <= set(segmentation.names)
        assert found["segment_name"].tolist() == [segmentation.names[n] for n in found["segment"]]
        assert found["confidence"].between(0, 1).all()
        pd.testing.assert_frame_equal(backwards.sort_index(), found)
        alone = segmentation.assign(rows[:1])
        assert alone["segment"].tolist() == found["segment"].tolist()[:1]


@pytest.fixture(scope="module")
def fitted():
    return [fit(make_customers(), method) for method in METHODS]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["mixed", "kmodes", "latent"])
def test_other_words_for_the_same_levels_give_the_same_partition(method):
    customers = make_customers()
    words = {"web": "zzz", "shop": "aaa", "Zoë's <b>": "mmm", "post 😀": "b"}
    renamed = customers.assign(favourite_channel=customers["favourite_channel"].map(words))
    one, other = (fit(table, method).assign(table) for table in (customers, renamed))
    assert adjusted_rand_score(one["segment"], other["segment"]) == pytest.approx(1)


def test_what_the_fit_has_never_seen_is_placed_and_flagged():
    customers = make_customers()
    segmentation = fit(customers, "mixed")
    usual = customers.dropna().head(1)
    strange = pd.concat([usual] * 4, ignore_index=True)
    strange.loc[1, "favourite_channel"] = "carrier pigeon"
    strange.loc[2, "mean_order_value"] = 1e300
    strange.loc[3, ["recency_days", "has_loyalty_card"]] = np.nan
    counts = segmentation.count_unusual(strange).set_index("column")
    assert counts["new_count"].to_dict() == {
        **dict.fromkeys(MIXED, 0), "favourite_channel": 1, "mean_order_value": 1
    }  # fmt: skip
    assert counts.loc[["recency_days", "has_loyalty_card"], "missing_count"].tolist() == [1, 1]
    assert counts["missing_count"].sum() == 2
    assert counts["customer_count"].tolist() == [4] * len(MIXED)
    placed = segmentation.assign(strange)
    # Whatever the distances say, confidence is at most the share of values that are known.
    assert (placed["confidence"] <= [1, 5 / 6, 5 / 6, 4 / 6]).all()
    assert segmentation.count_unusual(customers)["new_count"].sum() == 0


def test_a_rare_level_is_pooled_and_a_new_one_joins_it():
    texts = ["a"] * 500 + ["b"] * 400 + ["c"] * 6 + ["d"] * 2 + [None] * 92
    levels, codes = learn_levels(pd.DataFrame({"x": [*texts, *["e"] * 200]}), "x")
    # Of 1,200 customers six are half a per cent; of d there are too few to be named at all.
    assert levels.levels == ("a", "b", "e", "c", "(other)", "(missing)")
    assert levels.pooled == ()
    assert np.bincount(codes).tolist() == [500, 400, 200, 6, 2, 92]
    levels, codes = learn_levels(pd.DataFrame({"x": texts * 2}), "x", missing="ignore")
    assert levels.levels == ("a", "b", "c", "(other)")
    table = ibis.memtable({"x": ["c", "d", "new", None]})
    value = levels.take(table)
    found = table.select(other=levels.match(value, "(other)"), new=levels.find_new(value))
    assert found.to_pandas()["other"].tolist() == [False, True, True, False]
    assert found.to_pandas()["new"].tolist() == [False, True, True, False]


def test_segment_one_is_the_most_valuable_and_names_are_unique():
    customers = make_customers(1000)
    found = fit(customers, n=6).assign(customers)
    means = found.groupby("segment")["total_spend"].mean()
    assert means.is_monotonic_decreasing
    assert found.groupby("segment_name")["segment"].nunique().tolist() == [1] * 6


def test_names_say_what_sets_a_cluster_apart():
    traits = [
        [("recent", 1.0), ("frequent", 0.9)],
        [("long gone", 1.0), ("frequent", 0.0)],
        [("recent", 0.1)],
    ]
    assert name_segments(traits) == ["Recent, frequent", "Long gone", "Close to average"]
    base = [("recent", 1.0), ("frequent", 1.0)]
    same = name_segments([[*base, ("big baskets", 0.2)], [*base, ("small baskets", 0.2)]])
    assert same == ["Recent, frequent, big baskets", "Recent, frequent, small baskets"]
    assert name_segments([[("high x", 1.0)], [("high x", 2.0)]]) == ["High x", "High x (2)"]


def test_names_of_mixed_segments_tell_the_level_that_stands_out():
    customers = make_customers(300)
    customers["favourite_channel"] = ["web"] * 100 + ["shop"] * 100 + [None] * 100
    customers["has_loyalty_card"] = [True] * 200 + [False] * 100
    customers["total_spend"] = [3.0] * 100 + [2.0] * 100 + [1.0] * 100
    scheme = make_scheme("kprototypes", ("favourite_channel", "has_loyalty_card"))
    found, _ = fit_segmentation(customers, scheme, n_segments=3, as_of=AS_OF, random_state=0)
    assert list(found.names.values()) == [
        "By web, with a loyalty card",
        "By shop, with a loyalty card",
        "Favourite channel unknown, without a loyalty card",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "schema_version None"),
        ('{"schema_version": 99}', "schema_version 99"),
        ('{"schema_version": true}', "schema_version True"),
        ('{"schema_version": 1}', "schema_version 1"),
        ('{"schema_version": 2}', "damaged at scheme"),
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
    with pytest.raises(SegkitError, match="centres, modes and columns do not fit"):
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
