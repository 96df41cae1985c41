"""Compare what two checkouts make of the same plans: customer tables, segments, verdicts, pages.

    python benchmarks/compare_runs.py BEFORE AFTER

BEFORE and AFTER are folders of checkouts in which the same plans have been run. Run folders of
earlier versions read as well. Prints one line a plan, and each difference below it.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.runs.layout import RunFolder
from segkit.runs.segments import read_all_segments

TOLERANCE = 1e-9
CUSTOMERS = "03_base_analysis/tables/customers.parquet"
CHOICE = "03_base_analysis/facts.json"
NOTEBOOKS = "0*/notebook.ipynb"


def find_runs(folder: Path) -> dict[str, Path]:
    """Return each run folder of a checkout by its plan's name."""
    found = [*folder.glob("runs/*"), *folder.glob("examples/*/runs/*")]
    return {path.name: path for path in sorted(found) if (path / CUSTOMERS).is_file()}


def compare_customers(before: Path, after: Path) -> list[str]:
    """Say which columns of two customer tables differ, and by how much."""
    old = pd.read_parquet(before / CUSTOMERS).set_index("customer_id").sort_index()
    new = pd.read_parquet(after / CUSTOMERS).set_index("customer_id").sort_index()
    if not old.index.equals(new.index):
        return [f"customers: {len(old)} before, {len(new)} after, or others"]
    told = [f"column {name} is gone" for name in old.columns.difference(new.columns)]
    told += [f"column {name} is new" for name in new.columns.difference(old.columns)]
    for name in old.columns.intersection(new.columns):
        count = count_differing(old[name], new[name])
        if count:
            told.append(f"column {name}: {count} of {len(old)} customers differ")
    return told


def count_differing(old: pd.Series, new: pd.Series) -> int:
    """Count values that differ, numbers by more than rounding."""
    if pd.api.types.is_numeric_dtype(old) and pd.api.types.is_numeric_dtype(new):
        first = old.to_numpy(float, na_value=np.nan)
        second = new.to_numpy(float, na_value=np.nan)
        same = np.isclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        return int((~same).sum())
    same = (old.astype(str) == new.astype(str)) | (old.isna() & new.isna())
    return int((~same).sum())


def compare_segments(before: Path, after: Path) -> list[str]:
    """Say in which schemes customers have another segment."""
    keys = ["scheme", "customer_id"]
    old = read_all_segments(RunFolder(before)).set_index(keys)["segment"]
    new = read_all_segments(RunFolder(after)).set_index(keys)["segment"]
    told = []
    for scheme in sorted({*old.index.unique("scheme"), *new.index.unique("scheme")}):
        pair = pd.concat(
            [part.xs(scheme, level="scheme") for part in (old, new) if scheme in part.index], axis=1
        )
        if pair.shape[1] < 2:
            told.append(f"scheme {scheme} is on one side only")
            continue
        count = count_differing(pair.iloc[:, 0], pair.iloc[:, 1])
        if count:
            told.append(f"scheme {scheme}: {count} of {len(pair)} customers differ")
    return told


def compare_choices(before: Path, after: Path) -> list[str]:
    """Say whether scheme, number of segments, verdict or kind differ."""
    old, new = (
        json.loads((folder / CHOICE).read_text(encoding="utf-8"))["choice"]
        for folder in (before, after)
    )
    names = ("scheme", "segment_count", "verdict", "kind", "overruled")
    return [f"{name}: {old[name]} -> {new[name]}" for name in names if old[name] != new[name]]


def list_sentences(folder: Path) -> list[str]:
    """Return every sentence that the run's notebooks show as a finding."""
    told = []
    for path in sorted(folder.glob(NOTEBOOKS)):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/html", ""))
                if 'class="findings"' in text:
                    told += re.findall(r"<li>(.*?)</li>", text, flags=re.DOTALL)
    return told


def compare_sentences(before: Path, after: Path) -> list[str]:
    """List the findings that only one of two runs tells."""
    old, new = list_sentences(before), list_sentences(after)
    told = [f"only before: {text}" for text in old if text not in new]
    return told + [f"only after: {text}" for text in new if text not in old]


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--sentences", action="store_true", help="Compare the findings too.")
    given = parser.parse_args()
    before, after = find_runs(given.before), find_runs(given.after)
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            print(f"{name}: on one side only")
            continue
        pair = before[name], after[name]
        told = [*compare_customers(*pair), *compare_segments(*pair), *compare_choices(*pair)]
        told += compare_sentences(*pair) if given.sentences else []
        print(f"{name}: {'the same' if not told else f'{len(told)} differences'}")
        for line in told:
            print(f"  {line}")


if __name__ == "__main__":
    main()
