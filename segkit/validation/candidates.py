"""Every scheme with every number of segments it asks for, fitted and measured alike."""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.models import columns as table_columns
from segkit.models.kinds import find_kind
from segkit.plan.models import LEARNING_METHODS, MOST_FITTED, Criteria, Scheme
from segkit.segmentation.documents import Segmentation, fit_segmentation
from segkit.segmentation.preparation import prepare_columns
from segkit.segmentation.rules import fit_rfm, fit_rules, fit_tiers
from segkit.segmentation.schemes import list_wanted
from segkit.validation import resampling, stability
from segkit.validation.criteria import Choice, choose_best, choose_within, find_faults
from segkit.validation.gates import check_data, describe_refusals
from segkit.validation.reach import measure_reach
from segkit.validation.resampling import Resamples

CUSTOMERS_PER_SEGMENT = 10
# Bootstrap solutions are asked of so many customers at most.
MOST_RESAMPLED = 20_000
PAIRS = 50


@dataclass(frozen=True)
class Candidates:
    """Candidates and their evidence, by scheme and number of segments.

    ``table`` has one row a candidate; ``resamples`` are of the customers of ``sampled``, all or a
    random 20,000, of ``customer_count``.
    """

    table: pd.DataFrame
    segmentations: dict[tuple[str, int], Segmentation] = field(repr=False)
    resamples: dict[tuple[str, int], Resamples] = field(repr=False)
    sampled: pd.DataFrame = field(repr=False)
    customer_count: int = 0


def compare_candidates(
    customers: pd.DataFrame,
    schemes: Iterable[Scheme],
    criteria: Criteria,
    *,
    as_of: datetime.date,
    random_state: int,
    pairs: int = PAIRS,
    most_fitted: int = MOST_FITTED,
) -> Candidates:
    """Fit every scheme with every number of segments it asks for, and measure each.

    RFM that asks for six segments means at most six: where some are too small or too poor, their
    neighbours are merged, one step at a time. ``pairs`` pairs of bootstrap samples, the same for
    all candidates, are drawn of at most 20,000 customers. The customer table needs the schemes'
    columns, and ``total_spend`` where value shall count. Of more than ``most_fitted`` customers
    only `sample_customers` are fitted and measured.

    Returns
    -------
    Candidates
        The table's columns: ``scheme``, ``method``, ``base``, ``segment_count``,
        ``placed_share`` (of customers with exactly one segment), ``smallest_customer_share``,
        ``smallest_value_share`` (of total spend), ``explained_spend_share`` (eta squared of
        prepared total spend), ``explained_share`` (mean eta squared over all columns that any
        scheme reads; this ranks), ``closest_difference_sd`` (how far the two most similar segments
        lie apart in the column that tells them apart best), ``reach`` (see `measure_reach`; by the
        columns that the scheme reads), the figures and the ``kind`` of
        `summarise_stability`, ``weakest_segment`` (its name), ``reproducible_share`` (explained
        share times stability), ``passes``, ``reason``, ``fault_count``; ``attrs["refused"]`` says
        which schemes could not be fitted, and why, ``attrs["sampled"]`` how many customers of how
        many were fitted, if not all.

    Raises
    ------
    SegkitError
        If not one candidate can be fitted.

    References
    ----------
    Eta squared: Pearson (1905); between-groups sum of squares over the total.
    """
    customer_count = len(customers)
    customers = sample_customers(customers, most_fitted)
    order = np.argsort(customers["customer_id"].to_numpy(str), kind="stable")
    customers, schemes = customers.iloc[order].reset_index(drop=True), list(schemes)
    seeds = {"as_of": as_of, "random_state": random_state}
    panel = _prepare_panel(customers, schemes)
    gates = describe_refusals(check_data(customers, schemes))
    sample = _sample_rows(len(customers), random_state)
    draws = resampling.draw_bootstraps(len(sample), pairs=pairs, random_state=random_state)
    rows, segmentations, resamples, refused = [], {}, {}, []
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
                if scheme.name in gates:
                    raise SegkitError(gates[scheme.name])
                found, labels = fit_segmentation(customers, scheme, n_segments=count, **seeds)
            except SegkitError as error:
                name = scheme.name.replace("_", " ")
                refused.append(f"{name} cannot be fitted: {error.describe()}")
                continue
            key = (scheme.name, len(found.segments))
            if key not in segmentations:
                own = _resample(customers, scheme, found, labels, sample, draws)
                segmentations[key], resamples[key] = found, own
                rows.append(_measure(customers, labels, scheme, found, panel, own, criteria))
    if not rows:
        message, fix = "no scheme can be fitted to these customers", "Bring more customers."
        raise SegkitError(message, found=" ".join(dict.fromkeys(refused)).rstrip("."), fix=fix)
    table = pd.DataFrame(rows)
    table.attrs["refused"] = list(dict.fromkeys(refused))
    if len(customers) < customer_count:
        table.attrs["sampled"] = [len(customers), customer_count]
    sampled = customers.iloc[sample].reset_index(drop=True)
    return Candidates(table, segmentations, resamples, sampled, customer_count)


