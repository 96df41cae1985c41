"""The command line: new, sample, check, run, score, export, triggers, compare.

Nothing heavy is imported before a command needs it, so that help comes at once.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from segkit.core.errors import SegkitError, UsageError
from segkit.core.interruption import raise_when_told_to_end
from segkit.core.printing import print_json, print_table
from segkit.core.streams import PatientStream, open_streams, prefer_utf8

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
WRONG_CALL = 2
OWN_ERROR = 70
INTERRUPTED = 130
_log_folders: list[Path] = []  # for internal errors; the system's for temporary files comes last


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="New or empty.")],
    sample: Annotated[
        bool, typer.Option(help="Make the sample shop's plan and tables too.")
    ] = True,
) -> None:
    """Make a working folder: a plan to be filled in, the notebooks, a sample to begin with."""
    from segkit.workflow.working_folder import make_working_folder

    make_working_folder(folder, with_sample=sample)
    print(f"Made {folder}. Next: cd {folder}.")
    if sample:
        print("To see the sample shop's report: segkit run sample.toml.")
    print("For your own: fill in plan.toml, then segkit check and segkit run.")


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
def check(
    plan: PlanPath = "plan.toml",
    json_: Json = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on an open warning.")] = False,
) -> None:
    """Check the plan and its tables: every row, and whether the whole makes sense.

    A warning is open until the plan accepts it, with a reason, under [accepted_warnings].
    Exit codes:

    \b
      0    the plan can be carried out
      1    it cannot; with --strict also if a warning is open or no scheme can be fitted
      2    wrong call
    """
    from segkit.workflow.checking import check_plan_and_schemes, print_check

    report = check_plan_and_schemes(plan)
    if json_:
        print_json(report.to_json())
    else:
        print_check(report)
    is_open = len(report.open_warnings) > 0 or report.is_refused
    if not report.ok or (strict and is_open):
        raise typer.Exit(1)


@app.command()
def run(
    plan: PlanPath = "plan.toml",
    *,
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
      75   another run works or publishes here; try again later
      130  interrupted, by Ctrl-C
      143  told to end, by SIGTERM
    """
    from segkit.core.locks import LONGEST_WAIT
    from segkit.plan.reading import read_plan
    from segkit.workflow.run import run_plan

    overrides = split_settings(set_ or [])
    loaded = read_plan(plan)
    _log_folders.insert(0, loaded.run_folder)
    result = run_plan(
        loaded,
        only=only or None,
        overrides=overrides,
        fresh=fresh,
        out=out.resolve() if out else None,
        wait=LONGEST_WAIT if wait else 0.0,
    )
    if json_:
        print_json({"ok": True, **result.to_json(), "error": None})
    elif result.pointer:
        print(result.pointer)
    else:
        print("Not published: not all five steps are current.", file=sys.stderr)


