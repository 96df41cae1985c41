"""What 'pip install segkit' brings: a wheel that works away from this repository."""

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

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


def call(*command: object, cwd: Path) -> subprocess.CompletedProcess:
    lent = {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}  # nbconvert's templates
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**own, **lent},
        capture_output=True,
        text=True,
        timeout=400,
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
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.startswith("segkit/notebooks/0") for name in names) == 5
    assert {"segkit/templates/plan.toml", "segkit/templates/sample.toml"} <= set(names)
    assert any(name.endswith("index.html.j2") for name in names)
    assert any(name.endswith("report.css") for name in names)
    assert any(name.endswith(".sql") for name in names)


def test_a_new_shop_works_from_the_wheel_alone(clean_python, tmp_path):
    segkit = clean_python.parent / "segkit"
    where = call(clean_python, "-c", "import segkit; print(segkit.__file__)", cwd=tmp_path)
    assert str(clean_python.parent.parent) in where.stdout
    made = call(segkit, "new", "my-shop", "--no-sample", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    shop = tmp_path / "my-shop"
    find = "from segkit.workflow.steps import find_packaged; print(find_packaged('sample.toml'))"
    packaged = Path(call(clean_python, "-c", find, cwd=tmp_path).stdout.strip())
    text = shorten_plan(packaged.read_text(encoding="utf-8"))
    (shop / "plan.toml").write_text(text, encoding="utf-8")
    made = call(segkit, "sample", "data/sample", "--customers", "600", cwd=shop)
    assert made.returncode == 0, made.stderr
    assert (shop / "plan.toml").is_file()
    assert len(list((shop / "notebooks").glob("*.ipynb"))) == 5
    checked = call(segkit, "check", "--json", cwd=shop)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)["ok"] is True
    ran = call(segkit, "run", "--json", "--set", "bootstrap_pairs=4", cwd=shop)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert Path(json.loads(ran.stdout)["index"]).is_file()
