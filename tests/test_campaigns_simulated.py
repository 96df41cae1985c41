"""How often a campaign that did nothing is said to have done something, and intervals miss.

Drawn are the sums that the engine would bring: 500 campaigns at once, of five segments each.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.evidence.campaigns.contrasts import EVERYBODY, Estimates
from segkit.evidence.campaigns.effects import _soften, correct_families, measure_effects

SEEDS = 500
SIZES = {"one": np.array([900, 400, 250, 120, 60]), "other": np.array([300, 200, 60, 60, 30])}


def make_rows(mean, spread, size, *, measure, level):
    """Return rows of estimates from arrays by side, one a seed."""
    rows = {"measure": measure, "segment_name": level, "campaign_count": 1}
    for side in ("one", "other"):
        rows[f"count_{side}"] = rows[f"customers_{side}"] = size[side]
        rows[f"mean_{side}"], rows[f"spread_{side}"] = mean[side], spread[side]
        rows[f"variance_{side}"] = spread[side] / size[side]
    rows["covariance"] = 0.0
    rows["unclustered"] = rows["variance_one"] + rows["variance_other"]
    whole = size["one"] + size["other"]
    share = (size["one"] * mean["one"] + size["other"] * mean["other"]) / whole
    rows["pooled"] = share * (1 - share) * (1 / size["one"] + 1 / size["other"])
    return pd.DataFrame(rows)


def draw_shares(levels, added, *, rng):
    """Return estimates of shares for each seed: of everybody, and of each segment."""
    hits = {
        side: rng.binomial(SIZES[side], levels + (added if side == "one" else 0), (SEEDS, 5))
        for side in SIZES
    }
    tables = []
    for place in range(5):
        size = {side: int(SIZES[side][place]) for side in SIZES}
        mean = {side: hits[side][:, place] / size[side] for side in SIZES}
        spread = {side: mean[side] * (1 - mean[side]) for side in SIZES}
        tables.append(make_rows(mean, spread, size, measure="converted", level=f"S{place}"))
    size = {side: int(SIZES[side].sum()) for side in SIZES}
    mean = {side: hits[side].sum(axis=1) / size[side] for side in SIZES}
    spread = {side: mean[side] * (1 - mean[side]) for side in SIZES}
    return [make_rows(mean, spread, size, measure="converted", level=EVERYBODY), *tables]


@pytest.mark.parametrize("level", [0.02, 0.2, 0.5])
def test_no_effect_is_called_a_difference_in_at_most_seven_per_cent(level):
    rng = np.random.default_rng(round(1000 * level))
    whole, *segments = draw_shares(np.full(5, level), 0.0, rng=rng)
    p_values = measure_effects(Estimates(whole))["p_value"]
    assert (p_values < 0.05).mean() <= 0.07
    each = np.array([measure_effects(Estimates(rows))["p_value"] for rows in segments])
    # Holm shows a difference in any segment where five times the least p-value is below 5 %.
    assert (5 * each.min(axis=0) < 0.05).mean() <= 0.07
    family = pd.DataFrame({"p_value": each[:, 0], "is_primary": False})
    assert correct_families(family)["differs"].any() == (5 * each[:, 0].min() < 0.05)


@pytest.mark.parametrize("added", [0.0, 0.05])
@pytest.mark.parametrize("level", [0.03, 0.2])
def test_one_effect_in_all_segments_is_called_heterogeneous_in_at_most_seven(level, added):
    from segkit.core.contrasts import measure_heterogeneity

    rng = np.random.default_rng(11)
    # Levels differ between segments, the effect does not.
    levels = level * np.array([0.5, 0.8, 1.0, 1.5, 2.0])
    _, *segments = draw_shares(levels, added, rng=rng)
    found = [Estimates(rows) for rows in segments]
    differences = np.array([each.one.mean - each.other.mean for each in found]).T
    variances = np.array([_soften(each) for each in found]).T
    _, count, p_values, _ = measure_heterogeneity(differences, variances)
    assert (count == 5).all()
    assert (p_values < 0.05).mean() <= 0.07


def test_unequal_effects_are_found_where_there_are_enough_customers():
    from segkit.core.contrasts import measure_heterogeneity

    rng = np.random.default_rng(12)
    _, *segments = draw_shares(np.full(5, 0.2), np.array([0.2, -0.1, 0, 0, 0]), rng=rng)
    found = [Estimates(rows) for rows in segments]
    differences = np.array([each.one.mean - each.other.mean for each in found]).T
    variances = np.array([_soften(each) for each in found]).T
    assert (measure_heterogeneity(differences, variances)[2] < 0.05).mean() > 0.9


@pytest.mark.parametrize("level", [0.02, 0.2])
def test_intervals_of_shares_hold_the_true_difference(level):
    rng = np.random.default_rng(13)
    for rows in draw_shares(np.full(5, level), 0.03, rng=rng):
        found = measure_effects(Estimates(rows))
        held = (found["difference_low"] <= 0.03) & (found["difference_high"] >= 0.03)
        assert held.mean() >= 0.92, rows["segment_name"].iloc[0]


@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_intervals_of_spend_hold_the_true_difference(spread):
    rng = np.random.default_rng(14)
    size = {"one": 600, "other": 200}
    draw_count = 3 * SEEDS
    draws = {}
    for side, count in size.items():
        amounts = rng.lognormal(3, spread, (draw_count, count))
        draws[side] = np.where(rng.random((draw_count, count)) < 0.3, amounts, 0.0)
    mean = {side: values.mean(axis=1) for side, values in draws.items()}
    variance = {side: values.var(axis=1, ddof=1) for side, values in draws.items()}
    rows = make_rows(mean, variance, size, measure="spend", level=EVERYBODY)
    found = measure_effects(Estimates(rows))
    held = (found["difference_low"] <= 0) & (found["difference_high"] >= 0)
    assert held.mean() >= 0.92
    assert (found["p_value"] < 0.05).mean() <= 0.07
