"""Run the steps of a plan, skip what has not changed, publish whole or not at all.

First the tables are checked, then the five notebooks run, each in a fresh kernel. A page is
rendered while the next notebook runs. A step's record is written last, so a run that was killed
goes on where it was.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import segkit
from segkit.errors import SegkitError
from segkit.hashing import write_json
from segkit.kernels import Kernels
from segkit.kernels.notebook import execute_notebook, explain_failure, spare_imports
from segkit.kernels.progress import Progress
from segkit.plan import Plan
from segkit.publish import hold_lock, publish_report
from segkit.steps import (
    PACKAGE,
    RECORD,
    STEPS,
    TABLE_SECTIONS,
    HashCache,
    clear_step,
    explain_change,
    find_fault,
    find_notebook,
    find_step,
    hash_handed_on,
    hash_inputs,
    hash_outputs,
    hash_plan,
    hash_source,
    hash_value,
    list_versions,
    read_cells,
    read_parameters,
    read_record,
    resolve_overrides,
)


@dataclass(frozen=True)
class StepResult:
    """What became of one step: ran, skipped, failed or not run, and why."""

    name: str
    state: str
    seconds: float
    reason: str


@dataclass
class RunResult:
    """What became of a run: the page published, the pointer to it, and each step."""

    run_folder: Path
    index: Path | None = None
    pointer: Path | None = None
    published: bool = False
    steps: list[StepResult] = field(default_factory=list)
    verdicts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        paths = {name: getattr(self, name) for name in ("index", "pointer", "run_folder")}
        return {
            **{name: str(path) if path else None for name, path in paths.items()},
            "published": self.published,
            "steps": [asdict(step) for step in self.steps],
            "verdicts": self.verdicts,
        }


def run_plan(
    plan: Plan,
    *,
    only: str | None = None,
    overrides: Mapping[str, str] | None = None,
    fresh: bool = False,
    out: Path | None = None,
    progress: bool = True,
    wait: float = 600.0,
) -> RunResult:
    """Run what has changed and publish the report if all five steps are current.

    Parameters
    ----------
    plan : Plan
    only : str, optional
        Run this step, and of the steps before it those that are not current.
    overrides : mapping of str to str, optional
        Notebook parameters to set.
    fresh : bool
        Run even what is current.
    out : Path, optional
        Where to publish; by default the plan's report folder.
    progress : bool
        Show progress on standard error.
    wait : float
        Seconds to wait for another run of the same plan.

    Raises
    ------
    SegkitError
        With the run's result so far as its attribute ``result``. The last published report is
        untouched.
    """
    last = find_step(only) if only else None
    notebooks = {step: find_notebook(plan, step) for step in STEPS}
    declared = {step: read_parameters(path) for step, path in notebooks.items()}
    values = resolve_overrides(overrides or {}, declared)
    view = Progress(progress)
    result = RunResult(plan.run_folder)
    try:
        with hold_lock(plan.run_folder / "lock", wait=wait, tell=view.tell) as lock:
            run = _Run(plan, notebooks, declared, values, view, result, lock)
            try:
                run.run_steps(last, fresh)
                run.publish(out or plan.report_folder)
            finally:
                run.close()
    except SegkitError as error:
        error.result = result
        raise
    except OSError as error:
        if error.errno is None:
            raise
        told = SegkitError(
            "the run could not read or write what it needs",
            where=str(error.filename or plan.run_folder),
            found=error.strerror or "",
            fix="Mind free space and permissions; the last published report is untouched.",
        )
        told.result = result
        raise told from error
    return result


class _Run:
    """The state of one run; holds the lock of its folder."""

    def __init__(self, plan, notebooks, declared, values, view, result, lock):
        self.plan, self.notebooks, self.view, self.result = plan, notebooks, view, result
        self.folder, self.lock = plan.run_folder, lock
        self.values, self.declared = values, declared
        self.cache = HashCache(self.folder / "hashes.json")
        self.sections = hash_plan(plan)
        self.source, self.environment = hash_source(), list_versions()
        self.given = {name: value for step in values.values() for name, value in step.items()}
        self.as_of = self.given.get("as_of") or plan.as_of.isoformat()
        seed = self.given.get("random_state", -1)
        self.seed = plan.random_state if seed < 0 else seed
        self.handed: dict[str, str] = {}
        self.records: dict[str, dict] = {}
        self.kernels: Kernels | None = None
        self.worker = ThreadPoolExecutor(max_workers=1)
        self.pages: list[Future] = []

    def run_steps(self, last: str | None, fresh: bool) -> None:
        """Run the tables and every notebook that is not current."""
        wanted = ["tables", *STEPS]
        wanted = wanted[: wanted.index(last) + 1] if last else wanted
        for step in ["tables", *STEPS]:
            parts = self._describe_tables() if step == "tables" else self._describe_step(step)
            record = read_record(self.folder / step)
            reason = self._find_reason(step, parts, record)
            if fresh and step in wanted and (not last or step == last):
                reason = reason or "asked for"
            if not reason:
                self.records[step] = record
                self.handed[step] = hash_handed_on(record["outputs"])
                self._note(step, "skipped", 0.0, "nothing changed")
            elif step not in wanted:
                self._note(step, "not run", 0.0, reason)
                break
            else:
                self._run_step(step, parts, reason, fresh, step == wanted[-1])
        self._settle()

    def _find_reason(self, step: str, parts: dict, record: dict) -> str:
        unknown = [name for name, value in parts.get("input", {}).items() if value is None]
        if unknown:
            return f"input cannot be known beforehand: {', '.join(unknown)}"
        reason = explain_change(step, record.get("parts"), parts)
        return reason or find_fault(self.folder / step, record, self.cache)

    def _describe_tables(self) -> dict[str, Any]:
        return {
            "input": hash_inputs(self.plan, self.cache),
            "parameters": {"as_of": self.as_of},
            "plan": {name: self.sections[name] for name in TABLE_SECTIONS},
            "source": hash_source([PACKAGE / "data"]),
        }

    def _describe_step(self, step: str) -> dict[str, Any]:
        """Everything that a step's result depends on, before it runs."""
        defaults = {name: p.default for name, p in self.declared[step].items()}
        values = {**defaults, **self.values[step], "as_of": self.as_of}
        for name in ("plan_path", "run_dir", "random_state"):
            values.pop(name, None)
        return {
            "code": hash_value(read_cells(self.notebooks[step])),
            "parameters": values,
            "plan": self.sections,
            "seed": self.seed,
            "upstream": dict(self.handed),
            "source": self.source,
            "environment": self.environment,
        }

    def _run_step(self, step: str, parts: dict, reason: str, fresh: bool, last: bool) -> None:
        for page in self.pages:
            if page.done():
                page.result()  # a page that failed, say on a full disk, ends the run here
        if self.kernels is None:
            log = self.folder / "kernels.log"
            self.kernels = Kernels(self.plan.folder, log, held=[self.lock])
        cells = 0 if step == "tables" else len(read_cells(self.notebooks[step])) + 1
        self.view.start(step, cells)
        begun = time.perf_counter()
        try:
            if step == "tables":
                self._run_tables(parts, fresh)
            else:
                self._run_notebook(step, parts, begun, last)
        except BaseException:
            self._note(step, "failed", time.perf_counter() - begun, reason)
            raise
        self._note(step, "ran", time.perf_counter() - begun, reason)

    def _run_tables(self, parts: dict, fresh: bool) -> None:
        folder = self.folder / "tables"
        if fresh:
            clear_step(folder)
        (folder / RECORD).unlink(missing_ok=True)
        for leftover in folder.glob("work-*"):  # of a run that was killed; we hold the lock
            shutil.rmtree(leftover, ignore_errors=True)
        spare_imports()
        import datetime

        from segkit.data.checks import prepare_tables

        day = datetime.date.fromisoformat(self.as_of)
        prepared = prepare_tables(self.plan, self.folder, as_of=day)
        counts = json.loads(prepared.counts.set_index("table").to_json(orient="index"))
        self._keep("tables", {"parts": parts, "counts": counts})

    def _run_notebook(self, step: str, parts: dict, begun: float, last: bool) -> None:
        folder = self.folder / step
        clear_step(folder)
        run_dir = os.path.relpath(self.folder, self.plan.folder)
        given = {"plan_path": self.plan.path.name, "run_dir": run_dir, **self.values[step]}
        given = {name: value for name, value in given.items() if name in self.declared[step]}
        manager = self.kernels.take()
        if not last:
            self.kernels.prepare()
        notebook, failure = execute_notebook(
            self.notebooks[step], given, manager, tell=self.view.show_cell
        )
        path = folder / "notebook.ipynb"
        if notebook is not None:
            write_json(path, notebook)
        if failure:
            kept = self.folder / "failed" / f"{step}.ipynb"
            kept.parent.mkdir(exist_ok=True)
            if notebook is not None:
                os.replace(path, kept)
            raise explain_failure(failure, step, f"runs/{self.plan.name}/failed/{step}.ipynb")
        self.handed[step] = hash_handed_on(hash_outputs(folder, self.cache))
        seconds = round(time.perf_counter() - begun, 2)
        self.records[step] = {}
        self.pages.append(
            self.worker.submit(self._finish_step, step, {"parts": parts, "seconds": seconds})
        )

    def _finish_step(self, step: str, record: dict) -> None:
        """Render the page, then write the record; runs beside the next notebook."""
        from segkit.report.html import list_pages, render_page

        folder = self.folder / step
        render_page(
            folder / "notebook.ipynb",
            folder / "page.html",
            title=STEPS[step],
            navigation=list_pages(list(STEPS)),
            current=f"{step}.html",
            report=self.plan.title,
        )
        self._keep(step, record)

    def _keep(self, step: str, record: dict) -> None:
        """Write a step's record, last of all."""
        folder = self.folder / step
        outputs = hash_outputs(folder, self.cache)
        if step == "tables":  # its rows, not the records and caches beside them
            kept = ("accepted/", "rejected/", "quality.parquet")
            outputs = {n: v for n, v in outputs.items() if n.startswith(kept)}
            self.handed[step] = hash_handed_on(outputs)
        record = {"step": step, "key": hash_value(record["parts"]), **record, "outputs": outputs}
        write_json(folder / RECORD, record)
        self.records[step] = record

    def _settle(self) -> None:
        """Wait for the pages that are still being rendered."""
        pages, self.pages = self.pages, []
        for page in pages:
            page.result()

    def close(self) -> None:
        """End the kernels, finish what is complete, remember the hashes."""
        if self.kernels is not None:
            self.kernels.close()
        self.worker.shutdown(wait=True)
        self.view.close()
        self.cache.save()

    def _note(self, step: str, state: str, seconds: float, reason: str) -> None:
        self.result.steps.append(StepResult(step, state, round(seconds, 2), reason))
        self.view.finish(step, state, seconds, reason)

    def publish(self, out: Path) -> None:
        """Publish if all five steps are current."""
        facts = self.folder / "05_analysis" / "facts.json"
        if facts.is_file():
            found = json.loads(facts.read_text(encoding="utf-8"))
            verdict = {"verdict": found["verdict"]} if "verdict" in found else {}
            self.result.verdicts = found.get("verdicts", verdict)
        if set(self.records) != {"tables", *STEPS}:
            return
        steps = [asdict(step) for step in self.result.steps]
        for step in steps:
            record = self.records[step["name"]]
            step |= {"key": record["key"], "seconds": step["seconds"] or record.get("seconds", 0)}
        record = {
            "plan": {"name": self.plan.name, "title": self.plan.title},
            "as_of": self.as_of,
            "random_state": self.seed,
            "key": hash_value([step["key"] for step in steps]),
            "segkit_version": segkit.__version__,
            "versions": self.environment,
            "tables": self.records["tables"]["counts"],
            "steps": steps,
            "verdicts": self.result.verdicts,
        }
        self.result.index, self.result.published = publish_report(
            self.plan, out, record, tell=self.view.tell
        )
        self.result.pointer = out / "index.html"
