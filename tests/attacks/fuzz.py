"""Hostile inputs by the thousand: each ends in words, and every row is accounted for.

python -m tests.attacks.fuzz [--count 2000] [--seed 1] [--resume FILE] [--only NUMBER]

Each input is read in a process that goes on to the next; at most two processes run at once. The
summary has the exit codes, the time-outs, and the accounts of tables that do not add up.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import io
import json
import multiprocessing
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.attacks.inputs import make_input

SECONDS = 60  # in which an input must have ended
WORKERS = 2
GOOD_CODES = (0, 1, 2)


def read_input(seed: int, number: int) -> dict[str, Any]:
    """Make one input and read it as the command line does; return how it ended."""
    from segkit.cli import main

    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    try:
        arguments = make_input(seed, number, folder)
        said = io.StringIO()
        told = io.StringIO()
        code = None
        begun = time.monotonic()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            try:
                main(arguments)
            except SystemExit as end:
                code = end.code
            except BaseException as error:  # nothing may come through, whatever it is
                code = f"{type(error).__name__}: {error}"[:300]
        seconds = time.monotonic() - begun
        message = told.getvalue()[-300:]
        faults = _find_faults(arguments[0], code, said.getvalue(), told.getvalue())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "number": number,
        "code": code,
        "faults": faults,
        "seconds": round(seconds, 2),
        "message": message,
    }


def _find_faults(command: str, code: object, said: str, told: str) -> list[str]:
    """Return what is wrong with how a command ended."""
    faults = []
    if code not in GOOD_CODES:
        faults.append(f"exit {code}")
    if "Traceback" in said + told:
        faults.append("a traceback")
    if command != "check":
        if code != 0 and not told.strip():
            faults.append("no message")
        return faults
    try:
        report = json.loads(said)
    except ValueError:
        return [*faults, "no JSON"]
    for name, table in report.get("tables", {}).items():
        if table["accepted"] + table["rejected"] != table["read"]:
            faults.append(f"{name}: the rows do not add up")
    if (code == 0) != report["ok"]:
        faults.append("the exit code says something else")
    if code != 0 and not (report.get("problems") or report.get("error")):
        faults.append("no message")
    return faults


def _work(pipe: Any, seed: int) -> None:
    """Read inputs by their numbers until there are none."""
    while (number := pipe.recv()) is not None:
        pipe.send(read_input(seed, number))


class _Worker:
    """A process that reads inputs, and a new one after each that did not come back."""

    def __init__(self, seed: int):
        self.seed = seed
        self.process = None

    def read(self, number: int, *, timeout: float) -> dict[str, Any]:
        if self.process is None:
            self.pipe, theirs = multiprocessing.get_context("spawn").Pipe()
            make = multiprocessing.get_context("spawn").Process
            self.process = make(target=_work, args=(theirs, self.seed), daemon=True)
            self.process.start()
            theirs.close()
            timeout += 60  # the first one imports everything
        self.pipe.send(number)
        fault = "timed out"
        with contextlib.suppress(EOFError, OSError):
            if self.pipe.poll(timeout):
                fault = "the process died"
                return self.pipe.recv()
        if fault == "the process died":
            self.process.join(5)
            fault += f" ({self.process.exitcode})"
        self.close()
        return {
            "number": number,
            "code": None,
            "faults": [fault],
            "seconds": timeout,
            "message": "",
        }

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
        self.process = None


def attack(
    numbers: list[int], *, seed: int, kept: Path | None = None, workers: int = WORKERS
) -> list[dict[str, Any]]:
    """Read the inputs of these numbers; those that the file ``kept`` has are not read again.

    What timed out is read once more in the end, alone.
    """
    results = _read_kept(kept, seed)
    waiting = iter([number for number in numbers if number not in results])
    lock = threading.Lock()

    def run() -> None:
        worker = _Worker(seed)
        while True:
            with lock:
                number = next(waiting, None)
            if number is None:
                break
            result = worker.read(number, timeout=SECONDS) | {"seed": seed}
            with lock:
                results[number] = result
                _keep(kept, result)
        worker.close()

    threads = [threading.Thread(target=run) for _ in range(min(workers, WORKERS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in numbers:  # what else the machine had to do may be to blame
        if results[number]["faults"] == ["timed out"] and not results[number].get("is_repeated"):
            worker = _Worker(seed)
            results[number] = worker.read(number, timeout=SECONDS)
            results[number] |= {"seed": seed, "is_repeated": True}
            _keep(kept, results[number])
            worker.close()
    return [results[number] for number in numbers]


def _read_kept(kept: Path | None, seed: int) -> dict[int, dict[str, Any]]:
    """Return the results of a seed that a file has, by number; the last of each counts."""
    if kept is None or not kept.exists():
        return {}
    found = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()]
    return {result["number"]: result for result in found if result["seed"] == seed}


def _keep(kept: Path | None, result: dict[str, Any]) -> None:
    if kept is not None:
        with kept.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")


def summarise(results: list[dict[str, Any]]) -> str:
    """Return the summary as text: how the inputs ended, and each fault with its number."""
    codes = collections.Counter(str(result["code"]) for result in results)
    lines = [f"{len(results):,} inputs"]
    lines += [f"exit {code}: {count:,}" for code, count in sorted(codes.items())]
    slowest = max((result["seconds"] for result in results), default=0)
    lines.append(f"slowest: {slowest} s")
    repeated = sum(result.get("is_repeated", False) for result in results)
    lines.append(f"timed out at first, read again alone: {repeated:,}")
    bad = [result for result in results if result["faults"]]
    lines.append(f"faults: {len(bad):,}")
    for result in bad:
        told = "; ".join(result["faults"])
        lines.append(f"  {result['number']}: {told} | {result['message'].strip()[-200:]}")
    return "\n".join(lines)


def main() -> int:
    """Attack, and print the summary; exit 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000, help="how many inputs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--resume", type=Path, help="a file that keeps what has ended")
    parser.add_argument("--only", type=int, help="read this one input, here")
    given = parser.parse_args()
    if given.only is not None:
        print(json.dumps(read_input(given.seed, given.only), indent=1))
        return 0
    results = attack(list(range(given.count)), seed=given.seed, kept=given.resume)
    print(summarise(results))
    return 1 if any(result["faults"] for result in results) else 0


if __name__ == "__main__":
    raise SystemExit(main())
