"""What a survey says of prices: van Westendorp's meter, and Newton, Miller and Smith's extension.

Four prices are asked: at which a product is so cheap that its quality is doubted, cheap, expensive,
and too expensive to be bought. Where the shares of answers beyond a price cross, a price is told
(van Westendorp 1976, *Proceedings of the 29th ESOMAR Congress*). Where it was also asked how likely
somebody is to buy at the cheap and at the expensive price, the share who buy and the revenue follow
(Newton, Miller and Smith 1993, *American Marketing Association Advanced Research Techniques
Forum*).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.action.pricing.paid import EVERYBODY
from segkit.core.absence import empty_table, is_missing
from segkit.core.settings import Settings
from segkit.core.statistics import ALPHA
from segkit.features.expressions import keep_known
from segkit.plan.pricing import PriceQuestions

PRICES = ("too_cheap", "cheap", "expensive", "too_expensive")
INTENTS = ("intent_cheap", "intent_expensive")
# Which falling curve crosses which rising one, as van Westendorp has them.
CROSSINGS = {
    "marginal_cheapness": ("too_cheap", "not_cheap"),
    "optimal_price": ("too_cheap", "too_expensive"),
    "indifference_price": ("cheap", "expensive"),
    "marginal_expensiveness": ("not_expensive", "too_expensive"),
}
BEST = ("most_buyers_price", "most_revenue_price")
FEWEST_ANSWERS = 30
RESAMPLES = 400
MOST_STEPS = 19  # points of a curve that are drawn
NO_QUESTIONS = (
    "No survey question on prices is named in the plan. Ask at which price a product is too cheap, "
    "cheap, expensive and too expensive, and name the four questions under [[pricing.asked]]."
)
NO_ANSWERS = (
    "Nobody answered the four questions on prices that the plan names under [[pricing.asked]], as "
    "they are spelt there, with numbers."
)
POINT_COLUMNS = ["product", "segment_name", "answer_count", "point", "price", "price_low",
                 "price_high"]  # fmt: skip
COUNT_COLUMNS = ["product", "answers", "customer_count"]
RISING = "all that was asked, and prices that rise"
OTHERS = "an answer is missing, or prices do not rise"
CURVE_COLUMNS = ["product", "curve", "share", "price", "answer_count"]
TRIAL_COLUMNS = ["product", "segment_name", "answer_count", "price", "trial_share", "revenue"]


def read_answers(
    responses: ir.Table | None, asked: PriceQuestions, *, at: Settings
) -> pd.DataFrame:
    """Return one row a customer with the four prices, and the two intents where they were asked.

    An intent is the part of those with such an answer who are taken to buy, as the plan says.

    Of several answers of a customer the last one counts, of those at one time the largest. Answers
    are numbers, with a comma or a point before the decimals; what is no number above 0 is missing.

    Parameters
    ----------
    responses : ibis.Table or None
        customer_id, question, answer, and answered_at where it is known.
    asked : PriceQuestions
    at : Settings
    """
    names = [*PRICES, *(INTENTS if asked.intents else ())]
    if is_missing(responses, "customer_id", "question", "answer"):
        return pd.DataFrame(columns=["customer_id", *names])
    rows = keep_known(responses, "answered_at", at.as_of)
    rows = rows.filter(rows.customer_id.notnull() & rows.answer.notnull())
    has_time = "answered_at" in rows.columns
    time = rows.answered_at.cast("timestamp") if has_time else ibis.null("timestamp")
    text = rows.answer.cast("string").strip()
    number = text.replace(",", ".").try_cast("float64")
    rows = rows.select("customer_id", "question", text=text, number=number, time=time)
    wanted = {}
    for name, question in zip(names, [*asked.prices, *asked.intents], strict=True):
        is_own = rows.question == question
        value = rows.text if name in INTENTS else rows.number
        order = [rows.time.desc(nulls_first=False), value.desc(nulls_first=False)]
        wanted[name] = value.first(where=is_own, order_by=order, include_null=True)
    is_asked = rows.question.isin([*asked.prices, *asked.intents])
    found = rows.filter(is_asked).group_by("customer_id").agg(**wanted).to_pandas()
    words = {word.strip().casefold(): part for word, part in asked.intent.items()}
    for name in names[len(PRICES) :]:
        found[name] = [_read_intent(text, words) for text in found[name]]
    for name in PRICES:
        values = found[name].astype(float)
        found[name] = values.where(np.isfinite(values) & (values > 0))
    return found.sort_values("customer_id", ignore_index=True)


def keep_consistent(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the customers who gave all four prices, each above the one before.

    Where it was also asked how likely they are to buy, those who said it.
    """
    prices = answers[list(PRICES)].astype(float).to_numpy()
    is_rising = (np.diff(prices, axis=1) > 0).all(axis=1)
    kept = answers[is_rising].reset_index(drop=True)
    return kept.dropna(subset=[name for name in INTENTS if name in kept])


