"""Publication, whole or not at all.

A publication is built aside, verified, and given its name; then one small file, the pointer
``index.html``, is replaced. Whoever opens the pointer sees the last whole publication at any time.
"""

from __future__ import annotations

import datetime
import html
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from segkit.core.errors import SegkitError
from segkit.core.files import hash_bytes, hash_value, read_json, refuse_to_replace, write_json
from segkit.core.leftovers import clear_leftovers
from segkit.core.locks import LONGEST_WAIT, hold_lock
from segkit.plan.models import Plan
from segkit.report.shared.numbers import plural
from segkit.report.shared.verification import verify_page
from segkit.runs.layout import (
    Publication,
    ReportFolder,
    RunFolder,
    clear_unannounced,
    confirm_runs,
    prune_run_folders,
    read_pointer,
)
from segkit.workflow.steps import STEPS

KEPT = 10  # publications
KEPT_HISTORY = 50  # tables of segments, to compare with
MOST_FAULTS_SHOWN = 20


def verify_publication(folder: Path) -> list[str]:
    """Return the faults of a publication: of its pages, their links, and the files beside them."""
    publication = Publication(folder)
    faults = _verify_files(publication)
    for path in sorted(folder.glob("*.html")):
        faults += [f"{path.name}: {fault}" for fault in verify_page(path)]
        faults += _verify_links(path)
    return faults


def _verify_files(publication: Publication) -> list[str]:
    """Compare the files with what the publication's record says of them."""
    files = read_json(publication.record).get("files", {})
    pages = [publication.index, *(publication.page(step) for step in STEPS)]
    record = publication.record.name
    faults = [f"{page.name} is not in {record}" for page in pages if page.name not in files]
    for name, file in files.items():
        path = publication.path / name
        if not path.is_file() or hash_bytes(path) != file["sha256"]:
            faults.append(f"{name} is missing or not what {record} says")
    return faults


def _verify_links(page: Path) -> list[str]:
    """Return the page's links to files beside it that are not there."""
    found = re.findall(r'<a [^>]*href="([^"#:]+)[^":]*"', page.read_text(encoding="utf-8"))
    links = sorted({unquote(html.unescape(link)) for link in found})
    missing = [link for link in links if not (page.parent / link).is_file()]
    return [f"{page.name}: the link {link} leads nowhere" for link in missing]


def publish_report(
    plan: Plan,
    out: Path,
    record: Mapping[str, Any],
    *,
    tell: Callable[[str], None] = print,
    wait: float = LONGEST_WAIT,
) -> tuple[Path, bool]:
    """Publish the five pages that lie in the run folder; ``out`` is the folder of the pointer.

    ``record`` is what run.json says of the run; its ``key`` stands for the content. Returns the
    index page that the pointer now names, and whether it is new: an unchanged report is left as it
    is, and so is the last one if a page has a fault or ``out`` holds somebody else's pages.

    Runs of other working folders may publish to the same place: one at a time, each for ``wait``
    seconds at most. What was published is read back before it is said.

    Raises
    ------
    BusyError
        If another run publishes there for longer.
    SegkitError
        If the report cannot be published, or is not there afterwards.
    """
    report = ReportFolder(out)
    refuse_to_replace(out, folders=[plan.run_folder])
    what = "another run is publishing to this folder"
    with hold_lock(report.lock, wait=wait, tell=tell, where=str(out), what=what, is_kept=False):
        return _publish_alone(plan, report, record, tell=tell)


def _publish_alone(
    plan: Plan, report: ReportFolder, record: Mapping[str, Any], *, tell: Callable[[str], None]
) -> tuple[Path, bool]:
    from segkit.workflow.finding_faults import find_run_faults

    out = report.path
    key = _hash_content(RunFolder(plan.run_folder), record)
    # What runs that died left; we hold the folder's lock.
    shutil.rmtree(report.aside(plan.name), ignore_errors=True)
    clear_unannounced(report)
    current = read_pointer(out)
    if current:
        published = report.publication(current)
        if read_json(published.record).get("key") == key and not verify_publication(published.path):
            return published.index, False
    elif report.pointer.exists():
        message = "this folder already has an index.html that segkit did not write"
        raise SegkitError(message, where=str(out), fix="Choose another folder with --out.")
    clear_leftovers(out)
    run_id = _choose_run_id(report, key)
    faults = find_run_faults(plan)
    told = [fault.to_record() for fault in faults]
    _build_and_name(plan, report, {"run_id": run_id, **record, "key": key, "finding_faults": told})
    prune_run_folders(out, count=KEPT, newest=run_id)
    prune_run_folders(RunFolder(plan.run_folder).history, count=KEPT_HISTORY, newest=run_id)
    _read_back(report, run_id)
    tell(f"published {run_id}")
    if faults:
        record_name = report.publication(run_id).record.name
        what = plural(len(faults), "sentence")
        tell(f"{what} of the report may mislead; see finding_faults in {record_name}")
    return report.publication(run_id).index, True


