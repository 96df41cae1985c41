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

    def test_defines_nothing(self, path):
        for cell in read_cells(path, "code"):
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
            assert not [n for n in ast.walk(ast.parse(cell["source"])) if isinstance(n, kinds)]

    def test_has_short_cells(self, path):
        lengths = [len(cell["source"].splitlines()) for cell in read_cells(path, "code")]
        assert max(lengths) <= 12
        assert sorted(lengths)[len(lengths) // 2] <= 3

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
