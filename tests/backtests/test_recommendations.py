"""Recommendations on later time: the baselines are met, and what is chosen is not below any.

Online Retail, cut on 2011-09-10, and the sample of Complete Journey, cut on 2017-10-01: lists of
ten from what was known before, judged by all that was bought later. The baselines were worked out
apart from segkit, with implicit 0.7.3 for the cosine.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.action.recommendations.choosing import choose_settings
from segkit.action.recommendations.interactions import collect_interactions
from segkit.action.recommendations.judging import bound_mean, find_truth
from segkit.action.recommendations.model import AGAIN, ALL, NEW, Setting, fit_model, tabulate_bought
from segkit.action.recommendations.neighbours import find_neighbours

pytestmark = pytest.mark.slow

POPULAR = Setting("popular", popular=1.0)
OWN = Setting("own", own=1.0, popular=0.0)


def collect(customer, product, when, *, cut):
    day = pd.to_datetime(when).dt.normalize()
    table = pd.DataFrame(
        {
            "customer_id": customer.astype(str),
            "product_id": product.astype(str),
            "age": (day.max() - day).dt.days,
        }
    )
    return collect_interactions(table), int((day.max() - pd.Timestamp(cut)).days) + 1


@pytest.fixture
def retail(shared_data):
    lines = pd.read_parquet(shared_data("online_retail/online_retail.parquet"))
    lines.columns = [name.lower() for name in lines.columns]
    customer = next(name for name in lines if "cust" in name)
    invoice = next(name for name in lines if name.startswith("invoice") and "date" not in name)
    when = next(name for name in lines if "date" in name)
    is_sale = lines[customer].notna() & (lines["quantity"] > 0)
    is_sale &= ~lines[invoice].astype(str).str.startswith("C")
    lines = lines[is_sale]
    return collect(lines[customer], lines["stockcode"], lines[when], cut="2011-09-10")


@pytest.fixture
def grocer(shared_data):
    lines = pd.read_parquet(shared_data("complete_journey/transactions_sample.parquet"))
    when = next(name for name in lines if "time" in name or "date" in name)
    return collect(lines["household_id"], lines["product_id"], lines[when], cut="2017-10-01")


class Judge:
    """What was known before the cut, and how lists of it are judged."""

    def __init__(self, known, days):
        before, later = known.split(days)
        self.model, self.truth = fit_model(before), find_truth(before, later)

    def judge(self, kind, places):
        customers = self.truth.list_customers(kind)
        return self.truth.judge(customers, places[customers], kind=kind)

    def rank(self, kind, setting):
        everybody = np.arange(len(self.model.history.starts) - 1)
        return self.model.rank(everybody, setting, kind=kind, count=10)[0]

    def rank_own_then_popular(self):
        """What was bought, the most often and then the latest first; then the most popular."""
        own, others = self.rank(AGAIN, OWN), self.rank(NEW, POPULAR)
        both = np.concatenate([own, others], axis=1)
        first = np.argsort(both < 0, axis=1, kind="stable")[:, :10]
        return np.take_along_axis(both, first, axis=1)

    def use_plain_cosine(self):
        """Rank by the cosine of products, each customer counting one a product."""
        bought = tabulate_bought(self.model.history, len(self.model.known.products))
        neighbours, alike = find_neighbours(bought, most=100)
        vars(self.model)["neighbours"], vars(self.model)["alike"] = neighbours, alike
        return self.rank(NEW, Setting("cosine", alike=1.0, popular=0.0))


def summarise(judged):
    return [round(float(values.mean()), 3) for values in judged]


def find_gaps(ours, theirs):
    """Return the intervals of how much more hits and NDCG ours have, customers drawn again.

    By the bootstrap of Efron (1979); the interval that the report tells agrees with it.
    """
    found = []
    for one, other in zip(ours, theirs, strict=True):
        gaps = one.astype(float) - other
        rng = np.random.default_rng(0)
        means = [gaps[rng.integers(0, len(gaps), len(gaps))].mean() for _ in range(500)]
        low, high = np.quantile(means, [0.025, 0.975])
        assert bound_mean(gaps)[1:] == pytest.approx((low, high), abs=0.15 * (high - low))
        found.append((low, high))
    return found


def choose(judge, known, days):
    settings = choose_settings(known, count=10, random_state=0, judged_days=days).settings
    return {kind: judge.judge(kind, judge.rank(kind, settings[kind])) for kind in (ALL, NEW)}


def test_online_retail_meets_the_baselines_and_goes_beyond_each(retail):
    judge = Judge(*retail)
    assert summarise(judge.judge(ALL, judge.rank(ALL, POPULAR))) == [0.551, 0.111]
    own = summarise(judge.judge(ALL, judge.rank(ALL, OWN)))
    assert own == pytest.approx([0.780, 0.346], abs=0.001)
    both = judge.judge(ALL, judge.rank_own_then_popular())
    assert summarise(both) == pytest.approx([0.789, 0.348], abs=0.001)
    assert summarise(judge.judge(NEW, judge.rank(NEW, POPULAR))) == [0.321, 0.050]
    ours = choose(judge, *retail)
    cosine = judge.judge(NEW, judge.use_plain_cosine())
    assert summarise(cosine) == [0.424, 0.089]
    for gaps in (find_gaps(ours[ALL], both), find_gaps(ours[NEW], cosine)):
        assert all(low > 0 for low, _ in gaps)


def test_complete_journey_meets_the_baselines_and_is_below_none(grocer):
    judge = Judge(*grocer)
    popular = judge.judge(ALL, judge.rank(ALL, POPULAR))
    assert summarise(popular) == [0.282, 0.057]
    assert summarise(judge.judge(ALL, judge.rank(ALL, OWN))) == [0.251, 0.050]
    new = judge.judge(NEW, judge.rank(NEW, POPULAR))
    assert summarise(new) == [0.212, 0.043]
    ours = choose(judge, *grocer)
    cosine = summarise(judge.judge(NEW, judge.use_plain_cosine()))
    assert cosine == pytest.approx([0.013, 0.003], abs=0.001)
    assert all(low > 0 for low, _ in find_gaps(ours[ALL], popular))
    # Of what is new to them nothing that was tried does better than popularity, and none worse.
    assert all(low <= 0 <= high for low, high in find_gaps(ours[NEW], new))