def _read_back(report: ReportFolder, run_id: str) -> None:
    """Raise a SegkitError unless the pointer leads to the publication, whole as it was made."""
    faults = verify_publication(report.publication(run_id).path)
    if read_pointer(report.path) != run_id:
        faults = [f"{report.pointer.name} names another publication, or none"]
    if faults:
        message = "the report was published, but is not there as it was made"
        fix = "Let nothing else write to this folder, and run again."
        raise SegkitError(message, where=str(report.path), found=faults[0], fix=fix)


def _hash_content(run: RunFolder, record: Mapping[str, Any]) -> str:
    """Return a hash of what the run depended on and of the pages that it made."""
    pages = {}
    for step in STEPS:
        pages[f"{step}.html"] = hash_bytes(run.step(step).page)
    return hash_value([record["key"], pages])


def _choose_run_id(report: ReportFolder, key: str) -> str:
    """Return the first free name of a run from this second on."""
    moment = datetime.datetime.now(datetime.UTC)
    while True:
        run_id = f"{moment:%Y%m%dT%H%M%SZ}-{key[:6]}"
        if not report.publication(run_id).path.exists():
            return run_id
        moment += datetime.timedelta(seconds=1)


def _build_and_name(plan: Plan, report: ReportFolder, record: Mapping[str, Any]) -> None:
    """Build the publication aside, keep the history, and put it and its pointer in place."""
    from segkit.runs.history import keep_run

    run = RunFolder(plan.run_folder)
    run_id = record["run_id"]
    aside = ReportFolder(report.aside(plan.name))
    built = aside.publication(run_id)
    try:
        built.path.mkdir(parents=True)
        for step in STEPS:
            shutil.copyfile(run.step(step).page, built.page(step))
        _complete(plan, built, record)
        _write_pointer(plan, aside, run_id)
        _verify_whole(built)
        for path in (*built.path.iterdir(), built.path, aside.pointer):
            _sync(path)
        place = report.publication(run_id).path
        day = datetime.date.fromisoformat(record["as_of"])
        keep_run(run, run_id, as_of=day, publication=place)
        os.replace(built.path, place)
        _sync(report.path)
        os.replace(aside.pointer, report.pointer)
        _sync(report.path)
    finally:
        confirm_runs(run.history)
        shutil.rmtree(aside.path, ignore_errors=True)


def _complete(plan: Plan, built: Publication, record: Mapping[str, Any]) -> None:
    """Add the index page and run.json to the pages."""
    from segkit.report.shared.first_page import collect_findings
    from segkit.report.shared.pages import render_index

    run = RunFolder(plan.run_folder)
    facts = {step: read_json(run.step(step).facts) for step in STEPS}
    render_index(plan, facts, record, html_path=built.index)
    files = {}
    for path in sorted(built.path.iterdir()):
        files[path.name] = {"sha256": hash_bytes(path), "bytes": path.stat().st_size}
    findings = collect_findings(facts)
    write_json(built.record, {**record, "findings": findings, "files": files})


def _write_pointer(plan: Plan, aside: ReportFolder, run_id: str) -> None:
    from segkit.report.shared.pages import render_pointer

    render_pointer(plan.title, run_id, aside.pointer)


def _verify_whole(built: Publication) -> None:
    faults = verify_publication(built.path)
    if faults:
        shown = "\n".join(f"  - {fault}" for fault in faults[:MOST_FAULTS_SHOWN])
        message = f"The report was not published, because its pages have faults:\n{shown}"
        raise SegkitError(message, fix="The last published report is untouched.")


def _sync(path: Path) -> None:
    """Make sure that it is on the disk, where a folder can be opened."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
