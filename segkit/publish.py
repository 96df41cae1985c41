"""Publication, whole or not at all, and the lock that keeps two runs apart.

A publication is built aside, verified, and given its name; then one small file, the pointer
``index.html``, is replaced. Whoever opens the pointer sees the last whole publication at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import html.parser
import json
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

from segkit.errors import SegkitError
from segkit.hashing import hash_bytes, hash_value, write_json
from segkit.plan import Plan
from segkit.steps import STEPS

KEPT = 10  # publications
KEPT_HISTORY = 50  # tables of segments, to compare with
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
POINTER = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="segkit-run" content="{run_id}">
<meta http-equiv="refresh" content="0; url={run_id}/index.html">
<title>{title}</title>
</head>
<body>
<h1>{title}</h1>
<p><a href="{run_id}/index.html">Open the report</a></p>
</body>
</html>
"""


# ---------------------------------------------------------------- the lock


@contextlib.contextmanager
def hold_lock(
    path: Path, *, wait: float = 600.0, tell: Callable[[str], None] = lambda _: None
) -> Iterator[int]:
    """Hold the lock of a run folder; the system frees it when its owner ends, however that ends.

    Parameters
    ----------
    path : Path
        The lock file; its content says who holds it.
    wait : float
        Seconds to wait for another run; 0 does not wait.
    tell : callable
        Told once whom we wait for.

    Yields
    ------
    int
        The file descriptor, for processes that must keep the lock alive.

    Raises
    ------
    SegkitError
        If another run still holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    end, told = time.monotonic() + wait, False
    try:
        while not _try_lock(descriptor):
            owner = _describe_owner(path)
            if time.monotonic() >= end:
                raise SegkitError(
                    "another run is working in this run folder",
                    where=f"runs/{path.parent.name}/lock",
                    found=owner,
                    fix="Wait until it has ended, or end it.",
                )
            if not told:
                tell(f"waiting for another run ({owner})")
                told = True
            time.sleep(0.1)
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        owner = {"pid": os.getpid(), "started": started, "host": socket.gethostname()}
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(owner).encode())
        yield descriptor
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 2**30, os.SEEK_SET)  # far behind the content, which stays readable
            try:
                msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            finally:
                os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _describe_owner(path: Path) -> str:
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']}, since {owner['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just begun"


# ---------------------------------------------------------------- what is published


def read_pointer(out: Path) -> str:
    """Return the id of the run that the pointer names; empty if there is none."""
    try:
        text = (out / "index.html").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(r'<meta name="segkit-run" content="([^"]+)">', text)
    return match[1] if match and RUN_ID.fullmatch(match[1]) else ""


def read_publication(out: Path) -> dict[str, Any]:
    """Return run.json of the current publication if all its files are whole, else nothing."""
    folder = out / (read_pointer(out) or "none")
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        whole = all(hash_bytes(folder / n) == f["sha256"] for n, f in record["files"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return record if whole else {}


def publish_report(
    plan: Plan, out: Path, record: Mapping[str, Any], *, tell: Callable[[str], None] = print
) -> tuple[Path, bool]:
    """Publish the five pages that lie in the run folder.

    Parameters
    ----------
    plan : Plan
    out : Path
        The folder of the pointer.
    record : mapping
        What run.json says of the run; ``key`` stands for the content.
    tell : callable
        Told what was done.

    Returns
    -------
    (Path, bool)
        The index page of the publication that the pointer now names, and whether it is new: an
        unchanged report is left as it is.

    Raises
    ------
    SegkitError
        If a page has a fault, or the folder holds somebody else's pages. The last publication
        stays as it was.
    """
    pointer = out / "index.html"
    facts = {step: _read_facts(plan.run_folder / step) for step in STEPS}
    sources = {f"{step}.html": plan.run_folder / step / "page.html" for step in STEPS}
    pages = {name: hash_bytes(path) for name, path in sources.items()}
    key = hash_value([record["key"], pages])
    if read_publication(out).get("key") == key:
        return out / read_pointer(out) / "index.html", False
    if pointer.exists() and not read_pointer(out):
        raise SegkitError(
            "this folder already has an index.html that segkit did not write",
            where=str(out),
            fix="Choose another folder with --out.",
        )
    out.mkdir(parents=True, exist_ok=True)
    run_id = _name_run(out, key)
    record = {"run_id": run_id, **record, "key": key}
    aside = out / f".{plan.name}.{run_id}.partial"
    _remove_stale(out, plan.name)
    try:
        aside.mkdir()
        for name, path in sources.items():
            shutil.copyfile(path, aside / name)
        from segkit.report.html import render_index, verify_page

        render_index(plan, facts, record, aside / "index.html")
        files = {
            path.name: {"sha256": hash_bytes(path), "bytes": path.stat().st_size}
            for path in sorted(aside.iterdir())
        }
        write_json(aside / "run.json", {**record, "files": files})
        _verify(aside, verify_page)
        for path in aside.iterdir():
            _sync(path)
        _sync(aside)
        os.replace(aside, out / run_id)
        _sync(out)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _keep_history(plan.run_folder, run_id)
    _replace_pointer(plan, out, run_id)
    _prune(out, RUN_ID, KEPT, run_id)
    _prune(plan.run_folder / "history", RUN_ID, KEPT_HISTORY, run_id)
    tell(f"published {run_id}")
    return out / run_id / "index.html", True


def _read_facts(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "facts.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def _name_run(out: Path, key: str) -> str:
    moment = datetime.datetime.now(datetime.UTC)
    while True:
        run_id = f"{moment:%Y%m%dT%H%M%SZ}-{key[:6]}"
        if not (out / run_id).exists():
            return run_id
        moment += datetime.timedelta(seconds=1)


def _replace_pointer(plan: Plan, out: Path, run_id: str) -> None:
    aside = out / f".{plan.name}.index.partial"
    title = html.escape(plan.title)
    aside.write_text(POINTER.format(run_id=run_id, title=title), encoding="utf-8")
    _sync(aside)
    os.replace(aside, out / "index.html")
    _sync(out)


def _keep_history(run_folder: Path, run_id: str) -> None:
    """Keep who was in which segment, privately, so that runs can be compared."""
    found = [run_folder / "05_analysis" / "tables" / "segments.parquet"]
    for step in STEPS:
        found += sorted((run_folder / step).rglob("segmentation*.json"))
    if any(path.is_file() for path in found):
        folder = run_folder / "history" / run_id
        folder.mkdir(parents=True, exist_ok=True)
        for path in filter(Path.is_file, found):
            shutil.copyfile(path, folder / path.name)


def _remove_stale(out: Path, name: str) -> None:
    """Remove what dead runs of this plan left half built; we hold the plan's lock."""
    for path in out.glob(f".{name}.*.partial"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _prune(folder: Path, pattern: re.Pattern, count: int, current: str) -> None:
    found = [path for path in folder.glob("*") if pattern.fullmatch(path.name)]
    found.sort(key=lambda path: path.stat().st_mtime_ns)
    for path in found[:-count]:
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    """Make sure that it is on the disk, where the system can."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- verification


class _Links(html.parser.HTMLParser):
    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name") and value:
                self.ids.add(value)


def find_broken_links(folder: Path) -> list[str]:
    """Return a sentence for each link of a publication that leads nowhere."""
    pages = {p.name: _Links(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.html"))}
    faults = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", link):
                continue
            target, _, fragment = unquote(link).partition("#")
            if target and not (folder / target).is_file():
                faults.append(f"{name}: the link {link} leads nowhere")
            elif fragment and fragment not in pages.get(target or name, page).ids:
                faults.append(f"{name}: the link {link} leads to no such part")
    return faults


def verify_publication(folder: Path) -> list[str]:
    """Return the faults of a publication: broken links, files that are missing or changed."""
    files = json.loads((folder / "run.json").read_text(encoding="utf-8"))["files"]
    wanted = {"index.html", *(f"{step}.html" for step in STEPS)}
    faults = [f"{name} is not in run.json" for name in sorted(wanted - set(files))]
    for name, file in files.items():
        path = folder / name
        if not path.is_file() or hash_bytes(path) != file["sha256"]:
            faults.append(f"{name} is missing or not what run.json says")
    return faults + find_broken_links(folder)


def _verify(folder: Path, verify_page: Callable[[Path], list[str]]) -> None:
    faults = verify_publication(folder)
    for path in sorted(folder.glob("*.html")):
        faults += [f"{path.name}: {fault}" for fault in verify_page(path)]
    if faults:
        shown = "\n".join(f"  - {fault}" for fault in faults[:20])
        raise SegkitError(
            f"The report was not published, because its pages have faults:\n{shown}",
            fix="The last published report is untouched.",
        )
