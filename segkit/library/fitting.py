"""Fit segments to customers, without a plan's goal and base, and place anybody in them."""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from segkit.contract.bases import BASES
from segkit.core.errors import SegkitError
from segkit.features.own_features import describe_feature
from segkit.library.customers import AS_OF
from segkit.library.inputs import (
    is_expression,
    read_count,
    read_customers,
    read_day,
    read_names,
    read_seed,
)
from segkit.library.models import UNNAMED, make_model
from segkit.models.kinds import find_kind, holds_times
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation import documents
from segkit.segmentation.documents import Segmentation
from segkit.segmentation.schemes import TAKEN, list_wanted

if TYPE_CHECKING:
    from ibis import ir

Method = Literal["kprototypes", "kmeans", "latent_classes", "rfm", "tiers", "rules"]
MOST_SEGMENTS = 20
# How many segments the methods that cut by rule make if nobody says; rules say it themselves.
USUAL_COUNTS = {"rfm": 6, "tiers": 3, "rules": 2}
_KINDS = {"date": "a time", "category": "a category", "boolean": "yes and no", "number": "a number"}
# Features that are nobody's are of this base, so that a segmentation has one.
USUAL_BASE = "behavioural"


def fit_segmentation(
    customers: Any,
    columns: Sequence[str] = (),
    n_segments: int | None = None,
    *,
    method: Method = "kprototypes",
    names: Sequence[str] | Mapping[int, str] | None = None,
    as_of: str | datetime.date | None = None,
    random_state: int = 0,
    **settings: Any,
) -> Segmentation:
    """Fit segments to customers, and return them as a small document that assigns anybody.

    Columns are prepared as they need it: a missing number is the median, a skewed one is taken by
    its logarithm, numbers are standardised, rare levels of a category are pooled.

    Parameters
    ----------
    customers : table
        One row a customer: a pandas or polars DataFrame, an Arrow or Ibis table. Without a column
        ``customer_id`` each row is one.
    columns : sequence of str
        What to segment by. Methods ``rfm`` and ``tiers`` have columns of their own.
    n_segments : int, optional
        How many, from 2 to 20; `compare_counts` says which number holds. Methods that cut by rule
        need none.
    method : str, default "kprototypes"
        ``kprototypes`` for numbers and categories together, ``kmeans`` for numbers,
        ``latent_classes`` for answers; ``rfm``, ``tiers`` and ``rules`` cut by rule.
    names : sequence of str or mapping of int to str, optional
        Names of the segments, in order or by number; without them they are named by what sets them
        apart.
    as_of : str or datetime.date, optional
        The last day that the customers' columns count, kept in the document; without it that of
        `build_customers`, else today.
    random_state : int, default 0
        The seed.
    **settings
        What a plan's scheme may say as well: ``categorical``, ``missing``, ``gamma``, ``scale``,
        ``answer_style``, ``smallest_level``, ``rules``, ``ruleset``, ``cuts``.

    Returns
    -------
    Segmentation
        With ``assign(table)``, ``to_sql(dialect)``, ``to_json()``, ``write_json(path)``, ``names``
        and ``segments`` (number, name, customers and share; 1 has the highest mean
        ``total_spend``, or is the largest).

    Raises
    ------
    SegkitError
        If a column cannot be used, a setting is unknown, or fewer customers differ than there are
        segments.

    References
    ----------
    Huang (1998), *Data Mining and Knowledge Discovery* 2: k-prototypes.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import fit_segmentation
    >>> shop = pd.DataFrame({"visits": [1, 2, 1, 3, 2] + [30] * 5, "channel": list("wwwwwaaaaa")})
    >>> found = fit_segmentation(shop, ["visits", "channel"], 2, names=["Web", "App"])
    >>> [(segment.name, segment.customer_count) for segment in found.segments]
    [('Web', 5), ('App', 5)]
    >>> found.assign(shop)["segment_name"].tolist()
    ['Web', 'Web', 'Web', 'Web', 'Web', 'App', 'App', 'App', 'App', 'App']
    >>> found.to_sql("postgres", table="shop").splitlines()[0]
    'SELECT'
    """
    scheme = make_scheme(method, columns=columns, n_segments=n_segments, settings=settings)
    frame = read_fitted(customers, scheme)
    segmentation, _ = documents.fit_segmentation(
        frame,
        scheme,
        n_segments=scheme.segments[1],
        as_of=find_day(frame, as_of),
        random_state=read_seed(random_state),
    )
    return segmentation if names is None else rename_segments(segmentation, names)


