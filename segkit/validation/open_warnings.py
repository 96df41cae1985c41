"""Which warnings of the checks concern a scheme, so that its verdict is not a plain yes.

A warning concerns a scheme where it is of a table or column that the scheme's features are worked
out from, and of more rows than a slip here and there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from segkit.contract.features import FEATURES
from segkit.contract.tables import TABLES
from segkit.features.own_features import list_read
from segkit.plan.models import Scheme
from segkit.segmentation.schemes import list_wanted

# One row in a hundred: figures of a whole segment hardly change with fewer.
MATTERS_SHARE = 0.01
# Whatever is worked out of order lines rests on these.
CORE = (
    "order_id",
    "customer_id",
    "ordered_at",
    "quantity",
    "unit_price",
    "line_amount",
    "currency",
)
# A warning that names another table: that rows of it are not found.
REFERS = {
    f"{start}{noun}{end}": table
    for table, noun in (("customers", "customer"), ("products", "product"), ("orders", "order"))
    for start, end in (("unknown_", ""), ("few_", "s_join"))
}


def find_open_warnings(
    quality: pd.DataFrame,
    counts: pd.DataFrame,
    scheme: Scheme,
    *,
    columns: Mapping[str, Collection[str]],
) -> list[dict[str, str]]:
    """Return the open warnings that concern a scheme, those of most rows first.

    Parameters
    ----------
    quality : DataFrame
        One row a rule: table, rule, severity, row_count, reason.
    counts : DataFrame
        One row a table: table, read.
    scheme : Scheme
    columns : mapping of str to collection of str
        By table, the columns that it carries.

    Returns
    -------
    list of dict
        ``name``, as table.rule, and ``reason`` of each.
    """
    read = dict(zip(counts["table"], counts["read"], strict=True))
    needed = list_needed(scheme, columns)
    found = []
    is_open = (quality["severity"] == "warning") & (quality["row_count"] > 0)
    for row in quality[is_open].itertuples():
        share = row.row_count / max(1, read.get(row.table, row.row_count))
        if share >= MATTERS_SHARE and _concerns(
            row.table, row.rule, needed, columns.get(row.table, ())
        ):
            found.append((share, {"name": f"{row.table}.{row.rule}", "reason": row.reason}))
    found.sort(key=lambda pair: -pair[0])
    return [told for _, told in found]


def list_needed(scheme: Scheme, columns: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """Return the columns, each with its table, that a scheme's features are worked out from.

    Of columns that may stand for each other the first that is there counts.
    """
    features = [*list_wanted(scheme), *list_read(scheme, FEATURES)]
    if scheme.ruleset is not None:
        features.append("recency_days")
    needed = set()
    for name in features:
        if name in FEATURES:
            for group in FEATURES[name].needs:
                there = [tuple(one.split(".")) for one in group]
                there = [one for one in there if one[1] in columns.get(one[0], ())]
                needed.update(there[:1])
        elif name in columns.get("customers", ()):
            needed.add(("customers", name))
    if any(table == "order_lines" for table, _ in needed):
        needed |= {("order_lines", column) for column in CORE}
    return needed


def _concerns(
    table: str, rule: str, needed: set[tuple[str, str]], columns: Collection[str]
) -> bool:
    """Return whether a rule of a table speaks of a column or a table that is needed."""
    tables = {name for name, _ in needed}
    if rule in REFERS:
        return table in tables and REFERS[rule] in tables
    column = _find_column(table, rule, columns)
    if column:
        return (table, column) in needed
    return table in tables


def _find_column(table: str, rule: str, columns: Collection[str]) -> str:
    """Return the column that a rule's name ends with; empty for a rule of the whole table."""
    names = {*TABLES[table].column_names, *columns}
    ends = [name for name in names if rule.endswith(f"_{name}")]
    return max(ends, key=len, default="")
