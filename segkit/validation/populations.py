"""Schemes of different people judged in one run: those of buyers, and those of everybody.

Each is compared with the others of the same people, and all are put in one table. What a scheme
explains is measured on its own people, so between the two kinds it is a guide, not a ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.features.customer_table import CustomerTable
from segkit.plan.models import Criteria, Plan, Scheme
from segkit.validation.candidates import Candidates, compare_candidates
from segkit.validation.gates import check_data


def list_populations(
    built: CustomerTable, schemes: Iterable[Scheme]
) -> list[tuple[pd.DataFrame, list[Scheme]]]:
    """Return each kind of customers that schemes are of, with these schemes, in the plan's order.

    There is one kind where the tables know of buyers only, or of nobody's orders.
    """
    kinds: dict[int, tuple[pd.DataFrame, list[Scheme]]] = {}
    for scheme in schemes:
        customers = built.choose(scheme.who)
        kinds.setdefault(id(customers), (customers, []))[1].append(scheme)
    return list(kinds.values())


def choose_people(built: CustomerTable, schemes: Iterable[Scheme]) -> dict[str, pd.DataFrame]:
    """Return the customers whom each scheme is of, by its name."""
    return {scheme.name: built.choose(scheme.who) for scheme in schemes}


def check_populations(built: CustomerTable, schemes: Iterable[Scheme]) -> pd.DataFrame:
    """Check what each scheme's data hold, of its own people; see `check_data`."""
    kinds = list_populations(built, schemes)
    tables = [check_data(customers, own) for customers, own in kinds]
    return pd.concat(tables, ignore_index=True)


def look_at_columns(
    look: Callable[..., pd.DataFrame],
    built: CustomerTable,
    schemes: Iterable[Scheme],
    **options: Any,
) -> pd.DataFrame:
    """Return what a function of `segkit.validation.column_looks` tells of each scheme's people."""
    kinds = list_populations(built, schemes)
    tables = [look(customers, own, **options) for customers, own in kinds]
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def compare_populations(
    built: CustomerTable, schemes: Iterable[Scheme], criteria: Criteria, **options: Any
) -> Candidates:
    """Compare the candidates of all schemes, each on its own people.

    ``options`` are those of `compare_candidates`, which see.

    Raises
    ------
    SegkitError
        If not one candidate of any can be fitted.
    """
    found = []
    failed = []
    for customers, own in list_populations(built, schemes):
        try:
            found.append((compare_candidates(customers, own, criteria, **options), own))
        except SegkitError as error:
            failed.append((error, own))
    if not found:
        raise failed[0][0]
    if len(found) == 1 and not failed:
        return found[0][0]
    refused = [(scheme.name, error.describe(), False) for error, own in failed for scheme in own]
    return _join_candidates(found, pd.DataFrame(refused, columns=["scheme", "why", "by_gate"]))


def compare_plan(built: CustomerTable, plan: Plan, *, at: Settings, pairs: int = 50) -> Candidates:
    """Compare the candidates of all schemes of a plan by its criteria.

    Parameters
    ----------
    built : CustomerTable
    plan : Plan
        Its schemes, criteria, and in how many customers segments are sought.
    at : Settings
        The last day counted, the seed and the smallest cell.
    pairs : int, optional
        Pairs of bootstrap samples that every candidate is fitted to.

    Raises
    ------
    SegkitError
        If not one candidate of any scheme can be fitted.
    """
    return compare_populations(
        built,
        plan.schemes,
        plan.criteria,
        as_of=at.as_of,
        random_state=at.random_state,
        pairs=pairs,
        most_fitted=plan.most_fitted,
        smallest_cell=at.smallest_cell,
    )


def _join_candidates(
    found: list[tuple[Candidates, list[Scheme]]], refused: pd.DataFrame
) -> Candidates:
    """Put candidates of different people in one; the counts are those of most people."""
    parts = [part for part, _ in found]
    largest = max(parts, key=lambda part: part.customer_count)
    tables = {
        name: pd.concat([getattr(part, name) for part in parts], ignore_index=True)
        for name in ("table", "merged")
    }
    told = pd.concat([*(part.refused for part in parts), refused], ignore_index=True)
    return replace(
        largest,
        **tables,
        refused=told,
        segmentations={key: one for part in parts for key, one in part.segmentations.items()},
        resamples={key: one for part in parts for key, one in part.resamples.items()},
        parts={scheme.name: part for part, own in found for scheme in own},
    )
