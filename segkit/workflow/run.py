"""Run the steps of a plan, skip what has not changed, publish whole or not at all.

First the tables are checked, then the five notebooks run, each in a fresh kernel. A page is
rendered while the next notebook runs. A step's record is written last, so a run that was killed
goes on where it was.
"""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

import segkit
from segkit.core.errors import NotebookError
from segkit.core.files import hash_source, hash_value, read_json, write_json
from segkit.data.inputs import TABLE_ROOMS, hash_files
from segkit.plan.models import Plan
from segkit.workflow import steps
from segkit.workflow.kernels import Kernels
from segkit.workflow.kernels.notebook import execute_notebook, spare_imports
from segkit.workflow.publishing import hold_lock, publish_report
from segkit.workflow.steps import STEPS

EVERY = ("tables", *STEPS)


@dataclass
class RunResult:
    """What became of a run; each step has its name, state, seconds and reason."""

    run_folder: Path
    index: Path | None = None
    pointer: Path | None = None
    published: bool = False
    steps: list[dict[str, Any]] = field(default_factory=list)
    verdicts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        values = vars(self).items()
        return {name: str(v) if isinstance(v, Path) else v for name, v in values}


def run_plan(
    plan: Plan,
    *,
    only: str | None = None,
    overrides: Mapping[str, str] | None = None,
    fresh: bool = False,
    out: Path | None = None,
    wait: float = 600.0,
) -> RunResult:
    """Run what has changed and publish the report if all five steps are current.

    ``only`` runs one step, and of the steps before it those that are not current; ``overrides``
    sets notebook parameters; ``fresh`` runs even what is current; ``out`` is where to publish if
    not in the plan's report folder; ``wait`` is how many seconds another run may take. An error
    carries the result so far as ``result``; it leaves the last published report untouched.
    """
    last = steps.find_step(only) if only else EVERY[-1]
    wanted = EVERY[: EVERY.index(last) + 1]
    forced = () if not fresh else (last,) if only else wanted
    run = _Run(plan, overrides or {})
    try:
        with hold_lock(run.folder / "lock", wait=wait, tell=run.tell) as lock:
            run.run_steps(wanted, forced, lock)
            run.publish(out or plan.report_folder)
    except Exception as error:
        error.result = run.result
        raise
    return run.result


