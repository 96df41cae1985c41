"""segkit: customer segmentation, from order lines to segments that hold.

The names below are the library's front door: they take a pandas or polars DataFrame, an Arrow table
or an Ibis table, and need no plan. Each is imported when it is first used.

Examples
--------
>>> import segkit
>>> prepared = segkit.prepare_lines(segkit.load_sample_lines())
>>> customers = segkit.build_customers(prepared, as_of="2025-06-23")
>>> found = segkit.fit_segmentation(customers, ["recency_days", "total_spend"], 3)
>>> segkit.size_segments(found.assign(customers))["segment"].tolist()
[1, 2, 3]
"""

from __future__ import annotations

# As typing has it, which need not be loaded for it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from segkit.core.errors import SegkitError as SegkitError
    from segkit.library.comparing import compare_segments as compare_segments
    from segkit.library.customers import build_customers as build_customers
    from segkit.library.customers import score_rfm as score_rfm
    from segkit.library.describing import build_quiz as build_quiz
    from segkit.library.describing import fit_surrogate as fit_surrogate
    from segkit.library.describing import profile_segments as profile_segments
    from segkit.library.describing import size_segments as size_segments
    from segkit.library.fitting import assign_segments as assign_segments
    from segkit.library.fitting import fit_segmentation as fit_segmentation
    from segkit.library.fitting import read_segmentation as read_segmentation
    from segkit.library.judging import compare_counts as compare_counts
    from segkit.library.judging import judge_segmentation as judge_segmentation
    from segkit.library.lines import prepare_lines as prepare_lines
    from segkit.library.sample import load_sample_lines as load_sample_lines
    from segkit.library.worth import measure_usefulness as measure_usefulness
    from segkit.library.worth import predict_lifetime_value as predict_lifetime_value
    from segkit.models.kprototypes import KPrototypes as KPrototypes
    from segkit.models.latent_class_estimator import LatentClasses as LatentClasses
    from segkit.models.lifetime.expectations import expect_purchases as expect_purchases
    from segkit.workspace import open_workspace as open_workspace

__version__ = "0.1.0"

_PLACES = {
    "SegkitError": "core.errors",
    "load_sample_lines": "library.sample",
    "prepare_lines": "library.lines",
    "build_customers": "library.customers",
    "score_rfm": "library.customers",
    "fit_segmentation": "library.fitting",
    "assign_segments": "library.fitting",
    "read_segmentation": "library.fitting",
    "compare_counts": "library.judging",
    "judge_segmentation": "library.judging",
    "size_segments": "library.describing",
    "profile_segments": "library.describing",
    "fit_surrogate": "library.describing",
    "build_quiz": "library.describing",
    "predict_lifetime_value": "library.worth",
    "measure_usefulness": "library.worth",
    "expect_purchases": "models.lifetime.expectations",
    "compare_segments": "library.comparing",
    "KPrototypes": "models.kprototypes",
    "LatentClasses": "models.latent_class_estimator",
    "open_workspace": "workspace",
}
__all__ = [
    "KPrototypes",
    "LatentClasses",
    "SegkitError",
    "assign_segments",
    "build_customers",
    "build_quiz",
    "compare_counts",
    "compare_segments",
    "expect_purchases",
    "fit_segmentation",
    "fit_surrogate",
    "judge_segmentation",
    "load_sample_lines",
    "measure_usefulness",
    "open_workspace",
    "predict_lifetime_value",
    "prepare_lines",
    "profile_segments",
    "read_segmentation",
    "score_rfm",
    "size_segments",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'segkit' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(f"segkit.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
