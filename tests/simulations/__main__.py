"""Run every simulation with a large count and write the page of results: make simulate.

python -m tests.simulations [--draws 20] [--repeats 200] [--seed 0] [--page docs/evidence/...]
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

PAGE = Path(__file__).parents[2] / "docs" / "evidence" / "simulations.md"
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


def write_page(draws: int, repeats: int, seed: int) -> str:
    """Run all simulations and return the page."""
    judged = verdicts.simulate(draws, seed, pairs=15)
    kinds = judged.groupby(["drawn", "kind"], sort=False).size().rename("candidates").reset_index()
    parts = [
        ("Verdicts: draws judged right", verdicts.__doc__, verdicts.summarise(judged)),
        ("Verdicts: what was found at each number of segments", "", kinds),
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
            pd.concat(
                [
                    coverage_profiles.simulate(10 * repeats, seed),
                    coverage_profiles.simulate_accuracy(repeats, seed),
                ]
            ),
        ),
        ("Usefulness", usefulness.__doc__, simulate_usefulness(repeats, seed)),
    ]
    today = datetime.date.today()
    lines = ["# Simulations", "", f"Written by `make simulate` on {today}, seed {seed}: {draws} "]
    lines[-1] += f"draws of each kind for the verdicts, {repeats} repeats for coverages."
    for title, text, table in parts:
        about = [text.split("\n\n")[0], ""] if text else []
        lines += ["", f"## {title}", "", *about, *write_table(table)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    begun = time.perf_counter()
    text = write_page(options.draws, options.repeats, options.seed)
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(text, encoding="utf-8", newline="\n")
    print(f"{options.page}, in {time.perf_counter() - begun:.0f} s")
