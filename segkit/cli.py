"""The command line: new, sample, check, run, score, export, compare.

Nothing heavy is imported before a command needs it, so that help comes at once.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from segkit.errors import SegkitError, UsageError

PLAN_HELP = "The plan; looked for here and in the folders above."
INTERNAL_ERROR = 70
INTERRUPTED = 130

app = typer.Typer(
    help="Customer segmentation from a plan to an offline report.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
PlanPath = Annotated[str, typer.Argument(metavar="[PLAN]", help=PLAN_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
_log_folder: list[Path] = []  # where an internal error is logged; the run's folder if there is one


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    sample: Annotated[bool, typer.Option(help="Make the sample shop's tables too.")] = True,
) -> None:
    """Make a working folder: a commented plan, the notebooks, a sample to begin with."""
    from segkit.steps import STEPS, find_packaged

    names = ["plan.toml", *(f"notebooks/{step}.ipynb" for step in STEPS)]
    sources = {name: find_packaged(name) for name in names}
    try:
        if folder.exists() and any(folder.iterdir()):
            fix = "Name a new folder."
            raise SegkitError("the folder is not empty", where=str(folder), fix=fix)
        (folder / "notebooks").mkdir(parents=True)
        (folder / "data").mkdir()
        for name, source in sources.items():
            shutil.copyfile(source, folder / name)
        ignored = "# Private, generated or published; not for version control.\n"
        text = ignored + "runs/\nreports/\ndata/\n"
        (folder / ".gitignore").write_text(text, encoding="utf-8")
    except OSError as error:
        where, found = str(error.filename or folder), error.strerror or ""
        raise SegkitError("the folder cannot be made", where=where, found=found) from None
    if sample:
        from segkit.data.sample import make_sample

        make_sample(folder / "data" / "sample")
    print(f"Made {folder}. Next: cd {folder}, then segkit check and segkit run.")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the tables go.")],
    customers: Annotated[int, typer.Option(help="How many customers.")] = 5000,
    random_state: Annotated[int, typer.Option(help="The seed.")] = 7,
) -> None:
    """Make the tables of the sample shop, with known segments and planted dirt."""
    from segkit.data.sample import make_sample

    made = make_sample(folder, customers=customers, random_state=random_state)
    for name, count in made["rows"].items():
        print(f"{name:<16}{count:>12,}")


@app.command()
def check(plan: PlanPath = "plan.toml", json_: Json = False) -> None:
    """Check the plan and its tables; exit 1 if the plan cannot be carried out."""
    from segkit.plan import read_plan

    loaded = read_plan(plan)
    from segkit.data.checks import check_plan

    report = check_plan(loaded)
    if json_:
        print_json(report.to_json())
    else:
        _show_check(report)
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def run(
    plan: PlanPath = "plan.toml",
    only: Annotated[
        str, typer.Option(metavar="STEP", help="Run one step and what it needs: 01_plan or 1.")
    ] = "",
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Set a parameter of the notebooks."),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run even what has not changed.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Publish here, not in reports/.")
    ] = None,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not wait for another run of this plan.")
    ] = False,
    json_: Json = False,
) -> None:
    """Run what has changed and publish the report, whole or not at all.

    Prints the path of the report. Exit codes:

    \b
      0    published, or up to date
      1    the plan or the data is refused
      2    wrong call
      3    a notebook failed; its cell and message are shown
      4    a verdict stopped the run, as the plan asked
      70   an error of segkit itself; the message says where it is logged
      130  interrupted
    """
    from segkit.plan import read_plan
    from segkit.workflow import run_plan

    overrides = {}
    for text in set_ or []:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError("--set needs NAME=VALUE", found=repr(text))
        overrides[name.strip()] = value
    loaded = read_plan(plan)
    _log_folder[:] = [loaded.run_folder]
    result = run_plan(
        loaded,
        only=only or None,
        overrides=overrides,
        fresh=fresh,
        out=out.resolve() if out else None,
        wait=0.0 if no_wait else 600.0,
    )
    if json_:
        print_json({"ok": True, **result.to_json(), "error": None})
    elif result.pointer:
        print(result.pointer)
    else:
        print("Not published: not all five steps are current.", file=sys.stderr)


@app.command()
def score(
    segmentation: Annotated[Path, typer.Argument(metavar="SEGMENTATION.json")],
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="Customers: Parquet or CSV.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet or CSV to write.")],
    json_: Json = False,
) -> None:
    """Place customers in the segments of a kept segmentation, at any size."""
    from segkit.action.scoring import score_table

    counts = score_table(segmentation, table, out)
    if json_:
        print_json({"ok": True, "out": str(out), "segments": counts, "error": None})
    else:
        for name, count in counts.items():
            print(f"{name:<40}{count:>12,}")
        print(out)


@app.command()
def export(
    names: Annotated[
        list[str], typer.Argument(metavar="[PLAN] SEGMENT", help="Name of a segment.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write.")],
    scheme: Annotated[str, typer.Option(help="A scheme other than the final one.")] = "",
) -> None:
    """Write the customers of a segment who consented, for the mail tool or the CRM."""
    if len(names) > 2:
        raise UsageError("give a plan and a segment", found=" ".join(names), fix="Quote the name.")
    from segkit.action.exports import export_segment
    from segkit.plan import read_plan

    plan = read_plan(names[0] if len(names) == 2 else "plan.toml")
    customers, segments, scheme = _read_segments(plan, scheme)
    counts = export_segment(
        customers,
        segments,
        names[-1],
        consent_column=plan.privacy.consent_column,
        path=out,
        scheme=scheme,
        as_of=plan.as_of,
    )
    print(f"{counts['exported']:,} of {counts['in_segment']:,} customers exported: {out}")


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="segments.parquet or a run.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="segments.parquet or a run.")],
    json_: Json = False,
) -> None:
    """Say how segments grew and who moved between two runs."""
    places = [_find_segments(path) for path in (before, after)]
    import pandas as pd

    from segkit.action.refresh import compare_assignments

    found = compare_assignments(*(pd.read_parquet(path) for path in places))
    if json_:
        tables = {"shares": found.shares, "migration": found.migration}
        lists = {name: json.loads(t.to_json(orient="records")) for name, t in tables.items()}
        summary = {name: None if n != n else n for name, n in found.summary.items()}
        print_json({"ok": True, **summary, **lists, "notes": found.notes, "error": None})
        return
    _show_table("Segments", found.shares)
    moves = found.migration.query("segment_before != segment_after and customer_count > 0")
    _show_table("Who moved", moves)
    for note in found.notes:
        print(note)
    moved, common = found.summary["moved_count"], found.summary["common_count"]
    print(
        f"{moved:,} of {common:,} customers of both runs moved; drift {found.summary['drift']:.3f}"
    )


# ---------------------------------------------------------------- what the commands share


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(value, ensure_ascii=False, default=str, indent=1))


def _show_check(report: Any) -> None:
    _show_table("Tables", report.counts)
    found = report.quality[report.quality["row_count"] > 0]
    _show_table("Rules that found something", found)
    for problem in report.problems:
        print(f"- {problem.describe()}")
    print("The plan can be carried out." if report.ok else "The plan cannot be carried out.")


def _show_table(title: str, frame: Any) -> None:
    if frame.empty:
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    numbers = frame.select_dtypes("number").columns
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        table.add_column(
            str(name).replace("_", " "), justify="right" if name in numbers else "left"
        )
    for row in frame.itertuples(index=False):
        cells = (
            f"{v:,.3f}" if isinstance(v, float) else f"{v:,}" if not isinstance(v, str) else v
            for v in row
        )
        table.add_row(*(Text(cell) for cell in cells))
    wide = None if sys.stdout.isatty() else 160
    Console(width=wide, highlight=False).print(table)


def _read_segments(plan: Any, scheme: str) -> tuple[Any, Any, str]:
    """Return the accepted customers, or None, who is in which segment, and of which scheme."""
    import pandas as pd

    from segkit.errors import suggest_name

    if not (plan.run_folder / "05_analysis" / "step.json").is_file():
        raise SegkitError(
            "there are no segments yet", where=f"runs/{plan.name}", fix="Run 'segkit run' first."
        )
    segments = pd.read_parquet(_find_segments(plan.run_folder))
    final = segments["scheme"].iloc[0] if "scheme" in segments and len(segments) else ""
    if scheme and scheme != final:
        every = plan.run_folder / "03_base_analysis" / "tables" / "segments.parquet"
        segments = pd.read_parquet(every) if every.is_file() else segments
        found = {c.removeprefix("segment_"): c for c in segments if c.startswith("segment_")}
        found.pop("name", None)
        if scheme not in found:
            fix = suggest_name(scheme, {*found, final} - {""})
            raise UsageError("the run has no segments of this scheme", found=scheme, fix=fix)
        segments = segments.assign(segment_name=segments[found[scheme]])
    customers = plan.run_folder / "tables" / "accepted" / "customers.parquet"
    customers = pd.read_parquet(customers) if customers.is_file() else None
    return customers, segments, scheme or final


def _find_segments(path: Path) -> Path:
    places = (path, path / "segments.parquet", path / "05_analysis" / "tables" / "segments.parquet")
    for place in places:
        if place.is_file():
            return place
    raise SegkitError(
        "there are no segments here",
        where=str(path),
        fix="Name a segments.parquet, a run folder or a folder of its history.",
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    click_error, abort = typer.BadParameter.__mro__[2], typer.Abort
    code: int = 0
    message, result = "", None
    try:
        code = app(arguments, prog_name="segkit", standalone_mode=False) or 0
        message = "interrupted" if code == INTERRUPTED else ""
    except SegkitError as error:
        code, message = error.exit_code, error.describe()
        result = getattr(error, "result", None)
    except (KeyboardInterrupt, abort):
        code, message = INTERRUPTED, "interrupted"
    except click_error as error:
        code, message = 2, error.format_message()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except Exception as error:
        code, message = INTERNAL_ERROR, _log_error(error)
    if message:
        print(f"segkit: {message}", file=sys.stderr)
    if message and "--json" in arguments:
        print_json({"ok": False, **(result.to_json() if result else {}), "error": message})
    sys.exit(code)


def _log_error(error: Exception) -> str:
    """Write the traceback where somebody can find it; return what to print."""
    import traceback

    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    text = "".join(traceback.format_exception(error))
    for folder in [*_log_folder, Path(tempfile.gettempdir())]:
        path = folder / f"segkit-error-{moment}-{os.getpid()}.log"
        with contextlib.suppress(OSError):
            path.write_text(text, encoding="utf-8")
            return f"an error of segkit itself ({type(error).__name__}), logged in {path}"
    return f"an error of segkit itself: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
