"""What 'pip install segkit-workbench' brings: a wheel that works away from this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from small_plans import shorten_plan
from ten_lines import read_ten_lines, write_orders

from segkit.workflow.publishing import verify_publication

ROOT = Path(__file__).parent.parent
SIGNED = "{a} b[1] star* q? %s {0}"
NEIGHBOUR = "{a} b1 starry qx %s {0}"  # what the name would match if it were a pattern
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sample_shop")]


def call(*command: object, cwd: Path) -> subprocess.CompletedProcess:
    lent = {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}  # nbconvert's templates
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**own, **lent},
        capture_output=True,
        text=True,
        timeout=900,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    result = call(*command, "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    assert result.returncode == 0, result.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def clean_python(wheel, tmp_path_factory) -> Path:
    """A new environment with the wheel in it; the libraries are lent, this repository is not."""
    folder = tmp_path_factory.mktemp("clean")
    call(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    own = Path(
        call(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
        ).stdout.strip()
    )
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (own / "lent.pth").write_text("\n".join(sorted(lent)) + "\n")
    return python


def test_the_wheel_holds_the_notebooks_the_plan_and_the_templates(wheel):
    assert wheel.name.startswith("segkit_workbench-")
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.startswith("segkit/notebooks/0") for name in names) == 5
    assert {"segkit/templates/plan.toml", "segkit/templates/sample.toml"} <= set(names)
    assert any(name.endswith("index.html.j2") for name in names)
    assert any(name.endswith("report.css") for name in names)
    assert any(name.endswith(".sql") for name in names)


def test_the_wheel_says_that_it_has_types(wheel):
    assert "segkit/py.typed" in zipfile.ZipFile(wheel).namelist()


def test_the_ten_lines_of_the_readme_run_from_the_wheel(clean_python, tmp_path):
    write_orders(tmp_path)
    lines = ["import segkit", "print(segkit.__file__)", *read_ten_lines()]
    told = call(clean_python, "-c", "\n".join(lines), cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(str(clean_python.parent.parent))
    assert "The verdict: " in told.stdout
    assert (tmp_path / "segmentation.json").is_file()


def make_shop(python: Path, folder: Path) -> Path:
    """Make a shop of the sample's size and plan with the wheel alone."""
    segkit = python.parent / "segkit"
    where = call(python, "-c", "import segkit; print(segkit.__file__)", cwd=folder)
    assert str(python.parent.parent) in where.stdout
    made = call(segkit, "new", SIGNED, "--no-sample", cwd=folder)
    assert made.returncode == 0, made.stderr
    shop = folder / SIGNED
    find = "from segkit.workflow.steps import find_packaged; print(find_packaged('sample.toml'))"
    packaged = Path(call(python, "-c", find, cwd=folder).stdout.strip())
    text = shorten_plan(packaged.read_text(encoding="utf-8"))
    (shop / "plan.toml").write_text(text, encoding="utf-8")
    made = call(segkit, "sample", "data/sample", "--customers", "600", cwd=shop)
    assert made.returncode == 0, made.stderr
    return shop


@pytest.fixture(scope="module")
def ran(clean_python, tmp_path_factory) -> tuple[Path, dict]:
    """A shop made and run with the wheel alone, in a folder of signs, and what the run answered."""
    folder = tmp_path_factory.mktemp("away")
    (folder / NEIGHBOUR / "data" / "sample").mkdir(parents=True)
    shop = make_shop(clean_python, folder)
    segkit = clean_python.parent / "segkit"
    checked = call(segkit, "check", "--json", cwd=shop)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["ok"] is True
    ran = call(segkit, "run", "--json", "--set", "bootstrap_pairs=4", cwd=shop)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return shop, json.loads(ran.stdout)


def test_a_new_shop_works_from_the_wheel_alone(ran):
    shop, answer = ran
    assert len(list((shop / "notebooks").glob("*.ipynb"))) == 5
    assert Path(answer["index"]).is_file()


def test_a_whole_run_in_a_folder_of_signs_is_as_any_other(ran):
    """A path is a file, never a pattern nor a format."""
    shop, answer = ran
    index = Path(answer["index"])
    assert index.is_relative_to(shop)
    assert answer["published"]
    assert verify_publication(index.parent) == []
    names = {path.name for path in shop.iterdir()}
    assert names == {".gitignore", "data", "notebooks", "plan.toml", "reports", "runs"}
    assert list((shop.parent / NEIGHBOUR).rglob("*")) == [
        shop.parent / NEIGHBOUR / "data",
        shop.parent / NEIGHBOUR / "data" / "sample",
    ]


def test_the_same_inputs_give_the_same_pages_byte_for_byte(ran, sample_shop):
    """Whoever runs them and where: here the wheel, there the repository."""
    other = json.loads((sample_shop / "outcome.json").read_text(encoding="utf-8"))
    pages = [
        {path.name: path.read_bytes() for path in Path(answer["index"]).parent.glob("0*.html")}
        for answer in (ran[1], other)
    ]
    assert len(pages[0]) == 5
    assert pages[0].keys() == pages[1].keys()
    for name, page in pages[0].items():
        assert page == pages[1][name], name
