"""Placing customers as they act: a trigger's condition, whom it places today, and its SQL.

A trigger is a condition in the language of rules, see `segkit.models.rule_language`. A condition
that is neither true nor false, because a value is missing, places nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from segkit.action.lists.members import TRIGGERED_TABLE
from segkit.contract.features import FEATURES
from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError, suggest_name
from segkit.models.kinds import find_kind
from segkit.models.rule_language import read_predicate
from segkit.plan.models import Plan
from segkit.plan.triggers import MOMENTS, Trigger
from segkit.runs.layout import FINAL_STEP, RunFolder
from segkit.runs.outputs import require_left
from segkit.segmentation.documents import DIALECTS, SQL_TYPES
from segkit.segmentation.placing import read_columns
from segkit.segmentation.rules import take_column

PLACES = ["customer_id", "segment_name", "trigger", "play"]
COUNTS = ["trigger", "condition", "customer_count", "known_count", "share", "play", "cooldown_days"]
PUBLISHED = "triggers"  # the table that passed the gate
NO_TRIGGERS = (
    "The plan names no triggers, and no ready-made one can be asked: they need orders, events or "
    "tickets."
)


@dataclass(frozen=True)
class Triggered:
    """Whom triggers place.

    Attributes
    ----------
    places : DataFrame
        `PLACES`: one row a customer and trigger; private.
    counts : DataFrame
        `COUNTS`: one row a trigger, its condition in words. ``known_count`` are the customers of
        whom the condition is true or false, ``share`` is of all.
    """

    places: pd.DataFrame
    counts: pd.DataFrame


def list_kinds(customers: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each column that a condition may name."""
    kinds = {}
    for column in customers.columns.drop("customer_id", errors="ignore"):
        is_known = column in FEATURES
        kind = FEATURES[column].kind if is_known else find_kind(customers[column])
        kinds[column] = "text" if kind == "category" else kind
    return kinds


def choose_triggers(plan: Plan, customers: pd.DataFrame) -> list[Trigger]:
    """Return the plan's triggers; where it names none, the ready-made ones that can be asked.

    Those whose columns are there, and which are not of people without an order where the customers
    are buyers.
    """
    if plan.triggers:
        return list(plan.triggers)
    known = set(customers.columns)
    if "order_count" in known and (customers["order_count"] >= 1).all():
        known.discard("signed_up_days")
    ready = [Trigger(name=name) for name in MOMENTS]
    return [trigger for trigger in ready if _list_ready_columns(trigger) <= known]


def _list_ready_columns(trigger: Trigger) -> set[str]:
    """Return the features that a ready-made trigger reads."""
    kinds = {name: _name_kind(feature.kind) for name, feature in FEATURES.items()}
    return set(read_predicate(trigger.condition, kinds).columns)


def _name_kind(kind: str) -> str:
    return "text" if kind == "category" else kind


def find_trigger_faults(plan: Plan, features: Mapping[str, str]) -> list[SegkitError]:
    """Find what is wrong with the plan's triggers before any customer is placed.

    ``features`` has the kind of each column of the customer table.
    """
    kinds = {name: _name_kind(kind) for name, kind in features.items()}
    faults = []
    for trigger in plan.triggers:
        try:
            read_predicate(trigger.condition, kinds, where=_locate(plan, trigger))
        except SegkitError as error:
            faults.append(error)
    return faults


def _locate(plan: Plan, trigger: Trigger) -> str:
    return f"{plan.path.name}, trigger '{trigger.name}'"


def place_triggers(
    customers: pd.DataFrame, plan: Plan, *, segments: pd.DataFrame | None = None
) -> Triggered:
    """Say whom each trigger places today, among the customers of the table.

    Parameters
    ----------
    customers : DataFrame
        One row a customer: ``customer_id`` and features.
    plan : Plan
        Its triggers, or the ready-made ones.
    segments : DataFrame, optional
        ``customer_id`` and ``segment_name``.

    Raises
    ------
    SegkitError
        If a condition cannot be read, or names a column that is not there.
    """
    triggers = choose_triggers(plan, customers)
    kinds = list_kinds(customers)
    faults = find_trigger_faults(plan, kinds)
    if faults:
        raise faults[0]
    places = []
    rows = []
    for trigger in triggers:
        is_met, is_known = ask_condition(customers, trigger.condition, kinds=kinds)
        ids = customers.loc[is_met, "customer_id"].astype(str)
        play = trigger.play or trigger.name
        places.append(pd.DataFrame({"customer_id": ids, "trigger": trigger.name, "play": play}))
        count = int(is_met.sum())
        share = count / len(customers) if len(customers) else None
        known = int(is_known.sum())
        days = trigger.cooldown_days
        rows.append((trigger.name, trigger.words, count, known, share, play, days))
    if not rows or customers.empty:
        return Triggered(pd.DataFrame(columns=PLACES), empty_table(COUNTS, NO_TRIGGERS))
    every = pd.concat(places, ignore_index=True)
    return Triggered(_add_segments(every, segments), pd.DataFrame(rows, columns=COUNTS))


