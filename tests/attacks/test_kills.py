"""Kind: an end in the middle. Twenty of the ends that `make attack` tries by the hundred."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import finish_run, make_shop, start_run

from attacks.kills import attack_runs, check_report

pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(not os.path.exists("/proc/self"), reason="needs Linux"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("fork", "count"), [("1", 15), ("0", 5)])
def test_runs_that_are_ended_tear_nothing_and_leave_nothing(tmp_path, fork, count):
    ended = attack_runs(tmp_path, count=count, seed=14, SEGKIT_FORK=fork)
    assert sum(ended.values()) == count


@pytest.mark.slow
def test_an_ordinary_process_with_warmed_kernels_may_be_killed(tmp_path):
    chance = random.Random(4)
    folder = make_shop(tmp_path / "shop")
    begun = time.monotonic()
    assert finish_run(folder, warmed=True)[0] == 0
    duration = time.monotonic() - begun
    for seed in range(2):
        changed = ("--fresh", "--set", f"random_state={seed}")
        process = start_run(folder, *changed, warmed=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, duration))
        process.kill()
        process.communicate()
        check_report(folder / "reports" / "tiny")
    code, answer, _ = finish_run(folder)
    assert code == 0
    assert answer["index"].split("/")[-2] == check_report(folder / "reports" / "tiny")
