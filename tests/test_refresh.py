"""What changed between two runs, worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.action.run_comparison import compare_assignments
from segkit.core.errors import SegkitError


def make(text: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": list(text), "segment_name": list(text.values())})


BEFORE = make({"a": "Top", "b": "Top", "c": "Low", "d": "Low", "e": "Low"})


def test_moves_shares_and_counts_agree_with_the_paper():
    after = make({"a": "Top", "b": "Low", "c": "Low", "d": "Top", "f": "Top"})
    found = compare_assignments(BEFORE, after)
    counts = ["common_count", "new_count", "lost_count", "moved_count"]
    assert [found.summary[name] for name in counts] == [4, 1, 1, 2]
    assert found.summary["moved_share"] == 0.5
    shares = found.shares.set_index("segment_name")
    assert shares.loc["Top", ["share_before", "share_after"]].tolist() == [0.4, 0.6]
    assert shares.loc["Top", "change_points"] == pytest.approx(20)
    # Population stability index: (.6 - .4) ln(.6 / .4) + (.4 - .6) ln(.4 / .6).
    assert found.summary["drift"] == pytest.approx(0.4 * np.log(1.5))
    moves = found.migration.set_index(["segment_before", "segment_after"])["customer_count"]
    assert moves.to_dict() == {
        ("Low", "Low"): 1,
        ("Low", "Top"): 1,
        ("Top", "Low"): 1,
        ("Top", "Top"): 1,
    }
    assert not found.summary["renamed"]
    assert found.notes == []


def test_nothing_changed_is_no_drift():
    found = compare_assignments(BEFORE, BEFORE.sample(frac=1, random_state=0))
    assert (found.summary["moved_count"], found.summary["drift"]) == (0, 0)


def test_renamed_segments_are_matched_and_it_says_so():
    after = make({"a": "Best", "b": "Best", "c": "Low", "d": "Low", "e": "Best"})
    found = compare_assignments(BEFORE, after)
    assert found.summary["renamed"]
    assert found.summary["moved_count"] == 1  # e went from Low to Best, once Top
    assert "'Top' of the earlier run is read as 'Best'" in found.notes[0]
    shares = found.shares.set_index("segment_name")
    assert np.isnan(shares.loc["Best", "share_before"])


def test_a_segment_without_a_partner_is_named():
    after = make({"a": "Top", "b": "Top", "c": "Low", "d": "Low", "g": "New"})
    found = compare_assignments(BEFORE, after)
    new = found.shares.set_index("segment_name").loc["New"]
    assert np.isnan(new["share_before"])
    assert new["share_after"] == 0.2
    assert found.notes == []


def test_two_runs_without_a_common_customer_are_compared_by_shares_only():
    found = compare_assignments(BEFORE, make({"x": "Top", "y": "Low"}))
    assert found.migration.empty
    assert found.summary["common_count"] == 0
    assert "No customer is in both runs" in found.notes[-1]


def test_a_bad_assignment_is_refused():
    with pytest.raises(SegkitError, match="after lacks segment_name"):
        compare_assignments(BEFORE, BEFORE.rename(columns={"segment_name": "cluster"}))
    with pytest.raises(SegkitError, match="before names customers more than once"):
        compare_assignments(pd.concat([BEFORE, BEFORE]), BEFORE)
