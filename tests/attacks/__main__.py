"""Attack with hostile inputs, then with ends of runs, and write the page of results: make attack.

python -m tests.attacks [--count 2000] [--ends 200] [--seed 1] [--resume FILE] [--page docs/...]
"""

from __future__ import annotations

import argparse
import collections
import datetime
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.attacks.fuzz import GOOD_CODES, SECONDS, attack, summarise
from tests.attacks.inputs import KINDS
from tests.attacks.kills import WAYS, attack_runs

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "attacks.md"


def write_page(
    results: Sequence[Mapping[str, Any]], ended: Mapping[str, int], *, seed: int, day: datetime.date
) -> str:
    """Return the page: how the inputs ended, by kind, and how many runs were ended in which way."""
    lines = ["# Attacks", "", f"Written by `make attack` on {day}, seed {seed}.", ""]
    lines += [f"## {len(results):,} hostile inputs", ""]
    codes = [f"exit {code}" for code in GOOD_CODES]
    lines.append(f"| kind | {' | '.join(codes)} | other ends | faults |")
    lines.append("|---" * (len(codes) + 3) + "|")
    for place, kind in enumerate(KINDS):
        part = [result for result in results if result["number"] % len(KINDS) == place]
        found = collections.Counter(result["code"] for result in part)
        counts = [found.pop(code, 0) for code in GOOD_CODES]
        counts += [found.total(), sum(bool(result["faults"]) for result in part)]
        lines.append(f"| {kind} | " + " | ".join(f"{count:,}" for count in counts) + " |")
    slowest = max((result["seconds"] for result in results), default=0)
    repeated = sum(result.get("is_repeated", False) for result in results)
    lines += [
        "",
        f"A fault is another end, a traceback, an end without words, rows that do not add up, or "
        f"more than {SECONDS} seconds. The slowest took {slowest:.0f} seconds; {repeated:,} timed "
        f"out at first, and were read once more, alone.",
        "",
        f"## {sum(ended.values()):,} runs ended at random moments",
        "",
        "| way | ends |",
        "|---|---|",
        *(f"| {way} | {ended.get(way, 0):,} |" for way in WAYS),
        "",
        "After each end the published report is whole and the exit code the documented one; after "
        "the next whole run nothing is left of those that were ended: no file, no folder, no "
        "process. The attack stops at the first that is otherwise.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Attack, write the page, and return 1 if an input has a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="how many inputs")
    parser.add_argument("--ends", type=int, default=200, help="how many runs are ended")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="a file that keeps which inputs were read")
    parser.add_argument("--page", type=Path, default=PAGE)
    given = parser.parse_args()
    results = attack(list(range(given.count)), seed=given.seed, kept=given.resume)
    print(summarise(results), flush=True)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        ended = attack_runs(Path(folder), count=given.ends, seed=given.seed)
    page = write_page(results, ended, seed=given.seed, day=datetime.date.today())
    given.page.write_text(page, encoding="utf-8")
    return int(any(result["faults"] for result in results))


if __name__ == "__main__":
    raise SystemExit(main())
