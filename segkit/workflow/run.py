"""Run the steps of a plan, skip what has not changed, publish whole or not at all.

First the tables are checked, then the five notebooks run, each in a fresh kernel. A page is
rendered while the next notebook runs. A step's record is written last, so a run that was killed
goes on where it was.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import segkit
from segkit.core.errors import NotebookError, SegkitError
from segkit.core.files import hash_value, read_json, write_json
from segkit.core.leftovers import SECONDS_OF_A_LOG, clear_leftovers, clear_logs
from segkit.core.locks import LONGEST_WAIT, hold_lock
from segkit.plan.models import Plan
from segkit.runs import outputs
from segkit.runs.layout import FINAL_STEP, ReportFolder, RunFolder, confirm_runs
from segkit.workflow import steps
from segkit.workflow.dependencies import read_dependencies
from segkit.workflow.kernels import Kernels
from segkit.workflow.kernels.notebook import execute_notebook, spare_imports
from segkit.workflow.progress import Progress, RunResult
from segkit.workflow.publishing import publish_report
from segkit.workflow.steps import STEPS

TABLES = "tables"  # the step before the notebooks
EVERY = (TABLES, *STEPS)


def run_plan(
    plan: Plan,
    *,
    only: str | None = None,
    overrides: Mapping[str, str] | None = None,
    fresh: bool = False,
    out: Path | None = None,
    wait: float = LONGEST_WAIT,
    fork: bool | None = None,
) -> RunResult:
    """Run what has changed and publish the report if all five steps are current.

    ``only`` runs one step, and of the steps before it those that are not current; ``overrides``
    sets notebook parameters; ``fresh`` runs even what is current; ``out`` is where to publish if
    not in the plan's report folder; ``wait`` is how many seconds another run may take; ``fork`` is
    as in `segkit.workflow.kernels.use_fork`. An error carries the result so far as ``result``; it
    leaves the last published report untouched.
    """
    last = steps.find_step(only) if only else EVERY[-1]
    wanted = EVERY[: EVERY.index(last) + 1]
    forced: tuple[str, ...] = ()
    if fresh:
        forced = (last,) if only else wanted
    run = _Run(plan, overrides or {}, fork=fork)
    try:
        with hold_lock(run.folder.lock, wait=wait, tell=run.progress.tell) as lock:
            run.clear_leftovers()
            run.run_steps(wanted, forced, lock)
            run.publish(out or plan.report_folder, wait=wait)
    except BaseException as error:
        error.result = run.result
        raise
    return run.result


class _Run:
    """One run: what its steps left, and what became of them."""

    def __init__(self, plan: Plan, overrides: Mapping[str, str], *, fork: bool | None):
        self.plan = plan
        self.fork = fork
        self.folder = RunFolder(plan.run_folder)
        self.result = RunResult(plan.run_folder)
        self.progress = Progress(self.result)
        self.dependencies = read_dependencies(plan, overrides)
        self.records: dict[str, dict] = {}
        self.handed: dict[str, str] = {}  # by step: a hash of what later steps may read
        self.pages: list[Future] = []
        self.kernels: Kernels | None = None
        self.page_worker: ThreadPoolExecutor | None = None

    def clear_leftovers(self) -> None:
        """Remove what runs that failed or were killed left, here and among temporary files."""
        shutil.rmtree(self.folder.failed, ignore_errors=True)
        clear_logs(self.folder.path)
        confirm_runs(self.folder.history)
        clear_leftovers(self.folder.path, below=True)
        scratch = Path(tempfile.gettempdir())
        clear_logs(scratch, older_than=SECONDS_OF_A_LOG)
        clear_leftovers(scratch)
        if self.plan.engine.temp_folder:
            clear_leftovers(self.plan.resolve_path(self.plan.engine.temp_folder))

    def run_steps(self, wanted: tuple[str, ...], forced: tuple[str, ...], lock: int) -> None:
        """Run the tables and every notebook that is wanted and not current, or forced."""
        with ExitStack() as stack:
            for step in EVERY:
                parts = self.describe_step(step)
                record = read_json(self.folder.step(step).record)
                reason = self.find_reason(step, parts, record)
                if not reason and step not in forced:
                    self.skip_step(step, record)
                elif step in wanted:
                    self.start_workers(stack, lock)
                    self.run_step(step, parts, reason or "asked for")
                else:
                    self.progress.note(step, "not run", reason)
                    break
            for page in self.pages:
                page.result()

    def describe_step(self, step: str) -> dict[str, Any]:
        """Return everything that a step's result depends on, before it runs."""
        if step == TABLES:
            return self.dependencies.describe_tables()
        return self.dependencies.describe_notebook(step, self.handed)

    def find_reason(self, step: str, parts: dict, record: dict) -> str:
        """Say why a step must run; empty if what it left still holds."""
        unknown = [name for name, value in parts.get("input", {}).items() if value is None]
        if unknown:
            return f"input cannot be known beforehand: {', '.join(unknown)}"
        reason = steps.explain_change(record.get("parts"), parts)
        return reason or outputs.find_fault(self.folder.step(step), record["outputs"])

    def skip_step(self, step: str, record: dict) -> None:
        """Take what a step left earlier."""
        self.records[step] = record
        if step == TABLES:
            self.dependencies = self.dependencies.settle_as_of(record["as_of"])
        self.handed[step] = outputs.hash_handed_on(record["outputs"])
        self.progress.note(step, "skipped", "nothing changed")

    def start_workers(self, stack: ExitStack, lock: int) -> None:
        """Start, before the first step that runs, what runs notebooks and what renders pages.

        The stack ends them from below: the kernels first, then the pages that are under way.
        """
        if self.kernels is not None:
            return
        self.page_worker = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        self.kernels = Kernels(
            self.plan.folder, self.folder.kernels_log, held=[lock], fork=self.fork
        )
        stack.enter_context(self.kernels)

    def run_step(self, step: str, parts: dict, reason: str) -> None:
        """Run one step, and note what became of it in any case."""
        begun = time.perf_counter()
        state = "failed"
        try:
            with self.progress.watch(step):
                if step == TABLES:
                    self.run_tables(parts)
                else:
                    self.run_notebook(step, parts)
            state = "ran"
        finally:
            self.progress.note(step, state, reason, begun=begun)

    def run_tables(self, parts: dict) -> None:
        """Check the tables, from the beginning; the record has the hashes of what was read."""
        begun = time.perf_counter()
        outputs.clear_step(self.folder.step(TABLES))
        spare_imports()
        from segkit.data.checks import prepare_tables

        given = self.dependencies.as_of
        day = datetime.date.fromisoformat(given) if given else None
        prepared = prepare_tables(self.plan, self.folder.path, as_of=day)
        for name, found in prepared.sources.items():
            if found != parts["input"][name]:
                self.progress.tell(f"{name} changed after this run began; it was read as it is now")
        parts = {**parts, "input": prepared.sources}
        counts = json.loads(prepared.counts.set_index("table").to_json(orient="index"))
        more = {
            "counts": counts,
            "as_of": prepared.as_of.isoformat(),
            "as_of_from": prepared.as_of_from,
        }
        self.dependencies = self.dependencies.settle_as_of(more["as_of"])
        self.keep_record(TABLES, parts, time.perf_counter() - begun, more=more)
        self.handed[TABLES] = outputs.hash_handed_on(self.records[TABLES]["outputs"])

    def run_notebook(self, step: str, parts: dict) -> None:
        """Run a notebook in a fresh kernel; its page is rendered beside the next notebook."""
        begun = time.perf_counter()
        left = self.folder.step(step)
        source = self.dependencies.notebooks[step]
        outputs.clear_step(left)
        run_dir = os.path.relpath(self.folder.path, self.plan.folder)
        tables_key = read_json(self.folder.checked.record).get("key", "")
        values = self.dependencies.choose_values(step, run_dir, tables_key=tables_key)
        notebook, failure = execute_notebook(source, values, self.kernels.start())
        if failure:
            self.keep_failure(source.name, notebook, failure)
            raise failure
        write_json(left.notebook, notebook)
        self.handed[step] = outputs.hash_handed_on(outputs.hash_outputs(left))
        seconds = time.perf_counter() - begun
        self.pages.append(self.page_worker.submit(self.finish_step, step, parts, seconds))

    def keep_failure(self, name: str, notebook: Any, failure: SegkitError) -> None:
        """Keep a notebook as far as it went, and tell where."""
        kept = self.folder.failed_notebook(name)
        write_json(kept, notebook)
        if isinstance(failure, NotebookError):
            place = kept.relative_to(self.folder.path).as_posix()
            failure.fix = f"As far as it went: runs/{self.plan.name}/{place}."

    def finish_step(self, step: str, parts: dict, seconds: float) -> None:
        """Render a step's page, then write its record."""
        from segkit.report.shared.pages import list_pages, render_page

        left = self.folder.step(step)
        render_page(
            left.notebook,
            left.page,
            title=STEPS[step],
            report=self.plan.title,
            navigation=list_pages(list(STEPS)),
            current=f"{step}.html",
        )
        self.keep_record(step, parts, seconds)

    def keep_record(
        self, step: str, parts: dict, seconds: float, *, more: dict | None = None
    ) -> None:
        """Write a step's record, last of all; the tables' has more: counts of rows, last day."""
        left = self.folder.step(step)
        record = {"key": hash_value(parts), "seconds": round(seconds, 2), "parts": parts}
        record |= more or {}
        record["outputs"] = outputs.hash_outputs(left)
        self.records[step] = record
        write_json(left.record, record)

    def publish(self, out: Path, *, wait: float) -> None:
        """Publish if all five steps are current."""
        facts = read_json(self.folder.step(FINAL_STEP).facts)
        if "verdict" in facts:
            self.result.verdicts = {"verdict": facts["verdict"]}
        if len(self.records) < len(EVERY):
            return
        record = self.describe_run()
        index, is_new = publish_report(self.plan, out, record, tell=self.progress.tell, wait=wait)
        self.result.index = index
        self.result.published = is_new
        self.result.pointer = ReportFolder(out).pointer

    def describe_run(self) -> dict[str, Any]:
        """Return what run.json says of this run."""
        told = []
        for step in self.result.steps:
            record = self.records[step["name"]]
            told.append({**step, "key": record["key"], "seconds": record["seconds"]})
        return {
            "plan": {"name": self.plan.name, "title": self.plan.title},
            "as_of": self.dependencies.as_of,
            "as_of_from": self.records[TABLES]["as_of_from"] or "plan",
            "random_state": self.dependencies.random_state,
            "key": hash_value([step["key"] for step in told]),
            "segkit_version": segkit.__version__,
            "versions": self.dependencies.versions,
            "tables": self.records[TABLES]["counts"],
            "steps": told,
            "verdicts": self.result.verdicts,
        }
