"""How often the 95 % intervals of lifetime value hold the truth, on customers drawn from a model.

python tests/simulations/coverage_lifetime.py [--repeats 200] [--customers 2000]
"""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np
import pandas as pd

from segkit.core.statistics import find_reach
from segkit.features.lifetime_value import (
    BG_NBD,
    MBG_CNBD,
    PARETO_NBD,
    YEAR_DAYS,
    YEARLY_DISCOUNT,
    fit_lifetime,
    predict_lifetime,
    summarise_lifetime_value,
)
from segkit.models.lifetime.bg_nbd import BgNbd
from segkit.models.lifetime.gamma_gamma import Spend
from segkit.models.lifetime.mbg_cnbd import MbgCnbd
from segkit.models.lifetime.pareto_nbd import ParetoNbd

# In days and money: spend as in the CDNOW sample, more frequent purchases.
TRUTH = {"r": 0.6, "alpha": 40.0, "a": 0.8, "b": 2.4, "p": 6.25, "q": 3.74, "v": 15.44}
SPEND = Spend(TRUTH["p"], TRUTH["q"], TRUTH["v"])
TRUE_MODELS = {
    BG_NBD: BgNbd(TRUTH["r"], TRUTH["alpha"], TRUTH["a"], TRUTH["b"]),
    PARETO_NBD: ParetoNbd(0.8, 40.0, 0.7, 150.0),
    MBG_CNBD: MbgCnbd(1.2, 30.0, 0.8, 2.4, 3),
}


def draw_customers(
    customers: int,
    random_state: int,
    *,
    truth: BgNbd | ParetoNbd | MbgCnbd = TRUE_MODELS[BG_NBD],
    tenure_days: tuple[float, float] = (180.0, 540.0),
    horizon_days: float = YEAR_DAYS,
    whole_days: bool = False,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw customers from a model of purchases and Gamma-Gamma, with what their next days bring.

    Returns the histories, as of `summarise_histories`, and each one's discounted spend within the
    horizon. With ``whole_days`` time is counted in days, and purchases of one day are one.
    """
    rng = np.random.default_rng(random_state)
    tenure = rng.uniform(*tenure_days, customers)
    tenure = np.ceil(tenure) if whole_days else tenure
    who, when = draw_purchases(rng, truth, tenure + horizon_days)
    if whole_days:
        when = np.ceil(when)
        first = np.append(True, (np.diff(who) != 0) | (np.diff(when) != 0))[: len(who)]
        who, when = who[first], when[first]
    scale = 1 / rng.gamma(SPEND.q, 1 / SPEND.v, customers)
    value = rng.gamma(SPEND.p, size=len(who)) * scale[who]
    past = when <= tenure[who]
    ids = np.arange(customers)
    count = np.bincount(who[past], minlength=customers)
    active = np.zeros(customers)
    np.maximum.at(active, who[past], when[past])
    gaps = np.where(np.diff(who, prepend=-1) == 0, np.diff(when, prepend=0), when)
    spent = np.bincount(who[past], value[past], minlength=customers)
    mean = np.divide(spent, count, out=np.full(customers, np.nan), where=count > 0)
    histories = pd.DataFrame(
        {
            "customer_id": ids,
            "repeat_count": count,
            "active_days": active,
            "tenure_days": tenure,
            "mean_repeat_value": mean,
            "log_gap_sum": np.bincount(who[past], np.log(gaps[past]), minlength=customers),
        }
    )
    later = (when - tenure[who])[~past]
    worth = value[~past] * (1 + YEARLY_DISCOUNT) ** (-later / YEAR_DAYS)
    return histories, np.bincount(who[~past], worth, minlength=customers)


def draw_purchases(
    rng: np.random.Generator, truth: BgNbd | ParetoNbd | MbgCnbd, until: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw who buys again and when, in order, by the models' stories and not by their formulas."""
    customers = len(until)
    rate = rng.gamma(truth.r, 1 / truth.alpha, customers)
    each = getattr(truth, "k", 1)
    most = np.full(customers, np.inf)
    leaves_at = np.full(customers, np.inf)
    if isinstance(truth, ParetoNbd):
        leaves_at = rng.exponential(size=customers) / rng.gamma(truth.s, 1 / truth.beta, customers)
    else:
        leaves = rng.beta(truth.a, truth.b, customers)
        most = rng.geometric(np.maximum(leaves, 1e-9))
        if isinstance(truth, MbgCnbd):  # the first purchase may be the last
            most = most - 1
    counts = rng.poisson(rate * until)
    who = np.repeat(np.arange(customers), counts)
    when = rng.random(len(who)) * until[who]
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    number = np.arange(len(who)) - (np.cumsum(counts) - counts)[who] + 1
    bought = number // each
    kept = (number % each == 0) & (bought <= most[who]) & (when <= leaves_at[who])
    return who[kept], when[kept]


def simulate(
    n_repeats: int,
    seed: int,
    *,
    customers: int = 2_000,
    kinds: tuple[str, ...] = tuple(TRUE_MODELS),
) -> pd.DataFrame:
    """Draw customers again and again, fit, and count how often each 95 % interval holds the truth.

    Returns
    -------
    pandas.DataFrame
        One row a model and interval: ``model``, ``interval``, ``repeats``, ``coverage`` and
        ``standard_error`` of the coverage. Parameters are compared with those drawn from (on the
        logarithm); the mean value of all customers, of those who bought on one day and of those
        who bought on more than five with what they go on to bring; "expected value" with the mean
        of what the true parameters expect (share of customers covered).
    """
    tables = []
    for kind in kinds:
        held = [_see_intervals(kind, customers, seed + number) for number in range(n_repeats)]
        coverage = pd.DataFrame(held, dtype=float)
        table = pd.DataFrame({"coverage": coverage.mean(), "standard_error": coverage.sem()})
        table.insert(0, "repeats", n_repeats)
        table.insert(0, "model", TRUE_MODELS[kind].title)
        tables.append(table.rename_axis("interval").reset_index())
    return pd.concat(tables, ignore_index=True)


def _see_intervals(kind: str, customers: int, seed: int) -> dict[str, float]:
    """Draw once, fit the model drawn from, and say which intervals hold the truth."""
    truth = TRUE_MODELS[kind]
    histories, brought = draw_customers(customers, seed, truth=truth)
    model = fit_lifetime(histories, kind=kind)
    true = dataclasses.replace(model, purchases=truth, spend=SPEND)
    row = {"k found": model.purchases[4:] == truth[4:]} if truth[4:] else {}
    for place, (name, value) in enumerate(model.parameters.items()):
        error = abs(np.log(value / true.parameters[name]))
        row[f"parameter {name}"] = error <= find_reach() * model.covariance[place][place] ** 0.5
    groups = pd.cut(histories["repeat_count"], [-1, 0, 5, np.inf], labels=["1", "2-6", "7+"])
    groups = groups.astype(str)
    table = summarise_lifetime_value(histories, model, groups, random_state=seed)
    for group in table.itertuples():
        own = brought if group.Index == 0 else brought[groups == group.group]
        name = "all" if group.Index == 0 else f"bought on {group.group} days"
        row[f"mean value, {name}"] = group.mean_low <= own.mean() <= group.mean_high
    expected = predict_lifetime(histories, true)["lifetime_value"]
    found = predict_lifetime(histories, model)
    inside = expected.between(found["lifetime_value_low"], found["lifetime_value_high"])
    row["expected value of one customer"] = inside.mean()
    return row


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--customers", type=int, default=2_000)
    options = parser.parse_args()
    print(simulate(options.repeats, 0, customers=options.customers).to_string(index=False))