def find_points(prices: np.ndarray, weights: np.ndarray | None = None) -> dict[str, float]:
    """Return where the curves cross: the four prices of the meter.

    "Too cheap" and "cheap" are the shares who named a price as high or higher, "expensive" and "too
    expensive" those who named one as low or lower; "not cheap" and "not expensive" are the rest.
    Between two prices that somebody named a curve is straight. Where two curves lie on each other
    the middle of that stretch is the point.

    Parameters
    ----------
    prices : ndarray of float, (n, 4)
        Of each respondent too cheap, cheap, expensive and too expensive, rising.
    weights : ndarray of float, (n,), optional
        How often each respondent counts.

    Examples
    --------
    >>> prices = np.array([[2.0, 4, 6, 8], [3, 5, 7, 9], [4, 6, 8, 10], [5, 7, 9, 11]])
    >>> {name: round(price, 2) for name, price in find_points(prices).items()}
    {'marginal_cheapness': 5.0, 'optimal_price': 6.5, 'indifference_price': 6.5, \
'marginal_expensiveness': 8.0}
    """
    grid = np.unique(prices)
    curves = _draw_curves(prices, grid, weights)
    return {
        name: _cross(grid, curves[falling] - curves[rising])
        for name, (falling, rising) in CROSSINGS.items()
    }


def _draw_curves(
    prices: np.ndarray, grid: np.ndarray, weights: np.ndarray | None
) -> dict[str, np.ndarray]:
    """Return the six curves at the prices of ``grid``."""
    weights = np.ones(len(prices)) if weights is None else weights
    whole = weights.sum()
    curves = {}
    for place, name in enumerate(PRICES):
        at = np.searchsorted(grid, prices[:, place])
        counts = np.bincount(at, weights=weights, minlength=len(grid))
        below = np.cumsum(counts)
        curves[name] = (below if "expensive" in name else whole - below + counts) / whole
    curves["not_cheap"] = 1 - curves["cheap"]
    curves["not_expensive"] = 1 - curves["expensive"]
    return curves


def _cross(grid: np.ndarray, apart: np.ndarray) -> float:
    """Return where a falling difference of two curves is 0; NaN where it never is."""
    is_on = np.abs(apart) < 1e-12
    if is_on.any():
        touching = grid[is_on]
        return float((touching[0] + touching[-1]) / 2)
    after = np.flatnonzero(apart < 0)
    if not len(after) or after[0] == 0:
        return np.nan
    place = int(after[0])
    before, behind = apart[place - 1], apart[place]
    part = before / (before - behind)
    return float(grid[place - 1] + part * (grid[place] - grid[place - 1]))


