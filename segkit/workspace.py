"""What a notebook opens: the plan, the tables that can be trusted, and the run folder."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.core.files import replace_whole, write_json
from segkit.core.findings import to_json_value
from segkit.core.privacy import Published, publish_table
from segkit.core.settings import Settings
from segkit.data.checks import prepare_tables
from segkit.data.engine import open_tables
from segkit.features.attributes import roll_up_accounts
from segkit.features.own_features import list_kinds
from segkit.plan.models import Plan, read_plan
from segkit.report.shared.views import View


@dataclass(frozen=True)
class Workspace:
    """One step's view of a run.

    Attributes
    ----------
    plan : Plan
    step : str
        The notebook's name, such as ``03_base_analysis``.
    run_folder : Path
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
    names : dict of str to dict of str
        By table, the user's name of each column.
    """

    plan: Plan
    step: str
    run_folder: Path
    as_of: datetime.date
    random_state: int
    tables: dict[str, ibis.Table]
    quality: pd.DataFrame
    counts: pd.DataFrame
    names: dict[str, dict[str, str]]

    @property
    def folder(self) -> Path:
        """This step's own folder inside the run folder."""
        return self.run_folder / self.step

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
        )

    def publish(
        self, table: pd.DataFrame, view: View, *, name: str = "", days: int | None = None
    ) -> Published:
        """Let a finished table through the gate, and keep it with this step.

        What is shown and said is made of the published table.

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
        """
        view = view.rename(f"{self.step}/{name or view.shape.name}")
        settings = self.settings
        published = publish_table(
            table,
            view.shape,
            smallest_cell=settings.smallest_cell,
            roundings=view.list_roundings(),
            view=view,
            period=settings.describe_period(days),
            currency=settings.currency,
        )
        self._keep_published(published)
        return published

    def _keep_published(self, published: Published) -> None:
        """Leave a published table, and the records of its cells, as ``<step>/published``."""
        name = published.shape.name.rpartition("/")[2]
        for part, frame in ((name, published.frame), (f"{name}.cells", published.records)):
            with replace_whole(self.folder / "published" / f"{part}.parquet") as aside:
                pd.DataFrame(frame).to_parquet(aside, index=False)

    def write_table(self, table: pd.DataFrame, name: str) -> None:
        """Leave a finished table for later steps as ``<step>/tables/<name>.parquet``."""
        with replace_whole(self.folder / "tables" / f"{name}.parquet") as aside:
            table.to_parquet(aside, index=False)

    def read_table(self, step: str, name: str) -> pd.DataFrame:
        """Read a table that an earlier step left; an error says which step to run first."""
        return pd.read_parquet(self._find(step, f"tables/{name}.parquet"))

    def write_facts(self, **facts: Any) -> None:
        """Leave this step's findings, headline figures and other facts as JSON."""
        facts = to_json_value({"step": self.step, **facts})
        write_json(self.folder / "facts.json", facts)

    def read_facts(self, step: str) -> dict[str, Any]:
        """Read the facts that an earlier step left."""
        return json.loads(self._find(step, "facts.json").read_text(encoding="utf-8"))

    def _find(self, step: str, file: str) -> Path:
        path = self.run_folder / step / file
        if path.is_file():
            return path
        message = f"the step {step} has not left its {path.name} in this run folder"
        fix = f"Run the notebook {step} first, with the same plan_path and run_dir."
        raise SegkitError(message, where=f"{step}/{path.name}", fix=fix)


def open_workspace(
    plan_path: str, run_dir: str, *, step: str, as_of: str = "", random_state: int = -1
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
        Last day counted as YYYY-MM-DD; empty for the plan's.
    random_state : int, optional
        Seed; -1 for the plan's.

    Raises
    ------
    SegkitError
        If the plan or the tables cannot be used.
    """
    plan = read_plan(plan_path)
    try:
        day = datetime.date.fromisoformat(as_of) if as_of else plan.as_of
    except ValueError:
        where, fix = f"parameter as_of of {step}", "Write it as YYYY-MM-DD."
        message = "as_of is not a date"
        raise SegkitError(message, where=where, found=repr(as_of), fix=fix) from None
    run_folder = plan.folder / run_dir
    prepared = prepare_tables(plan, run_folder, as_of=day)
    tables = open_tables(plan, prepared.paths, run_folder / step)
    if plan.unit == "account" and "account_id" in getattr(tables.get("customers"), "columns", ()):
        tables = roll_up_accounts(tables, as_of=day)
        tables["customers"] = tables["customers"].cache()
    return Workspace(
        plan=plan,
        step=step,
        run_folder=run_folder,
        as_of=day,
        random_state=plan.random_state if random_state < 0 else random_state,
        tables=tables,
        quality=prepared.quality,
        counts=prepared.counts,
        names=prepared.names,
    )
