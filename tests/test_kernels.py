"""Kernels: each notebook gets a fresh one, and none outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from segkit.workflow.kernels import Kernels, use_fork
from segkit.workflow.kernels.notebook import execute_notebook

pytestmark = pytest.mark.serial

forks = pytest.mark.skipif(not use_fork(), reason="kernels are not forked on this system")


def open_kernels(folder: Path, **options: bool) -> Kernels:
    """Open kernels for notebooks that need nothing imported beforehand."""
    return Kernels(folder, folder / "kernels.log", preload=False, **options)


def write_notebook(folder: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "a.ipynb")
    return folder / "a.ipynb"


def read_outputs(notebook) -> list[str]:
    return [o.text.strip() for cell in notebook.cells for o in cell.get("outputs", [])]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.mark.slow
@pytest.mark.parametrize("fork", [True, False])
def test_each_notebook_gets_a_fresh_kernel_with_its_parameters(tmp_path, fork):
    path = write_notebook(
        tmp_path,
        "number: int = 1",
        "print(number, 'left' in globals()); left = True",
        "import os; print(os.getpid(), os.getcwd(), os.environ['OMP_WAIT_POLICY'])",
    )
    found = []
    with open_kernels(tmp_path, fork=fork) as kernels:
        assert (kernels.server is not None) == use_fork(fork)
        for number in (7, 8):
            notebook, failure = execute_notebook(path, {"number": number}, kernels.start())
            assert failure is None
            found.append(read_outputs(notebook))
    assert [lines[0] for lines in found] == ["7 False", "8 False"]
    places = [lines[1].split() for lines in found]
    assert places[0][0] != places[1][0]
    assert places[0][1:] == [str(tmp_path), "PASSIVE"]
    assert not kernels.scratch.exists()
    if sys.platform == "linux":
        assert not any(is_alive(int(place[0])) for place in places)


@pytest.mark.parametrize(("setting", "fork"), [("0", False), ("1", True)])
def test_the_user_s_setting_decides_where_nothing_is_asked_for(monkeypatch, setting, fork):
    monkeypatch.setenv("SEGKIT_FORK", setting)
    assert use_fork() == (fork and sys.platform == "linux")
    assert use_fork(True) == (sys.platform == "linux")
    assert not use_fork(False)


def test_a_failure_says_which_cell_and_keeps_the_notebook(tmp_path):
    path = write_notebook(tmp_path, "x = 0", "print('before')", "y = 1\n1 / x", "print('after')")
    with open_kernels(tmp_path) as kernels:
        notebook, failure = execute_notebook(path, {}, kernels.start())
    assert failure.message == "ZeroDivisionError: division by zero"
    assert failure.where == "a.ipynb, cell 3 (y = 1)"
    assert failure.exit_code == 3
    assert read_outputs(nbformat.from_dict({**notebook, "cells": notebook.cells[:2]})) == ["before"]
    assert "papermill" not in notebook.metadata


@pytest.mark.slow
@forks
def test_a_chart_is_drawn_and_the_warmed_libraries_are_there(tmp_path):
    path = write_notebook(
        tmp_path,
        "import sys; print('pandas' in sys.modules and 'sklearn' in sys.modules)",
        "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()",
        "import numpy as np; a = np.ones((300, 300)); print((a @ a)[0, 0])",
        "import pandas as pd; from sklearn.cluster import KMeans\n"
        "t = pd.DataFrame({'x': [0.0, 0.1, 9.0, 9.1]}); print(KMeans(2, n_init=1).fit(t).n_iter_)",
        "import duckdb; print(duckdb.execute('select sum(x) from t').fetchone()[0])",
    )
    with Kernels(tmp_path, tmp_path / "kernels.log") as kernels:
        notebook, failure = execute_notebook(path, {}, kernels.start())
    assert failure is None
    kinds = [o.output_type for o in notebook.cells[1].outputs]
    assert kinds[-1] == "display_data"
    assert "image/png" in notebook.cells[1].outputs[-1].data
    del notebook.cells[1]
    texts = ["".join(o.get("text", "") for o in cell.outputs).strip() for cell in notebook.cells]
    assert texts == ["True", "300.0", texts[2], "18.2"]


@forks
@pytest.mark.parametrize("moment", ["Popen", "rmtree", "communicate"])
def test_a_run_killed_before_or_after_its_kernels_leaves_no_folder(tmp_path, moment):
    code = f"""
import os, pathlib, shutil, signal, subprocess
from segkit.workflow.kernels import Kernels
kill = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
place = {{"Popen": subprocess, "rmtree": shutil, "communicate": subprocess.Popen}}[{moment!r}]
if place is subprocess:
    subprocess.Popen = kill
folder = pathlib.Path({str(tmp_path)!r})
with Kernels(folder, folder / "kernels.log", preload=False) as kernels:
    kernels.start()
    print(len(list(folder.glob("segkit-*"))), flush=True)
    setattr(place, {moment!r}, kill)
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert process.stdout == ("" if moment == "Popen" else "1\n")
    assert wait_until(lambda: not list(tmp_path.glob("segkit-*")))
    assert (tmp_path / "kernels.log").read_text() == ""


@forks
def test_kernels_end_when_their_run_is_killed(tmp_path):
    code = f"""
import asyncio, pathlib, sys, time
from segkit.workflow.kernels import Kernels
folder = pathlib.Path({str(tmp_path)!r})
kernels = Kernels(folder, folder / "kernels.log", preload=False)
manager = kernels.start()
print(kernels.server.pid, manager.provisioner.pid, kernels.scratch, flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    server, kernel, scratch = process.stdout.readline().split()
    assert is_alive(int(kernel))
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert wait_until(lambda: not is_alive(int(server)) and not is_alive(int(kernel)))
    assert wait_until(lambda: not Path(scratch).exists())