def make_scheme(
    method: str,
    *,
    columns: Sequence[str],
    n_segments: int | tuple[int, int] | None,
    settings: Mapping[str, Any],
) -> Scheme:
    """Make the scheme that a plan would hold; its base is that of most of the columns.

    Raises
    ------
    SegkitError
        If a setting is unknown or does not fit the method.
    """
    refuse_segmentation(columns)
    wanted = read_names(columns, "columns")
    if n_segments is None:
        if method in LEARNING_METHODS:
            fix = "Write n_segments=4, or ask compare_counts which number holds."
            message = f"{method} needs to know how many segments to find"
            raise SegkitError(message, where="n_segments", fix=fix)
        n_segments = USUAL_COUNTS.get(method, 2)
    if not isinstance(n_segments, tuple):
        n_segments = (read_count(n_segments, "n_segments", least=2, most=MOST_SEGMENTS),) * 2
    own = {"name", "goal", "base", "segments", "labels", "who"}
    if unread := sorted(own & set(settings)):
        message = f"'{unread[0]}' belongs to a plan"
        raise SegkitError(message, where="settings", fix="Leave it out.")
    values = {
        "name": method if isinstance(method, str) else UNNAMED,
        "goal": UNNAMED,
        "base": find_base(wanted),
        "method": method,
        "columns": wanted,
        "segments": n_segments,
    }
    return make_model(Scheme, "fit_segmentation", {**values, **settings})


def refuse_segmentation(columns: object) -> None:
    """Raise an error if columns are a segmentation: it does not say all that its fit was asked for.

    Raises
    ------
    SegkitError
        With the columns and the number that it was fitted with.
    """
    if isinstance(columns, Segmentation):
        names = json.dumps(list(columns.columns))
        fix = f"Write what it was fitted with: {names}, {len(columns.segments)}."
        raise SegkitError("columns are names, and this is a segmentation", where="columns", fix=fix)


def read_fitted(customers: Any, scheme: Scheme) -> pd.DataFrame:
    """Return customers as `read_customers` does, with columns of kinds that the method takes.

    Raises
    ------
    SegkitError
        If a column is not there, or is a date or of another kind that the method does not take.
    """
    frame = read_customers(customers, list_wanted(scheme))
    taken = TAKEN.get(scheme.method, ("number", "boolean"))
    for column in list_wanted(scheme):
        kind = find_kind(frame[column])
        is_time = holds_times(frame[column])
        if is_time or kind not in taken:
            message = f"'{column}' is {_KINDS['date' if is_time else kind]}"
            fix = "Make a number of it, such as days until as_of, or leave it out."
            if not is_time:
                fix = 'Leave it out, or write method="kprototypes".'
            message += f", which {scheme.method} does not take"
            raise SegkitError(message, where="columns", found=str(frame[column].dtype), fix=fix)
    return frame


def find_base(columns: Iterable[str]) -> str:
    """Return the base that most columns belong to; those of one's own belong to none.

    Examples
    --------
    >>> find_base(["age_years", "recency_days", "order_count"]), find_base(["shoe_size"])
    ('behavioural', 'behavioural')
    """
    found = Counter(describe_feature(column).base for column in columns)
    known = [base for base, _ in found.most_common() if base in BASES]
    return known[0] if known else USUAL_BASE


def find_day(customers: pd.DataFrame, as_of: str | datetime.date | None) -> datetime.date:
    """Return the last day counted: as given, as `build_customers` left it, or today."""
    day = read_day(as_of) or read_day(customers.attrs.get(AS_OF))
    return day or datetime.date.today()


