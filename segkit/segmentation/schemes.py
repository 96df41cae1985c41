"""What a plan's schemes read, and whether the tables carry it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping

import pandas as pd

from segkit.contract.features import FEATURES
from segkit.core.absence import empty_table
from segkit.core.errors import PlanError, SegkitError, suggest_name
from segkit.features.customer_table import RFM_COLUMNS, find_missing, list_given
from segkit.features.own_features import list_own
from segkit.models.latent_classes import compare_class_counts
from segkit.plan.models import Plan, Scheme
from segkit.segmentation.documents import Segmentation
from segkit.segmentation.rule_checks import check_rules
from segkit.segmentation.rulesets import find_rule_faults

MIXED_METHODS = ("kprototypes", "latent_classes")
# Kinds of features that a method takes; others take numbers only.
TAKEN = dict.fromkeys(MIXED_METHODS, ("number", "category", "boolean"))
TAKEN |= {"kmeans": ("number", "boolean")}


def list_wanted(scheme: Scheme) -> tuple[str, ...]:
    """Return the features that a scheme names, or those that its method takes by itself."""
    own = {"rfm": RFM_COLUMNS, "tiers": ("total_spend",)}
    return scheme.columns or own.get(scheme.method, ())


def check_schemes(plan: Plan, columns: Mapping[str, Mapping[str, str]]) -> list[SegkitError]:
    """Return a fault for each feature of the plan that cannot be what the plan makes of it.

    These are columns of a scheme that are unknown, of a kind that its method does not take, or
    cannot be computed, and features of one's own that segkit knows otherwise. ``columns`` are as
    in `list_given`.
    """
    given = list_given(columns, plan)
    faults = []
    if plan.unit == "account" and "account_id" not in columns.get("customers", {}):
        fault = SegkitError(
            "customers have no account_id, so contacts cannot be put together",
            where=plan.path.name,
            fix='Map account_id under [tables.customers.columns], or take out unit = "account".',
        )
        faults.append(fault)
    faults += _check_own_features(plan, columns, given)
    for scheme in plan.schemes:
        faults += _check_scheme(plan, scheme, columns, given)
    return faults


def _check_own_features(
    plan: Plan, columns: Mapping[str, Mapping[str, str]], given: Mapping[str, str]
) -> list[SegkitError]:
    """Find features of one's own that have the name of one of segkit's, but are not it."""
    faults = []
    for name in list_own(columns.get("customers", {})):
        if name not in FEATURES:
            continue
        feature = FEATURES[name]
        if not find_missing(feature.needs, columns):
            message = f"'{name}' is worked out from the other tables already"
        elif feature.kind != given[name]:
            message = f"'{name}' is a {given[name]} here, but segkit knows it as a {feature.kind}"
        else:
            continue
        where = f"{plan.path.name}, [tables.customers]"
        faults.append(SegkitError(message, where=where, fix="Give your own feature another name."))
    return faults


def _check_scheme(
    plan: Plan, scheme: Scheme, columns: Mapping[str, Mapping[str, str]], given: Mapping[str, str]
) -> list[SegkitError]:
    """Find what is wrong with the columns and the rules of one scheme."""
    where = f"{plan.path.name}, scheme '{scheme.name}'"
    wanted = list_wanted(scheme)
    faults = []
    if scheme.method == "rfm" and len(wanted) != 3:
        fix = "It takes days, orders and money, in this order."
        faults.append(SegkitError("rfm takes 3 columns", where=where, fix=fix))
    elif scheme.method == "tiers" and len(wanted) != 1:
        faults.append(SegkitError("tiers takes 1 column", where=where))
    faults += [_add_file(plan, fault) for fault in find_rule_faults(scheme, given)]
    takes_categories = scheme.method in MIXED_METHODS
    taken = TAKEN.get(scheme.method, ("number",))
    fitting = [name for name, kind in given.items() if kind in taken]
    for name in wanted:
        if name in fitting:
            continue
        message = f"there is no feature '{name}'"
        fix = suggest_name(name, fitting)
        if name in given and takes_categories:
            message = f"'{name}' is a {given[name]}, which {scheme.method} does not take"
        elif name in given:
            message = f"'{name}' is not a number, and {scheme.method} takes numbers"
        elif name in FEATURES:
            missing = "; ".join(find_missing(FEATURES[name].needs, columns))
            message = f"'{name}' cannot be computed"
            fix = f"It needs {missing}."
        faults.append(SegkitError(message, where=where, fix=fix))
    return faults


def _add_file(plan: Plan, fault: SegkitError) -> SegkitError:
    where = f"{plan.path.name}, {fault.where}"
    return SegkitError(fault.message, where=where, found=fault.found, fix=fault.fix)


def check_all_rules(
    people: Mapping[str, pd.DataFrame], segmentations: Iterable[Segmentation]
) -> pd.DataFrame:
    """Check the rules of all schemes of method ``rules``: ``scheme`` and see `check_rules`.

    ``people`` are the customers of each scheme, by its name.
    """
    tables = {}
    for found in segmentations:
        if found.method == "rules":
            names = list(found.names.values())
            tables[found.scheme] = check_rules(people[found.scheme], found.model, names)
    return _join_tables(tables, "No scheme of the plan is made of rules.")


def compare_all_classes(
    people: Mapping[str, pd.DataFrame],
    schemes: Iterable[Scheme],
    *,
    random_state: int,
    n_bootstrap: int = 0,
) -> pd.DataFrame:
    """Compare the numbers of latent classes: ``scheme`` and see `compare_class_counts`.

    ``people`` are the customers of each scheme, by its name.
    """
    tables = {}
    for scheme in schemes:
        if scheme.method != "latent_classes":
            continue
        fewest, most = scheme.segments
        with contextlib.suppress(SegkitError):  # the candidates say why it cannot be fitted
            tables[scheme.name] = compare_class_counts(
                people[scheme.name],
                scheme.columns,
                range(fewest, most + 1),
                random_state=random_state,
                n_bootstrap=n_bootstrap,
                smallest_level=scheme.smallest_level,
            )
    return _join_tables(tables, "No scheme of the plan has latent classes.")


def _join_tables(tables: dict[str, pd.DataFrame], reason: str) -> pd.DataFrame:
    """Join tables under each other, with ``scheme`` first; without any, give the reason."""
    if not tables:
        return empty_table(["scheme"], reason)
    joined = pd.concat(tables, names=["scheme"]).reset_index(0)
    return joined.assign(scheme=joined["scheme"].str.replace("_", " ")).reset_index(drop=True)


def require_schemes(plan: Plan, columns: Mapping[str, Mapping[str, str]]) -> None:
    """Raise `PlanError` with every fault of `check_schemes`, if there is one."""
    if faults := check_schemes(plan, columns):
        raise PlanError(faults)
