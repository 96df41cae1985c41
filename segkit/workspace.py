"""What a notebook opens: the plan, the tables that can be trusted, and the run folder."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from segkit.core.arguments import read_date
from segkit.core.findings import Finding, read_findings
from segkit.core.privacy import Published
from segkit.core.settings import Settings
from segkit.data.checks import prepare_tables
from segkit.data.engine import open_tables
from segkit.features.accounts import roll_up_accounts
from segkit.features.customer_table import list_given
from segkit.features.own_features import list_kinds
from segkit.features.wording import name_feature, require_labels
from segkit.plan.models import Plan, Scheme
from segkit.plan.reading import read_plan
from segkit.report.shared.exhibits import FINDINGS_TITLE, MOST_ROWS, Exhibit, show_exhibit
from segkit.report.shared.gate import publish_view
from segkit.report.shared.segment_counts import add_segment_counts
from segkit.report.shared.views import View
from segkit.runs import outputs
from segkit.runs.earlier_segments import read_earlier_segments
from segkit.runs.kpis import read_earlier
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
    _facts: dict[str, Any] = field(repr=False, compare=False, default_factory=dict)

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
            margin_share=self.plan.margin_share,
        )

    def publish(
        self,
        table: pd.DataFrame,
        view: View,
        *,
        name: str = "",
        days: int | None = None,
        period: str = "",
        sizes: Published | None = None,
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
        sizes : Published, optional
            The sizes of the segments that the table is on: of a segment whose size is hidden
            nothing is shown in it.
        """
        if sizes is not None:
            table = add_segment_counts(table, sizes)
        view = view.rename(f"{self.step}/{name or view.shape.name}")
        settings = self.settings
        published = publish_view(
            table,
            view,
            ledger=self._ledger,
            at=settings,
            period=period or settings.describe_period(days),
            labels=self.plan.list_labels(),
        )
        outputs.write_published(self._own, published)
        return published

    def publish_each(
        self,
        tables: Sequence[tuple[pd.DataFrame, View]],
        *,
        days: int | None = None,
        period: str = "",
    ) -> list[Published]:
        """Let the tables of one topic through the gate, one after the other; see `publish`.

        Parameters
        ----------
        tables : sequence of (DataFrame, View)
            Each table with its view, which has its name.
        days, period : optional
            The time that all of them speak of.
        """
        return [self.publish(table, view, days=days, period=period) for table, view in tables]

    def show(
        self,
        thing: Any,
        view: View | None = None,
        *,
        caption: str = "",
        title: str = FINDINGS_TITLE,
        name: str = "",
        days: int | None = None,
        period: str = "",
        alt: str | None = None,
        columns: Sequence[str] | None = None,
        max_rows: int = MOST_ROWS,
        folded: bool = False,
        skip_empty: bool = False,
    ) -> None:
        """Show a chart, a table or findings, with the words that belong to it.

        A finished table is shown through its view, which lets it through the gate first. What
        passed the gate brings its currency, its time, its labels and what is hidden along.

        Parameters
        ----------
        thing : DataFrame, Published, matplotlib Axes, sequence of Finding, or of Exhibit
            What is shown; of exhibits one after the other, with their own words.
        view : View, optional
            What a finished table's rows are; for a DataFrame only.
        caption : str
            What a chart or a table shows.
        title : str, optional
            The line above findings.
        name, days, period : optional
            As in `publish`; for a DataFrame only.
        alt : str, optional
            What a chart shows, in words; those of segkit bring it along.
        columns : sequence of str, optional
            Those of the view's columns that are shown; all, if not given.
        max_rows : int, optional
            Further rows of a table are left out, and a line says how many.
        folded : bool, optional
            Whether a table opens only when it is asked for.
        skip_empty : bool, optional
            Whether a finished table without rows is left out, in place of saying why it has none.

        Raises
        ------
        SegkitError
            If it is none of these, or a table has neither a view nor passed the gate.
        """
        if view is not None:
            if skip_empty and thing.empty:
                return
            thing = self.publish(thing, view, name=name, days=days, period=period)
        if _are_exhibits(thing):
            for exhibit in thing:
                show_exhibit(exhibit)
            return
        one = Exhibit(
            thing=thing,
            caption=caption,
            title=title,
            alt=alt,
            columns=columns,
            max_rows=max_rows,
            folded=folded,
        )
        show_exhibit(one)

    def name_feature(self, name: str) -> str:
        """Return what a column of the customer table is called for people."""
        return name_feature(name, self.plan.list_labels())

    def find_scheme(self, name: str) -> Scheme:
        """Return the plan's scheme of this name."""
        return next(scheme for scheme in self.plan.schemes if scheme.name == name)

    def keep(self, name: str, thing: Any) -> None:
        """Leave what later steps or the report need: a table, a document, a text, or a fact.

        A name that ends like a file's (``segmentation.json``, ``quiz.toml``) is a document or text
        beside the step's tables; where there is none, None takes the one of before away. A table
        is left as a table, what passed the gate as it is shown, and so is what writes itself block
        by block (``write_parquet``), such as personal lists. Anything else is a fact, such as
        findings; the step's facts are those that were kept since the workspace was opened.

        Parameters
        ----------
        name : str
        thing : DataFrame, Published, document with ``write_json``, str, None, or JSON values
            Facts may hold findings.

        Raises
        ------
        SegkitError
            If a file's name is given for what is no document and no text.

        Examples
        --------
        >>> ws.keep("segments", segments)  # doctest: +SKIP
        >>> ws.read_table("03_base_analysis", "segments")  # doctest: +SKIP
        """
        if "." in name:
            outputs.write_file(self._own, thing, name)
        elif isinstance(thing, (pd.DataFrame, Published)):
            table = thing.frame if isinstance(thing, Published) else thing
            outputs.write_table(self._own, table, name)
        elif hasattr(thing, "write_parquet"):
            outputs.write_blocks(self._own, thing, name)
        else:
            self._facts[name] = thing
            outputs.write_facts(self._own, self._facts)

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

    def read_earlier_kpis(self) -> pd.DataFrame:
        """Read the KPIs of the last run of an earlier day; no rows where there was none."""
        return read_earlier(self.run, self.as_of)

    def read_earlier_segments(self) -> pd.DataFrame:
        """Read who was in which segment in the last run of an earlier day; no rows without one."""
        return read_earlier_segments(self.run, as_of=self.as_of)

    def read_findings(self, step: str, name: str) -> list[Finding]:
        """Read the findings that an earlier step kept under a name."""
        return read_findings(self.read_facts(step)[name])

    def place_file(self, name: str) -> Path:
        """Return where to write a document or text of this step, beside its tables."""
        path = self._own.file(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def find_file(self, step: str, name: str) -> Path:
        """Return a document or text that an earlier step left; an error says which to run first."""
        return outputs.require_left(step, self.run.step(step).file(name))


def _are_exhibits(thing: Any) -> bool:
    return isinstance(thing, list) and bool(thing) and isinstance(thing[0], Exhibit)


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
    >>> open_workspace("no-such-plan.toml", "runs/lab", step="01_plan")
    Traceback (most recent call last):
    segkit.core.errors.UsageError: no-such-plan.toml: there is no such plan. Name an existing ...
    """
    plan = read_plan(plan_path)
    day = read_date("as_of", as_of, where=f"parameter as_of of {step}") if as_of else plan.as_of
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
