"""A new working folder: a plan to be filled in, the notebooks, a sample to begin with."""

from __future__ import annotations

import shutil
from pathlib import Path

from segkit.core.errors import SegkitError
from segkit.workflow.steps import STEPS, find_packaged

SAMPLE_PLAN = "sample.toml"
IGNORED = ("runs/", "reports/", "data/")  # by Git: what is private, or made anew


def make_working_folder(folder: Path, *, with_sample: bool = True) -> None:
    """Make a working folder, with the sample shop's tables and plan if wanted.

    ``plan.toml`` is to be filled in; ``sample.toml`` is the sample shop's, which shares nothing
    with it.

    Raises
    ------
    SegkitError
        If the folder is there and not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SegkitError("the folder is not empty", where=str(folder), fix="Name a new one.")
    for name in ("notebooks", "data"):
        (folder / name).mkdir(parents=True)
    for name in ["plan.toml", *(f"notebooks/{step}.ipynb" for step in STEPS)]:
        shutil.copyfile(find_packaged(name), folder / name)
    ignored = "".join(f"{name}\n" for name in IGNORED)
    (folder / ".gitignore").write_text(ignored, encoding="utf-8")
    if with_sample:
        from segkit.data.sample import make_sample

        shutil.copyfile(find_packaged(SAMPLE_PLAN), folder / SAMPLE_PLAN)
        make_sample(folder / "data" / "sample")