def measure_trial(
    prices: np.ndarray, intents: np.ndarray, *, at: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the share who would buy at prices ``at``, as Newton, Miller and Smith have it.

    Of each respondent it is 0 up to the price that is too cheap and from the one that is too
    expensive on, the stated part at the cheap and at the expensive price, and straight between.

    Parameters
    ----------
    prices : ndarray of float, (n, 4)
    intents : ndarray of float, (n, 2)
        The part that is taken to buy at the cheap and at the expensive price.
    at : ndarray of float, (m,)
    weights : ndarray of float, (n,), optional

    Examples
    --------
    >>> at = np.array([2.0, 3, 4, 5, 6, 7, 8])
    >>> measure_trial(np.array([[2.0, 4, 6, 8]]), np.array([[0.7, 0.3]]), at=at).round(2).tolist()
    [0.0, 0.35, 0.7, 0.5, 0.3, 0.15, 0.0]
    """
    each = _list_trials(prices, intents, at)
    weights = np.ones(len(prices)) if weights is None else weights
    return weights @ each / weights.sum()


def _list_trials(prices: np.ndarray, intents: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Return by respondent and price the part that is taken to buy, (n, m)."""
    heights = np.column_stack([np.zeros(len(prices)), intents, np.zeros(len(prices))])
    rows = [np.interp(at, own, parts) for own, parts in zip(prices, heights, strict=True)]
    return np.array(rows).reshape(len(prices), len(at))


@dataclass(frozen=True)
class Survey:
    """What a survey says of prices; without answers all tables are empty and say why.

    Attributes
    ----------
    counts : DataFrame
        Two rows a product, of who answered any of the four questions: customer_count of those who
        gave four prices that rise, and of the others.
    points : DataFrame
        One row a product, segment and point: price with its 95 % interval, answer_count. The points
        are those of `CROSSINGS`, and of `BEST` where intent was asked.
    curves : DataFrame
        Points of the four curves of each product, among all: curve, share, price.
    trial : DataFrame
        The share who would buy, and the revenue a customer asked, by price.
    """

    counts: pd.DataFrame
    points: pd.DataFrame
    curves: pd.DataFrame
    trial: pd.DataFrame


def measure_survey(
    tables: Mapping[str, ir.Table],
    segments: pd.DataFrame,
    *,
    asked: tuple[PriceQuestions, ...],
    at: Settings,
) -> Survey:
    """Measure what a survey says of the price of each product, among all and by segment.

    Answers that do not rise from too cheap to too expensive are left out and counted. A segment is
    told of where at least thirty of its customers gave four prices that rise. Intervals are those
    of the bootstrap over respondents, by percentiles.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``responses``.
    segments : DataFrame
        ``customer_id`` and ``segment_name``; answers of others count nowhere.
    asked : tuple of PriceQuestions
    at : Settings
    """
    counts, points, curves, trials = [], [], [], []
    known = segments[["customer_id", "segment_name"]].drop_duplicates("customer_id").astype(str)
    for one in asked:
        answers = read_answers(tables.get("responses"), one, at=at)
        answers = answers.merge(known, on="customer_id", how="inner")
        answers = answers.dropna(subset=list(PRICES), how="all")
        kept = keep_consistent(answers)
        if answers.empty:
            continue
        counts.append((one.product, RISING, len(kept)))
        counts.append((one.product, OTHERS, len(answers) - len(kept)))
        if len(kept) < FEWEST_ANSWERS:
            continue
        for name, own in _part_segments(kept, smallest_cell=at.smallest_cell):
            points += _measure_points(own, one, name, at=at)
        curves += _sample_curves(kept, one.product, at=at)
        trials += _sample_trial(kept, one)
    reason = NO_ANSWERS if asked else NO_QUESTIONS
    few = (
        f"Fewer than {FEWEST_ANSWERS} customers gave four prices that rise from too cheap to too "
        "expensive. Ask more of them."
    )
    lacks = few if counts else reason
    return Survey(
        _make_table(counts, COUNT_COLUMNS, reason),
        _make_table(points, POINT_COLUMNS, lacks),
        _make_table(curves, CURVE_COLUMNS, lacks),
        _make_table(trials, TRIAL_COLUMNS, lacks),
    )


def _make_table(rows: list[tuple], columns: list[str], reason: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns) if rows else empty_table(columns, reason)


def _part_segments(kept: pd.DataFrame, *, smallest_cell: int) -> list[tuple[str, pd.DataFrame]]:
    """Return all answers, and those of each segment that has enough of them.

    Where they would leave few others, whose number could be told, the smallest goes too.
    """
    parts = [(name, own) for name, own in kept.groupby("segment_name", sort=True)]
    parts = [(name, own) for name, own in parts if len(own) >= FEWEST_ANSWERS]
    while parts and 0 < len(kept) - sum(len(own) for _name, own in parts) < smallest_cell:
        parts.remove(min(parts, key=lambda part: len(part[1])))
    return [(EVERYBODY, kept), *parts]


def _measure_points(
    own: pd.DataFrame, asked: PriceQuestions, name: str, *, at: Settings
) -> list[tuple]:
    """Return the points of some respondents with their intervals."""
    prices = own[list(PRICES)].to_numpy(float)
    rng = np.random.default_rng(at.random_state)
    draws = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=RESAMPLES)
    found = find_points(prices)
    drawn = pd.DataFrame([find_points(prices, weights.astype(float)) for weights in draws])
    rows = _bound_points(found, drawn, (asked.product, name, len(own)))
    if asked.intents:
        grid = _lay_grid(prices, steps=200)
        each = _list_trials(prices, own[list(INTENTS)].to_numpy(float), grid)
        shares = np.vstack([each.mean(axis=0), draws @ each / len(own)])
        places = (shares.argmax(axis=1), (shares * grid).argmax(axis=1))
        best = pd.DataFrame({point: grid[place] for point, place in zip(BEST, places, strict=True)})
        rows += _bound_points(dict(best.iloc[0]), best.iloc[1:], (asked.product, name, len(own)))
    return rows