class _Run:
    """One run: what its steps depend on, what they left, and what became of them."""

    def __init__(self, plan: Plan, overrides: Mapping[str, str]):
        self.plan, self.folder = plan, plan.run_folder
        self.console = Console(stderr=True, highlight=False)
        self.result = RunResult(plan.run_folder)
        self.notebooks = {step: steps.find_notebook(plan, step) for step in STEPS}
        self.declared = {step: steps.read_parameters(p) for step, p in self.notebooks.items()}
        self.values = steps.resolve_overrides(overrides, self.declared)
        given = {name: value for step in self.values.values() for name, value in step.items()}
        self.as_of = given.get("as_of") or plan.as_of.isoformat()
        seed = given.get("random_state", -1)
        self.seed = plan.random_state if seed < 0 else seed
        sections = plan.model_dump(mode="json").items()
        self.sections = {name: hash_value(value) for name, value in sections}
        self.source, self.environment = hash_source(), steps.list_versions()
        self.records: dict[str, dict] = {}
        self.handed: dict[str, str] = {}  # by step: a hash of what later steps may read
        self.pages: list[Future] = []
        self.kernels: Kernels | None = None

    def run_steps(self, wanted: tuple[str, ...], forced: tuple[str, ...], lock: int) -> None:
        """Run the tables and every notebook that is wanted and not current, or forced."""
        with ExitStack() as stack:  # at the end, from below: kernels, pages
            self.worker = stack.enter_context(ThreadPoolExecutor(max_workers=1))
            for step in EVERY:
                parts = self.describe_step(step)
                record = read_json(self.folder / step / steps.RECORD)
                reason = self.find_reason(step, parts, record)
                if not reason and step not in forced:
                    self.records[step] = record
                    self.handed[step] = steps.hash_handed_on(record["outputs"])
                    self.note(step, "skipped", "nothing changed")
                    continue
                if step not in wanted:
                    self.note(step, "not run", reason)
                    break
                if self.kernels is None:
                    log = self.folder / "kernels.log"
                    self.kernels = Kernels(self.plan.folder, log, held=[lock])
                    stack.enter_context(self.kernels)
                begun, state = time.perf_counter(), "failed"
                try:
                    with self.console.status(step):  # shown where somebody watches
                        if step == "tables":
                            self.run_tables(parts)
                        else:
                            self.run_notebook(step, parts)
                    state = "ran"
                finally:
                    self.note(step, state, reason or "asked for", begun)
            for page in self.pages:
                page.result()

    def describe_step(self, step: str) -> dict[str, Any]:
        """Return everything that a step's result depends on, before it runs."""
        if step == "tables":
            sections = ("tables", "policies", "currency")
            return {
                "input": hash_files(self.plan),
                "parameters": {"as_of": self.as_of},
                "plan": {name: self.sections[name] for name in sections},
                "source": hash_source(TABLE_ROOMS),
            }
        values = {name: parameter.default for name, parameter in self.declared[step].items()}
        values |= {**self.values[step], "as_of": self.as_of, "random_state": self.seed}
        return {
            "code": hash_value(steps.read_cells(self.notebooks[step])),
            "parameters": {n: v for n, v in values.items() if n not in steps.SET_BY_THE_RUN},
            "plan": self.sections,
            "upstream": dict(self.handed),
            "source": self.source,
            "environment": self.environment,
        }

    def find_reason(self, step: str, parts: dict, record: dict) -> str:
        """Say why a step must run; empty if what it left still holds."""
        unknown = [name for name, value in parts.get("input", {}).items() if value is None]
        if unknown:
            return f"input cannot be known beforehand: {', '.join(unknown)}"
        reason = steps.explain_change(record.get("parts"), parts)
        return reason or steps.find_fault(self.folder / step, record["outputs"])

    def run_tables(self, parts: dict) -> None:
        """Check the tables, from the beginning."""
        begun = time.perf_counter()
        steps.clear_step(self.folder / "tables")
        spare_imports()
        from segkit.data.checks import prepare_tables

        day = datetime.date.fromisoformat(self.as_of)
        prepared = prepare_tables(self.plan, self.folder, as_of=day)
        counts = json.loads(prepared.counts.set_index("table").to_json(orient="index"))
        self.keep("tables", parts, time.perf_counter() - begun, counts=counts)
        self.handed["tables"] = steps.hash_handed_on(self.records["tables"]["outputs"])

    def run_notebook(self, step: str, parts: dict) -> None:
        """Run a notebook in a fresh kernel; its page is rendered beside the next notebook."""
        begun, folder, source = time.perf_counter(), self.folder / step, self.notebooks[step]
        steps.clear_step(folder)
        run_dir = os.path.relpath(self.folder, self.plan.folder)
        values = {"plan_path": self.plan.path.name, "run_dir": run_dir, **self.values[step]}
        values = {name: value for name, value in values.items() if name in self.declared[step]}
        notebook, failure = execute_notebook(source, values, self.kernels.start())
        if failure:
            kept = self.folder / "failed" / source.name
            write_json(kept, notebook)
            if isinstance(failure, NotebookError):
                failure.fix = f"As far as it went: runs/{self.plan.name}/failed/{kept.name}."
            raise failure
        write_json(folder / "notebook.ipynb", notebook)
        self.handed[step] = steps.hash_handed_on(steps.hash_outputs(folder))
        seconds = time.perf_counter() - begun
        self.pages.append(self.worker.submit(self.finish_step, step, parts, seconds))

    def finish_step(self, step: str, parts: dict, seconds: float) -> None:
        """Render a step's page, then write its record."""
        from segkit.report.shared.pages import list_pages, render_page

        places = (self.folder / step / name for name in steps.SHOWN)
        links = {"navigation": list_pages(list(STEPS)), "current": f"{step}.html"}
        render_page(*places, title=STEPS[step], report=self.plan.title, **links)
        self.keep(step, parts, seconds)

    def keep(self, step: str, parts: dict, seconds: float, **more: Any) -> None:
        """Write a step's record, last of all."""
        outputs = steps.hash_outputs(self.folder / step)
        record = {"key": hash_value(parts), "seconds": round(seconds, 2), "parts": parts, **more}
        self.records[step] = {**record, "outputs": outputs}
        write_json(self.folder / step / steps.RECORD, self.records[step])

    def note(self, step: str, state: str, reason: str, begun: float | None = None) -> None:
        """Keep and show what became of a step."""
        seconds = 0.0 if begun is None else round(time.perf_counter() - begun, 2)
        said = {"name": step, "state": state, "seconds": seconds, "reason": reason}
        self.result.steps.append(said)
        took = f" in {seconds:.1f} s" if seconds else ""
        self.tell(f"{step:<20}{state}{took} ({reason})")

    def tell(self, text: str) -> None:
        """Print one line on standard error."""
        self.console.print(text, markup=False, soft_wrap=True)

    def publish(self, out: Path) -> None:
        """Publish if all five steps are current."""
        facts = read_json(self.folder / "05_analysis" / "facts.json")
        self.result.verdicts = {name: facts[name] for name in facts if name == "verdict"}
        if len(self.records) < len(EVERY):
            return
        records = [self.records[step["name"]] for step in self.result.steps]
        kept = [{name: record[name] for name in ("key", "seconds")} for record in records]
        record = {
            "plan": {"name": self.plan.name, "title": self.plan.title},
            "as_of": self.as_of,
            "random_state": self.seed,
            "key": hash_value([record["key"] for record in records]),
            "segkit_version": segkit.__version__,
            "versions": self.environment,
            "tables": self.records["tables"]["counts"],
            "steps": [step | more for step, more in zip(self.result.steps, kept, strict=True)],
            "verdicts": self.result.verdicts,
        }
        done = publish_report(self.plan, out, record, tell=self.tell)
        self.result.index, self.result.published = done
        self.result.pointer = out / "index.html"
