"""Features of one's own: columns of the customers that only the plan names.

The name tells the unit, as with segkit's own features: ``wine_spend``, ``visit_count``. The base
is that of the scheme that reads the feature.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import pandas as pd
from ibis import ir

from segkit.contract.bases import SAID
from segkit.contract.definitions import Feature
from segkit.contract.features import CATEGORY_SHARE, FEATURES
from segkit.contract.tables import TABLES
from segkit.core.absence import empty_table
from segkit.models.kinds import name_kind
from segkit.plan.models import Scheme

OWN_BASE = "own"
_UNITS = {"spend": "currency", "value": "currency", "profit": "currency", "price": "currency"}
_UNITS |= {unit: unit for unit in ("share", "days", "years", "months", "hours")}


def list_kinds(table: ir.Table) -> dict[str, str]:
    """Return each column's kind: number, boolean, date or category."""
    return {name: name_kind(kind) for name, kind in table.schema().items()}


def list_own(columns: Iterable[str]) -> list[str]:
    """Return those columns of the customers that are features of one's own."""
    return [name for name in columns if name not in TABLES["customers"].column_names]


def list_read(scheme: Scheme, names: Collection[str]) -> list[str]:
    """Return those of the names that a scheme reads, in its columns or in its rules."""
    texts = [*scheme.columns, *(rule.when for rule in scheme.rules)]
    return [word for word in re.findall(r"\w+", " ".join(texts)) if word in names]


def describe_feature(name: str) -> Feature:
    """Return a feature of the dictionary, or another described by its name.

    What customers say begins with its base, as in ``needs_purpose``; others are one's own.
    """
    if name.startswith(CATEGORY_SHARE):
        words = name.removeprefix(CATEGORY_SHARE).replace("_", " ")
        meaning = f"Share of sales in the category {words}"
        return Feature(name, base="purchase_history", unit="share", meaning=meaning, needs=())
    first, _, rest = name.partition("_")
    base, words = (first, rest) if first in SAID and rest else (OWN_BASE, name)
    *stem, last = words.split("_")
    unit = f"{stem[-1]}s" if stem and last == "count" else _UNITS.get(last, "")
    unit = unit if base == OWN_BASE else ""
    words = words.replace("_", " ").capitalize()
    return FEATURES.get(name) or Feature(name, base=base, unit=unit, meaning=words, needs=())


def summarise_own(
    customers: ir.Table | None, names: Mapping[str, str] | None, schemes: Iterable[Scheme]
) -> pd.DataFrame:
    """Summarise the features of one's own; ``names`` are the user's, by column, if they differ.

    Returns
    -------
    pandas.DataFrame
        One row a feature: ``feature``, ``column`` (the user's name), ``kind`` (number, boolean or
        category), ``complete_share``, ``different_count`` (different values), ``schemes`` (those
        that read it).
    """
    columns = ["feature", "column", "kind", "complete_share", "different_count", "schemes"]
    own = [] if customers is None else list_own(customers.columns)
    if not own:
        reason = "The plan names no features of its own under [tables.customers]."
        return empty_table(columns, reason)
    kinds = list_kinds(customers)
    sums = {f"filled_{name}": customers[name].notnull().mean() for name in own}
    sums |= {f"different_{name}": customers[name].nunique() for name in own}
    found = customers.aggregate(**sums).to_pandas().iloc[0]
    rows = []
    for name in own:
        readers = ", ".join(scheme.name for scheme in schemes if list_read(scheme, [name]))
        complete_share = found[f"filled_{name}"]
        different_count = int(found[f"different_{name}"])
        column = (names or {}).get(name, name)
        rows.append((name, column, kinds[name], complete_share, different_count, readers))
    return pd.DataFrame(rows, columns=columns)
