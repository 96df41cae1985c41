"""A run that is killed at any moment tears nothing, and the next run goes on."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from fake_shop import finish_run, make_shop, start_run

from segkit.workflow.publishing import read_pointer, verify_publication

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
# Imports once, so that twenty runs take seconds and not minutes, then forks each run.
WARM = """
import os, sys
from segkit.workflow.kernels.notebook import spare_imports
spare_imports()
import papermill, nbconvert, nbclient
import functools, segkit.cli, segkit.workflow.run, segkit.data.checks, segkit.report.shared.pages
run = segkit.workflow.run
run.Kernels = functools.partial(run.Kernels, preload=False)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        segkit.cli.main(line.split())
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Runner:
    """Starts runs in forks of a warmed process; a run is killed by its own process id."""

    def __init__(self, folder: Path, scratch: Path):
        environment = {**os.environ, "TMPDIR": str(scratch)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WARM],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, kill_after: float | None = None) -> int:
        self.process.stdin.write(f"run {' '.join(arguments)}\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        if kill_after is not None:
            time.sleep(kill_after)
            with contextlib.suppress(ProcessLookupError):  # it was quicker than we
                os.kill(pid, signal.SIGKILL)
        return int(self.process.stdout.readline())

    def close(self) -> str:
        return self.process.communicate(timeout=60)[1]


def check_report(out: Path) -> str:
    """The pointer names a whole publication; return its name."""
    run_id = read_pointer(out)
    assert run_id, "the pointer is torn"
    folder = out / run_id
    assert verify_publication(folder) == []
    return run_id


def test_twenty_kills_at_random_moments_never_tear_the_report(tmp_path):
    chance = random.Random(20260630)
    folder = make_shop(tmp_path / "shop")
    out, scratch = folder / "reports" / "tiny", tmp_path / "scratch"
    scratch.mkdir()
    runner = Runner(folder, scratch)
    assert runner.run() == 0
    begun = time.monotonic()
    assert runner.run("--fresh", "--set", "size=100") == 0
    duration = time.monotonic() - begun
    check_report(out)
    kills = number = 0
    while kills < 20:
        number += 1
        assert number < 100, "the runs end before they are killed"
        fresh = ["--fresh"] if number % 2 else []
        moment = chance.uniform(0, duration)
        end = runner.run("--set", f"size={number}", *fresh, kill_after=moment)
        check_report(out)
        if end == -signal.SIGKILL:
            kills += 1
        else:
            assert end == 0
            duration *= 0.8  # the machine is quicker than it was
        if kills % 5 == 4:
            assert runner.run("--set", f"size={number}") == 0
            assert f"Size {number}." in (out / check_report(out) / "index.html").read_text()
    messages = runner.close()
    assert "Traceback" not in messages, messages
    end = time.monotonic() + 10
    while list(scratch.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(scratch.iterdir()) == []
    assert not list(out.glob(".*"))


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
