"""Draw faults and good tables, judge what becomes of them, and write the page: make doors.

python -m tests.doors [--faults 500] [--good 200] [--seed 1] [--write docs/evidence/doors.md]
                      [--resume FILE] [--only KIND]
"""

from __future__ import annotations

import argparse
import datetime
import json
import time
from pathlib import Path

import pandas as pd

from tests.doors.harness import GOOD, count_wrong, list_kinds, run_faults, run_good, summarise
from tests.doors.verdicts import WRONG

TIMES_UNSEEN = 3

ABOUT = """\
Tables of drawn shops, 25 to 300 rows of orders, customers, products, messages, tickets or answers,
are written in drawn styles: decimal mark and thousands, fourteen ways to write a date, quoting,
delimiter, encoding, line ends, six spellings of the header, as CSV, gzip, a workbook or Parquet;
the plan declares some of it, or nothing. Of each the truth is known: sums, days, hours, customers,
orders, and what each customer spent. A reader that looks at nothing, told the style, finds the
truth in every good table, and another in every fault below.

A fault is **read rightly** where all facts of the accepted rows are true; else it must be
**refused** or **warned** of in a sentence that has the column and the kind, or the rows must be
**set aside** under a rule that says so while all that stays is true. What is only noted, said in
other words, or not at all counts as wrong.
"""


def write_table(table: pd.DataFrame) -> list[str]:
    """Write a table in Markdown."""
    texts = table.astype(str)
    rows = [list(texts), ["---"] * texts.shape[1], *texts.to_numpy().tolist()]
    return ["| " + " | ".join(row) + " |" for row in rows]


def write_page(faults: pd.DataFrame, unseen: pd.DataFrame, good: pd.DataFrame, seed: int) -> str:
    """Return the page."""
    today = datetime.date.today()
    kinds = faults["kind"].nunique()
    wrong = count_wrong(faults)
    warned = good[good["warnings"] != ""]
    lines = [
        "# The door: faults and good tables",
        "",
        f"Written by `make doors` on {today}, seed {seed}: {len(faults)} faults of {kinds} kinds,"
        f" and {len(good)} good tables.",
        "",
        ABOUT,
        f"- Of {len(faults)} faults {wrong['wrong']} passed wrongly, {wrong['silent']} of them"
        f" without a word; of the {int(faults['is_core'].sum())} of kinds that must never be"
        f" silent (*), {wrong['core wrong']}.",
        f"- Of {len(good)} good tables {int(good['is_refused'].sum())} were refused,"
        f" {len(warned)} warned of, and {int((good['wrong'] != '').sum())} not read as they are.",
        "",
        "## Faults that leave a trace",
        "",
        *write_table(_mark_core(summarise(faults), faults)),
        "",
        "## What no single file can show",
        "",
        "Counted apart: nothing in the file tells it from a good one.",
        "",
        *write_table(summarise(unseen)),
        "",
        "## Good tables that were warned of, refused or read otherwise",
        "",
    ]
    bad = good[good["is_refused"] | (good["warnings"] != "") | (good["wrong"] != "")]
    if bad.empty:
        return "\n".join([*lines, "None."]) + "\n"
    shown = bad[["number", "is_refused", "warnings", "wrong", "style"]]
    shown = shown.map(lambda value: str(value).replace("|", "¦"))
    return "\n".join([*lines, *write_table(shown)]) + "\n"


def _mark_core(table: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    core = set(faults.loc[faults["is_core"], "kind"])
    return table.assign(kind=[f"{name}{' *' if name in core else ''}" for name in table["kind"]])


def tell_fault(row: dict) -> None:
    """Print a fault that passed wrongly, and one that is none."""
    if row["verdict"] in WRONG:
        print(f"{row['verdict']}: {row['kind']} #{row['number']}: {row['wrong'][:90]}")
        print(f"    {row['style']} | said: {row['said'][:400] or 'nothing'}", flush=True)
    if not row["naive"]:
        print(f"no fault at all: {row['kind']} #{row['number']}: {row['style']}", flush=True)


def tell_good(row: dict) -> None:
    """Print a good case that was warned of, refused or read otherwise."""
    if row["is_refused"] or row["warnings"] or row["wrong"] or row["naive"]:
        print(f"good #{row['number']} ({row['tables']}): wrong: {row['wrong'][:200]}")
        print(f"    {row['style']} | said: {row['said'][:400] or 'nothing'}", flush=True)


def tell_row(row: dict) -> None:
    """Print a fault that passed wrongly, or a good case that was not read as it is."""
    if row["kind"] == GOOD:
        tell_good(row)
    else:
        tell_fault(row)


def read_known(path: Path | None, seed: int) -> dict[tuple[str, int], dict]:
    """Return what a file keeps of an earlier run with the same seed, by kind and number."""
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {(row["kind"], row["number"]): row for row in rows if row.pop("seed") == seed}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--good", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--resume", type=Path, help="a file that keeps what was judged so far")
    parser.add_argument("--only", default="", help="kinds whose name has this text")
    options = parser.parse_args()
    begun = time.perf_counter()
    known = read_known(options.resume, options.seed)

    def keep(row: dict) -> None:
        if options.resume and (row["kind"], row["number"]) not in known:
            with options.resume.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row | {"seed": options.seed}) + "\n")
        tell_row(row)

    more = {"tell": keep, "known": known}
    kinds = [kind for kind in list_kinds() if options.only in kind.name]
    faults = run_faults(options.faults, options.seed, kinds, **more)
    hidden = list_kinds(unseen=True)
    unseen_count = 0 if options.only else TIMES_UNSEEN * len(hidden)
    unseen = run_faults(unseen_count, options.seed, hidden, known=known)
    good = run_good(options.good, options.seed, **more)
    if len(faults):
        print(summarise(faults).to_string(index=False))
        print(count_wrong(faults))
    if options.write:
        text = write_page(faults, unseen, good, options.seed)
        options.write.write_text(text, encoding="utf-8", newline="\n")
    print(f"{time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
