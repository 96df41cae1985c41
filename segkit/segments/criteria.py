"""Which candidate segmentation to use, and whether to use any.

Knock-out first: a candidate must have segments that are large enough, valuable enough, few enough
and stable enough, and k-means must find more than it finds in shuffled columns. Ranking second:
the share of the customers' differences that the segments explain, where each further segment must
earn its place. Tiers and RFM are cuts by rule: they may be useful, but they find nothing.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segkit.errors import SegkitError
from segkit.plan import Criteria, Scheme
from segkit.segments.preparation import learn_preparations, prepare_columns, read_numbers
from segkit.segments.rules import Rules, fit_rfm, fit_tiers
from segkit.segments.segmentation import Segmentation, fit_and_assign
from segkit.segments.stability import (
    measure_centre_stability,
    measure_rule_stability,
    measure_structure,
    sample_rows,
)

CUSTOMERS_PER_SEGMENT = 10
SMALLEST_STRUCTURE = 0.05
SMALLEST_GAIN = 0.05


@dataclass(frozen=True)
class Candidates:
    """Candidates on the same criteria, and the segmentations behind them.

    ``table`` has one row a scheme and number of segments; ``segmentations`` is keyed by
    ``(scheme, segment_count)``.
    """

    table: pd.DataFrame
    segmentations: dict[tuple[str, int], Segmentation] = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """The scheme to use, the verdict on it, and why.

    ``verdict`` is about the chosen candidate, whoever chose it. ``overruled`` says that the plan's
    ``final_scheme`` is another than the recommended one.
    """

    scheme: str
    segment_count: int
    verdict: str
    reasons: list[str]
    overruled: bool
    recommended_scheme: str
    recommended_count: int


def compare_candidates(
    customers: pd.DataFrame,
    schemes: Iterable[Scheme],
    criteria: Criteria,
    *,
    as_of: datetime.date,
    random_state: int,
) -> Candidates:
    """Fit every scheme with every number of segments it asks for, and measure each.

    RFM that asks for six segments means at most six: where some are too small or too poor, their
    neighbours are merged, one step at a time. Stability and structure are measured on at most
    2,000 customers.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer, with ``total_spend`` and the schemes' columns.
    schemes : iterable of Scheme
        From the plan.
    criteria : Criteria
        From the plan.
    as_of : datetime.date
        The last day that the customer table counts.
    random_state : int
        Seed.

    Returns
    -------
    Candidates
        The table's columns: ``scheme``, ``method``, ``base``, ``segment_count``,
        ``smallest_customer_share``, ``smallest_value_share`` (of total spend),
        ``explained_spend_share`` (eta squared of prepared total spend), ``explained_share`` (mean
        eta squared over all columns that any scheme reads; this ranks), ``stability`` (mean
        adjusted Rand index between bootstrap samples), ``structure`` (k-means only: how much
        tighter than on shuffled columns), ``reproducible_share`` (explained share times
        stability), ``passes``, ``reason``, ``fault_count``.

    Raises
    ------
    SegkitError
        If not one candidate can be fitted.

    References
    ----------
    Eta squared: Pearson (1905); between-groups sum of squares over the total.
    """
    order = np.argsort(customers["customer_id"].to_numpy(str), kind="stable")
    customers = customers.iloc[order].reset_index(drop=True)
    schemes = list(schemes)
    panel = _prepare_panel(customers, schemes)
    rows, segmentations, refused = [], {}, []
    seeds = {"as_of": as_of, "random_state": random_state}
    # One thread: on small data more of them only wait for each other.
    with threadpool_limits(1):
        for scheme in schemes:
            for n_segments in _list_counts(scheme):
                merging = n_segments < scheme.segments[0]
                if merging and any(r["passes"] for r in rows if r["scheme"] == scheme.name):
                    break
                needed = CUSTOMERS_PER_SEGMENT * n_segments
                if len(customers) < needed:
                    refused.append(
                        f"{scheme.name} with {n_segments} segments needs {needed} customers, "
                        f"there are {len(customers)}"
                    )
                    continue
                try:
                    found, placed = fit_and_assign(
                        customers, scheme, n_segments=n_segments, **seeds
                    )
                except SegkitError as error:
                    refused.append(f"{scheme.name}: {error.describe()}")
                    continue
                key = (scheme.name, len(found.segments))
                if key in segmentations:
                    continue
                segmentations[key] = found
                rows.append(_measure(placed, scheme, found, panel, criteria))
    if not rows:
        raise SegkitError(
            "no scheme can be fitted to these customers",
            found="; ".join(refused),
            fix="Bring more customers, or other columns.",
        )
    return Candidates(pd.DataFrame(rows), segmentations)


def _list_counts(scheme: Scheme) -> list[int]:
    """Numbers of segments to try; RFM goes on merging neighbours until it passes."""
    fewest, most = scheme.segments
    asked = list(range(fewest, most + 1))
    return asked + list(range(fewest - 1, 2, -1)) if scheme.method == "rfm" else asked


def _prepare_panel(customers: pd.DataFrame, schemes: list[Scheme]) -> dict[str, np.ndarray]:
    """All columns that any scheme reads, prepared the same way for all candidates."""
    columns = ["total_spend"]
    for scheme in schemes:
        columns += scheme.columns or (
            ("recency_days", "order_count", "total_spend") if scheme.method == "rfm" else ()
        )
    columns = list(dict.fromkeys(columns))
    prepared = prepare_columns(customers, learn_preparations(customers, tuple(columns)))
    return dict(zip(columns, prepared.T, strict=True))


def _measure(
    customers: pd.DataFrame,
    scheme: Scheme,
    found: Segmentation,
    panel: dict[str, np.ndarray],
    criteria: Criteria,
) -> dict[str, object]:
    segment = customers["segment"].to_numpy()
    numbers = np.arange(1, len(found.segments) + 1)
    counts = np.array([(segment == n).sum() for n in numbers])
    amounts = np.nan_to_num(read_numbers(customers, "total_spend"))
    spend = np.array([amounts[segment == n].sum() for n in numbers])
    explained = {name: _explain(values, segment) for name, values in panel.items()}
    told = [share for share in explained.values() if np.isfinite(share)]
    sample = sample_rows(len(customers), found.random_state)
    structure = float("nan")
    if isinstance(found.model, Rules):
        fit = {"rfm": fit_rfm, "tiers": fit_tiers}[scheme.method]
        few = customers.iloc[sample][list(found.columns)].astype(float)
        stability = measure_rule_stability(
            few,
            lambda part: fit(part, scheme.columns, len(numbers))[0],
            random_state=found.random_state,
        )
    else:
        rows = np.column_stack([panel[c] for c in found.columns])[sample]
        seed = {"random_state": found.random_state}
        stability = measure_centre_stability(rows, len(numbers), **seed)
        structure = measure_structure(rows, len(numbers), **seed)
    row = {
        "scheme": scheme.name,
        "method": scheme.method,
        "base": scheme.base,
        "segment_count": len(numbers),
        "smallest_customer_share": counts.min() / len(customers),
        "smallest_value_share": spend.min() / spend.sum() if spend.sum() > 0 else float("nan"),
        "explained_spend_share": explained["total_spend"],
        "explained_share": float(np.mean(told)) if told else float("nan"),
        "stability": stability,
        "structure": structure,
    }
    row["reproducible_share"] = row["explained_share"] * row["stability"]
    names = [found.names[int(n)] for n in numbers]
    faults = _find_faults(row, criteria, names[counts.argmin()], names[spend.argmin()])
    reason = "; ".join(faults) or "meets every criterion"
    return row | {"passes": not faults, "reason": reason, "fault_count": len(faults)}


def _explain(values: np.ndarray, segment: np.ndarray) -> float:
    """Eta squared: the share of a column's variance that lies between the segments."""
    total = ((values - values.mean()) ** 2).sum()
    if total <= 0:
        return float("nan")
    groups = [values[segment == n] for n in np.unique(segment)]
    within = sum(((group - group.mean()) ** 2).sum() for group in groups)
    return float(1 - within / total)


