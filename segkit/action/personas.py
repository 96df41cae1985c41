"""A persona for each segment: a person drawn from the segment's data, every statement counted.

Nothing is invented: a persona has no made-up name, photograph or story. Each statement is a figure
of the segment beside that of all customers, with the number of customers it rests on, and the
strongest differences come first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.errors import SegkitError, suggest_name
from segkit.features.dictionary import FEATURES
from segkit.segments.profiles import count_descriptor

ROLE_COLUMNS = (
    "customer_type",
    "industry",
    "age_band",
    "gender",
    "occupation",
    "country",
    "density",
    "favourite_channel",
    "device",
    "favourite_category",
)
NOT_KNOWN = {"", "not known", "unknown", "missing", "other", "none", "nan", "false"}
MOST_VALUES = 40
SMALLEST_STRENGTH = 0.2
STATEMENT_COLUMNS = [
    "segment_name",
    "rank",
    "feature",
    "meaning",
    "unit",
    "base",
    "value",
    "figure",
    "base_figure",
    "strength",
    "customer_count",
]


def draft_persona(
    segment_name: str,
    sizes: pd.DataFrame,
    profile: pd.DataFrame,
    *,
    descriptors: pd.DataFrame | None = None,
    smallest_cell: int = 5,
    most: int = 8,
) -> dict:
    """Draft the persona of one segment from its size, its profile and its descriptors.

    Strength puts means and shares on one scale. For a mean it is the difference from all
    customers in their standard deviations; for a share p against p0 of all customers it is
    (p - p0) / sqrt(p0 (1 - p0)), the same for a column of zeros and ones. Differences below 0.2
    are small (Cohen 1988) and make no statement.

    Parameters
    ----------
    segment_name : str
        The segment.
    sizes : DataFrame
        One row a segment: ``segment_name``, ``customer_count`` and, if known, ``customer_share``
        and ``spend_share``.
    profile : DataFrame
        One row a segment and numeric feature: ``segment_name``, ``feature``, ``mean``,
        ``base_mean``, ``difference_sd`` (in standard deviations) and, if known, ``known_count``.
        From :func:`segkit.segments.profiles.profile_segments`.
    descriptors : DataFrame, optional
        One row a segment, descriptor and value: ``segment_name``, ``descriptor``, ``value``,
        ``customer_count``, ``share``, ``base_share``; rows without a count are hidden ones. From
        :func:`collect_descriptors`.
    smallest_cell : int, optional
        A segment or statement that rests on fewer customers is not shown.
    most : int, optional
        Most statements to give.

    Returns
    -------
    dict
        ``segment_name``, ``title``, ``role`` (list of dicts: feature, value, share,
        customer_count; the most typical value of each descriptor that says who or where),
        ``customer_count``, ``customer_share``, ``spend_share``, ``statements`` (DataFrame,
        strongest first: rank, feature, meaning, unit, base, value, figure, base_figure, strength,
        customer_count) and ``note``, which says so where the segment is too small to describe.

    Raises
    ------
    SegkitError
        If there is no such segment.

    References
    ----------
    Cohen (1988), *Statistical Power Analysis for the Behavioral Sciences*, 2nd edition, 2.2.
    """
    size = sizes[sizes["segment_name"] == segment_name]
    if size.empty:
        names = [str(name) for name in sizes["segment_name"].dropna()]
        raise SegkitError(
            f"there is no segment called '{segment_name}'", fix=suggest_name(segment_name, names)
        )
    row = size.iloc[0]
    count = row["customer_count"]
    small = pd.isna(count) or count < smallest_cell
    persona = {
        "segment_name": segment_name,
        "title": f"Persona of segment {segment_name}",
        "role": [],
        "customer_count": None if small else int(count),
        "customer_share": None if small else _read_share(row, "customer_share"),
        "spend_share": None if small else _read_share(row, "spend_share"),
        "statements": pd.DataFrame(columns=STATEMENT_COLUMNS),
        "note": f"Not described: the segment has fewer than {smallest_cell} customers."
        if small
        else "",
    }
    if small:
        return persona
    shares = _clean_descriptors(segment_name, descriptors, smallest_cell)
    means = profile[profile["segment_name"] == segment_name]
    statements = [*_state_means(means, int(count)), *_state_shares(shares)]
    table = pd.DataFrame(statements, columns=STATEMENT_COLUMNS).dropna(subset=["strength"])
    table = table[table["strength"].abs() >= SMALLEST_STRENGTH]
    table = table[table["customer_count"] >= smallest_cell]
    table = table.assign(size=table["strength"].abs()).sort_values(
        ["size", "feature", "value"], ascending=[False, True, True], ignore_index=True
    )
    table = table.drop_duplicates("feature").drop(columns="size").head(most)
    table = table.reset_index(drop=True).assign(segment_name=segment_name)
    persona["statements"] = table.assign(rank=np.arange(1, len(table) + 1))
    persona["role"] = _find_role(shares)
    return persona


def draft_personas(
    sizes: pd.DataFrame,
    profile: pd.DataFrame,
    *,
    descriptors: pd.DataFrame | None = None,
    smallest_cell: int = 5,
    most: int = 8,
) -> list[dict]:
    """Draft one persona for each segment, in the order of ``sizes``; see :func:`draft_persona`."""
    options = {"descriptors": descriptors, "smallest_cell": smallest_cell, "most": most}
    return [draft_persona(name, sizes, profile, **options) for name in sizes["segment_name"]]


def list_statements(personas: list[dict]) -> pd.DataFrame:
    """Return the statements of all personas in one table, segment by segment."""
    tables = [persona["statements"] for persona in personas if len(persona["statements"])]
    if not tables:
        return pd.DataFrame(columns=STATEMENT_COLUMNS)
    return pd.concat(tables, ignore_index=True)


def collect_descriptors(
    customers: pd.DataFrame, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count the values of every category of the customer table by segment.

    Columns with more than 40 values, such as cities, are left out.

    Parameters
    ----------
    customers : DataFrame
        One row a customer.
    segments : DataFrame
        ``customer_id``, ``segment``, ``segment_name``.
    smallest_cell : int, optional
        Smaller cells are hidden.

    Returns
    -------
    DataFrame
        descriptor and the columns of :func:`segkit.segments.profiles.count_descriptor`.
    """
    kinds = ("category", "boolean")
    columns = [c for c in customers if c in FEATURES and FEATURES[c].kind in kinds]
    tables = [
        count_descriptor(customers, segments, column, smallest_cell=smallest_cell).assign(
            descriptor=column
        )
        for column in columns
        if 1 < customers[column].nunique() <= MOST_VALUES
    ]
    if not tables:
        columns = ["descriptor", "segment_name", "value", "customer_count", "share", "base_share"]
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)