def ask_condition(
    customers: pd.DataFrame, condition: str, *, kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return of whom a condition is true, and of whom it is true or false.

    Examples
    --------
    >>> people = pd.DataFrame({"recency_days": [100.0, 5.0, None]})
    >>> met, known = ask_condition(people, "recency_days > 90", kinds={"recency_days": "number"})
    >>> met.tolist(), known.tolist()
    ([True, False, False], [True, True, False])
    """
    predicate = read_predicate(condition, kinds)
    table = read_columns(customers, predicate.columns)
    values = {name: take_column(table, name, kinds[name]) for name in predicate.columns}
    found = predicate.apply(values)
    is_met = np.asarray(found.fill_null(False).values, dtype=bool)
    is_known = ~np.asarray(found.isnull().values, dtype=bool)
    return is_met, is_known


def _add_segments(places: pd.DataFrame, segments: pd.DataFrame | None) -> pd.DataFrame:
    if segments is None:
        return places.assign(segment_name="")[PLACES]
    names = segments.assign(customer_id=segments["customer_id"].astype(str))
    names = names.drop_duplicates("customer_id").set_index("customer_id")["segment_name"]
    return places.assign(segment_name=places["customer_id"].map(names))[PLACES]


def write_trigger_sql(
    trigger: Trigger,
    kinds: Mapping[str, str],
    dialect: str = "duckdb",
    *,
    table: str = "customers",
    key: str = "customer_id",
) -> str:
    """Print a query of those whom a trigger places, for a warehouse or a mail tool.

    Parameters
    ----------
    trigger : Trigger
    kinds : mapping of str to str
        The kind of each column of the table.
    dialect : str
        One of duckdb, postgres, snowflake, bigquery, databricks, trino and spark.
    table, key : str
        The table with a row a customer, and the column that names them.

    Returns
    -------
    str
        Comments that say what the table must have, and a query that gives ``key`` and
        ``trigger_name``.

    Examples
    --------
    >>> lapsing = Trigger(name="lapsing", when="recency_days > 90")
    >>> print(write_trigger_sql(lapsing, {"recency_days": "number"}).splitlines()[0])
    -- lapsing: recency_days > 90
    """
    if dialect not in DIALECTS:
        fix = suggest_name(dialect, DIALECTS)
        raise SegkitError("there is no such SQL dialect", found=dialect, fix=fix)
    predicate = read_predicate(trigger.condition, kinds)
    types = {name: SQL_TYPES[kinds[name]] for name in predicate.columns}
    customers = ibis.table({key: "string", **types}, name=table)
    values = {name: take_column(customers, name, kinds[name]) for name in predicate.columns}
    placed = customers.filter(predicate.apply(values).fill_null(False))
    named = placed.select(key, trigger_name=ibis.literal(trigger.name))
    query = str(ibis.to_sql(named, dialect=DIALECTS[dialect]))
    lines = [f"-- {trigger.name}: {' '.join(trigger.condition.split())}"]
    for name in predicate.columns:
        meaning = FEATURES[name].meaning if name in FEATURES else "a column of your own"
        lines.append(f"--   {' '.join(name.split())}: {' '.join(meaning.split())}")
    return "\n".join([*lines, f"{query};"])


def write_all_sql(
    plan: Plan, customers: pd.DataFrame, dialect: str = "duckdb", *, table: str = "customers"
) -> str:
    """Print the queries of a plan's triggers, one after the other; see `write_trigger_sql`.

    ``customers`` has the columns that the conditions may name, and none of its rows is read into
    the queries. The text is empty where there are no triggers.
    """
    kinds = list_kinds(customers)
    if faults := find_trigger_faults(plan, kinds):
        raise faults[0]
    triggers = choose_triggers(plan, customers)
    queries = [write_trigger_sql(one, kinds, dialect, table=table) for one in triggers]
    return "\n\n".join(queries) + "\n" if queries else ""


def write_plan_sql(plan: Plan, dialect: str, *, table: str = "customers") -> str:
    """Print the queries of a plan's triggers, over the columns that its last run had.

    Raises
    ------
    SegkitError
        If there is no run yet, no trigger, no such dialect, or a condition cannot be read.
    """
    path = RunFolder(plan.run_folder).step("03_base_analysis").table("customers")
    customers = pd.read_parquet(require_left("03_base_analysis", path))
    text = write_all_sql(plan, customers, dialect, table=table)
    if not text:
        raise SegkitError(NO_TRIGGERS, fix="Write one under [[triggers]]; see docs/lists.md.")
    return text


def read_placed_counts(plan: Plan) -> pd.DataFrame:
    """Read how many customers each trigger placed in the last run, as the report shows it.

    Raises
    ------
    SegkitError
        If the last run placed nobody, or there is none.
    """
    step = RunFolder(plan.run_folder).step(FINAL_STEP)
    if not step.table(TRIGGERED_TABLE).is_file() or not step.published_table(PUBLISHED).is_file():
        raise SegkitError("no trigger has placed anybody yet", fix="Run 'segkit run' first.")
    found = pd.read_parquet(step.published_table(PUBLISHED))
    shown = found[["trigger", "condition", "customer_count", "share"]]
    return shown.astype(object).where(shown.notna(), None)


def tabulate_placed(counts: pd.DataFrame) -> pd.DataFrame:
    """Return the counts as they are printed; what is hidden, since it is of few, is a dash."""
    texts = counts.assign(
        customer_count=["–" if n is None else f"{int(n):,}" for n in counts["customer_count"]],
        share=["–" if share is None else f"{share:.1%}" for share in counts["share"]],
    )
    return texts.rename(columns={"customer_count": "customers", "share": "of all"})
