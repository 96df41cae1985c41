"""Runs that are ended at random moments, in every way that a run can be ended.

python -m tests.attacks.kills [--count 200] [--seed 1]

After each end the published report is whole and the exit code is the documented one. After the
next whole run nothing is left of those that were ended: no file, no folder, no process.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import make_shop

from segkit.workflow.publishing import read_pointer, verify_publication

# Imports once, so that runs take a second and not many, then forks each run.
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
# How a run may be ended, and with which codes it then may end. One that had just begun, or was as
# good as done, knows no signal; a shell says 130 and 143 of these, too.
WAYS = {
    "kill": {-signal.SIGKILL},
    "interrupt": {130, -signal.SIGINT},
    "terminate": {143, -signal.SIGTERM},
    "kill parent of kernels": {3},
    "kill both": {-signal.SIGKILL},
}
MOST_TRIES = 5  # for each end, as a run may be quicker than we
SECONDS_TO_TIDY = 20.0
RUNS_BETWEEN = 5  # ends, until a whole run


class Runner:
    """Starts runs in forks of a warmed process, and ends them by their own process ids."""

    def __init__(self, folder: Path, scratch: Path, **environment: str):
        own = {"TMPDIR": str(scratch), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WARM],
            cwd=folder,
            env={**os.environ, **own},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, after: float | None = None, way: str = "kill") -> int:
        """Run, end it so many seconds later, and return the exit code."""
        self.process.stdin.write(f"run {' '.join(arguments)}\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        if after is not None:
            time.sleep(after)
            end_run(pid, way)
        return int(self.process.stdout.readline())

    def close(self) -> str:
        """End the warmed process; return what the runs said on standard error."""
        return self.process.communicate(timeout=60)[1]


def end_run(pid: int, way: str) -> None:
    """End a run in one of `WAYS`; nothing happens if it has ended."""
    numbers = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM}
    children = list_children(pid) if way in ("kill parent of kernels", "kill both") else []
    targets = children if way == "kill parent of kernels" else [*children, pid]
    for target in targets:
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, numbers.get(way, signal.SIGKILL))


def list_children(pid: int) -> list[int]:
    """Return the processes that a process started, where the system tells."""
    with contextlib.suppress(OSError):
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def check_report(out: Path) -> str:
    """The pointer names a whole publication; return its name."""
    run_id = read_pointer(out)
    assert run_id, "the pointer is torn"
    faults = verify_publication(out / run_id)
    assert faults == [], faults
    return run_id


def list_leftovers(folder: Path, scratch: Path) -> list[str]:
    """Return what should not be there after a whole run: files, folders and processes."""
    found = [str(path) for path in scratch.iterdir()]
    for place in (folder / "runs" / "tiny", folder / "reports" / "tiny"):
        for path in place.rglob("*"):
            if path.name.startswith((".", "segkit-", "work-")) or path.name == "failed":
                found.append(str(path))
    mark = f"IPYTHONDIR={scratch}/".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environment.read_bytes():
                found.append(f"process {environment.parent.name}")
    return found


def wait_for_nothing(folder: Path, scratch: Path) -> None:
    """Wait until nothing is left, at most a little while."""
    last_moment = time.monotonic() + SECONDS_TO_TIDY
    while (found := list_leftovers(folder, scratch)) and time.monotonic() < last_moment:
        time.sleep(0.05)
    assert not found, found


def attack_runs(folder: Path, *, count: int, seed: int, **environment: str) -> dict[str, int]:
    """End so many runs of a tiny shop in ``folder``; return how many ended in which way."""
    chance = random.Random(seed)
    shop = make_shop(folder / "shop")
    out = shop / "reports" / "tiny"
    scratch = folder / "scratch"
    scratch.mkdir()
    runner = Runner(shop, scratch, **environment)
    assert runner.run() == 0
    begun = time.monotonic()
    assert runner.run("--fresh", "--set", "size=1000000") == 0
    duration = time.monotonic() - begun
    ended: dict[str, int] = collections.Counter()
    number = 0
    while ended.total() < count:
        number += 1
        assert number < 20 + MOST_TRIES * count, "the runs end before they are ended"
        way = chance.choice(list(WAYS))
        fresh = ["--fresh"] if number % 2 else []
        moment = chance.uniform(0, duration)
        code = runner.run("--set", f"size={number}", *fresh, after=moment, way=way)
        check_report(out)
        if code == 0:
            duration *= 0.95  # the machine is quicker than it was
            continue
        assert code in WAYS[way], f"{way} after {moment:.2f} s ended with {code}"
        ended[way] += 1
        if ended.total() % RUNS_BETWEEN == 0 or ended.total() == count:
            assert runner.run("--set", f"size={number}") == 0
            assert f"Size {number}." in (out / check_report(out) / "index.html").read_text()
            wait_for_nothing(shop, scratch)
    messages = runner.close()
    assert "Traceback" not in messages, messages
    return dict(ended)


def main() -> None:
    """End runs, as many as are asked for, and say how."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        ended = attack_runs(Path(folder), count=options.count, seed=options.seed)
    for way, count in sorted(ended.items()):
        print(f"{count:5} {way}")
    print(f"{sum(ended.values()):5} ends: nothing torn, nothing left, exit codes as documented")


if __name__ == "__main__":
    main()
