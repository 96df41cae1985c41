"""Which candidate segmentation to use, and whether to use any.

Knock-out first: a candidate must have segments that are large enough, valuable enough, few enough
and stable enough, and k-means must find more than it finds in shuffled columns. Ranking second:
the share of the customers' differences that the segments explain, where each further segment must
earn its place. Tiers and RFM are cuts by rule: they may be useful, but they find nothing.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segkit.errors import SegkitError, VerdictError
from segkit.plan import LEARNING_METHODS, Criteria, Scheme
from segkit.segments.preparation import (
    learn_levels,
    learn_preparation,
    prepare_columns,
    read_numbers,
    tidy_columns,
)
from segkit.segments.rules import fit_rfm, fit_rules, fit_tiers
from segkit.segments.schemes import list_wanted
from segkit.segments.segmentation import Segmentation, fit_segmentation
from segkit.segments.stability import (
    measure_class_stability,
    measure_prototype_stability,
    measure_rule_stability,
    measure_structure,
    sample_rows,
)

CUSTOMERS_PER_SEGMENT = 10
SMALLEST_STRUCTURE = 0.05
SMALLEST_GAIN = 0.05


@dataclass(frozen=True)
class Candidates:
    """A table of one row a scheme and number of segments, and the segmentations by that pair."""

    table: pd.DataFrame
    segmentations: dict[tuple[str, int], Segmentation] = field(repr=False)


@dataclass(frozen=True)
class Choice:
    """The scheme to use, the verdict on it ("yes" or "no"), and why.

    ``overruled`` says that the plan's ``final_scheme`` is another than the recommended one.
    """

    scheme: str
    segment_count: int
    verdict: str
    reasons: list[str]
    overruled: bool


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
    2,000 customers. The customer table needs ``total_spend`` and the schemes' columns.

    Returns
    -------
    Candidates
        The table's columns: ``scheme``, ``method``, ``base``, ``segment_count``,
        ``smallest_customer_share``, ``smallest_value_share`` (of total spend),
        ``explained_spend_share`` (eta squared of prepared total spend), ``explained_share`` (mean
        eta squared over all columns that any scheme reads; this ranks), ``stability`` (mean
        adjusted Rand index between bootstrap samples), ``structure`` (of what was found:
        how much tighter than on shuffled columns; of latent classes how far the BIC is below that
        of one class), ``reproducible_share`` (explained share times
        stability), ``passes``, ``reason``, ``fault_count``; ``attrs["refused"]`` says which schemes
        could not be fitted, and why.

    Raises
    ------
    SegkitError
        If not one candidate can be fitted.

    References
    ----------
    Eta squared: Pearson (1905); between-groups sum of squares over the total.
    """
    order = np.argsort(customers["customer_id"].to_numpy(str), kind="stable")
    customers, schemes = customers.iloc[order].reset_index(drop=True), list(schemes)
    seeds = {"as_of": as_of, "random_state": random_state}
    panel = _prepare_panel(customers, schemes)
    rows, segmentations, refused = [], {}, []
    for scheme in schemes:
        fewest, most = scheme.segments if scheme.method != "rules" else (1, 1)
        counts = list(range(fewest, most + 1))
        if scheme.method == "rfm":  # goes on merging neighbours until one passes
            counts += range(fewest - 1, 2, -1)
        for count in counts:
            if count < fewest and any(r["passes"] for r in rows if r["scheme"] == scheme.name):
                break
            needed = CUSTOMERS_PER_SEGMENT * count
            try:
                if len(customers) < needed:
                    there = f"there are {len(customers)}"
                    raise SegkitError(f"{count} segments need {needed} customers, {there}")
                found, labels = fit_segmentation(customers, scheme, n_segments=count, **seeds)
            except SegkitError as error:
                refused.append(f"{_name(scheme.name)} cannot be fitted: {error.describe()}")
                continue
            if (scheme.name, len(found.segments)) not in segmentations:
                segmentations[scheme.name, len(found.segments)] = found
                rows.append(_measure(customers, labels, scheme, found, panel, criteria))
    if not rows:
        message, fix = "no scheme can be fitted to these customers", "Bring more customers."
        raise SegkitError(message, found=" ".join(dict.fromkeys(refused)).rstrip("."), fix=fix)
    table = pd.DataFrame(rows)
    table.attrs["refused"] = list(dict.fromkeys(refused))
    return Candidates(table, segmentations)


