"""Where everything lies inside a run folder, and inside a folder of publications.

No other module spells a path inside either. Nothing heavy is imported here: a run in which nothing
has changed needs no tables.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from segkit.core.files import read_json

PLAN_STEP = "01_plan"  # scores how ready the business is
BASE_STEP = "03_base_analysis"  # places every customer in the segments of every scheme
EVIDENCE_STEP = "04_experience_data"  # asks every table about the segments, and measures the KPIs
FINAL_STEP = "05_analysis"  # decides which scheme is the plan's final one
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
SECOND_LENGTH = len("20260131T120000Z")  # the part of a run's id that is a moment
SEGMENTS = "segments.parquet"


@dataclass(frozen=True)
class StepFolder:
    """What one step leaves in its own folder ``path``."""

    path: Path

    @property
    def notebook(self) -> Path:
        """The executed notebook."""
        return self.path / "notebook.ipynb"

    @property
    def page(self) -> Path:
        """The page made from the notebook."""
        return self.path / "page.html"

    @property
    def shown(self) -> tuple[Path, Path]:
        """What people read; later steps do not."""
        return self.notebook, self.page

    @property
    def facts(self) -> Path:
        """Findings, headline figures and other facts, as JSON."""
        return self.path / "facts.json"

    @property
    def record(self) -> Path:
        """What the step's result depended on, and the hashes of what it left; written last."""
        return self.path / "step.json"

    @property
    def tables(self) -> Path:
        """The folder of finished tables, documents and texts for later steps."""
        return self.path / "tables"

    @property
    def templates(self) -> Path:
        """The folder of empty tables to fill."""
        return self.path / "templates"

    @property
    def published(self) -> Path:
        """The folder of tables that passed the gate, with the records of their cells."""
        return self.path / "published"

    @property
    def ledger(self) -> Path:
        """What the published tables count, what is hidden included: a line a part of a table."""
        return self.path / "ledger.jsonl"

    def table(self, name: str) -> Path:
        """The finished table called ``name``."""
        return self.tables / f"{name}.parquet"

    def published_table(self, name: str) -> Path:
        """The table called ``name`` that passed the gate."""
        return self.published / f"{name}.parquet"

    def published_cells(self, name: str) -> Path:
        """The records of the cells of a published table."""
        return self.published / f"{name}.cells.parquet"

    def file(self, name: str) -> Path:
        """A document or text beside the tables, by its whole name."""
        return self.tables / name


@dataclass(frozen=True)
class TablesFolder:
    """What the checks of the tables leave in their folder ``path``."""

    path: Path

    @property
    def accepted(self) -> Path:
        """The folder of accepted rows, a file a table."""
        return self.path / "accepted"

    @property
    def rejected(self) -> Path:
        """The folder of rejected rows with their reasons, a file a table."""
        return self.path / "rejected"

    @property
    def quality(self) -> Path:
        """The rules that matched."""
        return self.path / "quality.parquet"

    @property
    def learned(self) -> Path:
        """What the tables tell as a whole, in one row."""
        return self.path / "learned.parquet"

    @property
    def statuses(self) -> Path:
        """The statuses of orders, and what each counts as."""
        return self.path / "statuses.parquet"

    @property
    def record(self) -> Path:
        """The counts of rows, and what they depended on."""
        return self.path / "record.json"

    def accepted_rows(self, table: str) -> Path:
        """The accepted rows of one table."""
        return self.accepted / f"{table}.parquet"

    def rejected_rows(self, table: str) -> Path:
        """The rejected rows of one table."""
        return self.rejected / f"{table}.parquet"


@dataclass(frozen=True)
class KeptRun:
    """What the history keeps of one published run in its folder ``path``."""

    path: Path

    @property
    def run_id(self) -> str:
        """The name of the publication."""
        return self.path.name

    @property
    def segments(self) -> Path:
        """Who was in which segment of each scheme."""
        return self.path / SEGMENTS

    @property
    def kpis(self) -> Path:
        """What each KPI was, of all customers and by segment; an earlier segkit kept none."""
        return self.path / "kpis.parquet"

    @property
    def record(self) -> Path:
        """The run's day and its final scheme; an earlier segkit kept none."""
        return self.path / "run.json"

    @property
    def readiness(self) -> Path:
        """How ready the business was; an earlier segkit kept none."""
        return self.path / "readiness.parquet"

    @property
    def pending(self) -> Path:
        """While the publication is not yet in place: where it will be."""
        return self.path / "pending.json"

    @property
    def documents(self) -> list[Path]:
        """The segmentations that made the segments."""
        return sorted(self.path.glob("segmentation*.json"))


