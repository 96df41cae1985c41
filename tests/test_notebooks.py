"""The rules that every notebook keeps."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STEPS = ["01_plan", "02_market_review", "03_base_analysis", "04_experience_data", "05_analysis"]
IMPORTS = (ast.Import, ast.ImportFrom)
# A cell asks and tells: what is worked out has a name in one of the rooms.
NOT_IN_A_CELL = (
    *(ast.Dict, ast.DictComp, ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.Lambda),
    *(ast.IfExp, ast.Compare, ast.BinOp, ast.NamedExpr, ast.Await),
)
COMMON = {"plan_path": "str", "run_dir": "str", "as_of": "str", "random_state": "int"}


def read_cells(path: Path, kind: str) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [
        {**cell, "source": "".join(cell["source"])} for cell in cells if cell["cell_type"] == kind
    ]


def test_there_are_five_steps():
    assert [path.stem for path in NOTEBOOKS] == STEPS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    def test_holds_no_outputs(self, path):
        for cell in read_cells(path, "code"):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None

    def test_has_short_cells(self, path):
        lengths = [len(cell["source"].splitlines()) for cell in read_cells(path, "code")]
        assert max(lengths) <= 12
        assert sorted(lengths)[len(lengths) // 2] <= 3
        assert sum(length <= 4 for length in lengths) >= 0.9 * len(lengths)

    def test_imports_at_the_top_in_one_cell_that_does_nothing_else(self, path):
        importing = [
            number
            for number, cell in enumerate(read_cells(path, "code"))
            if any(isinstance(node, IMPORTS) for node in ast.walk(ast.parse(cell["source"])))
        ]
        assert importing == [1], "the cell after that of the parameters"
        body = ast.parse(read_cells(path, "code")[1]["source"]).body
        assert all(isinstance(node, IMPORTS) for node in body)

    def test_imports_rooms_and_the_front_door_and_uses_each(self, path):
        cells = [ast.parse(cell["source"]) for cell in read_cells(path, "code")]
        imported = [node for tree in cells for node in ast.walk(tree) if isinstance(node, IMPORTS)]
        assert [node.module for node in imported] == ["segkit"]
        used = {n.id for tree in cells for n in ast.walk(tree) if isinstance(n, ast.Name)}
        assert {name.name for name in imported[0].names} <= used

    def test_holds_nothing_but_parameters_assignments_and_calls(self, path):
        for cell in read_cells(path, "code")[2:]:
            for line in ast.parse(cell["source"]).body:
                told = ast.unparse(line)
                assert isinstance(line, (ast.Assign, ast.Expr)), told
                assert isinstance(line, ast.Assign) or isinstance(line.value, ast.Call), told
                wrong = [n for n in ast.walk(line) if isinstance(n, NOT_IN_A_CELL)]
                assert not wrong, told

    def test_shows_and_keeps_in_one_way(self, path):
        for cell in read_cells(path, "code"):
            called = [
                ast.unparse(node.func)
                for node in ast.walk(ast.parse(cell["source"]))
                if isinstance(node, ast.Call)
            ]
            shows = [name for name in called if name.rpartition(".")[2].startswith("show")]
            assert set(shows) <= {"ws.show"}, shows
            writes = [name for name in called if re.match(r"ws\.(write|place)_", name)]
            assert not writes, "ws.keep leaves what later steps need"

    def test_needs_no_cell_that_is_for_the_analyst_alone(self, path):
        set_in_lab, used = set(), set()
        for cell in read_cells(path, "code"):
            names = [n for n in ast.walk(ast.parse(cell["source"])) if isinstance(n, ast.Name)]
            if "lab" in cell["metadata"].get("tags", []):
                set_in_lab |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
            else:
                used |= {n.id for n in names if isinstance(n.ctx, ast.Load)}
        assert not set_in_lab & used

    def test_has_typed_and_commented_parameters(self, path):
        tagged = [
            cell
            for cell in read_cells(path, "code")
            if "parameters" in cell["metadata"].get("tags", [])
        ]
        assert len(tagged) == 1
        found = {}
        lines = tagged[0]["source"].splitlines()
        for node in ast.parse(tagged[0]["source"]).body:
            assert isinstance(node, ast.AnnAssign), "a parameter has a type"
            assert isinstance(ast.literal_eval(node.value), str | int | float)
            assert "#" in lines[node.lineno - 1], "a parameter has a comment"
            found[node.target.id] = node.annotation.id
        assert found.items() >= COMMON.items()

    def test_has_one_title_and_says_what_it_asks_and_what_would_change_our_mind(self, path):
        text = "\n\n".join(cell["source"] for cell in read_cells(path, "markdown"))
        assert len(re.findall(r"^# ", text, flags=re.M)) == 1
        assert "would change our mind" in text
        for heading in ("## Limits", "## Next"):
            assert heading in text, heading

    def test_types_no_figures_into_its_prose(self, path):
        for cell in read_cells(path, "markdown"):
            prose = re.sub(r"`[^`]*`", "", cell["source"])
            found = re.findall(r"(?<![\w.])\d[\d,.]*\s*(?:%|per cent|EUR|GBP|customers)", prose)
            assert not found, found