def _prepare_panel(customers: pd.DataFrame, schemes: list[Scheme]) -> dict[str, np.ndarray]:
    """Prepare the columns that any scheme reads alike for all candidates: (n, 1), or (n, levels).

    A category has a column of zeros and ones for each level.
    """
    panel: dict[str, np.ndarray] = {}
    spend = ["total_spend"] if "total_spend" in customers else []
    wanted = [column for scheme in schemes for column in list_wanted(scheme)]
    for scheme in (scheme for scheme in schemes if scheme.method == "rules"):
        with contextlib.suppress(SegkitError):
            wanted += fit_rules(customers, scheme)[0].columns
    coded = {column for scheme in schemes for column in scheme.categorical}
    for column in dict.fromkeys([*spend, *wanted]):
        with contextlib.suppress(SegkitError):  # the scheme that needs it is refused, and says why
            if column in coded or tidy_columns(customers, [column])[column].dtype != float:
                levels, codes = learn_levels(customers, column)
                panel[column] = np.eye(len(levels.levels))[codes]
            else:
                panel[column] = learn_preparation(customers, column)[1][:, None]
    return panel


def _measure(
    customers: pd.DataFrame,
    labels: np.ndarray,
    scheme: Scheme,
    found: Segmentation,
    panel: dict[str, np.ndarray],
    criteria: Criteria,
) -> dict[str, object]:
    """Measure one candidate; the columns of `compare_candidates`."""
    size, unknown = len(found.segments), float("nan")
    counts = np.bincount(labels, minlength=size + 1)[1:].astype(float)
    spend = np.full(size, unknown)
    if "total_spend" in customers:
        amounts = np.nan_to_num(read_numbers(customers, "total_spend"))
        spend = np.bincount(labels, amounts, minlength=size + 1)[1:]
    if scheme.method == "rules":  # a rule that nobody meets today may be met tomorrow
        spend[counts == 0], counts[counts == 0] = np.inf, np.inf
    explained = {name: _explain(values, labels) for name, values in panel.items()}
    told = [explained[name] for name, values in panel.items() if np.ptp(values) > 0]
    total = spend[np.isfinite(spend)].sum()
    stability, structure = _measure_stability(customers, scheme, found)
    explained_share = float(np.mean(told)) if told else 0.0
    row = {
        "scheme": scheme.name,
        "method": scheme.method,
        "base": scheme.base,
        "segment_count": size,
        "smallest_customer_share": counts.min() / len(customers),
        "smallest_value_share": spend.min() / total if total > 0 else unknown,
        "explained_spend_share": explained.get("total_spend", unknown),
        "explained_share": explained_share,
        "stability": stability,
        "structure": structure,
        "reproducible_share": explained_share * stability,
    }
    names = list(found.names.values())
    poorest = "" if np.isnan(spend).any() else names[spend.argmin()]
    faults = _find_faults(row, criteria, names[counts.argmin()], poorest)
    reason = "; ".join(faults) or "meets every criterion"
    return row | {"passes": not faults, "reason": reason, "fault_count": len(faults)}


def _measure_stability(
    customers: pd.DataFrame, scheme: Scheme, found: Segmentation
) -> tuple[float, float]:
    """Return stability and structure of a candidate, on at most 2,000 customers."""
    size, model, seed = len(found.segments), found.model, found.random_state
    sample = sample_rows(len(customers), seed)
    if scheme.method == "latent_classes":
        few = customers.iloc[sample].reset_index(drop=True)
        options = {"random_state": seed}
        return measure_class_stability(few, scheme.columns, size, **options)
    if scheme.method in LEARNING_METHODS:
        rows = prepare_columns(customers, scheme).take(sample)
        options = {"gamma": model.gamma, "random_state": seed}
        stability = measure_prototype_stability(rows, size, **options)
        return stability, measure_structure(rows, size, **options)
    fit = {"rfm": fit_rfm, "tiers": fit_tiers, "rules": fit_rules}[scheme.method]
    few = customers.iloc[sample][list(found.columns)]
    refit = functools.partial(fit, scheme=scheme, n_segments=size)
    return measure_rule_stability(few, refit, random_state=seed), float("nan")


