"""Look at everything that a run says, and tell which sentences break a rule.

``python -m segkit.workflow.finding_faults PLAN`` lists them for the last run of a plan.
"""

from __future__ import annotations

import collections
import html
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from segkit.contract.definitions import Feature
from segkit.contract.features import FEATURES
from segkit.contract.tables import TABLES
from segkit.core.findings import Finding, read_findings
from segkit.features.wording import WORDS, Labels, find_words
from segkit.plan.models import Plan
from segkit.plan.reading import read_plan
from segkit.report.by_segment import MEASURES
from segkit.report.shared.finding_rules import Chart, Fault, Said, find_faults
from segkit.runs.layout import RunFolder, StepFolder

if TYPE_CHECKING:
    import pandas as pd

FINDING_KEYS = {"kind", "text", "figures", "count", "source"}


def find_run_faults(plan: Plan) -> list[Fault]:
    """Return the sentences of a plan's last run that break a rule, see `find_faults`."""
    run = RunFolder(plan.run_folder)

    def read_table(name: str) -> pd.DataFrame:
        import pandas as pd

        step, _, table = name.partition("/")
        return pd.read_parquet(run.step(step).published_table(table))

    return find_faults(read_said(run, plan.list_labels()), read_table)


def read_said(run: RunFolder, own_labels: Labels) -> Said:
    """Read what the steps of a run show and hand on; ``own_labels`` are the plan's."""
    told = [find_words(name, own_labels) for name in (*FEATURES, *own_labels)]
    findings = {}
    charts = []
    for step in run.step_folders:
        name = step.path.name
        shown, drawn = read_notebook(step, name)
        findings[name] = [*shown, *read_facts(step)]
        charts += drawn
    return Said(
        findings,
        charts,
        labels={feature.name: feature.label for feature in told},
        words=list_words(told),
        tables=list(TABLES),
        net_and_gross=has_returns(run),
    )


def list_words(features: list[Feature]) -> list[str]:
    """Return what features and measures are called beside their labels, in parts around values."""
    phrases = [getattr(feature, word) for feature in features for word in WORDS]
    parts = [part.strip() for phrase in phrases for part in phrase.split("{}")]
    return [*filter(None, parts), *(measure.heading for measure in MEASURES.values())]


def read_notebook(step: StepFolder, name: str) -> tuple[list[Finding], list[Chart]]:
    """Return the findings and the charts that a step's notebook shows."""
    if not step.notebook.is_file():
        return [], []
    found = []
    charts = []
    for cell in json.loads(step.notebook.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            about = output.get("metadata", {})
            found += read_findings(about.get("text/html", {}).get("findings", []))
            charts += [Chart(name, "", caption) for caption in read_captions(output)]
            picture = about.get("image/png", {})
            if picture.get("alt"):
                charts.append(Chart(name, picture["alt"], picture.get("caption") or ""))
    return found, charts


def read_captions(output: Mapping[str, Any]) -> list[str]:
    """Return the captions of the tables that a cell shows."""
    page = "".join(output.get("data", {}).get("text/html", ""))
    found = re.findall(r"<caption[^>]*>(.*?)</caption>", page, re.S)
    return [html.unescape(re.sub(r"<[^>]+>", "", caption)).strip() for caption in found]


def read_facts(step: StepFolder) -> list[Finding]:
    """Return every finding that a step's facts hold, wherever it stands in them."""
    if not step.facts.is_file():
        return []
    facts = json.loads(step.facts.read_text(encoding="utf-8"))
    return read_findings(list(_walk(facts)))


def _walk(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if {*value} == FINDING_KEYS:
            yield value
            return
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _walk(part)


def has_returns(run: RunFolder) -> bool:
    """Tell whether some of what was bought in a run was sent back."""
    import pandas as pd

    path = run.step("04_experience_data").published_table("spend")
    if not path.is_file():
        return False
    spend = pd.read_parquet(path)
    return "return_share" in spend and bool((spend["return_share"].fillna(0) > 0).any())


def count_rules(faults: list[Fault]) -> dict[str, int]:
    """Return how many sentences break each rule."""
    return dict(sorted(collections.Counter(fault.rule for fault in faults).items()))


def main(plans: list[str]) -> int:
    """Print the faults of the last runs of plans; return how many there are."""
    total = 0
    for path in plans:
        faults = find_run_faults(read_plan(path))
        total += len(faults)
        for fault in faults:
            print(f"- {fault.describe()}")
        print(f"{path}: {len(faults)} faults {count_rules(faults)}")
    return total


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