def sample_customers(customers: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most ``most`` customers: those whose identifier's MD5 is smallest.

    So it is the same customers from run to run, on every machine and in every engine, and most of
    them next month too.
    """
    if len(customers) <= most:
        return customers
    digests = [hashlib.md5(text.encode()).digest() for text in customers["customer_id"].map(str)]
    order = np.array(digests, dtype="S16").argsort(kind="stable")
    return customers.iloc[np.sort(order[:most])]


def _sample_rows(row_count: int, random_state: int) -> np.ndarray:
    """Return at most 20,000 row numbers, in order, drawn without replacement."""
    if row_count <= MOST_RESAMPLED:
        return np.arange(row_count)
    rng = np.random.default_rng(random_state)
    return np.sort(rng.choice(row_count, MOST_RESAMPLED, replace=False))


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
            table_columns.require_column(customers, column)
            if column in coded or find_kind(customers[column]) != "number":
                levels, codes = table_columns.learn_levels(customers, column)
                panel[column] = np.eye(len(levels.levels))[codes]
            else:
                panel[column] = table_columns.learn_preparation(customers, column)[1][:, None]
    return panel


def _resample(
    customers: pd.DataFrame,
    scheme: Scheme,
    found: Segmentation,
    labels: np.ndarray,
    sample: np.ndarray,
    draws: np.ndarray,
) -> Resamples:
    """Draw the evidence of one candidate from the sampled customers."""
    own, size = labels[sample] - 1, {"segment_count": len(found.segments)}
    seed = {"random_state": found.random_state}
    few = customers.iloc[sample].reset_index(drop=True)
    if scheme.method == "latent_classes":
        return resampling.resample_classes(few, own, draws, columns=scheme.columns, **size, **seed)
    if scheme.method in LEARNING_METHODS:
        rows = prepare_columns(customers, scheme).take(sample)
        options = {"gamma": found.model.gamma, **size, **seed}
        return resampling.resample_prototypes(rows, own, draws, **options)
    fit = {"rfm": fit_rfm, "tiers": fit_tiers, "rules": fit_rules}[scheme.method]
    refit = functools.partial(fit, scheme=scheme, n_segments=len(found.segments))
    return resampling.resample_rules(few[list(found.columns)], own, draws, fit=refit, **size)


def _measure(
    customers: pd.DataFrame,
    labels: np.ndarray,
    scheme: Scheme,
    found: Segmentation,
    panel: dict[str, np.ndarray],
    resamples: Resamples,
    criteria: Criteria,
) -> dict[str, object]:
    """Measure one candidate; the columns of `compare_candidates`."""
    size, unknown = len(found.segments), float("nan")
    counts = np.bincount(labels, minlength=size + 1)[1:].astype(float)
    spend = np.full(size, unknown)
    if "total_spend" in customers:
        amounts = np.nan_to_num(table_columns.read_numbers(customers, "total_spend"))
        spend = np.bincount(labels, amounts, minlength=size + 1)[1:]
    if scheme.method == "rules":  # a rule that nobody meets today may be met tomorrow
        spend[counts == 0], counts[counts == 0] = np.inf, np.inf
    explained = {name: _explain(values, labels) for name, values in panel.items()}
    told = [explained[name] for name, values in panel.items() if np.ptp(values) > 0]
    total = spend[np.isfinite(spend)].sum()
    explained_share = float(np.mean(told)) if told else 0.0
    least = stability.SMALLEST_STRUCTURE if scheme.method in LEARNING_METHODS else None
    least = np.nextafter(0, 1) if scheme.method == "latent_classes" else least
    held = stability.summarise_stability(resamples, least_structure=least)
    weakest = held.pop("weakest_place")
    names = list(found.names.values())
    row = {
        "scheme": scheme.name,
        "method": scheme.method,
        "base": scheme.base,
        "segment_count": size,
        "placed_share": float(np.isin(labels, np.arange(1, size + 1)).mean()),
        "smallest_customer_share": counts.min() / len(customers),
        "smallest_value_share": spend.min() / total if total > 0 else unknown,
        "explained_spend_share": explained.get("total_spend", unknown),
        "explained_share": explained_share,
        "closest_difference_sd": _find_closest(panel, labels),
        "reach": measure_reach(
            customers, labels, columns=list(found.columns), random_state=found.random_state
        ),
        **held,
        "weakest_segment": names[weakest],
        "smallest_segment": names[counts.argmin()],
        "poorest_segment": "" if np.isnan(spend).any() else names[spend.argmin()],
        "reproducible_share": explained_share * held["stability"],
    }
    faults = find_faults(row, criteria)
    reason = "; ".join(faults) or "meets every criterion"
    return row | {"passes": not faults, "reason": reason, "fault_count": len(faults)}


def _explain(values: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of a column's squared differences that lies between the segments.

    Of a number it is eta squared (Pearson 1905), of a category's zeros and ones the tau of Goodman
    and Kruskal (1954).
    """
    total = ((values - values.mean(axis=0)) ** 2).sum()
    groups = [values[labels == n] for n in np.unique(labels)]
    within = sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups)
    return float(1 - within / total) if total > 0 else 0.0


