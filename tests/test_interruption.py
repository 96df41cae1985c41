"""Who is told to end says so by its exit code, and complains of nothing that was half built."""

from __future__ import annotations

import subprocess
import sys

import pytest

HALF_BUILT = """
import os, signal, sys, time
from segkit.core.interruption import Interrupted, raise_when_told_to_end

class HalfBuilt:
    def __del__(self):
        raise AttributeError("this was never made")

async def start():
    pass

def work(number):
    half_built = HalfBuilt()
    never_awaited = start()
    if number:
        os.kill(os.getpid(), number)
        time.sleep(10)

try:
    with raise_when_told_to_end():
        work(int(sys.argv[1]))
except Interrupted as told:
    sys.exit(told.exit_code)
"""


def run(number: int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", HALF_BUILT, str(number)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("number", "code"), [(2, 130), (15, 143)])
def test_what_the_signal_left_half_built_is_not_complained_of(number, code):
    done = run(number)
    assert (done.returncode, done.stderr) == (code, "")


def test_without_a_signal_python_complains_as_ever():
    done = run(0)
    assert done.returncode == 0
    assert "this was never made" in done.stderr
    assert "never awaited" in done.stderr
