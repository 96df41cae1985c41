"""How purchases go with prices: known slopes come back, offers are refused, segments are tested."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.action.pricing.fixed_effects import Slope, fit_slope
from segkit.action.pricing.lines import price_lines
from segkit.action.pricing.paid import EVERYBODY
from segkit.action.pricing.response import EVERYTHING, compare_slopes, measure_response
from segkit.core.settings import Settings
from segkit.core.shrinking import shrink_estimates
from segkit.plan.pricing import Pricing

AS_OF = datetime.date(2026, 3, 31)
PERIODS = 20


def draw_units(
    rng: np.random.Generator,
    *,
    slope: float,
    products: int = 40,
    changed: int = 15,
    mean: float = 20.0,
    spread: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return units and prices by product and period; the first products change theirs once."""
    prices = np.tile(rng.lognormal(3, 0.5, products)[:, None], (1, PERIODS))
    base = np.log(prices)
    for place in range(changed):
        start = rng.integers(5, PERIODS - 5)
        prices[place, start:] *= 1 + rng.choice([-1, 1]) * rng.uniform(0.08, 0.25)
    season = 0.3 * rng.normal(size=PERIODS)
    levels = rng.normal(np.log(mean), 1, products)[:, None]
    fitted = np.exp(levels + season + slope * (np.log(prices) - base))
    if spread:
        fitted = fitted * rng.gamma(1 / spread, spread, size=fitted.shape)
    return rng.poisson(fitted).astype(float), prices


def fit(units: np.ndarray, prices: np.ndarray) -> Slope:
    products, periods = np.indices(units.shape)
    return fit_slope(
        units.ravel(),
        np.log(prices).ravel()[:, None],
        products=products.ravel(),
        periods=periods.ravel(),
        product_count=len(units),
    )


def test_without_noise_the_slope_is_the_one_that_was_put_in():
    rng = np.random.default_rng(0)
    prices = np.tile(rng.lognormal(3, 0.5, 12)[:, None], (1, PERIODS))
    for place in range(8):
        prices[place, 4 + place :] *= 1.2 if place % 2 else 0.85
    season = np.exp(np.linspace(0, 1, PERIODS))
    units = rng.lognormal(2, 1, 12)[:, None] * season * prices**-1.7
    found = fit(units, prices)
    assert found.value == pytest.approx(-1.7, abs=1e-6)
    assert not found.is_known or found.error < 1e-6


@pytest.mark.slow  # statsmodels is slow to import
def test_the_slope_agrees_with_a_regression_with_a_column_for_each_effect():
    import statsmodels.api as sm

    units, prices = draw_units(np.random.default_rng(3), slope=-1.0, products=12, changed=9)
    products, periods = np.indices(units.shape)
    dummies = [pd.get_dummies(codes.ravel(), dtype=float) for codes in (products, periods)]
    design = np.column_stack([dummies[0], dummies[1].iloc[:, 1:], np.log(prices).ravel()])
    plain = sm.GLM(units.ravel(), design, family=sm.families.Poisson()).fit()
    own = fit(units, prices)
    # weights by dispersion move it a little; the plain one lies well within an error
    assert own.value == pytest.approx(plain.params[-1], abs=own.error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("slope", "spread", "least"), [(-1.5, 0.0, 0.87), (0.0, 0.5, 0.87), (-1.0, 2.0, 0.87)]
)
def test_intervals_hold_the_true_slope(slope, spread, least):
    held = known = 0
    values = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        found = fit(*draw_units(rng, slope=slope, spread=spread, changed=20))
        if not found.is_known:
            continue
        low, high = found.bound()
        known += 1
        held += low <= slope <= high
        values.append(found.value)
    assert known >= 70
    assert held / known >= least
    assert np.mean(values) == pytest.approx(slope, abs=0.3)


def test_too_few_products_that_changed_carry_no_slope():
    units, prices = draw_units(np.random.default_rng(1), slope=-1.0, changed=2)
    assert not fit(units, prices).is_known
    assert np.isnan(fit(units, prices).bound()).all()


@pytest.mark.parametrize("units", [np.zeros((8, 6)), np.ones((1, 6)), np.full((8, 6), 1e15)])
def test_units_that_tell_nothing_have_no_slope(units):
    assert not fit(units, np.full(units.shape, 9.0)).is_known


# --- whether segments differ -------------------------------------------------------------------


def make_slope(value: float, shifts: list[float], freedom: float = 20.0) -> Slope:
    shifts = np.array(shifts)
    return Slope(value, float(np.sqrt((shifts**2).sum())), freedom, shifts)


def test_two_slopes_are_compared_by_the_t_test_of_their_difference():
    from scipy.stats import t

    one, other = make_slope(-2.0, [0.3, 0.4, 0.0]), make_slope(-1.0, [0.0, 0.0, 0.5])
    f, p_value, count = compare_slopes([one, other])
    assert count == 2
    assert f == pytest.approx(1 / 0.5)  # variances .25 and .25, no product in common
    assert p_value == pytest.approx(2 * t.sf(np.sqrt(2), 20))


def test_what_moves_both_segments_alike_is_not_taken_for_a_difference():
    one, other = make_slope(-2.0, [0.5, 0.1]), make_slope(-1.9, [0.5, -0.1])
    f, _p, _count = compare_slopes([one, other])
    assert f == pytest.approx(0.1**2 / 0.2**2)


def test_slopes_are_not_compared_where_products_are_too_few():
    few = [make_slope(-1.0, [0.1, 0.2], freedom=2.0) for _ in range(5)]
    assert np.isnan(compare_slopes(few)[1])
    assert np.isnan(compare_slopes(few[:1])[1])


