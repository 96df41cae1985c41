"""The verdict: no on noise, yes on clear groups, and reasons that can be checked."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segkit.errors import SegkitError
from segkit.plan import Criteria, Scheme
from segkit.segments.criteria import choose_scheme, compare_candidates
from segkit.segments.preparation import Prepared
from segkit.segments.stability import measure_prototype_stability, measure_structure

AS_OF = datetime.date(2026, 6, 30)
SEEDS = {"as_of": AS_OF, "random_state": 5}
KMEANS = {"goal": "g", "base": "behavioural", "method": "kmeans"}
TIERS = Scheme(name="tiers", goal="g", base="value", method="tiers", segments=3)
RFM = Scheme(name="rfm", goal="g", base="value", method="rfm", segments=6)


def make_customers(values: np.ndarray) -> pd.DataFrame:
    customers = pd.DataFrame(values, columns=[f"x{i}" for i in range(values.shape[1])])
    customers["customer_id"] = [f"c{i:05}" for i in range(len(values))]
    spend = np.random.default_rng(1).lognormal(4, 1, len(values))
    return customers.assign(total_spend=spend)


def compare(values: np.ndarray, segments: tuple[int, int], **criteria):
    columns = tuple(f"x{i}" for i in range(values.shape[1]))
    scheme = Scheme(name="behaviour", columns=columns, segments=segments, **KMEANS)
    given = Criteria(**criteria)
    candidates = compare_candidates(make_customers(values), [scheme], given, **SEEDS)
    return candidates, choose_scheme(candidates.table, given)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["normal", "uniform", "skewed"])
def test_noise_gets_a_no(kind, seed):
    rng = np.random.default_rng(seed)
    draw = {"normal": rng.normal, "uniform": rng.uniform, "skewed": rng.lognormal}[kind]
    segments = [(2, 3), (2, 2), (3, 3)][seed]
    _, choice = compare(draw(size=(300, 2 + seed)), segments, smallest_value_share=0)
    assert choice.verdict == "no"
    assert any("shuffled" in reason or "stability" in reason for reason in choice.reasons)


@pytest.mark.parametrize(("seed", "clusters"), [(0, 3), (1, 4), (2, 2)])
def test_clear_groups_get_a_yes_and_are_found(seed, clusters):
    # Groups at the corners of a cube, far apart against their width.
    corners = 10 * np.eye(4)[:clusters]
    values, truth = make_blobs(300, centers=corners, cluster_std=1.0, random_state=seed)
    candidates, choice = compare(values, (clusters, clusters + 1), smallest_customer_share=0.02)
    assert (choice.verdict, choice.segment_count) == ("yes", clusters)
    segmentation = candidates.segmentations["behaviour", clusters]
    found = segmentation.assign(make_customers(values))["segment"]
    assert adjusted_rand_score(truth, found) > 0.98


def prepare(numbers: np.ndarray, codes: np.ndarray | None = None) -> Prepared:
    codes = np.empty((len(numbers), 0)) if codes is None else codes
    return Prepared((), (), numbers, codes.astype(np.int32))


STEADY = {"gamma": 1.0, "random_state": 0}


def test_stability_is_one_for_groups_far_apart_and_low_for_noise():
    apart, _ = make_blobs(300, centers=[[0, 0], [9, 9]], cluster_std=0.5, random_state=0)
    assert measure_prototype_stability(prepare(apart), 2, **STEADY) == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(300, 4))
    assert measure_prototype_stability(prepare(noise), 5, **STEADY) < 0.6


def test_structure_compares_with_shuffled_columns():
    # On the diagonal: two groups; shuffled, four corners, so two centres fit badly.
    apart, _ = make_blobs(300, centers=[[0, 0], [9, 9]], cluster_std=0.5, random_state=0)
    assert measure_structure(prepare(apart), 2, **STEADY) > 0.9
    assert measure_structure(prepare(apart[:, :1]), 2, **STEADY) == 0


def test_structure_of_categories_is_none_where_they_are_independent():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 400)
    told = np.column_stack([np.where(rng.random(400) < 0.9, kind, 1 - kind) for _ in range(5)])
    nothing = np.empty((400, 0))
    assert measure_structure(prepare(nothing, told), 2, **STEADY) > 0.3
    noise = rng.integers(0, 2, (400, 5))
    assert measure_structure(prepare(nothing, noise), 2, **STEADY) < 0.05


@pytest.fixture(scope="module")
def shop():
    """Five hundred customers whose orders, spend and recency hang together."""
    rng = np.random.default_rng(2)
    level = rng.normal(size=500)
    orders = 1 + rng.poisson(np.exp(0.8 + 0.6 * level))
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i:04}" for i in range(500)],
            "recency_days": (rng.exponential(80, 500) * np.exp(-0.5 * level)).round(),
            "order_count": orders,
            "total_spend": (orders * rng.lognormal(3, 0.5, 500)).round(2),
        }
    )
    columns = ("recency_days", "order_count")
    schemes = [TIERS, RFM, Scheme(name="behaviour", columns=columns, segments=(2, 3), **KMEANS)]
    return customers, schemes


@pytest.fixture(scope="module")
def candidates(shop):
    return compare_candidates(*shop, Criteria(), **SEEDS)


def test_every_scheme_and_number_of_segments_has_a_row(candidates):
    table = candidates.table
    assert set(zip(table["scheme"], table["segment_count"], strict=True)) == set(
        candidates.segmentations
    )
    assert table.loc[table["scheme"] == "behaviour", "segment_count"].tolist() == [2, 3]
    shares = table[["smallest_customer_share", "explained_spend_share", "explained_share"]]
    assert shares.to_numpy().min() >= 0
    assert shares.to_numpy().max() <= 1


def test_figures_agree_with_the_segments(shop, candidates):
    customers = shop[0]
    found = candidates.segmentations["tiers", 3].assign(customers)
    row = candidates.table.set_index(["scheme", "segment_count"]).loc[("tiers", 3)]
    assert row["smallest_customer_share"] == found["segment"].value_counts().min() / 500
    spend = found.groupby("segment")["total_spend"].sum()
    assert row["smallest_value_share"] == pytest.approx(spend.min() / spend.sum())


def test_the_same_seed_gives_the_same_table_whatever_the_order_of_rows(shop, candidates):
    customers, schemes = shop
    again = compare_candidates(customers[::-1], schemes, Criteria(), **SEEDS)
    pd.testing.assert_frame_equal(again.table, candidates.table)


def test_rfm_merges_neighbours_until_every_segment_is_large_enough(shop):
    customers, _ = shop
    found = compare_candidates(customers, [RFM], Criteria(smallest_customer_share=0.1), **SEEDS)
    assert found.table["segment_count"].tolist()[0] == 6
    assert not found.table["passes"].iloc[0]
    assert found.table["passes"].iloc[-1]
    assert found.table["segment_count"].is_monotonic_decreasing


def make_table(*rows: tuple) -> pd.DataFrame:
    """Candidates of one k-means scheme, or more: scheme, k, explained, passes."""
    table = pd.DataFrame(rows, columns=["scheme", "segment_count", "explained_share", "passes"])
    fixed = {"method": "kmeans", "stability": 0.8, "explained_spend_share": 0.3}
    reason = table["passes"].map({True: "meets every criterion", False: "too small"})
    return table.assign(
        smallest_customer_share=0.1,
        reason=reason,
        fault_count=1 - table["passes"].astype(int),
        reproducible_share=table["explained_share"] * 0.8,
        **fixed,
    )


def test_each_further_segment_must_earn_its_place():
    # Times stability .8: 3 adds .08 to 2; 4 adds .032, 6 adds .112 for three, both too little.
    table = make_table(
        ("b", 2, 0.4, True), ("b", 3, 0.5, True), ("b", 4, 0.54, True), ("b", 6, 0.64, True)
    )
    assert choose_scheme(table, Criteria()).segment_count == 3


def test_a_further_segment_that_another_sample_would_not_find_does_not_count():
    table = make_table(("b", 2, 0.40, True), ("b", 3, 0.50, True))
    table["reproducible_share"] = table["explained_share"] * [0.95, 0.70]  # .38 against .35
    choice = choose_scheme(table, Criteria())
    assert choice.segment_count == 2
    assert any("does not earn its place" in reason for reason in choice.reasons)


def test_the_best_explained_scheme_wins_and_a_near_tie_goes_to_fewer_segments():
    table = make_table(("a", 6, 0.60, True), ("b", 3, 0.57, True), ("c", 2, 0.40, True))
    choice = choose_scheme(table, Criteria())
    assert (choice.scheme, choice.verdict, choice.overruled) == ("b", "yes", False)


def test_the_plan_overrules_the_choice_but_not_the_verdict():
    table = make_table(("a", 3, 0.6, True), ("b", 4, 0.3, False))
    choice = choose_scheme(table, Criteria(final_scheme="b"))
    assert (choice.scheme, choice.segment_count, choice.verdict) == ("b", 4, "no")
    assert choice.overruled
    assert any("a with 3 segments would be recommended" in reason for reason in choice.reasons)
    assert any("Refused: too small" in reason for reason in choice.reasons)
    same = choose_scheme(table, Criteria(final_scheme="a"))
    assert not same.overruled


def test_reasons_name_what_was_refused_and_by_how_much(shop):
    customers, schemes = shop
    strict = Criteria(smallest_customer_share=0.4, most_segments=2)
    found = compare_candidates(customers, schemes[::2], strict, **SEEDS)
    text = " ".join(choose_scheme(found.table, strict).reasons)
    assert "below 40.0%" in text
    assert "3 segments, the plan allows 2" in text
    assert choose_scheme(found.table, strict).verdict == "no" or found.table["passes"].any()


def test_too_few_customers_are_refused_with_the_numbers(shop):
    customers, schemes = shop
    with pytest.raises(
        SegkitError, match="tiers cannot be fitted: 3 segments need 30 customers, there are 5"
    ):
        compare_candidates(customers.head(5), schemes, Criteria(), **SEEDS)


@pytest.mark.parametrize("fill", [np.nan, None, 3.0])
def test_columns_without_values_or_differences_give_a_clear_message(shop, fill):
    customers, schemes = shop
    empty = customers.assign(recency_days=fill, order_count=fill, total_spend=fill)
    reason = "'recency_days' has no values" if fill != 3 else "at least 2 different customers"
    with pytest.raises(SegkitError, match=reason):
        compare_candidates(empty, schemes[2:], Criteria(), **SEEDS)
    # Spend alone is known: tiers can be cut, and the reasons say why the others cannot.
    spend = empty.assign(total_spend=customers["total_spend"])
    found = compare_candidates(spend, schemes[::2], Criteria(), **SEEDS).table
    text = " ".join(choose_scheme(found, Criteria()).reasons)
    assert found["scheme"].iloc[0] == "tiers"
    assert f"behaviour cannot be fitted: {'column' if fill != 3 else '2 segments need'}" in text
    assert "nan" not in text


def test_customers_who_are_all_alike_get_a_no_in_plain_words(shop):
    customers, schemes = shop
    alike = customers.assign(recency_days=1, order_count=1, total_spend=0)
    found = compare_candidates(alike, schemes[::2], Criteria(), **SEEDS).table
    choice = choose_scheme(found, Criteria())
    assert choice.verdict == "no"
    assert "there is no spend to share out" in " ".join(choice.reasons)
    assert "nan" not in " ".join(choice.reasons)


def test_reasons_are_written_for_people():
    table = make_table(("value_tiers", 3, 0.600, True), ("b", 3, 0.598, True), ("b", 4, 0.61, True))
    reasons = choose_scheme(table, Criteria()).reasons
    assert reasons[0].startswith("value tiers with 3 segments")
    assert "b with 3 segments meets every criterion too; it explains as much" in reasons[1]
    assert "explains 1 point more of the differences" in reasons[2]


def test_latent_classes_are_refused_where_one_class_says_as_much():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300)
    answers = {f"told_{i}": np.where(rng.random(300) < 0.85, kind, 1 - kind) for i in range(5)}
    noise = {f"noise_{i}": rng.integers(0, 2, 300) for i in range(5)}
    names = [f"c{i:03}" for i in range(300)]
    customers = pd.DataFrame({"customer_id": names, **answers, **noise})
    own = {"goal": "g", "base": "needs", "method": "latent_classes", "segments": (2, 2)}
    schemes = [
        Scheme(name="told", columns=tuple(answers), **own),
        Scheme(name="noise", columns=tuple(noise), **own),
    ]
    table = compare_candidates(customers, schemes, Criteria(), **SEEDS).table.set_index("scheme")
    assert table.loc["told", "passes"]
    assert table.loc["told", "stability"] > 0.8
    assert "a single class describes the answers as well" in table.loc["noise", "reason"]


def test_a_rule_that_nobody_meets_today_is_no_segment_that_is_too_small():
    customers = pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(100)], "total_spend": 5.0})
    customers.loc[:39, "total_spend"] = 50.0
    rules = [
        {"name": "Rich", "when": "total_spend > 1000"},
        {"name": "Good", "when": "total_spend > 10"},
    ]
    own = {"name": "r", "goal": "g", "base": "value", "method": "rules", "rules": rules}
    table = compare_candidates(customers, [Scheme(**own)], Criteria(), **SEEDS).table
    assert table["segment_count"].tolist() == [3]
    assert table["smallest_customer_share"].tolist() == [0.4]
    assert table["passes"].all()
