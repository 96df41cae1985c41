"""How often the 95 % intervals of lifetime value hold the truth, on customers drawn from the model.

python tests/simulations/coverage_lifetime.py [--repeats 200] [--customers 2000]
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from segkit.core.statistics import find_reach
from segkit.features.lifetime_value import (
    PARAMETERS,
    YEAR_DAYS,
    YEARLY_DISCOUNT,
    fit_lifetime,
    predict_lifetime,
    summarise_lifetime_value,
)

# In days and money: spend as in the CDNOW sample, more frequent purchases.
TRUTH = {"r": 0.6, "alpha": 40.0, "a": 0.8, "b": 2.4, "p": 6.25, "q": 3.74, "v": 15.44}


def draw_customers(
    customers: int,
    random_state: int,
    *,
    truth: dict[str, float] = TRUTH,
    tenure_days: tuple[float, float] = (180.0, 540.0),
    horizon_days: float = YEAR_DAYS,
    whole_days: bool = False,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw customers from BG/NBD and Gamma-Gamma, with the discounted spend of their next days.

    Returns the histories, as of `summarise_histories`, and each one's discounted spend within the
    horizon. With ``whole_days`` time is counted in days, and purchases of one day are one.
    """
    rng = np.random.default_rng(random_state)
    rate = rng.gamma(truth["r"], 1 / truth["alpha"], customers)
    leaves = rng.beta(truth["a"], truth["b"], customers)
    most = rng.geometric(np.maximum(leaves, 1e-9))
    tenure = rng.uniform(*tenure_days, customers)
    tenure = np.ceil(tenure) if whole_days else tenure
    counts = rng.poisson(rate * (tenure + horizon_days))
    who = np.repeat(np.arange(customers), counts)
    when = rng.random(len(who)) * (tenure + horizon_days)[who]
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    starts = np.cumsum(counts) - counts
    kept = np.arange(len(who)) - starts[who] < most[who]  # nobody buys after leaving
    who, when = who[kept], when[kept]
    if whole_days:
        when = np.ceil(when)
        first = np.append(True, (np.diff(who) != 0) | (np.diff(when) != 0))[: len(who)]
        who, when = who[first], when[first]
    scale = 1 / rng.gamma(truth["q"], 1 / truth["v"], customers)
    value = rng.gamma(truth["p"], size=len(who)) * scale[who]
    past = when <= tenure[who]
    ids = np.arange(customers)
    count = np.bincount(who[past], minlength=customers)
    active = np.zeros(customers)
    np.maximum.at(active, who[past], when[past])
    spent = np.bincount(who[past], value[past], minlength=customers)
    mean = np.divide(spent, count, out=np.full(customers, np.nan), where=count > 0)
    histories = pd.DataFrame(
        {
            "customer_id": ids,
            "repeat_count": count,
            "active_days": active,
            "tenure_days": tenure,
            "mean_repeat_value": mean,
        }
    )
    later = (when - tenure[who])[~past]
    worth = value[~past] * (1 + YEARLY_DISCOUNT) ** (-later / YEAR_DAYS)
    return histories, np.bincount(who[~past], worth, minlength=customers)


def simulate(n_repeats: int, seed: int, *, customers: int = 2_000) -> pd.DataFrame:
    """Draw customers again and again, fit, and count how often each 95 % interval holds the truth.

    Returns
    -------
    pandas.DataFrame
        One row an interval: ``interval``, ``repeats``, ``coverage`` and ``standard_error`` of
        the coverage. Parameters are compared with those drawn from (on the logarithm); the mean
        value of all customers, of those who bought on one day and of those who bought on more
        than five with what they go on to bring; "expected value" with the mean of what the true
        parameters expect (share of customers covered).
    """
    held = []
    for number in range(n_repeats):
        histories, brought = draw_customers(customers, seed + number)
        model = fit_lifetime(histories)
        row = {}
        for place, name in enumerate(PARAMETERS):
            error = abs(np.log(getattr(model, name) / TRUTH[name]))
            row[f"parameter {name}"] = error <= find_reach() * model.covariance[place][place] ** 0.5
        groups = pd.cut(histories["repeat_count"], [-1, 0, 5, np.inf], labels=["1", "2-6", "7+"])
        groups = groups.astype(str)
        table = summarise_lifetime_value(histories, model, groups, random_state=number)
        for group in table.itertuples():
            own = brought if group.Index == 0 else brought[groups == group.group]
            name = "all" if group.Index == 0 else f"bought on {group.group} days"
            row[f"mean value, {name}"] = group.mean_low <= own.mean() <= group.mean_high
        true = type(model)(**{**vars(model), **TRUTH})
        expected = predict_lifetime(histories, true)["lifetime_value"]
        found = predict_lifetime(histories, model)
        inside = expected.between(found["lifetime_value_low"], found["lifetime_value_high"])
        row["expected value of one customer"] = inside.mean()
        held.append(row)
    coverage = pd.DataFrame(held, dtype=float)
    table = pd.DataFrame({"coverage": coverage.mean(), "standard_error": coverage.sem()})
    table.insert(0, "repeats", n_repeats)
    return table.rename_axis("interval").reset_index()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--customers", type=int, default=2_000)
    options = parser.parse_args()
    print(simulate(options.repeats, 0, customers=options.customers).to_string(index=False))
