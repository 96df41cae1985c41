"""Publication, whole or not at all, and the lock that keeps two runs apart.

A publication is built aside, verified, and given its name; then one small file, the pointer
``index.html``, is replaced. Whoever opens the pointer sees the last whole publication at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import html
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from segkit.core.errors import SegkitError
from segkit.core.files import hash_bytes, hash_value, read_json, write_json
from segkit.plan.models import Plan
from segkit.report.shared.verification import verify_page
from segkit.workflow.steps import STEPS

PAGES = ("index.html", *(f"{step}.html" for step in STEPS))
KEPT = 10  # publications
KEPT_HISTORY = 50  # tables of segments, to compare with
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


@contextlib.contextmanager
def hold_lock(
    path: Path, *, wait: float = 600.0, tell: Callable[[str], None] = lambda _: None
) -> Iterator[int]:
    """Hold the lock of a run folder; the system frees it when its owner ends, however that ends.

    The file says who holds it, and ``tell`` is told whom we wait for, at most ``wait`` seconds.
    Yields the file descriptor, for processes that must keep the lock alive.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    begun, owner = time.monotonic(), ""
    try:
        while not _try_lock(descriptor):
            first, owner = not owner, path.read_text(encoding="utf-8") or "it has just begun"
            if time.monotonic() >= begun + wait:
                where, fix = f"runs/{path.parent.name}/lock", "Wait until it has ended, or end it."
                message = "another run is working in this run folder"
                raise SegkitError(message, where=where, found=owner, fix=fix)
            if first:
                tell(f"waiting for another run: {owner}")
            time.sleep(0.1)
        since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        owner = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        os.ftruncate(descriptor, 0)
        os.write(descriptor, owner.encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # far behind the content, which stays readable
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def read_pointer(out: Path) -> str:
    """Return the id of the run that the pointer names; empty if there is none."""
    try:
        text = (out / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(rf'<meta name="segkit-run" content="({RUN_ID.pattern})">', text)
    return match[1] if match else ""


def verify_publication(folder: Path) -> list[str]:
    """Return the faults of a publication: of its pages, their links, and the files beside them."""
    files = read_json(folder / "run.json").get("files", {})
    faults = [f"{name} is not in run.json" for name in PAGES if name not in files]
    for name, file in files.items():
        path = folder / name
        if not path.is_file() or hash_bytes(path) != file["sha256"]:
            faults.append(f"{name} is missing or not what run.json says")
    for path in sorted(folder.glob("*.html")):
        faults += [f"{path.name}: {fault}" for fault in verify_page(path)]
        links = re.findall(r'<a [^>]*href="([^"#:]+)[^":]*"', path.read_text(encoding="utf-8"))
        for link in sorted({unquote(html.unescape(link)) for link in links}):
            if not (folder / link).is_file():
                faults.append(f"{path.name}: the link {link} leads nowhere")
    return faults


def publish_report(
    plan: Plan, out: Path, record: Mapping[str, Any], *, tell: Callable[[str], None] = print
) -> tuple[Path, bool]:
    """Publish the five pages that lie in the run folder; ``out`` is the folder of the pointer.

    ``record`` is what run.json says of the run; its ``key`` stands for the content. Returns the
    index page that the pointer now names, and whether it is new: an unchanged report is left as it
    is, and so is the last one if a page has a fault or ``out`` holds somebody else's pages.
    """
    pages = {f"{step}.html": plan.run_folder / step / "page.html" for step in STEPS}
    key = hash_value([record["key"], {name: hash_bytes(path) for name, path in pages.items()}])
    pointer, current = out / "index.html", read_pointer(out)
    published = out / current
    if read_json(published / "run.json").get("key") == key and not verify_publication(published):
        return published / "index.html", False
    if pointer.exists() and not current:
        message = "this folder already has an index.html that segkit did not write"
        raise SegkitError(message, where=str(out), fix="Choose another folder with --out.")
    out.mkdir(parents=True, exist_ok=True)
    moment = datetime.datetime.now(datetime.UTC)
    while (out / (run_id := f"{moment:%Y%m%dT%H%M%SZ}-{key[:6]}")).exists():
        moment += datetime.timedelta(seconds=1)
    aside = out / f".{plan.name}.partial"
    shutil.rmtree(aside, ignore_errors=True)  # of a run that died; we hold the plan's lock
    whole, leads = aside / run_id, aside / "index.html"
    try:
        whole.mkdir(parents=True)
        for name, path in pages.items():
            shutil.copyfile(path, whole / name)
        _complete(plan, whole, {"run_id": run_id, **record, "key": key})
        for path in (*whole.iterdir(), whole, leads):
            _sync(path)
        _keep_history(plan.run_folder, run_id)
        os.replace(whole, out / run_id)
        _sync(out)
        os.replace(leads, pointer)
        _sync(out)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    for folder, count in ((out, KEPT), (plan.run_folder / "history", KEPT_HISTORY)):
        kept = [path for path in folder.glob("*") if RUN_ID.fullmatch(path.name)]
        kept.sort(key=lambda path: (path.name == run_id, path.stat().st_mtime_ns))
        for path in kept[:-count]:
            shutil.rmtree(path, ignore_errors=True)
    tell(f"published {run_id}")
    return out / run_id / "index.html", True


def _complete(plan: Plan, folder: Path, record: Mapping[str, Any]) -> None:
    """Add the index page and run.json to the pages, the pointer beside them; verify the whole."""
    from segkit.report.shared.first_page import collect_findings
    from segkit.report.shared.pages import render_index, render_pointer

    render_pointer(plan.title, record["run_id"], folder.with_name("index.html"))
    facts = {step: read_json(plan.run_folder / step / "facts.json") for step in STEPS}
    render_index(plan, facts, record, folder / "index.html")
    files = {}
    for path in sorted(folder.iterdir()):
        files[path.name] = {"sha256": hash_bytes(path), "bytes": path.stat().st_size}
    run = {**record, "findings": collect_findings(facts), "files": files}
    write_json(folder / "run.json", run)
    if faults := verify_publication(folder):
        shown = "\n".join(f"  - {fault}" for fault in faults[:20])
        message = f"The report was not published, because its pages have faults:\n{shown}"
        raise SegkitError(message, fix="The last published report is untouched.")


def _keep_history(run_folder: Path, run_id: str) -> None:
    """Keep who was in which segment, privately, so that runs can be compared."""
    folder = run_folder / "history" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in ("05_analysis/tables/segments.parquet", "0*/**/segmentation*.json"):
        for path in sorted(run_folder.glob(pattern)):
            shutil.copyfile(path, folder / path.name)


def _sync(path: Path) -> None:
    """Make sure that it is on the disk, where a folder can be opened."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