@pytest.mark.slow
def test_segments_that_answer_alike_are_seldom_called_different():
    called = tested = 0
    for seed in range(80):
        rng = np.random.default_rng(seed)
        units, prices = draw_units(rng, slope=-1.5, changed=25, mean=40)
        shares = rng.dirichlet([8, 8, 8])
        parts = [rng.binomial(units.astype(int), share) for share in shares]
        _f, p_value, _count = compare_slopes([fit(part.astype(float), prices) for part in parts])
        tested += np.isfinite(p_value)
        called += p_value < 0.05
    assert tested >= 60
    assert called / tested <= 0.12


def test_estimates_are_drawn_together_as_far_as_they_vary_by_chance():
    estimates = np.array([-1.0, -3.0])
    drawn, low, high = shrink_estimates(estimates, np.diag([0.5, 0.5]))
    # Q = 4 of one degree of freedom, scale 4 - 8 / 4 = 2: the variance between is 1.5
    assert drawn.round(6).tolist() == [-1.25, -2.75]
    assert (low < drawn).all()
    assert (high > drawn).all()
    assert shrink_estimates(estimates, np.diag([5.0, 5.0]))[0].tolist() == [-2, -2]
    assert len(shrink_estimates(np.array([]), np.zeros((0, 0)))[0]) == 0


# --- from order lines --------------------------------------------------------------------------


def make_lines(
    rng: np.random.Generator, units: np.ndarray, prices: np.ndarray, *, discounts: np.ndarray
) -> dict:
    """Return order lines of sixty customers, a line a unit, ten at most of a product and period."""
    rows = []
    for product, period in np.ndindex(units.shape):
        count = int(units[product, period])
        for customer in rng.integers(0, 60, min(count, 10)):
            price = prices[product, period]
            rows.append((f"c{customer}", f"p{product}", period, count / min(count, 10), price))
    frame = pd.DataFrame(rows, columns=["customer_id", "product_id", "period", "quantity", "price"])
    age = 28 * (PERIODS - frame["period"]) - 1 - rng.integers(0, 28, len(frame))
    frame["ordered_at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(age, unit="D")
    off = discounts[frame["product_id"].str[1:].astype(int), frame["period"]]
    regular = frame["quantity"] * frame["price"]
    frame = frame.assign(discount_amount=regular * off, line_amount=regular * (1 - off))
    frame["line_type"] = "sale"
    groups = [f"p{product}" for product in range(len(units))]
    products = pd.DataFrame({"product_id": groups, "category": "goods"})
    lines = ibis.memtable(frame.drop(columns=["period", "price"]))
    return {"order_lines": lines, "products": ibis.memtable(products)}


SEGMENTS = pd.DataFrame(
    {"customer_id": [f"c{one}" for one in range(60)], "segment_name": ["a", "b"] * 30}
)


def test_regular_prices_that_changed_tell_how_purchases_go_with_them():
    rng = np.random.default_rng(5)
    units, prices = draw_units(rng, slope=-2.0, products=30, changed=20, mean=30)
    tables = make_lines(rng, units, prices, discounts=np.zeros(units.shape))
    priced = price_lines(tables, SEGMENTS, plan=Pricing(), at=Settings(AS_OF))
    found = measure_response(priced)
    changes = found.changes.set_index("product_group")
    assert changes.loc[EVERYTHING, ["product_count", "changed_count"]].tolist() == [30, 20]
    table = found.elasticities.set_index(["product_group", "segment_name"])
    row = table.loc[(EVERYTHING, EVERYBODY)]
    assert row["elasticity_low"] < -2 < row["elasticity_high"] < 0
    assert set(table.index.get_level_values(0)) == {EVERYTHING, "goods"}
    assert set(table.index.get_level_values(1)) == {"a", "b", EVERYBODY}
    assert row["rests_on_count"] == 60
    assert found.tests["segment_count"].tolist() == [2, 2]


def test_offers_made_when_much_is_sold_are_refused():
    rng = np.random.default_rng(6)
    units, prices = draw_units(rng, slope=0.0, products=30, changed=0, mean=30)
    # an offer in every third period in which twice as much would have been bought anyhow
    offers = rng.random(units.shape) < 1 / 3
    units = np.where(offers, 2 * units, units)
    for discounts in (np.where(offers, 0.2, 0.0), np.zeros(units.shape)):
        shown = np.where(offers & (discounts == 0), 0.8 * prices, prices)
        tables = make_lines(rng, units, shown, discounts=discounts)
        priced = price_lines(tables, SEGMENTS, plan=Pricing(), at=Settings(AS_OF))
        found = measure_response(priced)
        assert found.elasticities.empty
        assert "outside of offers" in found.elasticities.reason
        assert not found.changes["is_enough"].any()


def test_prices_that_followed_sales_are_told_as_that():
    rng = np.random.default_rng(7)
    prices = np.full((30, PERIODS), 10.0)
    levels = np.full((30, PERIODS), 100.0)
    for place in range(24):
        start = rng.integers(6, PERIODS - 6)
        prices[place, start:] = 8.0 if place % 2 else 12.0
        levels[place, start - 2 :] = 50.0 if place % 2 else 200.0
    units = rng.poisson(levels).astype(float)
    tables = make_lines(rng, units, prices, discounts=np.zeros(units.shape))
    priced = price_lines(tables, SEGMENTS, plan=Pricing(), at=Settings(AS_OF))
    found = measure_response(priced)
    assert found.tests["moved_before"].all()
    assert found.elasticities.empty
