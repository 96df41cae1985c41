"""How often the answer on usefulness is wrong, and how often its intervals hold the truth.

Call it by hand for a long run: python tests/simulations/usefulness.py
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.validation.prediction import compare_predictors
from segkit.validation.usefulness import BOTH, NOTHING, RFM, SEGMENTS, judge_usefulness

CUTS = [-0.8, -0.25, 0.25, 0.8]


def draw_shop(
    rng: np.random.Generator, *, effect: float, follows: float = 0.0, n_customers: int = 600
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Draw RFM scores, four segments and later outcomes.

    Orders follow a hidden rate, which recency, frequency and money show with error. ``effect`` is
    the standard deviation, between segments, of the logarithm of the rate that RFM does not show;
    ``follows`` is how closely segments follow the sum of the scores, 0 for not at all: they say
    something then, but nothing that RFM does not.
    """
    hidden = rng.normal(size=n_customers)
    shown = [np.digitize(hidden + rng.normal(0, 0.7, n_customers), CUTS) for _ in range(3)]
    cells = pd.DataFrame(dict(zip("rfm", shown, strict=True)))
    cells["cell"] = cells["r"] * 100 + cells["f"] * 10 + cells["m"]
    total = cells[["r", "f", "m"]].sum(axis=1)
    total = (total - total.mean()) / total.std()
    noise = rng.normal(size=n_customers)
    segment = np.digitize(follows * total + (1 - follows) * noise, [-0.67, 0, 0.67])
    added = effect * np.array([-1.34, -0.45, 0.45, 1.34])[rng.permutation(4)][segment]
    orders = rng.poisson(np.exp(hidden - 0.3 + added))
    segments = pd.DataFrame({"segment": segment})
    levels = {NOTHING: cells[[]], RFM: cells, SEGMENTS: segments, BOTH: cells.join(segments)}
    outcomes = {
        "later_spend": orders * np.exp(rng.normal(3, 0.8, n_customers)),
        "later_order_count": orders,
        "bought_again": orders > 0,
    }
    return levels, pd.DataFrame(outcomes)


def simulate(
    n_repeats: int, seed: int, *, effect: float = 0.0, follows: float = 0.0, n_customers: int = 600
) -> pd.DataFrame:
    """Draw shops and compare their predictors.

    Returns
    -------
    pandas.DataFrame
        One row a repeat and outcome: ``repeat``, ``answer``, ``outcome``, and of the share that
        RFM and segments explain beyond RFM ``difference``, ``difference_low``,
        ``difference_high``; ``truth`` is the mean of the differences over all repeats.
    """
    rng, parts = np.random.default_rng(seed), []
    for repeat in range(n_repeats):
        options = {"effect": effect, "follows": follows, "n_customers": n_customers}
        levels, outcomes = draw_shop(rng, **options)
        figures, _ = compare_predictors(levels, outcomes, reference=RFM, random_state=repeat)
        rows = figures[(figures["predictor"] == BOTH) & (figures["measure"] == "explained_share")]
        parts.append(rows.assign(repeat=repeat, answer=judge_usefulness(figures)))
    table = pd.concat(parts, ignore_index=True)
    table["truth"] = table.groupby("outcome")["difference"].transform("mean")
    columns = ["repeat", "answer", "outcome", "difference", "difference_low", "difference_high"]
    return table[[*columns, "truth"]]


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return by outcome the share of intervals that hold the truth, and that lie above zero."""
    held = table["truth"].between(table["difference_low"], table["difference_high"])
    table = table.assign(coverage=held, above_zero=table["difference_low"] > 0)
    return table.groupby("outcome")[["truth", "coverage", "above_zero"]].mean()


if __name__ == "__main__":
    for setting in ({"effect": 0.0}, {"effect": 0.0, "follows": 0.8}, {"effect": 0.3}):
        found = simulate(150, 1, **setting)
        answers = found.groupby("repeat")["answer"].first().value_counts(normalize=True)
        print(setting, answers.to_dict(), summarise(found).round(4), sep="\n", flush=True)
