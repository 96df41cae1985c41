"""The verdict: no on noise, yes on clear groups, and reasons that can be checked."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segkit.core.errors import SegkitError, VerdictError
from segkit.models.columns import PreparedColumns
from segkit.models.prototypes import fit_prototypes
from segkit.plan.models import Criteria, Scheme
from segkit.validation.candidates import (
    bound_candidate,
    choose_explored,
    choose_segmentations,
    compare_candidates,
    follow_candidates,
    rate_candidates,
    rate_confidence,
)
from segkit.validation.resampling import draw_bootstraps, resample_prototypes
from segkit.validation.stability import summarise_stability
from segkit.validation.verdict import (
    choose_scheme,
    compare_steps,
    enforce_verdict,
    find_objection,
    list_limits,
)

AS_OF = datetime.date(2026, 6, 30)
SEEDS = {"as_of": AS_OF, "random_state": 5, "pairs": 10}
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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["normal", "uniform", "skewed"])
def test_noise_gets_a_no(kind, seed):
    rng = np.random.default_rng(seed)
    draw = {"normal": rng.normal, "uniform": rng.uniform, "skewed": rng.lognormal}[kind]
    segments = [(2, 3), (2, 2), (3, 3)][seed]
    candidates, choice = compare(draw(size=(300, 2 + seed)), segments, smallest_value_share=0)
    assert choice.verdict == "no"
    assert set(candidates.table["kind"]) <= {"none", "constructive"}
    assert candidates.table["faults"].str.contains("structure|stability").any()


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "clusters"), [(0, 3), (1, 4), (2, 2), (4, 2)])
def test_clear_groups_get_a_yes_and_are_found(seed, clusters):
    # Groups at the corners of a cube, far apart against their width.
    corners = 10 * np.eye(4)[:clusters]
    values, truth = make_blobs(300, centers=corners, cluster_std=1.0, random_state=seed)
    candidates, choice = compare(values, (clusters, clusters + 1), smallest_customer_share=0.02)
    assert (choice.verdict, choice.segment_count, choice.kind) == ("yes", clusters, "natural")
    segmentation = candidates.segmentations["behaviour", clusters]
    found = segmentation.assign(make_customers(values))["segment"]
    assert adjusted_rand_score(truth, found) > 0.98


def prepare(numbers: np.ndarray, codes: np.ndarray | None = None) -> PreparedColumns:
    codes = np.empty((len(numbers), 0)) if codes is None else codes
    return PreparedColumns((), (), numbers, codes.astype(np.int32))


def measure(rows: PreparedColumns, k: int) -> dict[str, float | str]:
    """What ten pairs of bootstrap samples say of the best k prototypes."""
    fit = fit_prototypes(rows.numbers, rows.codes, n_clusters=k, gamma=1.0, random_state=0)
    draws = draw_bootstraps(len(rows.numbers), pairs=10, random_state=0)
    options = {"segment_count": k, "gamma": 1.0, "random_state": 0}
    return summarise_stability(
        resample_prototypes(rows, fit.labels, draws, **options), least_structure=0.05
    )


def test_stability_is_one_for_groups_far_apart_and_low_for_noise():
    apart, _ = make_blobs(300, centers=[[0, 0], [9, 9]], cluster_std=0.5, random_state=0)
    found = measure(prepare(apart), 2)
    assert found["stability"] == pytest.approx(1)
    assert found["weakest_jaccard"] == pytest.approx(1)
    noise = np.random.default_rng(0).normal(size=(300, 4))
    found = measure(prepare(noise), 5)
    assert found["stability"] < 0.6
    assert found["kind"] == "none"


def test_structure_compares_with_shuffled_columns():
    # On the diagonal: two groups; shuffled, four corners, so two centres fit badly.
    apart, _ = make_blobs(300, centers=[[0, 0], [9, 9]], cluster_std=0.5, random_state=0)
    assert measure(prepare(apart), 2)["structure"] > 0.9
    assert measure(prepare(apart[:, :1]), 2)["structure"] == 0


@pytest.mark.slow
def test_structure_of_categories_is_none_where_they_are_independent():
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 400)
    told = np.column_stack([np.where(rng.random(400) < 0.9, kind, 1 - kind) for _ in range(5)])
    nothing = np.empty((400, 0))
    assert measure(prepare(nothing, told), 2)["structure"] > 0.3
    noise = rng.integers(0, 2, (400, 5))
    assert measure(prepare(nothing, noise), 2)["structure"] < 0.05


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    """Candidates of one k-means scheme, or more: scheme, k, explained, passes; all reproducible."""
    table = pd.DataFrame(rows, columns=["scheme", "segment_count", "explained_share", "passes"])
    fixed = {"method": "kmeans", "stability": 0.8, "explained_spend_share": 0.3}
    fixed |= {"kind": "reproducible", "structure": 0.2, "weakest_jaccard": 0.8}
    fixed |= {"weakest_segment": "Few", "closest_difference_sd": 1.0}
    fixed |= {"direction": "order_count, recency_days", "direction_share": 0.61}
    fixed |= {"outer_count": 0, "beyond_null": 0.0, "null_gain": 0.0, "parts_beyond_null": 0.0}
    fixed |= {"valley": 1.0, "null_valley": 0.8}
    return table.assign(
        smallest_customer_count=50,
        smallest_customer_share=np.where(table["passes"], 0.1, 0.01),
        smallest_value_share=0.1,
        smallest_segment="Tiny",
        poorest_segment="Poor",
        faults=np.where(table["passes"], "", "smallest_customer_share"),
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
    assert find_objection(table.iloc[0], table.iloc[1]) == "too_little"


@pytest.mark.parametrize(
    ("column", "value", "objection"),
    [
        ("weakest_jaccard", 0.7, "weak_segment"),
        ("closest_difference_sd", 0.4, "same_action"),
        ("explained_share", 0.4, "too_little"),
    ],
)
def test_each_step_says_what_it_adds_and_why_it_does_not_earn_its_place(column, value, objection):
    table = make_table(("b", 2, 0.4, True), ("b", 3, 0.5, True), ("b", 4, 0.7, False))
    steps = compare_steps(table)
    assert steps["segment_count"].tolist() == [3, 4]
    assert steps["added_explained_share"].tolist() == pytest.approx([0.1, 0.2])
    assert steps["added_stability"].tolist() == [0, 0]
    assert steps["earns_place"].tolist() == [True, False]
    assert steps["objection"].tolist() == ["", "refused"]
    table.loc[1, column] = value
    table["reproducible_share"] = 0.8 * table["explained_share"]
    refused = compare_steps(table).iloc[0]
    assert not refused["earns_place"]
    assert refused["objection"] == objection
    assert choose_scheme(table, Criteria()).segment_count == 2


def test_a_weak_segment_that_was_there_before_is_no_reason_against_a_further_one():
    table = make_table(("b", 2, 0.4, True), ("b", 3, 0.5, True))
    table["weakest_jaccard"] = [0.70, 0.71]
    assert choose_scheme(table, Criteria()).segment_count == 3
    table["weakest_jaccard"] = [0.70, 0.69]
    assert choose_scheme(table, Criteria()).segment_count == 2


def make_groups() -> pd.DataFrame:
    """Three groups of one scheme, found with three segments, of which none holds two."""
    table = make_table(
        ("b", 2, 0.3, True), ("b", 3, 0.5, True), ("b", 4, 0.52, True), ("b", 5, 0.9, True)
    )
    table["kind"] = ["reproducible", "natural", "reproducible", "reproducible"]
    table["null_gain"] = [0.2, 0.5, 0.53, 0.9]
    table["beyond_null"] = 1 - np.exp(-table["null_gain"])
    table["parts_beyond_null"] = [0.3, 0.0, 0.0, 0.0]
    table["valley"] = [0.1, 0.1, 0.9, 0.9]
    return table


def test_groups_are_neither_cut_nor_put_together():
    table = make_groups()
    choice = choose_scheme(table, Criteria())
    assert (choice.segment_count, choice.kind) == (3, "natural")
    assert find_objection(table.iloc[1], table.iloc[2]) == "cuts_groups"
    table.loc[2, "null_gain"] = 0.51  # one point tighter than without groups, two are asked
    assert find_objection(table.iloc[1], table.iloc[2]) == "no_tighter"


@pytest.mark.parametrize(
    ("column", "row", "value"), [("parts_beyond_null", 1, 0.03), ("valley", 2, 0.85)]
)
def test_a_segment_that_holds_two_groups_is_parted_though_the_two_are_no_natural_ones(
    column, row, value
):
    table = make_groups()
    table.loc[row, column] = value
    choice = choose_scheme(table, Criteria())
    assert (choice.segment_count, choice.kind) == (4, "reproducible")


def make_small_group() -> pd.DataFrame:
    """Three and four segments called groups; the fourth is small and adds little to the whole."""
    table = make_groups()
    table.loc[2, "kind"] = "natural"
    table.loc[2, "null_gain"] = 0.505
    return table


def test_a_small_group_earns_its_place_where_all_are_groups_and_each_is_found_again():
    table = make_small_group()
    choice = choose_scheme(table, Criteria())
    assert (choice.segment_count, choice.kind) == (4, "natural")
    assert find_objection(table.iloc[1], table.iloc[2]) == ""


@pytest.mark.parametrize(
    ("column", "value"), [("weakest_jaccard", 0.74), ("kind", "reproducible"), ("passes", False)]
)
def test_a_small_group_that_is_none_or_not_found_again_does_not(column, value):
    table = make_small_group()
    table.loc[2, column] = value
    assert choose_scheme(table, Criteria()).segment_count == 3


def test_beyond_such_groups_a_further_segment_must_part_one_of_them():
    table = make_small_group()
    assert find_objection(table.iloc[2], table.iloc[3]) == "cuts_groups"
    table.loc[3, "null_gain"] = 0.51
    assert find_objection(table.iloc[2], table.iloc[3]) == "no_tighter"


def test_what_exceeds_the_null_first_with_more_segments_is_found_there():
    table = make_groups()
    table.loc[0, ["beyond_null", "null_gain", "parts_beyond_null"]] = [0, 0.01, 0]
    assert choose_scheme(table, Criteria()).segment_count == 3


def test_of_what_misses_the_criteria_the_number_is_chosen_alike():
    table = make_groups().assign(passes=False, fault_count=1)
    choice = choose_scheme(table, Criteria())
    assert (choice.segment_count, choice.verdict) == (3, "no")


def test_natural_segments_win_within_five_points_but_not_beyond():
    table = make_table(("a", 2, 0.60, True), ("b", 4, 0.56, True), ("c", 3, 0.40, True))
    table["kind"] = ["constructive", "natural", "natural"]
    choice = choose_scheme(table, Criteria())
    assert (choice.scheme, choice.kind) == ("b", "natural")
    table.loc[1, "explained_share"] = 0.54
    assert choose_scheme(table, Criteria()).scheme == "a"


def test_the_best_explained_scheme_wins_and_a_near_tie_goes_to_fewer_segments():
    table = make_table(("a", 6, 0.60, True), ("b", 3, 0.57, True), ("c", 2, 0.40, True))
    choice = choose_scheme(table, Criteria())
    assert (choice.scheme, choice.verdict, choice.overruled) == ("b", "yes", False)


def test_the_plan_overrules_the_choice_but_not_the_verdict():
    table = make_table(("a", 3, 0.6, True), ("b", 4, 0.3, False))
    choice = choose_scheme(table, Criteria(final_scheme="b"))
    assert (choice.scheme, choice.segment_count, choice.verdict) == ("b", 4, "no")
    assert choice.overruled
    assert (choice.recommended_scheme, choice.recommended_count) == ("a", 3)
    same = choose_scheme(table, Criteria(final_scheme="a"))
    assert not same.overruled


def test_the_plan_may_overrule_a_no_which_stays_in_the_report():
    table = make_table(("a", 3, 0.6, False))
    criteria = Criteria(on_verdict="stop", overrule_reason="The board wants them")
    choice = choose_scheme(table, criteria)
    assert (choice.verdict, choice.overrule_reason) == ("no", "The board wants them")
    enforce_verdict(choice, criteria)
    stopped = Criteria(on_verdict="stop")
    with pytest.raises(VerdictError, match="verdict on the segments is no") as error:
        enforce_verdict(choose_scheme(table, stopped), stopped, reasons=["Refused: too small."])
    assert error.value.found == "Refused: too small."
    warned = Criteria(on_verdict="warn")
    enforce_verdict(choose_scheme(table, warned), warned)
    accepted = choose_scheme(make_table(("a", 3, 0.6, True)), criteria)
    assert (accepted.verdict, accepted.overrule_reason) == ("yes", "")


def test_a_segment_that_other_samples_do_not_find_again_is_named(candidates, shop):
    strict = Criteria(smallest_jaccard=1.0)
    customers, schemes = shop
    table = compare_candidates(customers, schemes[2:], strict, **SEEDS).table
    assert not table["passes"].any()
    assert table["faults"].str.contains("weakest_jaccard").all()


def test_evidence_has_a_row_a_segment_of_each_candidate(candidates, shop):
    ratings = rate_candidates(candidates)
    found = candidates.segmentations["behaviour", 3]
    own = ratings[(ratings["scheme"] == "behaviour") & (ratings["segment_count"] == 3)]
    assert own["segment_name"].tolist() == [found.names[n] for n in (1, 2, 3)]
    row = candidates.table.set_index(["scheme", "segment_count"]).loc[("behaviour", 3)]
    assert own["jaccard"].min() == row["weakest_jaccard"]
    paths = follow_candidates(candidates, "behaviour").nodes
    assert paths["segment_count"].tolist() == [2, 2, 3, 3, 3]
    assert paths["segment_name"].tolist()[2:] == own["segment_name"].tolist()
    bounds = bound_candidate(candidates, "behaviour", 3)
    assigned = found.assign(shop[0])
    assert bounds["mean_value"].tolist() == pytest.approx(
        assigned.groupby("segment")["total_spend"].mean().tolist()
    )
    assert rate_confidence(candidates, "behaviour", 3)["customer_id"].tolist() == sorted(
        shop[0]["customer_id"]
    )


def test_what_is_looked_at_closely_was_found_in_the_data(candidates):
    choice = choose_scheme(candidates.table, Criteria(final_scheme="tiers"))
    assert choice.scheme == "tiers"
    assert choose_explored(candidates, choice)[0] == "behaviour"
    own = choose_scheme(candidates.table, Criteria(final_scheme="behaviour"))
    assert choose_explored(candidates, own) == ("behaviour", own.segment_count)
    chosen = choose_segmentations(candidates, choice)
    assert {name: len(found.segments) for name, found in chosen.items()}["tiers"] == 3
    assert set(chosen) == {"tiers", "rfm", "behaviour"}


def test_a_candidate_names_every_criterion_that_it_misses(shop):
    customers, schemes = shop
    strict = Criteria(smallest_customer_share=0.4, most_segments=2)
    table = compare_candidates(customers, schemes[::2], strict, **SEEDS).table
    rows = table.set_index(["scheme", "segment_count"])
    assert rows.loc[("tiers", 3), "faults"] == "most_segments, smallest_customer_share"
    assert (
        (table["fault_count"] == table["faults"].str.split(", ").str.len())
        .where(~table["passes"], True)
        .all()
    )
    assert choose_scheme(table, strict).verdict == "no" or table["passes"].any()
    limits = list_limits(strict).set_index("criterion")["limit"]
    assert limits["most_segments"] == 2
    assert limits["smallest_customer_share"] == 0.4


def test_the_smallest_segment_is_counted_of_those_who_were_fitted(candidates):
    table = candidates.table
    shares = table["smallest_customer_count"] / candidates.fitted_count
    assert shares.tolist() == table["smallest_customer_share"].tolist()


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
    found = compare_candidates(spend, schemes[::2], Criteria(), **SEEDS)
    assert found.table["scheme"].iloc[0] == "tiers"
    assert set(found.refused["scheme"]) == {"behaviour"}
    assert found.refused["why"].str.contains("column" if fill != 3 else "2 segments need").any()


def test_customers_who_are_all_alike_get_a_no_in_plain_words(shop):
    customers, schemes = shop
    alike = customers.assign(recency_days=1, order_count=1, total_spend=0)
    found = compare_candidates(alike, schemes[::2], Criteria(), **SEEDS).table
    choice = choose_scheme(found, Criteria())
    assert choice.verdict == "no"
    assert found["faults"].str.contains("no_spend").all()


@pytest.mark.slow
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
    assert "one_class" in table.loc["noise", "faults"]


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
