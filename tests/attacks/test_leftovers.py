"""Kind: left behind for ever. What a killed process left is cleared by the next run; what belongs
to a living process, to another user or to nobody that we know is not touched."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import PLAN, call_run, finish_run, make_shop, start_run, write_notebook

from attacks.kills import list_children
from segkit.core import leftovers
from segkit.core.leftovers import clear_leftovers, clear_logs, name_folder, name_partial
from segkit.data.sample import make_sample
from segkit.runs.layout import ReportFolder, clear_unannounced, read_pointer
from segkit.workflow.kernels import use_fork

pytestmark = pytest.mark.serial

PACKAGE = Path(__file__).parents[2] / "segkit"
posix = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
LEAVE = """
import os, sys
from pathlib import Path
from segkit.core.leftovers import name_folder, name_partial
folder = Path(sys.argv[1], name_folder())
folder.mkdir()
(folder / "a").write_text("a")
Path(sys.argv[1], name_partial("a.csv")).write_text("a")
os.kill(os.getpid(), 9)
"""

KILL_WHILE_PUBLISHING = """
import os, sys
from pathlib import Path
from segkit.plan.reading import read_plan
from segkit.workflow import publishing
plan = read_plan(Path(sys.argv[2], "plan.toml"))
inner = os.replace
def replace(source, target):
    is_publication = Path(target).parent == plan.report_folder and Path(target).suffix == ""
    if is_publication and sys.argv[1] == "before":
        os.kill(os.getpid(), 9)
    inner(source, target)
    if is_publication:
        os.kill(os.getpid(), 9)