def _bound_points(found: Mapping[str, float], drawn: pd.DataFrame, keys: tuple) -> list[tuple]:
    """Return each point with the percentiles of its resamples; none where one is not known."""
    rows = []
    for point, price in found.items():
        known = drawn[point].to_numpy(float)
        if not np.isfinite(price):
            continue
        ends = (np.nan, np.nan)
        if np.isfinite(known).mean() >= 1 - ALPHA:
            ends = tuple(np.nanquantile(known, [ALPHA / 2, 1 - ALPHA / 2]))
        rows.append((*keys, point, float(price), *map(float, ends)))
    return rows


def _read_intent(text: object, words: Mapping[str, float]) -> float:
    """Return the part who buy, by an answer; 5.0 is read as 5."""
    key = str(text).strip().casefold()
    return words.get(key, words.get(key.removesuffix(".0"), np.nan))


def _lay_grid(prices: np.ndarray, *, steps: int) -> np.ndarray:
    """Return prices from a low one of too cheap to a high one of too expensive, evenly apart."""
    low, high = np.quantile(prices[:, 0], 0.05), np.quantile(prices[:, 3], 0.95)
    return np.linspace(low, high, steps)


def _sample_curves(kept: pd.DataFrame, product: str, *, at: Settings) -> list[tuple]:
    """Return points of the four curves: the price at which a share of the answers is reached.

    Between two points lie at least twice ``smallest_cell`` answers, so that no curve tells of few.
    """
    steps = min(MOST_STEPS, len(kept) // (2 * at.smallest_cell) - 1)
    levels = np.arange(1, steps + 1) / (steps + 1)
    rows = []
    for name in PRICES:
        values = kept[name].to_numpy(float)
        for level in levels:
            share = level if "expensive" in name else 1 - level
            rows.append((product, name, share, float(np.quantile(values, level)), len(kept)))
    return rows


def _sample_trial(kept: pd.DataFrame, asked: PriceQuestions) -> list[tuple]:
    """Return the share who would buy and the revenue a customer, by price, among all."""
    if not asked.intents:
        return []
    prices = kept[list(PRICES)].to_numpy(float)
    grid = _lay_grid(prices, steps=MOST_STEPS)
    shares = measure_trial(prices, kept[list(INTENTS)].to_numpy(float), at=grid)
    keys = (asked.product, EVERYBODY, len(kept))
    return [(*keys, float(p), float(s), float(p * s)) for p, s in zip(grid, shares, strict=True)]
