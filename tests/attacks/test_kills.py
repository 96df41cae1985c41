"""Kind: an end in the middle. Twenty of the ends that `make attack` tries by the hundred."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from attacks.kills import attack_runs

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self"), reason="needs Linux")


@pytest.mark.parametrize(("fork", "count"), [("1", 15), ("0", 5)])
def test_runs_that_are_ended_tear_nothing_and_leave_nothing(tmp_path, fork, count):
    ended = attack_runs(tmp_path, count=count, seed=14, SEGKIT_FORK=fork)
    assert sum(ended.values()) == count
