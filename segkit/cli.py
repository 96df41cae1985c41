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

from segkit.core.errors import SegkitError, UsageError

app = typer.Typer(
    help="Customer segmentation from a plan to an offline report.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
PLAN_HELP = "The plan; looked for here and in the folders above."
PlanPath = Annotated[str, typer.Argument(metavar="[PLAN]", help=PLAN_HELP)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
SET_HELP = "Set a parameter of the notebooks."
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)]
SegmentsPath = Annotated[Path, typer.Argument(help="segments.parquet or a run.")]
_log_folders = [Path(tempfile.gettempdir())]  # for internal errors; the run's folder comes first


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    sample: Annotated[bool, typer.Option(help="Make the sample shop's tables too.")] = True,
) -> None:
    """Make a working folder: a commented plan, the notebooks, a sample to begin with."""
    from segkit.workflow.steps import STEPS, find_packaged

    if folder.exists() and any(folder.iterdir()):
        raise SegkitError("the folder is not empty", where=str(folder), fix="Name a new one.")
    for name in ("notebooks", "data"):
        (folder / name).mkdir(parents=True)
    for name in ["plan.toml", *(f"notebooks/{step}.ipynb" for step in STEPS)]:
        shutil.copyfile(find_packaged(name), folder / name)
    (folder / ".gitignore").write_text("runs/\nreports/\ndata/\n", encoding="utf-8")
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
    import pandas as pd

    from segkit.data.sample import make_sample

    made = make_sample(folder, customers=customers, random_state=random_state)
    print_table("Tables", pd.DataFrame(made["rows"].items(), columns=["table", "rows"]))


@app.command()
def check(plan: PlanPath = "plan.toml", json_: Json = False) -> None:
    """Check the plan and its tables; exit 1 if the plan cannot be carried out."""
    from segkit.data.checks import check_plan
    from segkit.plan.models import read_plan
    from segkit.segmentation.schemes import check_schemes

    loaded = read_plan(plan)
    report = check_plan(loaded)
    if report.ok:
        report.problems.extend(check_schemes(loaded, report.columns))
    if json_:
        print_json(report.to_json())
    else:
        found = report.quality[report.quality["row_count"] > 0]
        print_table("Tables", report.counts)
        print_table("Rules that found something", found)
        for problem in report.problems:
            print(f"- {problem.describe()}")
        print(f"The plan {'can' if report.ok else 'cannot'} be carried out.")
    if not report.ok:
        raise typer.Exit(1)


