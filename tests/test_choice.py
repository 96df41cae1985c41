"""What the report says of the choice: the verdict, its reasons, and what is too small to tell."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from test_verdict import make_table

from segkit.core.findings import Figure
from segkit.core.privacy import Published
from segkit.plan.models import Criteria
from segkit.report import candidates, choice
from segkit.report.shared.sentences import write_figure
from segkit.validation.verdict import (
    SchemeChoice,
    choose_scheme,
    compare_steps,
    find_faults,
    list_limits,
)

NO_REFUSALS = pd.DataFrame(columns=["scheme", "why", "by_gate"])
NO_GATES = pd.DataFrame(columns=["scheme", "requirement", "status", "customer_count"])
NOTHING_MERGED = pd.DataFrame(columns=["scheme", "segment_count", "merged_count", "by_rules"])


def publish_table(table: pd.DataFrame) -> Published:
    return publish(table, candidates.CANDIDATES)


def tell(
    table: pd.DataFrame,
    criteria: Criteria | None = None,
    *,
    chosen: SchemeChoice | None = None,
    merged: pd.DataFrame = NOTHING_MERGED,
) -> list[str]:
    """Return the verdict and its reasons in words."""
    criteria = criteria or Criteria()
    told = choice.state_choice(
        chosen or choose_scheme(table, criteria),
        publish_table(table),
        limits=publish(list_limits(criteria), candidates.LIMITS),
        refused=publish(NO_REFUSALS, choice.REFUSED),
        gates=publish(NO_GATES, candidates.GATES),
        merged=publish(merged, choice.MERGED),
    )
    return read_texts(told)


def make_faulty(**changes: object) -> pd.DataFrame:
    """Return one candidate that misses criteria, named as `find_faults` names them."""
    known = {"placed_share": 1.0, "reach": 0.9, **changes}
    table = make_table(("b", 3, 0.5, True)).assign(**known)
    faults = find_faults(table.iloc[0].to_dict(), Criteria())
    return table.assign(faults=", ".join(faults), fault_count=len(faults), passes=not faults)


def test_the_chosen_scheme_is_told_with_what_it_is_and_holds():
    told = tell(make_table(("my_scheme", 3, 0.5, True)))
    assert told == [
        "Use my scheme with 3 segments. No groups were found: customers are cut where they differ "
        "most, in orders and days since the last order (61% of the differences in it lie between "
        "the segments).",
        "my scheme with 3 segments: reproducible, no groups were found, but customers are cut "
        "along a direction in which they really differ; another sample would be cut alike; "
        "stability 0.80, of the weakest segment 0.80; it explains 50.0% of the differences "
        "between customers and 30.0% of those in net spend; the smallest segment has 10.0% of "
        "customers.",
        "Hardly more is found than in data without groups that depend as these do.",
    ]


@pytest.mark.parametrize(
    ("changes", "verdict", "evidence"),
    [
        (
            {"kind": "natural", "beyond_null": 0.31, "valley": 0.12},
            "They are groups, with few customers between them.",
            "They are 31% tighter than what is cut in data without groups that depend as these do; "
            "between any two of them customers are at most 12% as dense as in the thinner one.",
        ),
        (
            {"beyond_null": 0.08, "valley": 0.9},
            "No groups were found: customers are cut where they differ most, in orders and days "
            "since the last order (61% of the differences in it lie between the segments).",
            "They are 8% tighter than what is cut in data without groups that depend as these do, "
            "but no clear valley parts them all: between two of them customers are 90% as dense as "
            "in the thinner one.",
        ),
        (
            {"kind": "classes", "method": "latent_classes", "beyond_null": 0.4, "valley": np.nan},
            "They are classes: answers hang together more than one trait would make them. Whether "
            "there are gaps between the classes cannot be seen.",
            "They gain 40% more than classes of answers that follow traits and have no groups: "
            "more than a trait is in these answers.",
        ),
        (
            {"method": "tiers", "kind": "constructive", "beyond_null": np.nan, "valley": np.nan},
            "No groups were found: customers are cut by rule.",
            "It is a cut by rule: it finds no natural groups.",
        ),
        (
            {"direction": "", "direction_share": np.nan},
            "No groups were found: customers are cut where they differ most.",
            "Hardly more is found than in data without groups that depend as these do.",
        ),
    ],
)
def test_a_yes_says_of_which_kind_it_is_and_why(changes, verdict, evidence):
    told = tell(make_table(("b", 3, 0.5, True)).assign(**changes))
    assert told[0] == f"Use b with 3 segments. {verdict}"
    assert told[2] == evidence


def test_groups_inside_fewer_groups_are_told_as_such():
    table = make_table(("b", 4, 0.5, True)).assign(kind="natural", beyond_null=0.3, valley=0.3)
    assert "The 4 lie inside 3 larger ones, which are groups as well." in tell(
        table.assign(outer_count=3)
    )
    assert not any("lie inside" in text for text in tell(table))


def test_spend_that_is_not_known_is_not_told():
    told = tell(make_table(("b", 3, 0.5, True)).assign(explained_spend_share=np.nan))
    assert "between customers; the smallest segment" in told[1]


def test_rules_are_called_a_cut():
    told = tell(make_table(("b", 3, 0.5, True)).assign(method="rfm"))
    assert told[2] == "It is a cut by rule: it finds no natural groups."


def test_other_schemes_are_compared_in_points():
    table = make_table(("value_tiers", 3, 0.600, True), ("b", 3, 0.598, True), ("b", 4, 0.61, True))
    told = tell(table)
    assert told[0].startswith("Use value tiers with 3 segments. No groups were found")
    assert told[3] == (
        "b with 3 segments meets every criterion too; it explains as much of the differences, "
        "with stability 0.80."
    )
    assert told[4] == (
        "b with 4 segments explains 1 point more of the differences, with stability 0.80: beside "
        "its 3 segments the further segment does not earn its place, for too little more is "
        "explained that another sample would find again."
    )
    table.loc[1, "explained_share"] = 0.56
    assert "it explains 4 points less of the differences" in tell(table)[3]


def test_of_two_that_explain_about_as_much_it_is_said_why_one_is_taken():
    table = make_table(("a", 3, 0.60, True), ("b", 3, 0.62, True), ("c", 3, 0.50, True))
    table["kind"] = ["reproducible", "constructive", "constructive"]
    told = tell(table)
    assert told[3].endswith(
        "with stability 0.80. Of two that explain about as much the stronger kind is taken: it is "
        "constructive, the chosen one reproducible."
    )
    assert told[4].endswith("with stability 0.80.")
    table["kind"] = "reproducible"
    table.loc[1, "segment_count"] = 4
    assert tell(table)[3].endswith(
        "Of two of one kind that explain about as much the one with fewer segments is taken."
    )
    chosen = Criteria(final_scheme="c", overrule_reason="The board wants them.")
    assert not any("about as much" in text for text in tell(table, chosen))


def test_further_segments_that_do_not_earn_their_place_are_told_with_the_reason():
    table = make_table(("b", 2, 0.40, True), ("b", 3, 0.41, True), ("b", 4, 0.42, True))
    told = tell(table)
    why = "place, for too little more is explained that another sample would find again."
    assert told[3] == (
        "b with 3 segments explains 1 point more of the differences, with stability 0.80: "
        f"the further segment does not earn its {why}"
    )
    assert f"the further segments do not earn their {why}" in told[4]


def test_a_refused_candidate_is_told_with_its_faults():
    told = tell(make_table(("a", 3, 0.6, True), ("b", 4, 0.3, False)))
    assert told[3] == (
        "b with 4 segments is refused: the smallest segment (Tiny) has 1.0% of customers, "
        "below 5.0%."
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"stability": 0.598}, "stability is 0.598, below 0.600"),
        (
            {"weakest_jaccard": 0.5},
            "Few is not found again in other samples: its Jaccard is 0.50, below 0.60",
        ),
        (
            {"smallest_value_share": 0.001},
            "the poorest segment (Poor) has 0.1% of net spend, below 2.0%",
        ),
        ({"reach": 0.57}, "a short list of rules places 57% of customers right, below 60%"),
        ({"smallest_value_share": np.nan}, "there is no spend to share out"),
        ({"segment_count": 13}, "13 segments, the plan allows 6"),
        ({"placed_share": 0.9}, "only 90.0% of customers have a segment"),
        (
            {"structure": 0.025},
            "clusters are only 2.5% tighter than in shuffled columns, and no tighter than in data "
            "without groups, where 5% is asked: nothing that sets customers apart was found",
        ),
        (
            {"structure": -0.1},
            "clusters are no tighter than in shuffled columns, nor than in data without groups: "
            "nothing that sets customers apart was found",
        ),
        (
            {"structure": -0.1, "method": "latent_classes"},
            "a single class describes the answers as well (BIC): nothing was found",
        ),
    ],
)
def test_each_fault_has_its_words(changes, fault):
    told = tell(make_faulty(**changes))
    assert told[0].startswith("These segments do not meet the plan's criteria; b with ")
    assert told[2] == f"Refused: {fault}."


def test_faults_stand_side_by_side():
    told = tell(make_faulty(stability=0.5, reach=0.5))
    assert told[2] == (
        "Refused: stability is 0.50, below 0.60; "
        "a short list of rules places 50% of customers right, below 60%."
    )


def test_a_merged_segment_is_told_without_its_name_beside_the_scheme():
    table = make_table(("vips", 3, 0.6, True), ("b", 4, 0.5, True))
    rows = [("b", 4, 2, False), ("vips", 3, 1, True)]
    merged = pd.DataFrame(rows, columns=["scheme", "segment_count", "merged_count", "by_rules"])
    told = tell(table, merged=merged)
    assert told[3:5] == [
        "vips with 3 segments: 1 segment that had too few customers to be shown is merged into the "
        "others. To see it, write wider conditions for it in the rules of the plan.",
        "b with 4 segments: 2 segments that had too few customers to be shown are merged into the "
        "others. To be without it, ask for fewer segments in the plan (segments), or for other "
        "columns.",
    ]


def test_of_a_handful_of_customers_no_share_is_told():
    tiny = {"smallest_customer_count": 3, "smallest_customer_share": 0.006}
    told = tell(make_faulty(**tiny, smallest_value_share=0.001))
    assert told[2] == (
        "Refused: the smallest segment (Tiny) has too few customers to be shown; "
        "the poorest segment (Poor) has too little of spend."
    )
    assert "the smallest segment has" not in told[1]
    shown = publish_table(make_faulty(**tiny))
    assert shown.frame[["smallest_customer_share", "smallest_value_share"]].isna().all(axis=None)
    assert shown.frame["stability"].tolist() == [0.8]
    alt = candidates.plot_candidates(shown).figure._segkit_alt
    assert "smallest –" in alt


def test_what_the_plan_overrules_stays_in_the_report():
    table = make_table(("a", 3, 0.6, True), ("b", 4, 0.3, False))
    told = tell(table, Criteria(final_scheme="b", overrule_reason="The board wants them."))
    assert told[0] == (
        "These segments do not meet the plan's criteria; b with 4 segments comes nearest. "
        "The plan overrules this verdict: The board wants them. "
        "The plan chose this scheme; it overrules the recommendation."
    )
    assert told[2].startswith("Refused: the smallest segment (Tiny)")
    assert told[3] == "The plan asks for b; a with 3 segments would be recommended."
    table = make_table(("a", 3, 0.6, False), ("b", 4, 0.3, False))
    assert tell(table, Criteria(final_scheme="b"))[3] == (
        "The plan asks for b; a with 3 segments comes nearest."
    )


def test_two_figures_get_as_many_decimals_as_it_takes_to_tell_them_apart():
    found = Figure("reach", 0.5999, kind="share", decimals=0)
    told = choice.tell_apart(found, Figure("limit", 0.6, kind="share", decimals=0))
    assert [write_figure(figure) for figure in told] == ["59.99%", "60.00%"]
    same = choice.tell_apart(found, found)
    assert same[0].decimals == choice.MOST_DECIMALS


def test_each_step_says_in_words_why_it_does_not_earn_its_place():
    table = make_table(("b", 2, 0.4, True), ("b", 3, 0.5, True), ("b", 4, 0.7, False))
    table.loc[1, "weakest_jaccard"] = 0.7
    steps = publish(compare_steps(table), choice.STEPS)
    limits = publish(list_limits(Criteria()), candidates.LIMITS)
    assert choice.lay_out_steps(steps, limits).frame["why_not"].tolist() == [
        "the Jaccard of one segment (Few) is 0.70, below 0.75",
        "it is refused",
    ]


def test_kinds_are_told_by_scheme_and_explained():
    table = make_table(("my_style", 2, 0.4, True), ("my_style", 3, 0.5, True), ("b", 4, 0.7, True))
    table["kind"] = ["natural", "none", "none"]
    sizes = pd.DataFrame({"fitted_count": [400], "customer_count": [400]})
    fitted = publish(sizes, candidates.FITTED)
    assert read_texts(candidates.state_kinds(publish_table(table), fitted)) == [
        "my style: natural with 2 and none with 3.",
        "b: none with 4.",
        "None means another sample of the same customers would give other segments.",
        "Natural means groups with few customers between them, tighter than customers without "
        "groups can be cut, and found again in every sample.",
    ]