def _find_faults(
    row: dict[str, object], criteria: Criteria, smallest: str, poorest: str
) -> list[str]:
    """Say in words which criteria a candidate misses."""
    faults = []
    if row["segment_count"] > criteria.most_segments:
        faults.append(f"{row['segment_count']} segments, the plan allows {criteria.most_segments}")
    if row["smallest_customer_share"] < criteria.smallest_customer_share:
        share, limit = _tell_apart(row["smallest_customer_share"], criteria.smallest_customer_share)
        faults.append(f"the smallest segment ({smallest}) has {share} of customers, below {limit}")
    if np.isnan(row["smallest_value_share"]):
        faults.append("there is no spend to share out")
    elif row["smallest_value_share"] < criteria.smallest_value_share:
        share, limit = _tell_apart(row["smallest_value_share"], criteria.smallest_value_share)
        faults.append(f"the poorest segment ({poorest}) has {share} of spend, below {limit}")
    if not row["stability"] >= criteria.smallest_stability:
        value, limit = _tell_apart(row["stability"], criteria.smallest_stability, ".2f")
        faults.append(f"stability {value} is below {limit}")
    if row["method"] == "kmeans" and not row["structure"] >= SMALLEST_STRUCTURE:
        faults.append(
            f"clusters are only {max(row['structure'], 0):.1%} tighter than in shuffled columns, "
            f"below {SMALLEST_STRUCTURE:.0%}: nothing that sets customers apart was found"
        )
    return faults


def _tell_apart(value: float, limit: float, form: str = ".1%") -> tuple[str, str]:
    """Write two numbers with as many decimals as it takes to see that they differ."""
    decimals = int(form[1])
    while decimals < 6 and f"{value:.{decimals}{form[2]}}" == f"{limit:.{decimals}{form[2]}}":
        decimals += 1
    return f"{value:.{decimals}{form[2]}}", f"{limit:.{decimals}{form[2]}}"


