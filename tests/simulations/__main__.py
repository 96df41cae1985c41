"""Run every simulation with a large count and write the page of results: make simulate.

The draws of verdicts are kept one by one in a file, and a run that was broken off goes on there.

python -m tests.simulations [--repeats 200] [--seed 0] [--page docs/evidence/...]
    [--records docs/evidence/verdicts.jsonl] [--processes 1] [--hours 8] [--only-verdicts]
    [--kinds "an arc" ...] [--models kmeans ...] [--rows 300 1000 ...] [--seeds 20]
"""

from __future__ import annotations

import argparse
import datetime
import time
from pathlib import Path

import pandas as pd

from tests.simulations import (
    coverage_lifetime,
    coverage_profiles,
    coverage_segments,
    usefulness,
    verdicts,
)
from tests.simulations.records import (
    append_record,
    find_fingerprint,
    leave_out_done,
    make_table,
    read_records,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "evidence" / "simulations.md"
# Beside the page, so that anybody can go on, and look at each draw.
RECORDS = ROOT / "docs" / "evidence" / "verdicts.jsonl"
SETTINGS = ({"effect": 0.0}, {"effect": 0.0, "follows": 0.8}, {"effect": 0.3})


def write_table(table: pd.DataFrame) -> list[str]:
    """Write a table in Markdown."""
    texts = table.map(lambda value: f"{value:.3f}" if isinstance(value, float) else str(value))
    rows = [list(texts), ["---"] * texts.shape[1], *texts.to_numpy().tolist()]
    return ["| " + " | ".join(row) + " |" for row in rows]


def simulate_usefulness(n_repeats: int, seed: int) -> pd.DataFrame:
    """Summarise the simulated answers on usefulness by setting and outcome."""
    parts = []
    for setting in SETTINGS:
        found = usefulness.simulate(n_repeats, seed, **setting)
        name = ", ".join(f"{key} {value}" for key, value in setting.items())
        parts.append(usefulness.summarise(found).reset_index().assign(setting=name))
    return pd.concat(parts)[["setting", "outcome", "truth", "coverage", "above_zero"]]


def run_verdicts(options: argparse.Namespace, code: str) -> list[dict[str, object]]:
    """Judge the wanted draws of which there is no record yet; return all records of this code."""
    seeds = verdicts.SEEDS
    if options.seeds is not None:
        seeds = {count: min(most, options.seeds) for count, most in seeds.items()}
    tasks = verdicts.list_tasks(
        kinds=options.kinds, models=options.models, rows=options.rows, seeds=seeds
    )
    records = read_records(options.records, code=code)
    left = leave_out_done(tasks, records)
    print(f"{len(tasks)} draws, {len(left)} of them to judge", flush=True)
    for record in verdicts.judge_tasks(left, processes=options.processes, hours=options.hours):
        append_record(options.records, record, code=code)
    return read_records(options.records, code=code)


def describe_verdicts(records: list[dict[str, object]], code: str) -> list[str]:
    """Write what was found in draws without groups and with groups, beside the goals."""
    planned = len(verdicts.list_tasks())
    lines = ["", "## Verdicts", "", verdicts.__doc__.split("\n\n", maxsplit=1)[0], ""]
    lines.append(
        f"Run on {datetime.date.today()}: {len(records):,} of {planned:,} draws are judged; "
        f"{verdicts.PAIRS} pairs of bootstrap samples each, code {code}."
    )
    if not records:
        return lines
    table = make_table(records)
    noise = verdicts.summarise_noise(table)
    groups = verdicts.summarise_groups(table)
    if not noise.empty:
        lines += ["", "### Customers without groups", ""]
        lines.append(
            "Goal: none is called *natural* or *classes* with any number of segments. "
            "`claimed_high` is the upper end of the 95 % interval (Clopper and Pearson 1934)."
        )
        lines += ["", *write_table(verdicts.total_noise(noise)), "", *write_table(noise)]
    if not groups.empty:
        lines += ["", "### Customers in groups", ""]
        lines.append(
            "Goal: the true number is chosen, whatever the word, in the share of draws that stands "
            "beside it. The Rand indices are medians, of the chosen number and of the true one. "
            "Why a goal is missed stands in "
            "[23](../decisions/23-a-null-that-depends-as-the-data-do.md) and "
            "[24](../decisions/24-classes-must-beat-traits.md)."
        )
        lines += ["", *write_table(groups)]
    return lines


def describe_others(repeats: int, seed: int) -> list[str]:
    """Run the simulations of intervals and of usefulness, and write what was found."""
    accuracy = coverage_profiles.simulate_accuracy(repeats, seed)
    parts = [
        (
            "Coverage of segments' shares, and of mean and median spend",
            coverage_segments.__doc__,
            coverage_segments.simulate(repeats, seed),
        ),
        (
            "Coverage of mean and median spend that is skewed",
            coverage_segments.simulate_skewed.__doc__,
            coverage_segments.simulate_skewed(repeats, seed),
        ),
        (
            "Coverage of lifetime value",
            coverage_lifetime.__doc__,
            coverage_lifetime.simulate(repeats, seed, customers=2_000),
        ),
        (
            "Coverage of effect sizes, shares and rules' accuracy",
            coverage_profiles.__doc__,
            pd.concat([coverage_profiles.simulate(10 * repeats, seed), accuracy]),
        ),
        ("Usefulness", usefulness.__doc__, simulate_usefulness(repeats, seed)),
    ]
    run = f"Run on {datetime.date.today()}, seed {seed}, {repeats} repeats."
    lines = []
    for title, text, table in parts:
        about = text.split("\n\n", maxsplit=1)[0]
        lines += ["", f"## {title}", "", about, "", run, "", *write_table(table)]
    return lines


def keep_others(page: Path) -> list[str]:
    """Return the lines of a page's sections that do not speak of verdicts, as they are."""
    if not page.exists():
        return []
    sections = page.read_text(encoding="utf-8").split("\n## ")[1:]
    kept = [section.rstrip() for section in sections if not section.startswith("Verdicts")]
    return [line for section in kept for line in ["", *f"## {section}".split("\n")]]


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--repeats", type=int, default=200, help="of the simulations of intervals")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--records", type=Path, default=RECORDS, help="of verdicts, to go on with")
    parser.add_argument("--processes", type=int, default=1, choices=(1, 2))
    parser.add_argument("--hours", type=float, default=8.0, help="after which no draw is begun")
    parser.add_argument(
        "--only-verdicts", action="store_true", help="leave the page's other sections as they are"
    )
    parser.add_argument("--kinds", nargs="*", default=(), choices=list(verdicts.KINDS))
    parser.add_argument("--models", nargs="*", default=(), choices=verdicts.MODELS)
    parser.add_argument("--rows", nargs="*", type=int, default=())
    parser.add_argument("--seeds", type=int, help="at most so many of each number of rows")
    return parser.parse_args()


def main() -> None:
    """Run all, and write the page; with only verdicts the page's other sections stay."""
    options = read_options()
    begun = time.perf_counter()
    code = find_fingerprint()
    records = run_verdicts(options, code)
    if options.only_verdicts:
        others = keep_others(options.page)
    else:
        others = describe_others(options.repeats, options.seed)
    lines = ["# Simulations", "", "Written by `make simulate`.", *describe_verdicts(records, code)]
    options.page.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*lines, *others]) + "\n"
    options.page.write_text(text, encoding="utf-8", newline="\n")
    print(f"{options.page}, in {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