def _explain(values: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of a column's squared differences that lies between the segments.

    Of a number it is eta squared (Pearson 1905), of a category's zeros and ones the tau of Goodman
    and Kruskal (1954).
    """
    total = ((values - values.mean(axis=0)) ** 2).sum()
    groups = [values[labels == n] for n in np.unique(labels)]
    within = sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups)
    return float(1 - within / total) if total > 0 else 0.0


def _find_faults(
    row: dict[str, object], criteria: Criteria, smallest: str, poorest: str
) -> list[str]:
    """Say in words which criteria a candidate misses."""
    faults = []
    count, most = row["segment_count"], criteria.most_segments
    if count > most:
        faults.append(f"{count} segments, the plan allows {most}")
    share, limit = row["smallest_customer_share"], criteria.smallest_customer_share
    if share < limit:
        found = _tell_apart(share, limit, 1, "%", " of customers")
        faults.append(f"the smallest segment ({smallest}) has {found}")
    share, limit = row["smallest_value_share"], criteria.smallest_value_share
    if np.isnan(share) and not np.isnan(row["explained_spend_share"]):
        faults.append("there is no spend to share out")
    elif share < limit:
        found = _tell_apart(share, limit, 1, "%", " of spend")
        faults.append(f"the poorest segment ({poorest}) has {found}")
    if row["stability"] < criteria.smallest_stability:
        found = _tell_apart(row["stability"], criteria.smallest_stability, 2, "f")
        faults.append(f"stability is {found}")
    if row["method"] == "latent_classes":
        if row["structure"] <= 0:
            faults.append("a single class describes the answers as well (BIC): nothing was found")
    elif row["method"] in LEARNING_METHODS and row["structure"] < SMALLEST_STRUCTURE:
        faults.append(
            f"clusters are only {max(row['structure'], 0):.1%} tighter than in shuffled columns, "
            f"below {SMALLEST_STRUCTURE:.0%}: nothing that sets customers apart was found"
        )
    return faults


def _tell_apart(value: float, limit: float, decimals: int, unit: str, noun: str = "") -> str:
    """Write two numbers with as many decimals as it takes to see that they differ."""
    texts = [f"{number:.{decimals}{unit}}" for number in (value, limit)]
    if texts[0] == texts[1] and decimals < 6:
        return _tell_apart(value, limit, decimals + 1, unit, noun)
    return f"{texts[0]}{noun}, below {texts[1]}"


def choose_scheme(table: pd.DataFrame, criteria: Criteria) -> Choice:
    """Choose a candidate: knock-out, then ranking with parsimony.

    Within a scheme the fewest segments that pass are taken, and more only where each further one
    adds at least five percentage points to ``reproducible_share``: what a further segment explains
    counts as far as another sample would find it again. Between schemes the best explained wins;
    within five points the one with fewer segments, then the plan's order. If nothing passes,
    the candidate with the fewest faults is named and the verdict is "no". The plan's
    ``final_scheme`` overrules which scheme is chosen, never the verdict on it.

    Returns
    -------
    Choice
    """
    chosen = best = _choose_best(table)
    if criteria.final_scheme is not None:
        own = table[table["scheme"] == criteria.final_scheme]
        if own.empty:
            message = f"the plan's final scheme '{criteria.final_scheme}' could not be fitted"
            names = ", ".join(table["scheme"].unique())
            raise SegkitError(message, fix=f"Choose one of: {names}.")
        chosen = _choose_within(own)
    overruled = chosen["scheme"] != best["scheme"]
    return Choice(
        scheme=str(chosen["scheme"]),
        segment_count=int(chosen["segment_count"]),
        verdict="yes" if chosen["passes"] else "no",
        reasons=_give_reasons(table, chosen, best if overruled else None),
        overruled=bool(overruled),
    )


def _choose_within(rows: pd.DataFrame) -> pd.Series:
    """The best candidate of one scheme."""
    passing = rows[rows["passes"]].sort_values("segment_count")
    if passing.empty:
        best_first = rows.sort_values("explained_share", ascending=False, kind="stable")
        return best_first.sort_values("fault_count", kind="stable").iloc[0]
    best = passing.iloc[0]
    for _, row in passing.iloc[1:].iterrows():
        added = row["segment_count"] - best["segment_count"]
        if row["reproducible_share"] - best["reproducible_share"] >= SMALLEST_GAIN * added:
            best = row
    return best


def _choose_best(table: pd.DataFrame) -> pd.Series:
    """The best candidate of all schemes."""
    own_best = pd.DataFrame(_choose_within(rows) for _, rows in table.groupby("scheme", sort=False))
    finalists = own_best[own_best["fault_count"] == own_best["fault_count"].min()]
    near = finalists["explained_share"].max() - SMALLEST_GAIN
    close = finalists[finalists["explained_share"] > near]
    return close.sort_values("segment_count", kind="stable").iloc[0]


def _give_reasons(
    table: pd.DataFrame, chosen: pd.Series, recommended: pd.Series | None
) -> list[str]:
    """Say why this candidate, why not its neighbours, and why not the other schemes."""
    spend = f" and {chosen['explained_spend_share']:.0%} of those in spend"
    spend = "" if np.isnan(chosen["explained_spend_share"]) else spend
    reasons = [
        f"{_label(chosen)}: stability {chosen['stability']:.2f}; it explains "
        f"{chosen['explained_share']:.0%} of the differences between customers{spend}; "
        f"the smallest segment has {chosen['smallest_customer_share']:.1%} of customers."
    ]
    if not chosen["passes"]:
        reasons.append(f"Refused: {chosen['reason']}.")
    elif chosen["method"] not in LEARNING_METHODS:
        reasons.append("It is a cut by rule: useful for acting, but it finds no natural groups.")
    if recommended is not None:
        advice = "would be recommended" if recommended["passes"] else "comes nearest"
        reasons.append(
            f"The plan asks for {_name(chosen['scheme'])}; {_label(recommended)} {advice}."
        )
    for _, row in table.iterrows():
        further = row["segment_count"] - chosen["segment_count"]
        same = row["scheme"] == chosen["scheme"]
        if same and further == 0:
            continue
        points = round(100 * (row["explained_share"] - chosen["explained_share"]))
        unit = "point" if abs(points) == 1 else "points"
        gain = f"{abs(points)} {unit} {'more' if points > 0 else 'less'}" if points else "as much"
        found = f"explains {gain} of the differences, with stability {row['stability']:.2f}"
        if not row["passes"]:
            reasons.append(f"{_label(row)} is refused: {row['reason']}.")
        elif same and further > 0:
            segments = "segment does not earn its" if further == 1 else "segments do not earn their"
            reasons.append(f"{_label(row)} {found}: the further {segments} place.")
        else:
            reasons.append(f"{_label(row)} meets every criterion too; it {found}.")
    return reasons + table.attrs.get("refused", [])


def _label(row: pd.Series) -> str:
    return f"{_name(row['scheme'])} with {row['segment_count']} segments"


def _name(scheme: str) -> str:
    return scheme.replace("_", " ")


def choose_segmentations(candidates: Candidates, choice: Choice) -> dict[str, Segmentation]:
    """Return one segmentation a scheme: the chosen one, and the best of each other scheme."""
    chosen = {}
    for scheme, own in candidates.table.groupby("scheme", sort=False):
        best = _choose_within(own)["segment_count"]
        count = choice.segment_count if scheme == choice.scheme else int(best)
        chosen[scheme] = candidates.segmentations[scheme, count]
    return chosen


def enforce_verdict(choice: Choice, criteria: Criteria) -> None:
    """Raise a `VerdictError` with the reasons if the verdict is "no" and the plan stops on it."""
    if choice.verdict == "no" and criteria.on_verdict == "stop":
        raise VerdictError(
            "the verdict on the segments is no, and the plan says to stop on it",
            where=choice.scheme,
            found=" ".join(choice.reasons),
            fix='Change the schemes or the criteria, or set on_verdict = "warn".',
        )