def rename_segments(
    segmentation: Segmentation, names: Sequence[str] | Mapping[int, str]
) -> Segmentation:
    """Return the segmentation with other names: in order, or by number.

    Raises
    ------
    SegkitError
        If there are too many or too few, one is no text, or two are alike.
    """
    numbers = list(segmentation.names)
    if isinstance(names, str) or not isinstance(names, Sequence | Mapping):
        fix = f'Write names=["Best", ...], one for each of the {len(numbers)} segments.'
        raise SegkitError("names is a list of texts", found=repr(names), fix=fix)
    if isinstance(names, Mapping):
        unknown = [number for number in names if number not in numbers]
        if unknown:
            fix = f"Segments are numbered from 1 to {len(numbers)}."
            raise SegkitError("names has no such segment", found=repr(unknown[0]), fix=fix)
        given = {**segmentation.names, **names}
    elif len(names) == len(numbers):
        given = dict(zip(numbers, names, strict=True))
    else:
        message = f"names has {len(names)} names for {len(numbers)} segments"
        fix = "Give each a name, or some of them by number: names={1: 'Best'}."
        raise SegkitError(message, found=", ".join(map(str, names)), fix=fix)
    for name in given.values():
        if not isinstance(name, str) or not name.strip():
            raise SegkitError("a segment's name is a text", found=repr(name), fix="Name it.")
        if list(given.values()).count(name) > 1:
            fix = "Give each segment its own name."
            raise SegkitError("two segments have one name", found=name, fix=fix)
    segments = [
        segment.model_copy(update={"name": given[segment.number]})
        for segment in segmentation.segments
    ]
    return segmentation.model_copy(update={"segments": tuple(segments)})


def assign_segments(segmentation: Segmentation, customers: Any) -> pd.DataFrame | ir.Table:
    """Place each customer of a table in exactly one segment.

    Parameters
    ----------
    segmentation : Segmentation
        What `fit_segmentation` or `read_segmentation` returned.
    customers : table
        With the segmentation's ``columns``; others are kept. Missing and new values are allowed,
        see ``Segmentation.assign``.

    Returns
    -------
    pandas.DataFrame or ibis.Table
        The same rows with ``segment``, ``segment_name``, ``distance`` or ``probability`` and
        ``confidence`` (0 to 1). An Ibis table stays one, and nothing is computed; any other comes
        back as a DataFrame, in the same order.

    Raises
    ------
    SegkitError
        If a column is not there or is not a number, or a customer is named twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import assign_segments, fit_segmentation
    >>> shop = pd.DataFrame({"visits": [1, 2, 1, 2, 30, 31, 29, 30]})
    >>> found = fit_segmentation(shop, ["visits"], 2, names=["Rare", "Often"])
    >>> assign_segments(found, pd.DataFrame({"visits": [28, 3]}))["segment_name"].tolist()
    ['Often', 'Rare']
    """
    _require_segmentation(segmentation)
    if is_expression(customers):
        return segmentation.assign(customers)
    return segmentation.assign(read_customers(customers, segmentation.columns))


def _require_segmentation(value: object) -> None:
    if not isinstance(value, Segmentation):
        fix = "Give what fit_segmentation or read_segmentation returned."
        raise SegkitError("this is no segmentation", found=type(value).__name__, fix=fix)


def read_segmentation(path: str | Path) -> Segmentation:
    """Read a segmentation that was written as JSON; a damaged one is refused with the reason.

    Parameters
    ----------
    path : str or Path
        What ``Segmentation.write_json``, or a run, wrote.

    Returns
    -------
    Segmentation

    Raises
    ------
    SegkitError
        If it cannot be read, is damaged, or was written by another version.

    Examples
    --------
    >>> import pandas as pd, pathlib, tempfile
    >>> from segkit import fit_segmentation, read_segmentation
    >>> found = fit_segmentation(pd.DataFrame({"visits": [1, 2, 1, 30, 31, 29]}), ["visits"], 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "found.json")
    ...     found.write_json(path)
    ...     read_segmentation(path) == found
    True
    """
    if not isinstance(path, str | Path):
        fix = 'Give its path: read_segmentation("segmentation.json").'
        raise SegkitError("this is not a path", found=type(path).__name__, fix=fix)
    return documents.read_segmentation(path)
