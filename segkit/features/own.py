"""Features of one's own: columns of the customers that only the plan names.

The name tells the unit, as with segkit's own features: ``wine_spend``, ``visit_count``. The base
is that of the scheme that reads the feature.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import pandas as pd
from ibis import ir

from segkit.data.contract import TABLES
from segkit.features.dictionary import FEATURES, Feature
from segkit.plan import Scheme

OWN_BASE = "own"
_UNITS = {"spend": "currency", "value": "currency", "profit": "currency", "price": "currency"}
_UNITS |= {unit: unit for unit in ("share", "days", "years", "months", "hours")}


def list_kinds(table: ir.Table) -> dict[str, str]:
    """Return each column's kind: number, boolean, date or category."""
    kinds = {}
    for name, kind in table.schema().items():
        is_day = kind.is_date() or kind.is_timestamp()
        kinds[name] = "number" if kind.is_numeric() else "date" if is_day else "category"
        kinds[name] = "boolean" if kind.is_boolean() else kinds[name]
    return kinds


def list_own(columns: Iterable[str]) -> list[str]:
    """Return those columns of the customers that are features of one's own."""
    return [name for name in columns if name not in TABLES["customers"].column_names]


def list_read(scheme: Scheme, names: Collection[str]) -> list[str]:
    """Return those of the names that a scheme reads, in its columns or in its rules."""
    texts = [*scheme.columns, *(rule.when for rule in scheme.rules)]
    return [word for word in re.findall(r"\w+", " ".join(texts)) if word in names]


def describe_feature(name: str) -> Feature:
    """Return a feature of the dictionary, or one's own described by its name."""
    *stem, last = name.split("_")
    unit = f"{stem[-1]}s" if stem and last == "count" else _UNITS.get(last, "")
    words = name.replace("_", " ").capitalize()
    return FEATURES.get(name) or Feature(name, OWN_BASE, unit, words, ())


def summarise_own(
    customers: ir.Table | None, names: Mapping[str, str], schemes: Iterable[Scheme]
) -> pd.DataFrame:
    """Summarise the features of one's own; ``names`` are the user's, by column.

    Returns
    -------
    pandas.DataFrame
        One row a feature: ``feature``, ``column`` (the user's name), ``kind`` (number, boolean or
        category), ``complete_share``, ``different_count`` (different values), ``schemes`` (those
        that read it).
    """
    own = [] if customers is None else list_own(customers.columns)
    sums = {f"filled_{name}": customers[name].notnull().mean() for name in own}
    sums |= {f"different_{name}": customers[name].nunique() for name in own}
    found = customers.aggregate(**sums).to_pandas().iloc[0] if own else {}
    readers = {n: ", ".join(s.name for s in schemes if list_read(s, [n])) for n in own}
    rows = [
        (name, names.get(name, name), kind, found[f"filled_{name}"], found[f"different_{name}"])
        for name, kind in (list_kinds(customers.select(own)).items() if own else ())
    ]
    columns = ["feature", "column", "kind", "complete_share", "different_count"]
    table = pd.DataFrame(rows, columns=columns)
    table["different_count"] = table["different_count"].astype("int64")
    table.attrs["reason"] = "The plan names no features of its own under [tables.customers]."
    return table.assign(schemes=table["feature"].map(readers))
