"""Everything that a step's result depends on, described before the step runs."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from segkit.action.message_library import check_library
from segkit.core.files import hash_source, hash_value
from segkit.data.input_hashes import TABLE_ROOMS, TABLE_SECTIONS, hash_files
from segkit.plan.models import Plan
from segkit.report.shared.lab_cells import LAB
from segkit.runs.earlier_segments import hash_earlier_segments
from segkit.runs.kpis import hash_earlier
from segkit.runs.layout import EVIDENCE_STEP, FINAL_STEP, PLAN_STEP, RunFolder
from segkit.runs.readiness import hash_earlier_readiness
from segkit.workflow import steps
from segkit.workflow.steps import STEPS, Parameter


@dataclass(frozen=True)
class Dependencies:
    """What the steps of one run depend on.

    Attributes
    ----------
    plan : Plan
    notebooks : dict of step to Path
    declared : dict of step to dict of name to Parameter
        The parameters that each notebook declares.
    overrides : dict of step to dict of name to value
        The parameters that this call sets.
    as_of : str
        The last day counted, as YYYY-MM-DD; empty until the tables tell it.
    random_state : int
    sections : dict of str to str
        A hash of each section of the plan.
    source : str
        A hash of segkit's own source.
    versions : dict of str to str
        The version of every installed distribution.
    """

    plan: Plan
    notebooks: dict[str, Path]
    declared: dict[str, dict[str, Parameter]]
    overrides: dict[str, dict[str, Any]]
    as_of: str
    random_state: int
    sections: dict[str, str]
    source: str
    versions: dict[str, str]

    @property
    def is_as_of_given(self) -> bool:
        """Whether the plan or this call says what the last day counted is."""
        every = {
            name: value for values in self.overrides.values() for name, value in values.items()
        }
        return bool(every.get("as_of") or self.plan.as_of)

    def settle_as_of(self, day: str) -> Dependencies:
        """Return the dependencies with the last day counted that the tables tell."""
        return self if self.is_as_of_given else replace(self, as_of=day)

    def describe_tables(self) -> dict[str, Any]:
        """Return what the checked tables depend on."""
        return {
            "input": hash_files(self.plan),
            "parameters": {"as_of": self.as_of if self.is_as_of_given else ""},
            "plan": {name: self.sections[name] for name in TABLE_SECTIONS},
            "source": hash_source(TABLE_ROOMS),
        }

    def describe_notebook(self, step: str, upstream: Mapping[str, str]) -> dict[str, Any]:
        """Return what a notebook's results depend on; ``upstream`` hashes what came before."""
        values = {name: parameter.default for name, parameter in self.declared[step].items()}
        values |= self.overrides[step]
        values |= {"as_of": self.as_of, "random_state": self.random_state}
        for name in steps.SET_BY_THE_RUN:
            values.pop(name, None)
        cells = steps.read_cells(self.notebooks[step])
        return {
            "code": hash_value([cell for cell in cells if LAB not in cell["tags"]]),
            "parameters": values,
            "plan": self.sections,
            "upstream": dict(upstream),
            "source": self.source,
            "environment": self.versions,
            **self._describe_history(step),
        }

    def _describe_history(self, step: str) -> dict[str, Any]:
        """Return what a notebook tells of earlier runs; nothing of those that tell of none."""
        if not self.as_of or step not in (PLAN_STEP, EVIDENCE_STEP, FINAL_STEP):
            return {}
        day = datetime.date.fromisoformat(self.as_of)
        run = RunFolder(self.plan.run_folder)
        if step == PLAN_STEP:
            return {"history": {"earlier readiness": hash_earlier_readiness(run, as_of=day)}}
        if step == FINAL_STEP:
            return {"history": {"earlier segments": hash_earlier_segments(run, as_of=day)}}
        return {"history": {"earlier KPIs": hash_earlier(run, day)}}

    def choose_values(self, step: str, run_dir: str, *, tables_key: str) -> dict[str, Any]:
        """Return the parameters to set in a notebook, of those that it declares.

        ``tables_key`` is that of the check of the tables, see `segkit.data.checks.prepare_tables`.
        """
        values = {"plan_path": self.plan.path.name, "run_dir": run_dir, "tables_key": tables_key}
        values |= self.overrides[step]
        return {name: value for name, value in values.items() if name in self.declared[step]}


def read_dependencies(plan: Plan, given: Mapping[str, str]) -> Dependencies:
    """Read the notebooks and resolve the parameters ``given`` to a call as text.

    Raises
    ------
    UsageError
        If no notebook has such a parameter, or the value is not of its type.
    """
    notebooks = {step: steps.find_notebook(plan, step) for step in STEPS}
    declared = {step: steps.read_parameters(path) for step, path in notebooks.items()}
    overrides = steps.resolve_overrides(given, declared)
    every = {name: value for values in overrides.values() for name, value in values.items()}
    seed = every.get("random_state", -1)
    sections = plan.model_dump(mode="json")
    if plan.targeting.messages:  # a library that cannot be read stops the run before it begins
        sections["targeting"]["library"] = check_library(plan)
    return Dependencies(
        plan=plan,
        notebooks=notebooks,
        declared=declared,
        overrides=overrides,
        as_of=every.get("as_of") or (plan.as_of.isoformat() if plan.as_of else ""),
        random_state=plan.random_state if seed < 0 else seed,
        sections={name: hash_value(value) for name, value in sections.items()},
        source=hash_source(),
        versions=steps.list_versions(),
    )
