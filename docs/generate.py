"""Write the pages of docs/ that come from code: the data dictionary and the features."""

from __future__ import annotations

import datetime
import functools
import json
from pathlib import Path

import ibis
from ibis import ir

from segkit.contract.features import FEATURES
from segkit.contract.tables import TABLES
from segkit.features.customer_table import express_customers, learn_from_tables, list_features
from segkit.segmentation.documents import Segmentation

DOCS = Path(__file__).parent
OWN_FEATURES = """Any other column can be a feature of your own, in the plan:

```toml
[tables.customers.features]
wine_spend = "MntWines"
```

or `features = "all"` under `[tables.customers]` for every column that is none of the above, under a
name in small letters; notebook 1 lists them. A feature is a number, or yes or no, if all its values
are, else a category; no row is rejected for it. Put the unit into the name, as in `wine_spend`,
`visit_count` or `tenure_days`. Without `order_lines`, `total_spend`, `order_count` and the like may
be given too.

Sentences and names of segments tell a feature by words that the plan can give:

```toml
[labels]
wine_spend = "spend on wine"
teenager_count = { label = "teenagers at home", none = "no teenagers" }
favourite_wine = { label = "favourite wine", level = "who drink {}" }
has_garden = { label = "garden", yes = "with a garden", no = "without a garden" }
```

What is not given (`more`, `less`, `none`, `yes`, `no`, `level`) is made of the label. Without a
label the name is told, in quotation marks."""


def describe_tables() -> str:
    """Return the data dictionary as Markdown."""
    parts = [
        "# Data dictionary",
        "Generated from `segkit/contract/tables.py` by `make docs`. One of `order_lines` and "
        "`customers` is needed; every other table adds questions that can be answered. In the "
        "plan, map your own names onto these. *Personal* columns never leave the run folder.",
    ]
    for table in TABLES.values():
        parts.append(f"## {table.name}\n\n{table.meaning}.")
        if table.key:
            parts.append(f"Key: `{'`, `'.join(table.key)}`.")
        for group in table.one_of:
            parts.append(f"At least one of `{'`, `'.join(group)}` is needed.")
        lines = ["| column | kind | unit | needed | meaning |", "|---|---|---|---|---|"]
        for column in table.columns:
            meaning = column.meaning + (" (personal)" if column.personal else "")
            if column.allowed:
                meaning += f": {', '.join(column.allowed)}"
            needed = "yes" if column.required else ""
            cells = [f"`{column.name}`", column.kind, column.unit, needed, meaning]
            lines.append("| " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
        if table.name == "customers":
            parts.append(OWN_FEATURES)
    return "\n\n".join(parts) + "\n"


DIALECTS = ("duckdb", "databricks", "snowflake", "bigquery", "postgres", "trino")
VALUES = dict.fromkeys(("id", "text", "category"), "'a'")
VALUES |= {"integer": "1980::BIGINT", "number": "1.0::DOUBLE", "money": "1.0::DOUBLE"}
VALUES |= {"date": "DATE '2026-01-01'", "datetime": "TIMESTAMP '2026-01-01'", "boolean": "true"}


@functools.cache
def collect_features() -> ir.Table:
    """Return the features' expression over one row of every table, with every column."""
    connection = ibis.duckdb.connect()
    for table in TABLES.values():
        columns = [f"{VALUES[c.kind]} AS {c.name}" for c in table.columns]
        if table.name == "order_lines":
            columns += ["'sale' AS line_type", "true AS is_product"]
            columns += ["NULL::TIMESTAMP AS taken_back_at"]
        connection.raw_sql(f"CREATE TABLE {table.name} AS SELECT {', '.join(columns)}")
    tables = {name: connection.table(name) for name in TABLES}
    as_of = datetime.date(2026, 6, 30)
    habits = learn_from_tables(tables, as_of=as_of)
    return express_customers(tables, as_of=as_of, habits=habits)


def list_dialects(features: ir.Table) -> dict[str, str]:
    """Return why features do not compile for a dialect, by dialect; empty where they do.

    No warehouse is asked.
    """
    found = {}
    for dialect in DIALECTS:
        try:
            ibis.to_sql(features, dialect=dialect)
            found[dialect] = ""
        except Exception as error:  # each backend has its own
            found[dialect] = str(error).splitlines()[0]
    return found


def describe_dialects() -> list[str]:
    """Return lines of Markdown that say where the features can be computed."""
    count = len(collect_features().columns) - 1
    lines = [
        "",
        "## Where they can be computed",
        "",
        "A run computes them in DuckDB or, with `engine` in the plan, in Spark, the dialect of",
        "Databricks. For the others the expressions are compiled without a warehouse; a run reads",
        "the tables of a warehouse into DuckDB and computes there. Lifetime value is fitted",
        "in Python from sums of the engine.",
        "",
        "| dialect | features that compile |",
        "|---|---|",
    ]
    for dialect, reason in list_dialects(collect_features()).items():
        lines.append(f"| {dialect} | {reason or f'all {count} that come from tables'} |")
    return lines


def describe_features() -> str:
    """Return the list of features as Markdown."""
    lines = [
        "# Features",
        "",
        "Generated by `make docs`. One row a customer; a scheme's `columns` are chosen from these.",
        "A feature is there if the tables carry the columns that it needs. The plan may add",
        "columns of `customers` as features of its own, see the data dictionary.",
        "",
        "Sentences, charts and names of segments tell a feature by its label and, of more, less",
        "and none, by the words beside it; of yes and no, and of values, by who is meant. The",
        "plan's `labels` give one's own features such words, or others than these.",
        "",
        "| feature | label | more; less; none | unit | base | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for row in list_features().itertuples():
        feature = FEATURES[row.feature]
        words = [feature.more, feature.less, feature.none, feature.yes, feature.no]
        if feature.kind == "category":
            words = [feature.level.replace("{}", "…")]
        told = "; ".join(filter(None, words))
        about = f"{row.unit} | {row.base} | {row.meaning}"
        lines.append(f"| `{row.feature}` | {feature.label} | {told} | {about} |")
    lines += describe_dialects()
    return "\n".join(lines) + "\n"


def describe_segmentation() -> str:
    """Return the JSON schema of a segmentation's document."""
    return json.dumps(Segmentation.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


PAGES = {
    "data_dictionary.md": describe_tables,
    "features.md": describe_features,
    "segmentation.schema.json": describe_segmentation,
}

if __name__ == "__main__":
    for name, describe in PAGES.items():
        (DOCS / name).write_text(describe(), encoding="utf-8")
