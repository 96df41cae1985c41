"""Cells tagged ``lab`` may show rows to an analyst; what is published never has them."""

from __future__ import annotations

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from segkit.report.shared.pages import render_page
from segkit.workflow.dependencies import Dependencies
from segkit.workflow.kernels import Kernels
from segkit.workflow.kernels.notebook import execute_notebook

SECRET = "anna@shop.example"
ROW = [new_output("display_data", data={"text/html": f"<table><tr><td>{SECRET}</td></tr></table>"})]


def write_hostile(folder, *, last="print('end')"):
    """Write a notebook that an analyst saved with rows in whatever may hold some."""
    parameters = new_code_cell("as_of: str = ''  # the last day")
    parameters.metadata["tags"] = ["parameters"]
    look = new_code_cell(f"seen = True; print('{SECRET}')", outputs=ROW)
    look.metadata["tags"] = ["lab", "mine"]
    note = new_markdown_cell(f"Ask {SECRET} why.")
    note.metadata["tags"] = ["lab"]
    blank = new_code_cell("", outputs=ROW)
    skipped = new_code_cell("1", outputs=ROW)
    skipped.metadata["tags"] = ["skip-execution"]
    ran = new_code_cell("print('seen' in globals())")
    cells = [new_markdown_cell("# Title"), parameters, look, note, blank, skipped, ran]
    notebook = new_notebook(cells=[*cells, new_code_cell(last)])
    notebook.metadata["widgets"] = {"state": {"a": {"value": SECRET}}}
    path = folder / "05_analysis.ipynb"
    nbformat.write(notebook, path)
    return path


def execute(path, folder):
    with Kernels(folder, folder / "kernels.log", preload=False) as kernels:
        return execute_notebook(path, {"as_of": "2024-12-31"}, kernels.start())


@pytest.mark.serial
def test_a_run_neither_executes_nor_keeps_what_an_analyst_looked_at(tmp_path):
    notebook, failure = execute(write_hostile(tmp_path), tmp_path)
    assert failure is None
    assert SECRET not in json.dumps(notebook)
    printed = [out.text.strip() for cell in notebook.cells for out in cell.get("outputs", [])]
    assert printed == ["False", "end"]
    nbformat.write(notebook, tmp_path / "run.ipynb")
    render_page(tmp_path / "run.ipynb", tmp_path / "page.html", title="Analysis")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert SECRET not in page
    assert ">False" in page or "False\n" in page


@pytest.mark.serial
def test_a_failure_after_them_is_told_by_the_number_that_the_analyst_sees(tmp_path):
    notebook, failure = execute(write_hostile(tmp_path, last="seen"), tmp_path)
    assert "NameError: name 'seen' is not defined" in failure.message
    assert failure.where == "05_analysis.ipynb, cell 7 (seen)"
    assert SECRET not in json.dumps(notebook)


def test_a_page_of_a_notebook_that_was_run_by_hand_has_none_of_them(tmp_path):
    look = new_code_cell(f"print('{SECRET}')", outputs=ROW)
    look.metadata["tags"] = ["lab"]
    told = new_code_cell("1 + 1")
    nbformat.write(new_notebook(cells=[look, told]), tmp_path / "n.ipynb")
    render_page(tmp_path / "n.ipynb", tmp_path / "n.html", title="Analysis")
    page = (tmp_path / "n.html").read_text(encoding="utf-8")
    assert SECRET not in page
    assert "<table" not in page
    assert page.count('<section class="cell">') == 1


def test_a_changed_look_does_not_run_a_step_again(tmp_path):
    def describe(path):
        step = "05_analysis"
        dependencies = Dependencies(
            plan=None,
            notebooks={step: path},
            declared={step: {}},
            overrides={step: {}},
            as_of="",
            random_state=1,
            sections={},
            source="",
            versions={},
        )
        return dependencies.describe_notebook(step, {})["code"]

    path = write_hostile(tmp_path)
    before = describe(path)
    path.write_text(path.read_text().replace("seen = True", "seen = False"), encoding="utf-8")
    assert describe(path) == before
    path.write_text(path.read_text().replace("'end'", "'other end'"), encoding="utf-8")
    assert describe(path) != before