def _clean_descriptors(
    segment_name: str, descriptors: pd.DataFrame | None, smallest_cell: int
) -> pd.DataFrame:
    """Keep the segment's values that enough customers have and that say something."""
    if descriptors is None:
        columns = ["descriptor", "value", "customer_count", "share", "base_share"]
        return pd.DataFrame(columns=columns)
    rows = descriptors[descriptors["segment_name"] == segment_name]
    rows = rows.dropna(subset=["value", "customer_count", "share"])
    rows = rows[rows["customer_count"] >= smallest_cell]
    return rows[~rows["value"].astype(str).str.strip().str.casefold().isin(NOT_KNOWN)]


def _state_means(means: pd.DataFrame, count: int) -> list[dict]:
    statements = []
    for row in means.to_dict("records"):
        known = row.get("known_count")
        statements.append(
            {
                **_describe_feature(row["feature"]),
                "value": "",
                "figure": row["mean"],
                "base_figure": row["base_mean"],
                "strength": row["difference_sd"],
                "customer_count": count if pd.isna(known) else int(known),
            }
        )
    return statements


def _state_shares(shares: pd.DataFrame) -> list[dict]:
    statements = []
    for row in shares.to_dict("records"):
        base = row["base_share"]
        spread = np.sqrt(base * (1 - base)) if 0 < base < 1 else np.nan
        statements.append(
            {
                **_describe_feature(row["descriptor"]),
                "unit": "share",
                "value": "yes" if str(row["value"]) == "True" else str(row["value"]),
                "figure": row["share"],
                "base_figure": base,
                "strength": (row["share"] - base) / spread,
                "customer_count": int(row["customer_count"]),
            }
        )
    return statements


def _describe_feature(name: str) -> dict:
    feature = FEATURES.get(name)
    if feature is None:
        text = str(name).replace("_", " ")
        return {"feature": name, "meaning": text[:1].upper() + text[1:], "unit": "", "base": ""}
    details = {"meaning": feature.meaning, "unit": feature.unit, "base": feature.base}
    return {"feature": name, **details}


def _find_role(shares: pd.DataFrame) -> list[dict]:
    """Return the most frequent value of each descriptor that says who the persona is."""
    role = []
    for column in ROLE_COLUMNS:
        rows = shares[shares["descriptor"] == column]
        if rows.empty:
            continue
        top = rows.sort_values(["share", "value"], ascending=[False, True]).iloc[0]
        role.append(
            {
                "feature": column,
                "value": str(top["value"]),
                "share": float(top["share"]),
                "customer_count": int(top["customer_count"]),
            }
        )
    return role


def _read_share(row: pd.Series, column: str) -> float | None:
    return None if column not in row or pd.isna(row[column]) else float(row[column])