os.replace = replace
record = {"key": "another", "as_of": "2026-01-31", "random_state": 3, "tables": {}}
publishing.publish_report(plan, plan.report_folder, record)
"""


def leave(folder: Path) -> list[Path]:
    """Have a process leave a folder and a file, and be killed."""
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    subprocess.run([sys.executable, "-c", LEAVE, str(folder)], check=False)
    found = set(folder.iterdir()) - before
    assert len(found) == 2
    return sorted(found, key=lambda path: path.is_file())


def wait_until(condition, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@posix
def test_what_a_killed_process_left_is_cleared_and_nothing_else(tmp_path):
    own_folder = tmp_path / name_folder()
    own_folder.mkdir()
    own_file = tmp_path / name_partial("b.csv")
    own_file.write_text("b")
    others = [tmp_path / "segkit-notes", tmp_path / ".partial-a.csv", tmp_path / "segkit-1-2-3-x"]
    for other in others:
        other.write_text("somebody's")
    left = leave(tmp_path)
    clear_leftovers(tmp_path)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in (own_folder, own_file, *others))


@posix
def test_what_another_user_left_is_not_touched(tmp_path, monkeypatch):
    left = leave(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    clear_leftovers(tmp_path)
    assert all(path.exists() for path in left)


@posix
def test_what_another_machine_left_is_cleared_after_a_week(tmp_path, monkeypatch):
    left = leave(tmp_path)
    monkeypatch.setattr(leftovers, "_name_machine", lambda: "ffffff")
    clear_leftovers(tmp_path)
    assert all(path.exists() for path in left)
    old = time.time() - 8 * 24 * 3600
    for path in left:
        os.utime(path, (old, old))
    clear_leftovers(tmp_path)
    assert not any(path.exists() for path in left)


@posix
def test_links_that_an_earlier_version_left_go_after_a_week(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    week_ago = time.time() - 8 * 24 * 3600
    folders = {}
    for name, number in {"ended": ended.pid, "new": ended.pid, "living": os.getpid()}.items():
        folders[name] = tmp_path / f"segkit-links-{number}-{name}_1"
        folders[name].mkdir()
        (folders[name] / "link").symlink_to(tmp_path)
        if name != "new":
            os.utime(folders[name], (week_ago, week_ago))
    others = tmp_path / "segkit-links-of-mine"
    others.mkdir()
    os.utime(others, (week_ago, week_ago))
    clear_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        folders["new"].name,
        folders["living"].name,
        others.name,
    }


@posix
def test_a_process_that_got_the_number_of_a_dead_one_is_not_taken_for_it(tmp_path):
    name = name_folder()
    parts = name.split("-")
    other = tmp_path / "-".join([*parts[:3], "0000", *parts[4:]])
    other.mkdir()
    clear_leftovers(tmp_path)
    assert not other.exists()


@posix
def test_a_link_is_removed_and_not_what_it_leads_to(tmp_path):
    (left, _) = leave(tmp_path)
    name = left.name
    (left / "a").unlink()
    left.rmdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "a").write_text("a")
    left.with_name(name).symlink_to(tmp_path / "precious")
    clear_leftovers(tmp_path)
    assert not left.is_symlink()
    assert (tmp_path / "precious" / "a").exists()


@pytest.mark.slow
@posix
def test_a_run_clears_every_place_where_killed_ones_leave_something(tmp_path):
    shop = make_shop(tmp_path / "shop")
    spill = tmp_path / "spill"
    plan = PLAN + f'\n[engine]\ntemp_folder = "{spill.as_posix()}"\n'
    (shop / "plan.toml").write_text(plan)
    run_folder = shop / "runs" / "tiny"
    scratch = tmp_path / "scratch"
    places = [run_folder, run_folder / "03_base_analysis" / "tables", run_folder / "history"]
    places += [shop / "reports" / "tiny", scratch, spill]
    left = [path for place in places for path in leave(place)]
    (run_folder / "failed").mkdir()
    (run_folder / "failed" / "01_plan.ipynb").write_text("{}")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    log = f"segkit-error-20260101T000000Z-{ended.pid}.log"
    (run_folder / log).write_text("it failed")
    (scratch / log).write_text("it failed")
    old = time.time() - 2 * 24 * 3600
    os.utime(scratch / log, (old, old))
    assert finish_run(shop, TMPDIR=str(scratch))[0] == 0
    assert [path for path in left if path.exists()] == []
    assert not (run_folder / "failed").exists()
    assert list(run_folder.glob("*.log")) == [run_folder / "kernels.log"]
    assert list(scratch.iterdir()) == []
    assert list(spill.iterdir()) == []


@pytest.mark.slow
@posix
@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_a_run_left_that_was_killed_while_it_published_goes(tmp_path, moment):
    shop = make_shop(tmp_path / "shop")
    run = start_run(shop, SEGKIT_FORK="0")
    run.communicate(timeout=120)
    history = shop / "runs" / "tiny" / "history"
    reports = shop / "reports" / "tiny"
    (first,) = history.iterdir()
    killed = subprocess.run(
        [sys.executable, "-c", KILL_WHILE_PUBLISHING, moment, str(shop)], cwd=shop, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    (second,) = set(history.iterdir()) - {first}
    assert (reports / second.name).exists() == (moment == "after")
    assert read_pointer(reports) == first.name
    code, answer, _ = call_run(shop)
    assert code == 0
    published = {path.name for path in reports.iterdir() if path.is_dir()}
    assert published == {path.name for path in history.iterdir()}
    assert published == {first.name, Path(answer["index"]).parent.name}
    assert not list(history.rglob("pending.json"))


def publish_by_hand(out, run_id, *, moment, is_current=False):
    """Leave a publication and perhaps its pointer, as old as their moment says."""
    publication = ReportFolder(out).publication(run_id)
    publication.path.mkdir(parents=True)
    publication.record.write_text("{}")
    os.utime(publication.record, (moment, moment))
    if is_current:
        pointer = ReportFolder(out).pointer
        pointer.write_text(f'<meta name="segkit-run" content="{run_id}">')
        os.utime(pointer, (moment, moment))


def test_only_what_is_newer_than_the_pointer_by_name_and_time_was_never_announced(tmp_path):
    publish_by_hand(tmp_path, "20260101T000000Z-000000", moment=100)
    publish_by_hand(tmp_path, "20260103T000000Z-00000b", moment=300, is_current=True)
    publish_by_hand(tmp_path, "20260109T000000Z-00000c", moment=200)  # the clock was set back
    publish_by_hand(tmp_path, "20260102T000000Z-00000d", moment=900)  # a copy
    publish_by_hand(tmp_path, "20260103T000000Z-00000a", moment=301)  # in the same second
    publish_by_hand(tmp_path, "20260104T000000Z-00000e", moment=400)
    (tmp_path / "20260105T000000Z-00000f").mkdir()  # somebody's
    clear_unannounced(ReportFolder(tmp_path))
    left = [path.name[-1] for path in sorted(tmp_path.iterdir()) if path.is_dir()]
    assert left == ["0", "d", "b", "f", "c"]


def test_without_a_pointer_no_publication_is_removed(tmp_path):
    publish_by_hand(tmp_path, "20260101T000000Z-000000", moment=100)
    clear_unannounced(ReportFolder(tmp_path))
    assert len(list(tmp_path.iterdir())) == 1


@posix
def test_links_of_a_killed_process_go_by_the_same_rule(tmp_path):
    folder = tmp_path / "b[1]"
    folder.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    link = "import os, sys; from pathlib import Path; from segkit.data.places import name_plainly; "
    link += "print(name_plainly(Path(sys.argv[1])), flush=True); "
    environment = {**os.environ, "TMPDIR": str(scratch)}
    for end in ("os.kill(os.getpid(), 9)", "print(len(os.listdir(os.environ['TMPDIR'])))"):
        done = subprocess.run(
            [sys.executable, "-c", link + end, str(folder)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if "kill" in end:
            assert len(list(scratch.iterdir())) == 1
            assert leftovers.NAMED.match(next(scratch.iterdir()).name)
    assert done.stdout.splitlines()[-1] == "1"  # its own: that of the killed one is gone
    assert list(scratch.iterdir()) == []


def test_a_new_log_of_an_error_is_left_for_its_reader(tmp_path):
    log = tmp_path / "segkit-error-20260101T000000Z-999999999.log"
    log.write_text("it failed")
    clear_logs(tmp_path, older_than=3600)
    assert log.exists()
    clear_logs(tmp_path)
    assert not log.exists()


@pytest.mark.slow
@posix
@pytest.mark.parametrize("fork", ["1", "0"])
def test_kernels_and_their_parent_end_at_once_when_their_run_is_killed(tmp_path, fork):
    if fork == "1" and not use_fork():
        pytest.skip("kernels are not forked on this system")
    shop = make_shop(tmp_path / "shop")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    cell = "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid()))\n"
    write_notebook(shop, "01_plan", cell + "time.sleep(60)")
    run = start_run(shop, SEGKIT_FORK=fork, TMPDIR=str(scratch))
    assert wait_until(lambda: (shop / "pid").exists() and (shop / "pid").read_text(), 60)
    kernel = int((shop / "pid").read_text())
    children = list_children(run.pid)
    run.kill()
    run.communicate()
    for pid in (kernel, *children):
        assert wait_until(lambda pid=pid: not leftovers._read_beginning(pid), 3)
    write_notebook(shop, "01_plan")
    assert call_run(shop, TMPDIR=str(scratch))[0] == 0
    finish_run(shop, "--fresh", "--only", "1", TMPDIR=str(scratch))
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(not use_fork(), reason="kernels are not forked on this system")
def test_a_parent_that_still_imports_ends_with_its_run(tmp_path):
    shop = make_shop(tmp_path / "shop")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    run = start_run(shop, warmed=True, TMPDIR=str(scratch))
    assert wait_until(lambda: list(scratch.iterdir()), 60)
    (parent,) = list_children(run.pid)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert wait_until(lambda: not leftovers._read_beginning(parent), 3)
    assert wait_until(lambda: not list(scratch.iterdir()), 3)


@posix
def test_the_sample_clears_what_a_killed_one_left_in_its_folder(tmp_path):
    left = leave(tmp_path / "sample")
    make_sample(tmp_path / "sample", customers=200)
    assert not any(path.exists() for path in left)


@pytest.mark.slow
def test_every_temporary_folder_says_whose_it_is():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            call = ast.unparse(node)
            if call.startswith(("tempfile.TemporaryDirectory", "tempfile.mkdtemp")):
                # The last two lie in a folder that says it.
                inside = ("tempfile.mkdtemp(dir=folder)", "tempfile.mkdtemp(dir=_open_folder())")
                names = ("prefix_folder()", *inside)
                assert any(name in call for name in names), f"{path.name}: {call}"