def split_settings(texts: list[str]) -> dict[str, str]:
    """Return the names and values that were given as ``NAME=VALUE``."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError("--set needs NAME=VALUE", found=repr(text))
        found[name.strip()] = value
    return found


@app.command()
def score(
    segmentation: Annotated[Path, typer.Argument(metavar="SEGMENTATION.json")],
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="Customers: CSV, Excel or Parquet.")
    ],
    *,
    out: Annotated[Path, typer.Option(metavar="FILE", help="Parquet or CSV to write.")],
    decimal: Annotated[str, typer.Option(help="The decimal mark, if it cannot be told.")] = "",
    date_format: Annotated[str, typer.Option(help="Such as %d/%m/%Y.")] = "",
    sheet: Annotated[str, typer.Option(help="Of an Excel file.")] = "",
    json_: Json = False,
) -> None:
    """Place customers in the segments of a kept segmentation, at any size.

    The table is read as check reads one; its columns have the names that the segmentation has.
    """
    import pandas as pd

    from segkit.plan.models import TableSpec
    from segkit.segmentation.scoring import score_table

    if decimal not in ("", ".", ","):
        raise UsageError("--decimal is . or ,", found=repr(decimal))
    given = {"decimal": decimal, "date_format": date_format, "sheet": sheet}
    given = {name: value for name, value in given.items() if value}
    spec = TableSpec(path=str(table), **given)
    counts, unusual, notices = score_table(segmentation, table, out, spec=spec)
    if json_:
        found = {"out": str(out), "segments": counts, "unusual": unusual.to_dict("records")}
        found["notices"] = notices.to_dict("records")
        print_json({"ok": True, **found, "error": None})
    else:
        print_table(str(out), pd.DataFrame(counts.items(), columns=["segment", "customers"]))
        unusual = unusual[(unusual["missing_count"] > 0) | (unusual["new_count"] > 0)]
        print_table("Values that the fit did not know", unusual)
        print_table("What was noticed", notices)


@app.command()
def export(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PLAN] [SEGMENT]", help="A plan, and a segment's name."),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write; with --all a folder, the plan's if not."),
    ] = None,
    scheme: Annotated[str, typer.Option(help="A scheme other than the final one.")] = "",
    play: Annotated[str, typer.Option(help="A play, in place of a segment.")] = "",
    trigger: Annotated[str, typer.Option(help="A trigger, in place of a segment.")] = "",
    every: Annotated[
        bool, typer.Option("--all", help="Every segment, play and trigger, a file each.")
    ] = False,
    layout: Annotated[str, typer.Option(help="Such as mailchimp, or a TOML file.")] = "",
    in_every_play: Annotated[
        bool, typer.Option("--in-every-play", help="Not only in a customer's first play.")
    ] = False,
    json_: Json = False,
) -> None:
    """Write lists of customers who consented, for the mail tool or the CRM.

    Consent and addresses are read from the source as it is now; customers whose rows disagree are
    left out, so is who stands on the plan's suppression list, and a control group is held out where
    the plan asks for one. A manifest beside the lists has the counts.
    """
    from segkit.action.lists.command import print_export, split_names
    from segkit.action.lists.exporting import export_lists
    from segkit.action.lists.members import choose_lists
    from segkit.plan.reading import read_plan

    named = bool(play or trigger or every)
    path, segment = split_names(names or [], is_named=named)
    if out is None and not every:
        raise UsageError("say where the list goes", fix="Add --out FILE, or write --all.")
    plan = read_plan(path)
    wanted = choose_lists(
        plan,
        segment=segment,
        scheme=scheme,
        play=play,
        trigger=trigger,
        in_every_play=in_every_play,
    )
    place = out or plan.resolve_path(plan.lists.folder)
    written = export_lists(plan, wanted, place=place, in_folder=every, layout=layout)
    if json_:
        print_json({"ok": True, **written.to_json(), "error": None})
    else:
        print_export(written)


@app.command()
def triggers(
    plan: PlanPath = "plan.toml",
    *,
    sql: Annotated[str, typer.Option(metavar="DIALECT", help="Print the SQL instead.")] = "",
    table: Annotated[str, typer.Option(help="The table of customers in the SQL.")] = "customers",
    json_: Json = False,
) -> None:
    """Show whom the plan's triggers placed in the last run, or print them as SQL.

    Dialects: duckdb, postgres, snowflake, bigquery, databricks, trino, spark.
    """
    from segkit.action.triggers import read_placed_counts, tabulate_placed, write_plan_sql
    from segkit.plan.reading import read_plan

    loaded = read_plan(plan)
    if sql:
        print(write_plan_sql(loaded, sql, table=table), end="")
        return
    counts = read_placed_counts(loaded)
    if json_:
        print_json({"ok": True, "triggers": counts.to_dict("records"), "error": None})
    else:
        print_table("Triggers, and whom they placed in the last run", tabulate_placed(counts))
        print("To write one as a list: segkit export --trigger NAME --out FILE.")


@app.command()
def compare(before: SegmentsPath, after: SegmentsPath, json_: Json = False) -> None:
    """Say how segments grew and who moved between two runs."""
    from segkit.action.run_comparison import compare_runs

    found = compare_runs(before, after)
    if json_:
        print_json({"ok": True, **found.to_json(), "error": None})
        return
    print_table("Segments", found.shares)
    print_table("Who moved", found.list_moves())
    print(*found.describe(), sep="\n")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with the documented code."""
    open_streams()
    if arguments is None:
        prefer_utf8()
        arguments = sys.argv[1:]
    with (
        contextlib.redirect_stdout(PatientStream(sys.stdout)),
        contextlib.redirect_stderr(PatientStream(sys.stderr, faults=OSError)),
    ):
        code = call_command(arguments)
    sys.exit(code)


def call_command(arguments: list[str]) -> int:
    """Call a command, tell what went wrong, and return the exit code."""
    code = 0
    error: BaseException | None = None
    with raise_when_told_to_end() as signals:
        try:
            code = app(arguments, prog_name="segkit", standalone_mode=False) or 0
            sys.stdout.flush()
        except BaseException as raised:
            error = raised
    if code != INTERRUPTED and error is None:
        return code
    # Where a signal came, whatever a library made of it is its consequence.
    error = signals[-1] if signals else error or KeyboardInterrupt()
    code, message = explain_error(error)
    if message:
        result = error.result.to_json() if hasattr(error, "result") else {}
        print(f"segkit: {message}", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError):
            if "--json" in arguments:
                print_json({"ok": False, **result, "error": message})
            sys.stdout.flush()
    return code


def explain_error(error: BaseException) -> tuple[int, str]:
    """Return the exit code and what to print; an error of segkit's own is logged."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 0, ""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return getattr(error, "exit_code", INTERRUPTED), "interrupted"
    if isinstance(error, SegkitError):
        return error.exit_code, error.describe()
    if hasattr(error, "format_message"):
        return WRONG_CALL, error.format_message()
    if isinstance(error, OSError) and error.errno:
        told = SegkitError(
            "it cannot be read or written",
            where=str(error.filename or ""),
            found=error.strerror or "",
            fix="Mind free space and permissions; a published report is untouched.",
        )
        return told.exit_code, told.describe()
    name = type(error).__name__
    path = log_error(error)
    if path is not None:
        return OWN_ERROR, f"an error of segkit itself ({name}), logged in {path}"
    return OWN_ERROR, f"an error of segkit itself: {name}: {error}"


def log_error(error: BaseException) -> Path | None:
    """Write an error with its traceback to the first folder that takes it; None if none does."""
    import traceback

    moment = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    text = "".join(traceback.format_exception(error))
    folders = list(_log_folders)
    with contextlib.suppress(OSError):  # there is none that can be written
        folders.append(Path(tempfile.gettempdir()))
    for folder in folders:
        path = folder / f"segkit-error-{moment}-{os.getpid()}.log"
        with contextlib.suppress(OSError):
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
            return path
    return None


if __name__ == "__main__":
    main()
