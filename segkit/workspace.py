"""What a notebook opens: the plan, the tables that can be trusted, and the run folder."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.privacy import Published, publish_table
from segkit.core.settings import Settings
from segkit.data.checks import prepare_tables
from segkit.data.engine import open_tables
from segkit.features.accounts import roll_up_accounts
from segkit.features.customer_table import list_given
from segkit.features.own_features import list_kinds
from segkit.features.wording import require_labels
from segkit.plan.models import Plan
from segkit.plan.reading import read_plan
from segkit.report.shared.views import View
from segkit.runs import outputs
from segkit.runs.layout import RunFolder, StepFolder
from segkit.runs.ledgers import StepLedger


@dataclass(frozen=True)
class Workspace:
    """One step's view of a run.

    Attributes
    ----------
    plan : Plan
    step : str
        The notebook's name, such as ``03_base_analysis``.
    run : RunFolder
        Where the steps leave their tables and facts; private.
    as_of : datetime.date
        The last day counted.
    random_state : int
        The seed of every random step.
    tables : dict of str to ibis.Table
        Accepted rows of each table that the plan names; they stay in the engine.
    quality : DataFrame
        One row a rule: table, rule, severity, row_count, reason, treatment.
    counts : DataFrame
        One row a table: read, accepted, rejected.
    statuses : DataFrame
        One row a status of orders: lines, money and what it counts as; no rows without any.
    names : dict of str to dict of str
        By table, the user's name of each column.
    learned : DataFrame
        One row of the tables as a whole: rows, customers, orders, days, sum.
    """

    plan: Plan
    step: str
    run: RunFolder
    as_of: datetime.date
    random_state: int
    tables: dict[str, ibis.Table]
    quality: pd.DataFrame
    counts: pd.DataFrame
    statuses: pd.DataFrame
    names: dict[str, dict[str, str]]
    learned: pd.DataFrame
    _ledger: StepLedger = field(repr=False, compare=False)

    @property
    def run_folder(self) -> Path:
        """The run folder's path."""
        return self.run.path

    @property
    def folder(self) -> Path:
        """This step's own folder inside the run folder."""
        return self._own.path

    @property
    def templates(self) -> Path:
        """This step's folder of empty tables to fill."""
        return self._own.templates

    @property
    def _own(self) -> StepFolder:
        return self.run.step(self.step)

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """The columns that each table carries, with their kind."""
        return {name: list_kinds(table) for name, table in self.tables.items()}

    @property
    def settings(self) -> Settings:
        """The last day counted, the seed, the smallest group that may be seen, the currency."""
        return Settings(
            as_of=self.as_of,
            random_state=self.random_state,
            smallest_cell=self.plan.privacy.smallest_cell,
            currency=self.plan.currency,
            has_purchases="order_lines" in self.tables,
        )

    def publish(
        self,
        table: pd.DataFrame,
        view: View,
        *,
        name: str = "",
        days: int | None = None,
        period: str = "",
    ) -> Published:
        """Let a finished table through the gate, and keep it with this step.

        What is shown and said is made of the published table. Rows that would tell of few customers
        beside other tables of this run are hidden too; a table of which that cannot be made sure is
        published without rows, with the reason.

        Parameters
        ----------
        table : DataFrame
            A finished table.
        view : View
            What its rows are and how it is shown.
        name : str, optional
            The table's name where one view serves several tables.
        days : int, optional
            The last days that its figures speak of; all time until ``as_of`` if not given.
        period : str, optional
            Another time that they speak of, see `segkit.core.periods`.
        """
        view = view.rename(f"{self.step}/{name or view.shape.name}")
        settings = self.settings
        audited = self._ledger.audit(table, view.shape, roundings=view.list_roundings())
        if audited is not None and audited.reason:
            table = empty_table(list(table.columns), audited.reason)
        published = publish_table(
            table,
            view.shape,
            smallest_cell=settings.smallest_cell,
            also_hidden=None if audited is None else audited.hidden,
            also_untold=None if audited is None or audited.reason else audited.untold,
            roundings=view.list_roundings(),
            view=view,
            period=period or settings.describe_period(days),
            currency=settings.currency,
        )
        published = replace(published, labels=self.plan.list_labels())
        self._keep_published(published)
        return published

    def _keep_published(self, published: Published) -> None:
        """Leave a published table, and the records of its cells."""
        name = published.shape.name.rpartition("/")[2]
        outputs.write_frame(self._own.published_table(name), published.frame)
        outputs.write_frame(self._own.published_cells(name), pd.DataFrame(published.records))

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Leave a finished table for later steps."""
        outputs.write_table(self._own, table, name)

    def read_table(self, step: str, name: str) -> pd.DataFrame:
        """Read a table that an earlier step left; an error says which step to run first."""
        return outputs.read_table(self.run, step, name)

    def write_facts(self, **facts: Any) -> None:
        """Leave this step's findings, headline figures and other facts as JSON."""
        outputs.write_facts(self._own, facts)

    def read_facts(self, step: str) -> dict[str, Any]:
        """Read the facts that an earlier step left."""
        return outputs.read_facts(self.run, step)

    def place_file(self, name: str) -> Path:
        """Return where to write a document or text of this step, beside its tables."""
        path = self._own.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def find_file(self, step: str, name: str) -> Path:
        """Return a document or text that an earlier step left; an error says which to run first."""
        return outputs.require_left(step, self.run.step(step).file(name))


