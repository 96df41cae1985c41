"""Records of judged draws: one line of JSON each, that a broken run goes on with.

A record carries a fingerprint of the code that draws and judges, so results of other code are
never mixed with today's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple
from pathlib import Path

import pandas as pd

from tests.simulations.verdicts import KINDS, Task

ROOT = Path(__file__).parents[2]
# What fits, prepares and judges; names, rules and files of segments decide on none of it.
JUDGING = (
    *("segkit/validation/*.py", "segkit/models/*.py"),
    *("segkit/segmentation/preparation.py", "segkit/segmentation/measures.py"),
    *("segkit/segmentation/documents.py", "segkit/segmentation/*_document.py"),
)
DRAWING = ("drawn_noise.py", "drawn_groups.py", "verdicts.py")


def find_fingerprint() -> str:
    """Return a hash of all sources that draw and judge."""
    paths = [path for pattern in JUDGING for path in sorted(ROOT.glob(pattern))]
    paths += [Path(__file__).parent / name for name in DRAWING]
    found = hashlib.sha256()
    for path in paths:
        found.update(str(path.relative_to(ROOT).as_posix()).encode() + b"\0")
        found.update(path.read_bytes() + b"\0")
    return found.hexdigest()[:16]


def read_records(path: Path, *, code: str) -> list[dict[str, object]]:
    """Read the records of this code; a line that was cut off by an end in the middle is none."""
    if not path.exists():
        return []
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        if record["code"] == code:
            records.append(record)
    return records


def leave_out_done(tasks: list[Task], records: Iterable[dict[str, object]]) -> list[Task]:
    """Return the tasks of which there is no record yet."""
    names = ("kind", "model", "rows", "seed")
    done = {tuple(record[name] for name in names) for record in records}
    return [task for task in tasks if astuple(task) not in done]


def append_record(path: Path, record: dict[str, object], *, code: str) -> None:
    """Add one record as a line of its own, also after a line that was cut off."""
    text = json.dumps(record | {"code": code}, sort_keys=True)
    is_cut = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(("\n" if is_cut else "") + text + "\n")


def make_table(records: list[dict[str, object]]) -> pd.DataFrame:
    """Return records as a table, in the order of kinds, models, rows and seeds."""
    table = pd.DataFrame(records)
    place = table["kind"].map(list(KINDS).index)
    return (
        table.assign(place=place)
        .sort_values(["place", "model", "rows", "seed"], ignore_index=True)
        .drop(columns="place")
    )