def choose_scheme(table: pd.DataFrame, criteria: Criteria) -> Choice:
    """Choose a candidate: knock-out, then ranking with parsimony.

    Within a scheme the fewest segments that pass are taken, and more only where each further one
    adds at least five percentage points to ``reproducible_share``: what a further segment explains
    counts as far as another sample would find it again. Between schemes the best explained wins;
    within five points the one with fewer segments, then the plan's order. If nothing passes,
    the candidate with the fewest faults is named and the verdict is "no".

    Parameters
    ----------
    table : pandas.DataFrame
        `Candidates.table`.
    criteria : Criteria
        ``final_scheme`` overrules which scheme is chosen, never the verdict on it.

    Returns
    -------
    Choice
    """
    best = _choose_best(table)
    chosen = best
    if criteria.final_scheme is not None:
        own = table[table["scheme"] == criteria.final_scheme]
        if own.empty:
            raise SegkitError(
                f"the plan's final scheme '{criteria.final_scheme}' could not be fitted",
                fix="Choose one of: " + ", ".join(dict.fromkeys(table["scheme"])) + ".",
            )
        chosen = _choose_within(own)
    overruled = chosen["scheme"] != best["scheme"]
    return Choice(
        scheme=str(chosen["scheme"]),
        segment_count=int(chosen["segment_count"]),
        verdict="yes" if chosen["passes"] else "no",
        reasons=_give_reasons(table, chosen, best if overruled else None),
        overruled=overruled,
        recommended_scheme=str(best["scheme"]),
        recommended_count=int(best["segment_count"]),
    )


def _choose_within(rows: pd.DataFrame) -> pd.Series:
    """The best candidate of one scheme."""
    passing = rows[rows["passes"]].sort_values("segment_count")
    if passing.empty:
        order = rows.assign(explained_=-rows["explained_share"].fillna(0))
        return order.sort_values(["fault_count", "explained_"], kind="stable").iloc[0]
    best = passing.iloc[0]
    for _, row in passing.iloc[1:].iterrows():
        added = row["segment_count"] - best["segment_count"]
        if row["reproducible_share"] - best["reproducible_share"] >= SMALLEST_GAIN * added:
            best = row
    return best


def _choose_best(table: pd.DataFrame) -> pd.Series:
    """The best candidate of all schemes."""
    own_best = pd.DataFrame(_choose_within(rows) for _, rows in table.groupby("scheme", sort=False))
    fewest = own_best["fault_count"].min()
    finalists = own_best[own_best["fault_count"] == fewest]
    near = finalists["explained_share"].max() - SMALLEST_GAIN
    close = finalists[finalists["explained_share"].fillna(-1) > near]
    pool = close if len(close) else finalists
    return pool.sort_values("segment_count", kind="stable").iloc[0]


def _give_reasons(
    table: pd.DataFrame, chosen: pd.Series, recommended: pd.Series | None
) -> list[str]:
    """Say why this candidate, why not its neighbours, and why not the other schemes."""
    label = f"{chosen['scheme']} with {chosen['segment_count']} segments"
    reasons = [
        f"{label}: stability {chosen['stability']:.2f}; it explains "
        f"{chosen['explained_share']:.0%} of the differences between customers and "
        f"{chosen['explained_spend_share']:.0%} of those in spend; the smallest segment has "
        f"{chosen['smallest_customer_share']:.1%} of customers."
    ]
    if chosen["passes"] and chosen["method"] != "kmeans":
        reasons.append("It is a cut by rule: useful for acting, but it finds no natural groups.")
    if not chosen["passes"]:
        reasons.append(f"Refused: {chosen['reason']}.")
    if recommended is not None:
        reasons.append(
            f"The plan asks for {chosen['scheme']}; {recommended['scheme']} with "
            f"{recommended['segment_count']} segments "
            f"{'would be recommended' if recommended['passes'] else 'comes nearest'}."
        )
    for _, row in table.iterrows():
        same = row["scheme"] == chosen["scheme"]
        if same and row["segment_count"] == chosen["segment_count"]:
            continue
        name = f"{row['scheme']} with {row['segment_count']} segments"
        if not row["passes"]:
            reasons.append(f"{name} is refused: {row['reason']}.")
        else:
            gain = 100 * (row["explained_share"] - chosen["explained_share"])
            words = f"explains {abs(gain):.0f} points {'more' if gain > 0 else 'less'}"
            if same and row["segment_count"] > chosen["segment_count"]:
                reasons.append(
                    f"{name} {words} at stability {row['stability']:.2f}: the further segments do "
                    "not earn their place."
                )
            else:
                reasons.append(
                    f"{name} meets every criterion too; it {words} of the differences, with "
                    f"stability {row['stability']:.2f}."
                )
    return reasons
