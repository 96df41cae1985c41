"""What the report says of stability: each segment, the paths, columns left out, confidence."""

from __future__ import annotations

import pandas as pd
from published import publish, read_texts

from segkit.core.privacy import Published
from segkit.report import stability
from segkit.validation.stability import Paths, count_confidence


def publish_ratings(*jaccards: float, counts: tuple[int, ...] = (50, 40, 30)) -> Published:
    table = pd.DataFrame({"jaccard": jaccards})
    table.insert(0, "segment", range(1, len(table) + 1))
    table["segment_name"] = list("ABC")[: len(table)]
    table["customer_count"] = counts[: len(table)]
    table["dissolved_share"] = 0.25
    table["jaccard_low"] = table["jaccard"] - 0.1
    table["jaccard_high"] = table["jaccard"] + 0.1
    table["rating"] = ["doubtful" if jaccard < 0.75 else "stable" for jaccard in jaccards]
    return publish(table, stability.RATINGS)


def test_the_least_jaccard_is_told_where_every_segment_is_found_again():
    told = stability.state_ratings(publish_ratings(0.9, 0.756, 0.8))
    assert read_texts(told) == [
        "Every segment is found again in other samples; the least Jaccard is 0.76 (in the middle "
        "half of the samples 0.66 to 0.86; n = 40)."
    ]


def test_each_segment_that_is_not_found_again_is_named_with_its_customers():
    told = stability.state_ratings(publish_ratings(0.9, 0.7, 0.6))
    assert read_texts(told) == [
        "B is doubtful: its Jaccard is 0.70, and it dissolves in 25% of the solutions.",
        "C is doubtful: its Jaccard is 0.60, and it dissolves in 25% of the solutions.",
    ]
    assert [finding.count for finding in told] == [40, 30]


def test_nothing_is_said_of_a_segment_of_a_handful_nor_of_the_one_hidden_with_it():
    ratings = publish_ratings(0.9, 0.6, 0.5, counts=(50, 40, 3))
    told = stability.state_ratings(ratings)
    assert read_texts(told) == [
        "Every segment that can be shown is found again in other samples; "
        "the least Jaccard of these is 0.90 (in the middle half of the samples 0.80 to 1.00; "
        "n = 50)."
    ]
    alt = stability.plot_segment_stability(ratings).figure._segkit_alt
    assert "A: 0.90" in alt
    assert "C" not in alt.replace("Stability of each segment", "")
    assert stability.state_ratings(publish_ratings(0.9, counts=(3,))) == []


def make_paths() -> Paths:
    nodes = pd.DataFrame(
        [
            (2, 1, 60, 0.6, None, ""),
            (2, 2, 40, 0.4, None, ""),
            (3, 1, 60, 0.6, 1.0, "stays"),
            (3, 2, 25, 0.25, 0.5, "splits off"),
            (3, 3, 15, 0.15, 0.25, "splits off"),
        ],
        columns=[
            "segment_count",
            "segment",
            "customer_count",
            "customer_share",
            "continuity",
            "change",
        ],
    )
    nodes["segment_name"] = list("ABCDE")
    flows = pd.DataFrame(
        [(3, 1, 1, 57, 0.57), (3, 1, 2, 3, 0.03), (3, 2, 2, 25, 0.25), (3, 3, 2, 15, 0.15)],
        columns=["segment_count", "segment", "segment_before", "customer_count", "customer_share"],
    )
    return Paths(nodes, flows)


def test_paths_tell_who_stays_and_who_splits_off():
    nodes = publish(make_paths().nodes, stability.NODES)
    assert read_texts(stability.state_paths(nodes)) == [
        "With 3 segments: 1 of them stays as it is and 2 of them split off; "
        "the least continuity is 0.25 (E)."
    ]


def test_a_band_of_a_handful_of_customers_is_not_drawn():
    paths = make_paths()
    nodes = publish(paths.nodes, stability.NODES)
    flows = publish(paths.flows, stability.FLOWS)
    ax = stability.plot_paths(nodes, flows=flows)
    bands = [patch for patch in ax.patches if type(patch).__name__ == "PathPatch"]
    # Three go from the second to the first; another of each line is hidden with them.
    assert flows.frame["customer_count"].isna().tolist() == [True, True, False, True]
    assert len(bands) == 1


def test_a_segment_of_a_handful_has_no_box_and_no_band():
    paths = make_paths()
    nodes = paths.nodes.assign(customer_count=[60, 40, 60, 37, 3])
    shown = publish(nodes, stability.NODES)
    ax = stability.plot_paths(shown, flows=publish(paths.flows, stability.FLOWS))
    alt = ax.figure._segkit_alt
    assert "3 segments, number 3: not shown" in alt
    assert "3 segments, number 2: not shown" in alt  # or the rest would tell
    assert "3 segments, number 1: 60.0% of customers, stays" in alt


def test_the_column_that_segments_hang_on_is_named():
    left_out = pd.DataFrame({"column": ["order_count", "days"], "agreement": [0.9, 0.536]})
    told = stability.state_columns(publish(left_out, stability.LEFT_OUT))
    assert read_texts(told) == [
        "The segments hang most on “days”: without it the agreement with the segments of all "
        "columns is 0.54 (1 is full)."
    ]


def tell_confidence(*confidence: float) -> list[str]:
    counted = count_confidence(pd.Series(confidence))
    return read_texts(stability.state_confidence(publish(counted, stability.CONFIDENCE)))


def test_confidence_is_told_as_shares_of_customers():
    assert tell_confidence(*[0.95] * 80, *[0.7] * 12, *[0.3] * 8) == [
        "80% of customers keep their segment in at least nine in ten bootstrap solutions; "
        "8.0% in less than half."
    ]
    assert tell_confidence(*[0.95] * 80, *[0.7] * 20) == [
        "80% of customers keep their segment in at least nine in ten bootstrap solutions; "
        "0.0% in less than half."
    ]


def test_a_handful_of_unsure_customers_is_not_told():
    assert tell_confidence(*[0.95] * 80, *[0.7] * 17, *[0.3] * 3) == [
        "80% of customers keep their segment in at least nine in ten bootstrap solutions."
    ]
    assert tell_confidence(*[0.95] * 97, *[0.3] * 3) == []
