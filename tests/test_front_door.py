"""The names that ``segkit`` itself has: found, explained, tried, and free until they are used."""

from __future__ import annotations

import doctest
import inspect
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ten_lines import read_ten_lines, write_orders

import segkit

ROOT = Path(__file__).parent.parent

HEAVY = ("pandas", "numpy", "ibis", "duckdb", "sklearn", "scipy", "pyarrow", "pydantic", "numba")
# These take a plan, or nothing.
WITHOUT_A_TABLE = {
    "SegkitError",
    "KPrototypes",
    "LatentClasses",
    "expect_purchases",
    "open_workspace",
    "read_segmentation",
}


def find_loaded(code: str) -> list[str]:
    """Run code in a Python of its own, and return which heavy libraries it loaded."""
    listed = f"import sys; {code}; print([m for m in {HEAVY} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return eval(result.stdout)


def test_importing_segkit_loads_no_heavy_library():
    assert find_loaded("import segkit; dir(segkit)") == []


def test_an_error_class_and_the_sample_load_what_they_need_and_no_more():
    assert find_loaded("from segkit import SegkitError") == []
    assert "sklearn" not in find_loaded("import segkit; segkit.load_sample_lines()")


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fit_segments'"):
        _ = segkit.fit_segments


def test_every_name_is_listed_for_people_editors_and_import_star():
    assert sorted(segkit.__all__) == segkit.__all__
    assert set(segkit.__all__) <= set(dir(segkit))
    assert set(segkit._PLACES) == set(segkit.__all__)
    typed = inspect.getsource(segkit).partition("TYPE_CHECKING:")[2].partition("__version__")[0]
    for name, place in segkit._PLACES.items():
        assert f"from segkit.{place} import {name} as {name}\n" in typed


@pytest.mark.parametrize("name", segkit.__all__)
def test_a_name_has_a_docstring_with_an_example_that_is_run(name):
    thing = getattr(segkit, name)
    module = sys.modules[thing.__module__]
    assert module.__name__ == f"segkit.{segkit._PLACES[name]}"  # there --doctest-modules runs it
    tests = doctest.DocTestFinder(recurse=False).find(thing, name, module=module)
    examples = [example for test in tests for example in test.examples]
    assert examples, f"{name} has no example"
    text = "".join(example.source for example in examples)
    assert name in text
    if name not in WITHOUT_A_TABLE:
        assert "DataFrame(" in text or "load_sample_lines()" in text


@pytest.mark.parametrize("name", segkit.__all__)
def test_a_name_is_documented_as_numpy_does(name):
    thing = getattr(segkit, name)
    text = inspect.getdoc(thing)
    parameters = list(inspect.signature(thing).parameters)
    if parameters and name != "SegkitError":
        assert "Parameters\n----------" in text
    if inspect.isfunction(thing):
        assert "Returns\n-------" in text or name == "open_workspace"
        assert "Raises\n------" in text or name == "load_sample_lines"


@pytest.mark.parametrize("name", segkit.__all__)
def test_a_name_takes_at_most_three_arguments_by_place(name):
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(getattr(segkit, name)).parameters.values()
    by_place = [parameter.name for parameter in parameters if parameter.kind in kinds]
    assert len(by_place) <= 3, by_place


@pytest.mark.parametrize("name", segkit.__all__)
def test_what_draws_takes_a_seed_and_what_looks_at_time_a_day(name):
    parameters = inspect.signature(getattr(segkit, name)).parameters
    draws = {"fit_segmentation", "judge_segmentation", "compare_counts", "measure_usefulness"}
    draws |= {"fit_surrogate", "build_quiz", "load_sample_lines", "KPrototypes", "LatentClasses"}
    dated = {"prepare_lines", "build_customers", "fit_segmentation", "predict_lifetime_value"}
    dated |= {"measure_usefulness"}
    if name in draws:
        assert parameters["random_state"].kind is inspect.Parameter.KEYWORD_ONLY
    if name in dated:
        assert parameters["as_of"].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.fixture(scope="module")
def check_types(tmp_path_factory):
    """Call mypy as pyproject.toml says; what it learned of the libraries is kept for the next."""
    pytest.importorskip("mypy")
    cache = tmp_path_factory.mktemp("mypy")

    def check(*files: Path) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "mypy", "--cache-dir", cache, *files]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    return check


@pytest.mark.slow
def test_types_hold_in_the_front_door_and_in_a_script_that_uses_it(check_types):
    result = check_types()
    assert result.returncode == 0, result.stdout + result.stderr
    checked = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]["files"]
    for place in segkit._PLACES.values():
        path = f"segkit/{place.replace('.', '/')}.py"
        assert any(path.startswith(own) for own in checked), path


@pytest.mark.slow
def test_a_wrong_type_is_seen(check_types, tmp_path):
    script = tmp_path / "wrong.py"
    script.write_text(
        "import segkit\n"
        "lines = segkit.load_sample_lines()\n"
        "segkit.prepare_lines(lines, decimal=';')\n"
        "held: int = segkit.judge_segmentation(lines, ['a'], 2).verdict\n"
    )
    result = check_types(script)
    own = [line for line in result.stdout.splitlines() if line.startswith(str(script))]
    assert [line.split(":")[1] for line in own] == ["3", "4"], result.stdout


@pytest.mark.slow
def test_the_ten_lines_of_the_readme_run_on_a_file_of_ones_own(tmp_path):
    write_orders(tmp_path)
    lines = read_ten_lines()
    assert sum(bool(line) for line in lines) == 10
    told = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert "3,402 lines read" in told.stdout
    assert "The verdict: " in told.stdout
    assert segkit.read_segmentation(tmp_path / "segmentation.json").customer_count == 240


def test_a_notebooks_day_that_is_none_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(segkit.SegkitError) as caught:
        segkit.open_workspace(str(ROOT / "plan.toml"), str(tmp_path), step="01_plan", as_of="soon")
    assert str(caught.value) == (
        "parameter as_of of 01_plan: as_of is not a date. Found: 'soon'. Write it as YYYY-MM-DD."
    )
