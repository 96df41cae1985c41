"""Kind: a fault that does not end in words. Signals, streams, locales and homes end with the exit
code that the README documents, and with no traceback."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import UNWARMED, finish_run, make_shop, start_run, write_notebook
from test_cli import call

from attacks.kills import list_children
from segkit.workflow.kernels import use_fork

ROOT = Path(__file__).parents[2]
forks = pytest.mark.skipif(not use_fork(), reason="kernels are not forked on this system")
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals and a shell")
BUSY = "import pathlib, time; pathlib.Path('busy').touch(); time.sleep(60)"
PYTHON = f'"{sys.executable}" -c {shlex.quote(UNWARMED)}'


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> Path:
    """A shop that ran to its third notebook, which takes a minute."""
    folder = tmp_path_factory.mktemp("busy")
    shop = make_shop(folder / "shop")
    (folder / "scratch").mkdir()
    assert finish_run(shop, "--only", "2")[0] == 0
    write_notebook(shop, "03_base_analysis", BUSY)
    return shop


def start_busy(shop: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    (shop / "busy").unlink(missing_ok=True)
    scratch = str(shop.parent / "scratch")
    run = start_run(shop, *arguments, TMPDIR=scratch, **environment)
    while not (shop / "busy").exists():
        assert run.poll() is None, run.communicate()
        time.sleep(0.02)
    return run


def end_busy(run: subprocess.Popen, shop: Path) -> str:
    told = run.communicate(timeout=30)[1]
    assert "Traceback" not in told
    assert "AssertionError" not in told
    assert list((shop.parent / "scratch").iterdir()) == []
    return told


@pytest.mark.slow
@posix
@pytest.mark.serial
@pytest.mark.parametrize("fork", ["1", "0"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_end_in_a_notebook_says_so_with_its_code(busy, number, fork):
    run = start_busy(busy, SEGKIT_FORK=fork)
    run.send_signal(number)
    told = end_busy(run, busy)
    assert run.returncode == 128 + number
    assert told.endswith("segkit: interrupted\n")


@pytest.mark.slow
@posix
@pytest.mark.serial
def test_two_signals_are_as_good_as_one(busy):
    run = start_busy(busy)
    run.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    run.send_signal(signal.SIGTERM)
    end_busy(run, busy)
    assert run.returncode in (143, -signal.SIGTERM)


@pytest.mark.slow
@posix
@pytest.mark.serial
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_waits_for_a_lock_can_be_told_to_end(busy, number, code):
    first = start_busy(busy)
    second = start_run(busy)
    assert "waiting" in second.stderr.readline()
    second.send_signal(number)
    assert second.communicate(timeout=30)[1] == "segkit: interrupted\n"
    assert second.returncode == code
    third = start_run(busy, "--no-wait")
    told = third.communicate(timeout=30)[1]
    assert third.returncode == 75
    assert f"process {first.pid} on" in told
    first.send_signal(signal.SIGTERM)
    end_busy(first, busy)


@pytest.mark.slow
@forks
@pytest.mark.serial
def test_the_end_of_what_starts_kernels_is_a_failed_step(busy):
    run = start_busy(busy)
    (parent,) = list_children(run.pid)
    os.kill(parent, signal.SIGKILL)
    told = end_busy(run, busy)
    assert run.returncode == 3
    assert "03_base_analysis.ipynb, cell 4" in told


@pytest.mark.slow
@forks
@pytest.mark.serial
def test_a_kernel_that_cannot_be_started_is_a_failed_step(tmp_path):
    shop = make_shop(tmp_path / "shop")
    cell = "import os, signal, threading, time\n"
    cell += "end = lambda: os.kill(os.getppid(), signal.SIGKILL)\n"
    cell += "threading.Timer(0.0, end).start(); time.sleep(5)"
    write_notebook(shop, "01_plan", cell)
    code, answer, _ = finish_run(shop)
    assert code == 3
    assert not answer["published"]


def shell(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    kept |= environment
    kept = {name: value for name, value in kept.items() if value != "unset"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=kept,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    return done


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A shop in a folder with an accent that ran."""
    folder = make_shop(tmp_path_factory.mktemp("streams") / "shöp")
    plan = (folder / "plan.toml").read_text(encoding="utf-8")
    (folder / "plan.toml").write_text(plan.replace("A tiny shop", "Zoë"), encoding="utf-8")
    assert finish_run(folder)[0] == 0
    return folder


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("run >&-", 0),
        ("run --json <&- >&- 2>&-", 0),
        ("check >&-", 0),
        ("run >/dev/full", 1),
        ("check --json >/dev/full", 1),
        ("--help >/dev/full", 1),
        ("run --fresh --only 1 2>/dev/full", 0),
        ("run --onyl >&-", 2),
        ("run nowhere.toml >&- 2>&-", 2),
    ],
)
def test_a_stream_that_is_closed_or_full_is_no_error_of_segkit(shop, command, code):
    if "/dev/full" in command and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")
    assert shell(f"{PYTHON} {command}", shop).returncode == code


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("check | true", 0),
        ("check nowhere.toml --json | true", 2),
        ("--help | true", 0),
        ("run 2>&1 | true", 0),
    ],
)
def test_a_reader_that_goes_does_not_change_what_was_found(shop, command, code):
    done = shell(f"set -o pipefail; {PYTHON} {command}", shop)
    assert done.returncode == code


@pytest.mark.slow
@posix
@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"HOME": "unset"},
        {"HOME": "/nonexistent/home"},
        {"TMPDIR": "/nonexistent/folder"},
    ],
)
def test_accents_and_a_missing_home_do_no_harm(shop, environment):
    done = shell(f"{PYTHON} run --fresh --only 1 --json", shop, **environment)
    assert done.returncode == 0, done.stderr
    done = shell(f"{PYTHON} check nöwhere.toml --json", shop, **environment)
    assert done.returncode == 2
    assert "there is no such plan" in done.stderr


def test_the_readme_and_the_help_of_run_document_the_same_codes():
    told = call("run", "--help")[1]
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Exit codes")[1]
    in_readme = re.findall(r"^\| (\d+) \|", table.split("\n## ")[0], flags=re.M)
    in_help = re.findall(r"^ +(\d+) {2,}\S", told, flags=re.M)
    assert in_readme == in_help == ["0", "1", "2", "3", "4", "70", "75", "130", "143"]