@dataclass(frozen=True)
class RunFolder:
    """A run folder: private, with identifiers.

    It holds ``tables/`` (accepted and rejected rows), a folder a step, ``failed/`` (notebooks as
    far as they went), ``history/`` (who was in which segment in each published run), ``lists/``
    (who was put on which list), the lock, and what the kernels printed.
    """

    path: Path

    @property
    def checked(self) -> TablesFolder:
        """The tables that the checks left."""
        return TablesFolder(self.path / "tables")

    @property
    def lock(self) -> Path:
        """The file that says who works here."""
        return self.path / "lock"

    @property
    def kernels_log(self) -> Path:
        """What kernels print outside of cells."""
        return self.path / "kernels.log"

    @property
    def history(self) -> Path:
        """The folder of all kept runs."""
        return self.path / "history"

    @property
    def step_folders(self) -> list[StepFolder]:
        """The folders of the steps that have begun, in order."""
        return [StepFolder(path) for path in sorted(self.path.glob("0*_*")) if path.is_dir()]

    @property
    def documents(self) -> list[Path]:
        """The segmentations that the steps left, in the steps' order."""
        found = (sorted(step.path.rglob("segmentation*.json")) for step in self.step_folders)
        return [path for paths in found for path in paths]

    def list_ledgers_before(self, step: str) -> list[Path]:
        """The ledgers that steps before ``step`` left, in the order of the steps."""
        paths = [StepFolder(folder).ledger for folder in sorted(self.path.glob("[0-9]*"))]
        return [path for path in paths if path.parent.name < step and path.is_file()]

    def step(self, name: str) -> StepFolder:
        """The folder of one step, or of the checked tables as the first step."""
        return StepFolder(self.path / name)

    @property
    def failed(self) -> Path:
        """The folder of notebooks that failed in the last run."""
        return self.path / "failed"

    def failed_notebook(self, name: str) -> Path:
        """A notebook that failed, as far as it went."""
        return self.failed / name

    @property
    def lists(self) -> Path:
        """The folder of what exports of lists leave: who was assigned to which arm, and when."""
        return self.path / "lists"

    def kept_run(self, run_id: str) -> KeptRun:
        """What the history keeps of one run."""
        return KeptRun(self.history / run_id)


@dataclass(frozen=True)
class ReportFolder:
    """Where a plan publishes: a folder a publication, and the pointer to the last one."""

    path: Path

    @property
    def pointer(self) -> Path:
        """The page that leads to the last publication."""
        return self.path / "index.html"

    @property
    def lock(self) -> Path:
        """The file that is there while somebody publishes."""
        return self.path / ".lock"

    def publication(self, run_id: str) -> Publication:
        """One publication."""
        return Publication(self.path / run_id)

    def aside(self, plan_name: str) -> Path:
        """The folder in which a publication is built before it gets its name."""
        return self.path / f".{plan_name}.partial"


@dataclass(frozen=True)
class Publication:
    """One published report: pages and what they were made from."""

    path: Path

    @property
    def index(self) -> Path:
        """The page that is read first."""
        return self.path / "index.html"

    @property
    def record(self) -> Path:
        """What was run, and the hash of every file."""
        return self.path / "run.json"

    def page(self, step: str) -> Path:
        """The page of one step."""
        return self.path / f"{step}.html"


def list_run_folders(folder: Path) -> list[Path]:
    """Return the folders named like a run, of a history or of publications, oldest first.

    Their name tells the second; within one second the time of change decides, which a copy or a
    forgotten customer may have moved.
    """
    found = [path for path in folder.glob("*") if RUN_ID.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=lambda path: (path.name[:SECOND_LENGTH], path.stat().st_mtime_ns))


def prune_run_folders(folder: Path, *, count: int, newest: str) -> None:
    """Keep the last ``count`` runs of a history or of publications; ``newest`` is the last one."""
    paths = list_run_folders(folder)
    paths.sort(key=lambda path: path.name == newest)
    for path in paths[:-count]:
        shutil.rmtree(path, ignore_errors=True)


def read_pointer(out: Path) -> str:
    """Return the id of the run that the pointer names; empty if there is none."""
    try:
        text = ReportFolder(out).pointer.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(rf'<meta name="segkit-run" content="({RUN_ID.pattern})">', text)
    return match[1] if match else ""


def was_announced(publication: Publication) -> bool:
    """Tell whether the pointer beside a publication led to it once.

    It did not if the publication was made after the pointer, as both its name and its time say: a
    copy has other times, a clock that was set back gives other names.
    """
    folder = publication.path
    report = ReportFolder(folder.parent)
    current = read_pointer(report.path)
    if not current or not folder.is_dir():
        return False
    if folder.name == current or folder.name[:SECOND_LENGTH] < current[:SECOND_LENGTH]:
        return True
    try:
        return publication.record.stat().st_mtime_ns <= report.pointer.stat().st_mtime_ns
    except OSError:
        return True  # it is not what segkit makes


def clear_unannounced(report: ReportFolder) -> None:
    """Remove the publications of runs that were killed before they moved the pointer.

    Whoever calls this holds the report's lock. Without a pointer nothing tells them from others.
    """
    if not read_pointer(report.path):
        return
    for path in list_run_folders(report.path):
        if not was_announced(Publication(path)):
            shutil.rmtree(path, ignore_errors=True)


def confirm_runs(folder: Path) -> None:
    """Remove from a history the runs that were never published, and what there is of them.

    Whoever calls this holds the lock of the run folder, so that none of them is just being made.
    """
    for path in list_run_folders(folder):
        kept = KeptRun(path)
        place = read_json(kept.pending).get("publication")
        was_published = place is None or was_announced(Publication(Path(place)))
        if was_published and any(path.iterdir()):
            kept.pending.unlink(missing_ok=True)
            continue
        shutil.rmtree(path, ignore_errors=True)
        if place is not None and RUN_ID.fullmatch(Path(place).name):
            shutil.rmtree(place, ignore_errors=True)
