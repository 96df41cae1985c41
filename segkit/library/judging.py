"""Do the segments hold? The verdict on one number of segments, or the number that holds best."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from segkit.library.fitting import Method, find_day, make_scheme, read_fitted, refuse_segmentation
from segkit.library.inputs import read_count, read_range, read_seed
from segkit.library.models import make_model
from segkit.plan.models import Criteria
from segkit.segmentation.documents import Segmentation
from segkit.validation import candidates, verdict
from segkit.validation.gates import check_data

# A library's user sees rows anyway; what is published goes through the gate of a run.
SMALLEST_CELL = 1


@dataclass(frozen=True, repr=False)
class Judgement:
    """The verdict on a segmentation, and its evidence.

    Attributes
    ----------
    verdict : str
        ``yes`` or ``no``: whether to use it.
    kind : str
        What was found, from ``natural`` (groups with valleys between them) over ``classes`` (of
        answers) and ``reproducible`` (cuts where customers really differ) to ``constructive`` and
        ``none``.
    n_segments : int
        The number judged, or chosen among those compared.
    reasons : tuple of str
        Why, in sentences.
    segmentation : Segmentation
        What was judged, as `fit_segmentation` returns it.
    candidates : pandas.DataFrame
        One row a number of segments: ``stability`` (adjusted Rand index of resamples),
        ``reference_stability`` (the same in shuffled data), ``beyond_null``, ``weakest_jaccard``,
        ``reach``, ``explained_share``, ``kind``, ``passes``, ``faults`` and more, see
        `segkit.validation.candidates.compare_candidates`.
    segments : pandas.DataFrame
        One row a segment of the number judged: how often it is found again, with its rating.
    steps : pandas.DataFrame
        What each further segment adds, and whether it earns its place; no rows of one number.
    gates : pandas.DataFrame
        What the data hold and what is needed at least.
    """

    verdict: str
    kind: str
    n_segments: int
    reasons: tuple[str, ...]
    segmentation: Segmentation
    candidates: pd.DataFrame = field(compare=False)
    segments: pd.DataFrame = field(compare=False)
    steps: pd.DataFrame = field(compare=False)
    gates: pd.DataFrame = field(compare=False)

    @property
    def holds(self) -> bool:
        """Whether the verdict is yes."""
        return self.verdict == "yes"

    def describe(self) -> list[str]:
        """Return the verdict and its reasons as sentences."""
        return [f"The verdict: {self.verdict}.", *self.reasons]

    def __repr__(self) -> str:
        """Return the verdict in one line."""
        return f"Judgement({self.verdict}: {self.n_segments} segments, {self.kind})"


def judge_segmentation(
    customers: Any,
    columns: Sequence[str] = (),
    n_segments: int | None = None,
    *,
    method: Method = "kprototypes",
    as_of: str | datetime.date | None = None,
    random_state: int = 0,
    bootstrap_pairs: int = candidates.PAIRS,
    criteria: dict[str, Any] | None = None,
    **settings: Any,
) -> Judgement:
    """Judge whether segments hold: in other samples, beside data without groups, in size and value.

    Takes what `fit_segmentation` takes, and fits the same segments again to resamples and to data
    that has no groups but is otherwise alike. It can be "no".

    Parameters
    ----------
    customers, columns, n_segments, method, as_of, random_state, **settings
        As of `fit_segmentation`.
    bootstrap_pairs : int, default 50
        Pairs of bootstrap samples; fewer are quicker and less sure.
    criteria : dict, optional
        What a plan may demand: ``smallest_customer_share`` (.05), ``smallest_value_share`` (.02),
        ``smallest_stability``, ``smallest_jaccard`` and ``smallest_reach`` (.60 each),
        ``most_segments`` (6).

    Returns
    -------
    Judgement
        With ``verdict``, ``kind``, ``reasons``, ``segmentation``, and the tables of evidence.

    Raises
    ------
    SegkitError
        As `fit_segmentation` does, and if there are too few customers to judge.

    References
    ----------
    Dolnicar and Leisch (2010), *Marketing Letters* 21, and Hennig (2007), *Computational Statistics
    & Data Analysis* 52, for stability.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from segkit import judge_segmentation
    >>> noise = np.random.default_rng(0).normal(size=(200, 2))
    >>> groups = pd.DataFrame(noise, columns=["length", "width"])
    >>> groups.iloc[:100] += 8
    >>> judge_segmentation(groups, ["length", "width"], 2, bootstrap_pairs=8)
    Judgement(yes: 2 segments, natural)
    """
    refuse_segmentation(columns)
    if n_segments is None and method in ("rfm", "tiers", "rules"):
        counts = make_scheme(method, columns=columns, n_segments=None, settings=settings).segments
    else:
        count = read_count(n_segments, "n_segments", least=2, most=20)
        counts = (count, count)
    return _judge(
        customers,
        columns,
        counts,
        method=method,
        as_of=as_of,
        random_state=random_state,
        bootstrap_pairs=bootstrap_pairs,
        criteria=criteria,
        settings=settings,
    )


def compare_counts(
    customers: Any,
    columns: Sequence[str] = (),
    n_segments: Sequence[int] | range = (2, 6),
    *,
    method: Method = "kprototypes",
    as_of: str | datetime.date | None = None,
    random_state: int = 0,
    bootstrap_pairs: int = candidates.PAIRS,
    criteria: dict[str, Any] | None = None,
    **settings: Any,
) -> Judgement:
    """Compare numbers of segments, choose the one that holds best, and judge it.

    The fewest that pass are taken, and more only where each further segment earns its place: by an
    index alone no number is chosen.

    Parameters
    ----------
    customers, columns, method, as_of, random_state, **settings
        As of `fit_segmentation`.
    n_segments : pair of int or range, default (2, 6)
        The fewest and the most.
    bootstrap_pairs, criteria
        As of `judge_segmentation`.

    Returns
    -------
    Judgement
        Of the number chosen; ``candidates`` and ``steps`` have all of them.

    Raises
    ------
    SegkitError
        If not one number can be fitted.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from segkit import compare_counts
    >>> noise = np.random.default_rng(0).normal(size=(200, 2))
    >>> groups = pd.DataFrame(noise, columns=["length", "width"])
    >>> groups.iloc[:100] += 8
    >>> found = compare_counts(groups, ["length", "width"], (2, 3), bootstrap_pairs=8)
    >>> found.n_segments, found.candidates["segment_count"].tolist()
    (2, [2, 3])
    """
    return _judge(
        customers,
        columns,
        read_range(n_segments),
        method=method,
        as_of=as_of,
        random_state=random_state,
        bootstrap_pairs=bootstrap_pairs,
        criteria=criteria,
        settings=settings,
    )


def _judge(
    customers: Any,
    columns: Sequence[str],
    counts: tuple[int, int],
    *,
    method: str,
    as_of: str | datetime.date | None,
    random_state: int,
    bootstrap_pairs: int,
    criteria: dict[str, Any] | None,
    settings: dict[str, Any],
) -> Judgement:
    scheme = make_scheme(method, columns=columns, n_segments=counts, settings=settings)
    demanded = make_model(Criteria, "criteria", dict(criteria or {}))
    frame = read_fitted(customers, scheme)
    compared = candidates.compare_candidates(
        frame,
        [scheme],
        demanded,
        as_of=find_day(frame, as_of),
        random_state=read_seed(random_state),
        pairs=read_count(bootstrap_pairs, "bootstrap_pairs", least=2),
        smallest_cell=SMALLEST_CELL,
    )
    chosen = verdict.choose_scheme(compared.table, demanded, refused=compared.refused)
    count = chosen.segment_count
    rated = candidates.rate_candidates(compared)
    gates = check_data(frame, [scheme])
    return Judgement(
        verdict=chosen.verdict,
        kind=chosen.kind,
        n_segments=count,
        reasons=_state_reasons(compared, chosen, demanded, gates=gates),
        segmentation=compared.segmentations[scheme.name, count],
        candidates=compared.table.drop(columns=["scheme"]),
        segments=rated[rated["segment_count"] == count].drop(columns="scheme"),
        steps=verdict.compare_steps(compared.table).drop(columns="scheme"),
        gates=gates.drop(columns="scheme"),
    )


def _state_reasons(
    compared: candidates.Candidates,
    chosen: verdict.SchemeChoice,
    demanded: Criteria,
    *,
    gates: pd.DataFrame,
) -> tuple[str, ...]:
    """Say why in the sentences of a run's report."""
    from segkit.core.privacy import publish_table
    from segkit.report import candidates as shown
    from segkit.report import choice

    def publish(table: pd.DataFrame, view: Any) -> Any:
        return publish_table(table, view.shape, smallest_cell=SMALLEST_CELL, view=view)

    told = choice.state_choice(
        chosen,
        publish(compared.table, shown.CANDIDATES),
        limits=publish(verdict.list_limits(demanded), shown.LIMITS),
        refused=publish(compared.refused, choice.REFUSED),
        gates=publish(gates, shown.GATES),
        merged=publish(compared.merged, choice.MERGED),
    )
    return tuple(finding.text for finding in told)