def _find_closest(panel: dict[str, np.ndarray], labels: np.ndarray) -> float:
    """Return the largest difference of means, in standard deviations, of the closest segments."""
    columns = np.hstack([np.zeros((len(labels), 1)), *panel.values()])
    means = np.array([columns[labels == n].mean(axis=0) for n in np.unique(labels)])
    spread = columns.std(axis=0)
    means = np.divide(means, spread, out=np.zeros_like(means), where=spread > 1e-9)
    apart = np.abs(means[:, None] - means).max(axis=2)
    pairs = apart[np.triu_indices(len(means), 1)]
    return float(pairs.min()) if len(pairs) else float("nan")


def rate_candidates(candidates: Candidates) -> pd.DataFrame:
    """Rate each segment of each candidate.

    The columns of `rate_segments`, after ``scheme``, ``segment_count`` and ``segment_name``.
    """
    rated = {key: stability.rate_segments(own) for key, own in candidates.resamples.items()}
    table = pd.concat(rated, names=["scheme", "segment_count"]).reset_index([0, 1])
    keys = zip(table["scheme"], table["segment_count"], table["segment"], strict=True)
    names = [candidates.segmentations[scheme, count].names[n] for scheme, count, n in keys]
    table.insert(2, "segment_name", names)
    return table.reset_index(drop=True)


def follow_candidates(candidates: Candidates, scheme: str) -> pd.DataFrame:
    """Follow the segments of a scheme across its numbers of segments.

    The columns of `follow_segments`, and ``segment_name``.
    """
    solutions = {
        count: resamples.own
        for (name, count), resamples in candidates.resamples.items()
        if name == scheme
    }
    paths = stability.follow_segments(solutions)
    names = {count: candidates.segmentations[scheme, count].names for count in solutions}
    pairs = zip(paths["segment_count"], paths["segment"], strict=True)
    return paths.assign(segment_name=[names[count][segment] for count, segment in pairs])


def bound_candidate(candidates: Candidates, scheme: str, segment_count: int) -> pd.DataFrame:
    """Return `bound_segments` of a candidate, by ``total_spend`` where it is known."""
    resamples, nothing = candidates.resamples[scheme, segment_count], np.nan
    values = candidates.sampled.get("total_spend", pd.Series(nothing, candidates.sampled.index))
    values = values.to_numpy(dtype=float, na_value=np.nan)
    return stability.bound_segments(resamples, values, row_count=candidates.customer_count)


def rate_confidence(candidates: Candidates, scheme: str, segment_count: int) -> pd.DataFrame:
    """Return ``customer_id`` and ``bootstrap_confidence``, see `rate_customers`.

    Of the sampled customers only.
    """
    confidence = stability.rate_customers(candidates.resamples[scheme, segment_count])
    return candidates.sampled[["customer_id"]].assign(bootstrap_confidence=confidence)


def choose_segmentations(candidates: Candidates, choice: Choice) -> dict[str, Segmentation]:
    """Return one segmentation a scheme: the chosen one, and the best of each other scheme."""
    chosen = {}
    for scheme, own in candidates.table.groupby("scheme", sort=False):
        best = choose_within(own)["segment_count"]
        count = choice.segment_count if scheme == choice.scheme else int(best)
        chosen[scheme] = candidates.segmentations[scheme, count]
    return chosen


def choose_explored(candidates: Candidates, choice: Choice) -> tuple[str, int]:
    """Return the scheme and number of segments to look at closely.

    The chosen one if it was found in the data, else the best of those that were; else the chosen.
    """
    table = candidates.table
    found = table[table["method"].isin(LEARNING_METHODS)]
    if choice.scheme in set(found["scheme"]) or found.empty:
        return choice.scheme, choice.segment_count
    best = choose_best(found)
    return str(best["scheme"]), int(best["segment_count"])
