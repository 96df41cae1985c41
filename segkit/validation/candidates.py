"""Every scheme with every number of segments it asks for, fitted and measured alike."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.plan.models import LEARNING_METHODS, MOST_FITTED, Criteria, Scheme
from segkit.segmentation.documents import RULE_FITS, Segmentation, fit_rules_again, fit_shown
from segkit.segmentation.preparation import prepare_columns
from segkit.validation import class_resampling, intervals, resampling, stability
from segkit.validation.candidate_measures import (
    explain_share,
    find_closest,
    find_least_structure,
    find_outer,
    measure_sizes,
    name_direction,
    prepare_panel,
)
from segkit.validation.gates import CUSTOMERS_PER_SEGMENT, check_data, describe_refusals, refuse_all
from segkit.validation.reach import measure_reach
from segkit.validation.resampling import Resamples
from segkit.validation.sampling import sample_customers, sample_rows
from segkit.validation.stability import GROUP_KINDS, Paths
from segkit.validation.verdict import SchemeChoice, choose_best, choose_within, find_faults

PAIRS = 50
MERGED_COLUMNS = ["scheme", "segment_count", "merged_count", "by_rules"]


@dataclass(frozen=True)
class Candidates:
    """Candidates and their evidence, by scheme and number of segments.

    Attributes
    ----------
    table : pandas.DataFrame
        One row a candidate, see `compare_candidates`.
    segmentations, resamples : dict
        The document and the bootstrap solutions of each candidate.
    sampled : pandas.DataFrame
        The customers of the resamples: all that were fitted, or a random 20,000 of them.
    customer_count, fitted_count : int
        All customers, and those who were fitted and measured.
    refused : pandas.DataFrame
        What could not be fitted: ``scheme``, whether `check_data` refused it (``by_gate``), or else
        ``why``, in words.
    merged : pandas.DataFrame
        Candidates of which segments were too small to be seen and are merged into others:
        ``scheme``, ``segment_count`` (left), ``merged_count``, ``by_rules`` (the plan's own).
    parts : dict
        By scheme the candidates that it was compared with, where schemes are of different people.
    """

    table: pd.DataFrame
    segmentations: dict[tuple[str, int], Segmentation] = field(repr=False)
    resamples: dict[tuple[str, int], Resamples] = field(repr=False)
    sampled: pd.DataFrame = field(repr=False)
    refused: pd.DataFrame = field(repr=False)
    merged: pd.DataFrame = field(repr=False)
    customer_count: int = 0
    fitted_count: int = 0
    parts: dict[str, Candidates] = field(default_factory=dict, repr=False)

    def choose_part(self, scheme: str) -> Candidates:
        """Return the candidates of the customers whom a scheme is of."""
        return self.parts.get(scheme, self)


def compare_candidates(
    customers: pd.DataFrame,
    schemes: Iterable[Scheme],
    criteria: Criteria,
    *,
    as_of: datetime.date,
    random_state: int,
    pairs: int = PAIRS,
    most_fitted: int = MOST_FITTED,
    smallest_cell: int = 5,
) -> Candidates:
    """Fit every scheme with every number of segments it asks for, and measure each.

    RFM that asks for six segments means at most six: where some are too small or too poor, their
    neighbours are merged, one step at a time. ``pairs`` pairs of bootstrap samples, the same for
    all candidates, are drawn of at most 20,000 customers. The customer table needs the schemes'
    columns, and ``total_spend`` where value shall count. Of more than ``most_fitted`` customers
    only `sample_customers` are fitted and measured. Segments of fewer than ``smallest_cell``
    customers could not be shown: they are merged into others, see `fit_shown`.

    Returns
    -------
    Candidates
        The table's columns: ``scheme``, ``method``, ``base``, ``segment_count``, ``placed_share``
        (of customers with exactly one segment), ``smallest_customer_count``,
        ``smallest_customer_share``, ``smallest_value_share`` (of total spend),
        ``explained_spend_share`` (eta squared of prepared total spend), ``explained_share`` (mean
        eta squared over all columns that any scheme reads; this ranks), ``closest_difference_sd``
        (how far the two most similar segments lie apart in the column that tells them apart best),
        ``outer_count`` (how many groups of the same scheme the segments lie inside of, 0 if of
        none), ``direction`` and ``direction_share`` (see `name_direction`),
        ``reach`` (see `measure_reach`; by the columns that the scheme reads), the figures and the
        ``kind`` of `summarise_stability`, ``weakest_segment`` (its name), ``reproducible_share``
        (explained share times stability), ``passes``, ``faults`` (the criteria missed, see
        `find_faults`, with ", " between them), ``fault_count``.

    Raises
    ------
    SegkitError
        If not one candidate can be fitted.

    References
    ----------
    Eta squared: Pearson (1905); between-groups sum of squares over the total.
    """
    schemes = list(schemes)
    fitted = sample_customers(customers, most_fitted)
    order = np.argsort(fitted["customer_id"].to_numpy(str), kind="stable")
    fitted = fitted.iloc[order].reset_index(drop=True)
    sample = sample_rows(len(fitted), random_state)
    gates = check_data(fitted, schemes)
    comparison = _Comparison(
        customers=fitted,
        criteria=criteria,
        smallest_cell=smallest_cell,
        as_of=as_of,
        random_state=random_state,
        panel=prepare_panel(fitted, schemes),
        gates=describe_refusals(gates),
        sample=sample,
        draws=resampling.draw_bootstraps(len(sample), pairs=pairs, random_state=random_state),
    )
    for scheme in schemes:
        comparison.fit_scheme(scheme)
    refused = pd.DataFrame(comparison.refused, columns=["scheme", "why", "by_gate"])
    refused = refused.drop_duplicates(ignore_index=True)
    if not comparison.rows:
        refuse_all(refused, gates, schemes)
    # The gates' figures are told from their own table.
    refused["why"] = refused["why"].mask(refused["by_gate"].astype(bool), "")
    return Candidates(
        table=pd.DataFrame(list(comparison.rows.values())),
        segmentations=comparison.segmentations,
        resamples=comparison.resamples,
        sampled=fitted.iloc[sample].reset_index(drop=True),
        customer_count=len(customers),
        fitted_count=len(fitted),
        refused=refused,
        merged=pd.DataFrame(comparison.merged, columns=MERGED_COLUMNS),
    )


@dataclass
class _Comparison:
    """What candidates are fitted to and measured by, and what has been found so far.

    ``rows``, ``segmentations`` and ``resamples`` are by scheme and number of segments.
    """

    customers: pd.DataFrame
    criteria: Criteria
    smallest_cell: int
    as_of: datetime.date
    random_state: int
    panel: dict[str, np.ndarray]
    gates: dict[str, str]
    sample: np.ndarray
    draws: np.ndarray
    rows: dict[tuple[str, int], dict[str, object]] = field(default_factory=dict)
    segmentations: dict[tuple[str, int], Segmentation] = field(default_factory=dict)
    resamples: dict[tuple[str, int], Resamples] = field(default_factory=dict)
    refused: list[tuple[str, str, bool]] = field(default_factory=list)
    merged: list[tuple[str, int, int, bool]] = field(default_factory=list)

    def fit_scheme(self, scheme: Scheme) -> None:
        """Fit a scheme with every number of segments it asks for, or say why that cannot be."""
        fewest, most = scheme.segments if scheme.method != "rules" else (1, 1)
        counts = list(range(fewest, most + 1))
        if scheme.method == "rfm":  # goes on merging neighbours until one passes
            counts += range(fewest - 1, 2, -1)
        for count in counts:
            if count < fewest and self._has_passing(scheme):
                break
            try:
                self._fit_count(scheme, count)
            except SegkitError as error:
                by_gate = scheme.name in self.gates and self._has_customers(count)
                self.refused.append((scheme.name, error.describe(), by_gate))

    def _has_passing(self, scheme: Scheme) -> bool:
        return any(row["passes"] for row in self.rows.values() if row["scheme"] == scheme.name)

    def _has_customers(self, count: int) -> bool:
        return len(self.customers) >= CUSTOMERS_PER_SEGMENT * count

    def _fit_count(self, scheme: Scheme, count: int) -> None:
        """Fit one number of segments, and measure it if it has not been found before."""
        if not self._has_customers(count):
            there = len(self.customers)
            needed = CUSTOMERS_PER_SEGMENT * count
            message = f"{count} segments need {needed} customers, there are {there}"
            raise SegkitError(message)
        if scheme.name in self.gates:
            raise SegkitError(self.gates[scheme.name])
        found, labels, merged_count = fit_shown(
            self.customers,
            scheme,
            n_segments=count,
            as_of=self.as_of,
            random_state=self.random_state,
            smallest_cell=self.smallest_cell,
        )
        key = (scheme.name, len(found.segments))
        if key in self.rows:
            return
        if merged_count:
            self.merged.append((*key, merged_count, scheme.method == "rules"))
        resamples = self._resample(scheme, found, labels, count=count)
        self.segmentations[key] = found
        self.resamples[key] = resamples
        self.rows[key] = self._measure(scheme, found, labels, resamples)

    def _resample(
        self, scheme: Scheme, found: Segmentation, labels: np.ndarray, *, count: int
    ) -> Resamples:
        """Draw the evidence of one candidate, fitted with ``count``, from the sampled customers."""
        own = labels[self.sample] - 1
        segment_count = len(found.segments)
        few = self.customers.iloc[self.sample].reset_index(drop=True)
        if scheme.method == "latent_classes":
            return class_resampling.resample_classes(
                few,
                own,
                self.draws,
                columns=scheme.columns,
                smallest_level=scheme.smallest_level,
                segment_count=segment_count,
                random_state=self.random_state,
            )
        if scheme.method in LEARNING_METHODS:
            return resampling.resample_prototypes(
                prepare_columns(self.customers, scheme).take(self.sample),
                own,
                self.draws,
                segment_count=segment_count,
                gamma=found.model.gamma,
                random_state=self.random_state,
            )
        wanted = list(RULE_FITS[scheme.method](few, scheme, count)[0].columns)
        return resampling.resample_rules(
            few[wanted],
            own,
            self.draws,
            segment_count=segment_count,
            fit=functools.partial(
                fit_rules_again, scheme=scheme, n_segments=count, names=set(found.names.values())
            ),
        )

    def _measure(
        self, scheme: Scheme, found: Segmentation, labels: np.ndarray, resamples: Resamples
    ) -> dict[str, object]:
        """Measure one candidate; the columns of `compare_candidates`."""
        names = list(found.names.values())
        sizes = measure_sizes(self.customers, labels, names, allow_empty=scheme.method == "rules")
        explained = {column: explain_share(values, labels) for column, values in self.panel.items()}
        told = [explained[column] for column, values in self.panel.items() if np.ptp(values) > 0]
        explained_share = float(np.mean(told)) if told else 0.0
        direction, direction_share = name_direction(
            {column: explained[column] for column in found.columns if column in explained}
        )
        least = find_least_structure(scheme)
        held = stability.summarise_stability(resamples, least_structure=least)
        weakest = held.pop("weakest_place")
        outer = {
            count: self.resamples[name, count].own
            for (name, count), other in self.rows.items()
            if name == scheme.name and other["kind"] in GROUP_KINDS
        }
        row = {
            "scheme": scheme.name,
            "method": scheme.method,
            "base": scheme.base,
            "segment_count": len(names),
            "placed_share": float(np.isin(labels, np.arange(1, len(names) + 1)).mean()),
            "smallest_customer_count": sizes.smallest_customer_count,
            "smallest_customer_share": sizes.smallest_customer_share,
            "smallest_value_share": sizes.smallest_value_share,
            "explained_spend_share": explained.get("total_spend", float("nan")),
            "explained_share": explained_share,
            "closest_difference_sd": find_closest(self.panel, labels),
            "outer_count": find_outer(resamples.own, outer),
            "direction": direction,
            "direction_share": direction_share,
            "reach": measure_reach(
                self.customers, labels, columns=list(found.columns), random_state=self.random_state
            ),
            **held,
            "weakest_segment": names[weakest],
            "smallest_segment": sizes.smallest_segment,
            "poorest_segment": sizes.poorest_segment,
            "reproducible_share": explained_share * held["stability"],
        }
        faults = find_faults(row, self.criteria)
        return {
            **row,
            "passes": not faults,
            "faults": ", ".join(faults),
            "fault_count": len(faults),
        }


def count_fitted(candidates: Candidates) -> pd.DataFrame:
    """Return one row: ``fitted_count`` and ``customer_count``, of whom these are a part."""
    return pd.DataFrame(
        {"fitted_count": [candidates.fitted_count], "customer_count": [candidates.customer_count]}
    )


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


def follow_candidates(candidates: Candidates, scheme: str) -> Paths:
    """Follow the segments of a scheme across its numbers of segments.

    The tables of `follow_segments`, the nodes with ``segment_name``.
    """
    solutions = {
        count: resamples.own
        for (name, count), resamples in candidates.resamples.items()
        if name == scheme
    }
    paths = stability.follow_segments(solutions)
    names = {count: candidates.segmentations[scheme, count].names for count in solutions}
    pairs = zip(paths.nodes["segment_count"], paths.nodes["segment"], strict=True)
    segment_names = [names[count][segment] for count, segment in pairs]
    return Paths(paths.nodes.assign(segment_name=segment_names), paths.flows)


def bound_candidate(candidates: Candidates, scheme: str, segment_count: int) -> pd.DataFrame:
    """Return `bound_segments` of a candidate, by ``total_spend`` where it is known."""
    resamples = candidates.resamples[scheme, segment_count]
    own = candidates.choose_part(scheme)
    sampled = own.sampled
    values = np.full(len(sampled), np.nan)
    if "total_spend" in sampled:
        values = sampled["total_spend"].to_numpy(dtype=float, na_value=np.nan)
    return intervals.bound_segments(resamples, values, row_count=own.customer_count)


def rate_confidence(candidates: Candidates, scheme: str, segment_count: int) -> pd.DataFrame:
    """Return ``customer_id`` and ``bootstrap_confidence``, see `rate_customers`.

    Of the sampled customers only.
    """
    confidence = stability.rate_customers(candidates.resamples[scheme, segment_count])
    sampled = candidates.choose_part(scheme).sampled
    return sampled[["customer_id"]].assign(bootstrap_confidence=confidence)


def choose_segmentations(candidates: Candidates, choice: SchemeChoice) -> dict[str, Segmentation]:
    """Return one segmentation a scheme: the chosen one, and the best of each other scheme."""
    chosen = {}
    for scheme, own in candidates.table.groupby("scheme", sort=False):
        best = choose_within(own)["segment_count"]
        count = choice.segment_count if scheme == choice.scheme else int(best)
        chosen[scheme] = candidates.segmentations[scheme, count]
    return chosen


def choose_explored(candidates: Candidates, choice: SchemeChoice) -> tuple[str, int]:
    """Return the scheme and number of segments to look at closely.

    The chosen one if it was found in the data, else the best of those that were; else the chosen.
    """
    table = candidates.table
    found = table[table["method"].isin(LEARNING_METHODS)]
    if choice.scheme in set(found["scheme"]) or found.empty:
        return choice.scheme, choice.segment_count
    best = choose_best(found)
    return str(best["scheme"]), int(best["segment_count"])
