"""The page for users of other libraries: its code runs, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "peers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize(("block", "name"), zip(BLOCKS, ["labels", "next_quarter"], strict=True))
def test_each_piece_of_code_runs_as_it_stands(block, name):
    found: dict[str, object] = {}
    exec(block, found)
    assert np.isfinite(found[name]).all()
    if name == "labels":
        assert found[name][0] == found[name][1] != found[name][2] == found[name][3]
    else:
        assert found["peak"].converged
        assert (found[name] >= 0).all()


def test_every_function_that_the_page_names_is_there():
    from segkit.features import (
        lifetime_choice,
        lifetime_histories,
        lifetime_periods,
        lifetime_value,
    )
    from segkit.models.lifetime import expectations

    modules = (lifetime_choice, lifetime_histories, lifetime_periods, lifetime_value, expectations)
    _, _, rest = PAGE.partition("## From lifetimes")
    ours = [row.split("|")[2] for row in rest.splitlines() if row.startswith("| `")]
    names = {name for cell in ours for name in re.findall(r"`([a-z]+_[a-z_]+)", cell)}
    columns = {
        "repeat_count", "active_days", "recency_days", "tenure_days", "mean_repeat_value",
        "yearly_discount",
    }  # fmt: skip
    assert len(names - columns) > 8
    for name in names - columns:
        assert any(callable(getattr(module, name, None)) for module in modules), name
