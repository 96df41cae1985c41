"""How long placing the rows of a DataFrame takes with more and more columns, by kind of model.

The documents are drawn, not fitted: placing does not ask where they come from. Each measurement is
a process of its own that places once to load what it needs and is then timed. Seconds are of the
processor, which other work on the machine hardly changes. With ``--before`` another checkout of
this project takes its turn in the same run.

    python benchmarks/wide_placing.py [--columns 10 120 240] [--rows 1300] [--before CHECKOUT]
        [--append PAGE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.models.columns import Levels, Preparation
from segkit.segmentation.class_document import Classes
from segkit.segmentation.documents import place_frame
from segkit.segmentation.prototype_document import Prototypes
from segkit.segmentation.rules import Rule, Rules

GOAL = 1.0  # seconds of the processor
CLUSTERS = 3
COLUMNS_OF_A_RULE = 20
WORDS = ("red", "green", "blue")


def draw_numbers(columns: list[str], rows: int, rng: np.random.Generator) -> dict:
    """Draw numbers, a twentieth of them missing."""
    drawn = rng.normal(50, 10, (len(columns), rows)).round(1)
    drawn[rng.random(drawn.shape) < 0.05] = np.nan
    return dict(zip(columns, drawn, strict=True))


def draw_words(columns: list[str], rows: int, rng: np.random.Generator) -> dict:
    """Draw words."""
    return {column: rng.choice(WORDS, rows) for column in columns}


def prepare(column: str) -> Preparation:
    """Return how a number is prepared: a logarithm, as that takes longest."""
    return Preparation(
        column=column,
        fill=50.0,
        smallest=0.0,
        largest=100.0,
        lower=20.0,
        upper=80.0,
        transform="scaled_log",
        width=7.0,
        mean=1.5,
        sd=0.7,
    )


def list_levels(columns: list[str]) -> list[Levels]:
    return [Levels(column=column, kind="text", levels=WORDS) for column in columns]


def draw_prototypes(numbers: list[str], words: list[str], rng: np.random.Generator) -> Prototypes:
    return Prototypes(
        preparations=[prepare(column) for column in numbers],
        levels=list_levels(words),
        centres=rng.normal(size=(CLUSTERS, len(numbers))).tolist(),
        modes=rng.choice(WORDS, (CLUSTERS, len(words))).tolist(),
    )


def draw_kprototypes(columns: list[str], rows: int, rng: np.random.Generator) -> tuple:
    numbers = columns[::2]
    words = columns[1::2]
    drawn = draw_numbers(numbers, rows, rng) | draw_words(words, rows, rng)
    return draw_prototypes(numbers, words, rng), drawn


def draw_kmeans(columns: list[str], rows: int, rng: np.random.Generator) -> tuple:
    return draw_prototypes(columns, [], rng), draw_numbers(columns, rows, rng)


def draw_classes(columns: list[str], rows: int, rng: np.random.Generator) -> tuple:
    shares = rng.dirichlet(np.ones(len(WORDS)), (CLUSTERS, len(columns)))
    model = Classes(
        levels=list_levels(columns),
        weights=[1 / CLUSTERS] * CLUSTERS,
        probabilities=shares.tolist(),
    )
    return model, draw_words(columns, rows, rng)


def draw_rules(columns: list[str], rows: int, rng: np.random.Generator) -> tuple:
    rules = []
    for begin in range(0, len(columns), COLUMNS_OF_A_RULE):
        some = columns[begin : begin + COLUMNS_OF_A_RULE]
        when = " or ".join(f"{column} > 80" for column in some)
        rules.append(Rule(segment=len(rules) + 1, when=when))
    rules.append(Rule(segment=len(rules) + 1, when="true"))
    return Rules(kinds=dict.fromkeys(columns, "number"), rules=rules), draw_numbers(
        columns, rows, rng
    )


MODELS = {
    "k-prototypes": draw_kprototypes,
    "k-means": draw_kmeans,
    "latent classes": draw_classes,
    "rules": draw_rules,
}


def measure(model: str, columns: int, rows: int) -> float:
    """Return the seconds of the processor that placing takes."""
    rng = np.random.default_rng(columns)
    document, drawn = MODELS[model]([f"column_{i}" for i in range(columns)], rows, rng)
    frame = pd.DataFrame(drawn)
    warm, few = MODELS[model](["column_0", "column_1"], 10, rng)
    place_frame(warm, pd.DataFrame(few))
    begun = time.process_time()
    place_frame(document, frame)
    return time.process_time() - begun


def measure_apart(model: str, columns: int, rows: int, checkout: Path) -> float:
    """Measure in a process of its own, with the package of a checkout."""
    command = [sys.executable, __file__, "--only", model, "--columns", str(columns)]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--rows", str(rows)],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return json.loads(done.stdout)


def main() -> int:
    """Measure, print the table, and return 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--columns", type=int, nargs="+", default=[10, 120, 240])
    parser.add_argument("--rows", type=int, default=1_300)
    parser.add_argument("--before", type=Path, help="a checkout of the project to compare with")
    parser.add_argument("--append", type=Path, help="a page to add the table to")
    parser.add_argument("--only", choices=MODELS, help="measure one model and print its seconds")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(measure(options.only, options.columns[0], options.rows)))
        return 0
    here = Path(__file__).parent.parent
    text = ["## Placing the rows of wide tables", ""]
    text += [f"{options.rows:,} rows in memory, {CLUSTERS} segments (more by rules); the goal is"]
    text[-1] += f" under {GOAL:g} s. Seconds of the processor."
    heads = ["model", "columns", "seconds"]
    heads += ["before", "times as long"] if options.before else []
    text += ["", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    slowest = 0.0
    for model in MODELS:
        for columns in options.columns:
            seconds = measure_apart(model, columns, options.rows, here)
            slowest = max(slowest, seconds)
            cells = [model, f"{columns:,}", f"{seconds:.2f}"]
            if options.before:
                before = measure_apart(model, columns, options.rows, options.before.resolve())
                cells += [f"{before:.2f}", f"{before / seconds:.0f}"]
            text.append(f"| {' | '.join(cells)} |")
    print("\n".join(text))
    if options.append:
        with options.append.open("a", encoding="utf-8") as page:
            page.write("\n".join(["", *text, ""]))
    return int(slowest > GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
