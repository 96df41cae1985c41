"""Work out again every figure that a run's findings claim, for tests of whole runs."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from segkit.core.findings import Finding, read_cell, read_findings
from segkit.report.shared.sentences import find_sentence, write_figure


def collect_findings(run_folder: Path) -> list[Finding]:
    """Return every finding that a run's notebooks show or hand on."""
    found = []
    for path in sorted(run_folder.glob("0*/notebook.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                about = output.get("metadata", {}).get("text/html", {})
                found += read_findings(about.get("findings", []))
    for path in sorted(run_folder.glob("0*/facts.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        found += read_findings([*facts["findings"], *facts.get("headline", {}).values()])
    return found


def check_findings(run_folder: Path) -> int:
    """Work out every figure of a run's findings again; return how many there were."""

    def open_kept(name: str) -> pd.DataFrame:
        step, _, table = name.partition("/")
        return pd.read_parquet(run_folder / step / "published" / f"{table}.parquet")

    count = 0
    for finding in collect_findings(run_folder):
        assert finding.kind != "text", f"not a finding but a text: {finding.text}"
        for figure in finding.figures:
            assert figure.cell is not None, f"{finding.kind}: {figure.name} has no source"
            again = read_cell(figure.cell, open_kept)
            same = again == figure.value or again == pytest.approx(figure.value, rel=1e-12)
            assert same, f"{finding.kind}: {figure.name} was {figure.value}, is {again}"
            if f"{{{figure.name}}}" in find_sentence_or_nothing(finding.kind):
                assert write_figure(figure) in finding.text
            count += 1
    return count


def find_sentence_or_nothing(kind: str) -> str:
    return "" if kind == "absence" else find_sentence(kind)