@app.command()
def run(
    plan: PlanPath = "plan.toml",
    only: Annotated[str, typer.Option(metavar="STEP", help="One step and what it needs.")] = "",
    set_: Settings = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run even what has not changed.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to publish.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for another run of this plan.")] = True,
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
    from segkit.plan.models import read_plan
    from segkit.workflow.run import run_plan

    pairs = [text.partition("=") for text in set_ or []]
    for name, equals, value in pairs:
        if not equals or not name.strip():
            raise UsageError("--set needs NAME=VALUE", found=repr(name + equals + value))
    loaded = read_plan(plan)
    _log_folders.insert(0, loaded.run_folder)
    result = run_plan(
        loaded,
        only=only or None,
        overrides={name.strip(): value for name, _, value in pairs},
        fresh=fresh,
        out=out.resolve() if out else None,
        wait=600.0 if wait else 0.0,
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
    import pandas as pd

    from segkit.segmentation.scoring import score_table

    counts, unusual = score_table(segmentation, table, out)
    if json_:
        found = {"out": str(out), "segments": counts, "unusual": unusual.to_dict("records")}
        print_json({"ok": True, **found, "error": None})
    else:
        print_table(str(out), pd.DataFrame(counts.items(), columns=["segment", "customers"]))
        unusual = unusual[(unusual["missing_count"] > 0) | (unusual["new_count"] > 0)]
        print_table("Values that the fit did not know", unusual)


@app.command()
def export(
    names: Annotated[list[str], typer.Argument(metavar="[PLAN] SEGMENT", help="Its name.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write.")],
    scheme: Annotated[str, typer.Option(help="A scheme other than the final one.")] = "",
) -> None:
    """Write the customers of a segment who consented, for the mail tool or the CRM."""
    if len(names) > 2:
        raise UsageError("give a plan and a segment", found=" ".join(names), fix="Quote the name.")
    import pandas as pd

    from segkit.action.exports import export_segment
    from segkit.evidence.by_segment import select_segments
    from segkit.plan.models import read_plan

    plan = read_plan(names[0] if len(names) == 2 else "plan.toml")
    if not (plan.run_folder / "05_analysis" / "step.json").is_file():
        raise SegkitError("there are no segments yet", fix="Run 'segkit run' first.")
    segments = pd.read_parquet(find_segments(plan.run_folder))
    if scheme:
        every = plan.run_folder / "03_base_analysis" / "tables" / "segments.parquet"
        segments = select_segments(pd.read_parquet(every), scheme)
    path = plan.run_folder / "tables" / "accepted" / "customers.parquet"
    customers = pd.read_parquet(path) if path.is_file() else None
    there = () if customers is None else customers.columns
    if plan.unit == "account" and "account_id" in there:  # its contacts are written
        account = customers["account_id"].fillna(customers["customer_id"])
        contacts = customers[["customer_id"]].assign(account=account)
        segments = segments.rename(columns={"customer_id": "account"}).merge(contacts, "inner")
    counts = export_segment(
        customers,
        segments,
        names[-1],
        consent_column=plan.privacy.consent_column,
        path=out,
        scheme=scheme or segments["scheme"].iloc[0],
        as_of=plan.as_of,
    )
    print(f"{counts['exported']:,} of {counts['in_segment']:,} customers exported: {out}")


@app.command()
def compare(before: SegmentsPath, after: SegmentsPath, json_: Json = False) -> None:
    """Say how segments grew and who moved between two runs."""
    places = [find_segments(path) for path in (before, after)]
    import pandas as pd

    from segkit.action.comparing import compare_assignments

    found = compare_assignments(*(pd.read_parquet(path) for path in places))
    if json_:
        tables = {"shares": found.shares, "migration": found.migration}
        lists = {name: json.loads(t.to_json(orient="records")) for name, t in tables.items()}
        summary = {name: None if n != n else n for name, n in found.summary.items()}
        print_json({"ok": True, **summary, **lists, "notes": found.notes, "error": None})
        return
    print_table("Segments", found.shares)
    moves = found.migration.query("segment_before != segment_after and customer_count > 0")
    print_table("Who moved", moves)
    text = "{moved_count:,} of {common_count:,} customers of both runs moved; drift {drift:.3f}"
    print(*found.notes, text.format(**found.summary), sep="\n")


def find_segments(path: Path) -> Path:
    """Return the table of segments that a path means."""
    for place in ("", "segments.parquet", "05_analysis/tables/segments.parquet"):
        if (path / place).is_file():
            return path / place
    fix = "Name a segments.parquet, a run folder or a folder of its history."
    raise SegkitError("there are no segments here", where=str(path), fix=fix)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(value, ensure_ascii=False, default=str, indent=1))


def print_table(title: str, frame: Any) -> None:
    """Print a DataFrame; nothing if it has no rows."""
    if frame.empty:
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*(name.replace("_", " ") for name in frame), title=title, title_justify="left")
    for row in frame.round(3).itertuples(index=False):
        table.add_row(*(value if isinstance(value, str) else f"{value:,}" for value in row))
    width = None if sys.stdout.isatty() else 160
    Console(width=width, highlight=False, markup=False).print(table)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    code, message, result = 0, "", {}
    try:
        code = app(arguments, prog_name="segkit", standalone_mode=False) or 0
        message = "interrupted" if code == 130 else ""
    except (KeyboardInterrupt, typer.Abort):
        code, message = 130, "interrupted"
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except Exception as error:
        code, message = explain_error(error)
        result = error.result.to_json() if hasattr(error, "result") else {}
    if message:
        print(f"segkit: {message}", file=sys.stderr)
        if "--json" in arguments:
            print_json({"ok": False, **result, "error": message})
    sys.exit(code)


def explain_error(error: Exception) -> tuple[int, str]:
    """Return the exit code and what to print; an error of segkit's own is logged."""
    if isinstance(error, SegkitError):
        return error.exit_code, error.describe()
    if hasattr(error, "format_message"):  # a wrong call
        return 2, error.format_message()
    if isinstance(error, OSError) and error.errno:
        text, place = error.strerror or "", str(error.filename or "")
        fix = "Mind free space and permissions; a published report is untouched."
        told = SegkitError("it cannot be read or written", where=place, found=text, fix=fix)
        return 1, told.describe()
    import traceback

    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    for folder in _log_folders:
        path = folder / f"segkit-error-{moment}-{os.getpid()}.log"
        with contextlib.suppress(OSError):
            path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
            return 70, f"an error of segkit itself ({type(error).__name__}), logged in {path}"
    return 70, f"an error of segkit itself: {type(error).__name__}: {error}"


if __name__ == "__main__":
    main()