def open_workspace(
    plan_path: str,
    run_dir: str,
    *,
    step: str,
    as_of: str = "",
    random_state: int = -1,
    tables_key: str = "",
) -> Workspace:
    """Open the plan and its accepted tables for one step.

    Parameters
    ----------
    plan_path : str
        The plan; a relative path is looked for here and in the folders above.
    run_dir : str
        The run folder, relative to the plan's folder.
    step : str
        Name of the notebook.
    as_of : str, optional
        Last day counted as YYYY-MM-DD; empty for the plan's, else the last day in the data.
    random_state : int, optional
        Seed; -1 for the plan's.
    tables_key : str, optional
        What a run hands its notebooks once it has checked the tables; empty, as in a notebook that
        is run by hand: they are checked here, unless nothing has changed since the last check.

    Raises
    ------
    SegkitError
        If the plan or the tables cannot be used.

    Examples
    --------
    >>> from segkit import open_workspace
    >>> open_workspace("no-such-plan.toml", "runs/lab", step="01_plan")
    Traceback (most recent call last):
    segkit.core.errors.UsageError: no-such-plan.toml: there is no such plan. \
Name an existing plan, or make one with 'segkit new FOLDER'.
    """
    plan = read_plan(plan_path)
    day = _read_day(as_of, step) if as_of else plan.as_of
    run = RunFolder(plan.folder / run_dir)
    prepared = prepare_tables(plan, run.path, as_of=day, checked_key=tables_key)
    tables = open_tables(plan, prepared.paths, run.step(step).path)
    if plan.unit == "account" and "account_id" in getattr(tables.get("customers"), "columns", ()):
        tables = roll_up_accounts(tables, as_of=prepared.as_of)
        tables["customers"] = tables["customers"].cache()
    kinds = {name: list_kinds(table) for name, table in tables.items()}
    require_labels(plan, list_given(kinds, plan))
    return Workspace(
        plan=plan,
        step=step,
        run=run,
        as_of=prepared.as_of,
        random_state=plan.random_state if random_state < 0 else random_state,
        tables=tables,
        quality=prepared.quality.drop(columns="found"),
        counts=prepared.counts,
        statuses=prepared.statuses,
        names=prepared.names,
        learned=prepared.learned,
        _ledger=StepLedger(run, step, plan.privacy.smallest_cell),
    )


def _read_day(text: str, step: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        where = f"parameter as_of of {step}"
        fix = "Write it as YYYY-MM-DD."
        raise SegkitError("as_of is not a date", where=where, found=repr(text), fix=fix) from None
