"""Latent classes beside StepMix alone: time and log-likelihood, as a table of ratios.

Both get the same drawn survey with a tenth of the answers missing, equal answers counted once, at
least the same number of random starts (segkit goes on where the best was found less than three
times), and the same gain of log-likelihood at which EM ends. They take turns.

    python benchmarks/latent.py [--repetitions 3]
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import pandas as pd
from stepmix import StepMix
from threadpoolctl import threadpool_limits

from segkit.models.answer_patterns import Answers, read_answers
from segkit.models.latent_classes import LEAST_GAIN, search_classes

STARTS = 5
# Customers, questions, levels, classes.
SURVEYS = [(200, 7, 2, 3), (1_000, 10, 4, 3), (3_000, 12, 4, 4)]


def draw_survey(customers: int, questions: int, levels: int, classes: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(levels), size=(classes, questions)).cumsum(axis=2)
    members = rng.integers(classes, size=customers)
    codes = (rng.random((customers, questions, 1)) > shares[members, :, :-1]).sum(axis=2)
    texts = pd.DataFrame(codes).map("answer {}".format).add_prefix("question_")
    return texts.mask(rng.random(texts.shape) < 0.1)


def run_ours(answers: Answers, classes: int) -> float:
    rng = np.random.default_rng(0)
    climbs = search_classes(answers, classes, rng, n_init=STARTS, gain=LEAST_GAIN)
    return climbs[0].likelihood


def run_alone(answers: Answers, classes: int) -> float:
    codes = np.where(answers.patterns < 0, np.nan, answers.patterns)
    count = answers.counts.sum()
    model = StepMix(
        classes,
        measurement="categorical_nan",
        n_init=STARTS,
        max_iter=20_000,
        abs_tol=LEAST_GAIN / count,
        progress_bar=0,
        random_state=0,
    )
    model.fit(codes, sample_weight=answers.counts)
    return model.score(codes, sample_weight=answers.counts) * count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    repetitions = parser.parse_args().repetitions
    print(
        f"| customers, questions, levels, classes | ours, s | StepMix, s | ratio | {'gained':>7} |"
    )
    print("|---|---|---|---|---|")
    for survey in SURVEYS:
        customers = draw_survey(*survey)
        answers = read_answers(customers, list(customers), 0)
        times, ends = {run_ours: [], run_alone: []}, {}
        with threadpool_limits(1):
            for _ in range(repetitions):
                for run, taken in times.items():
                    begun = time.perf_counter()
                    ends[run] = run(answers, survey[-1])
                    taken.append(time.perf_counter() - begun)
        ours, alone = times.values()
        ratio = statistics.median(b / a for a, b in zip(ours, alone, strict=True))
        gained = ends[run_ours] - ends[run_alone]
        medians = f"{statistics.median(ours):.2f} | {statistics.median(alone):.2f}"
        print(f"| {survey} | {medians} | {ratio:.0f} | {gained:+.3f} |", flush=True)


if __name__ == "__main__":
    main()
