"""A persona for each segment: a person drawn from the segment's data, every statement counted.

Nothing is invented: a persona has no made-up name, photograph or story. Each statement is a figure
of the segment beside that of all customers, with the number of customers it rests on, and the
strongest differences come first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError, suggest_name
from segkit.profiles.descriptors import count_descriptor, list_descriptors
from segkit.profiles.differences import SHARE_FIGURES

ROLE_COLUMNS = ["customer_type", "industry", "age_band", "gender", "occupation", "country"]
ROLE_COLUMNS += ["density", "favourite_channel", "device", "favourite_category"]
NOT_KNOWN = {"", "not known", "unknown", "missing", "other", "none", "nan", "false"}
SMALLEST_STRENGTH = 0.2
MOST_STATEMENTS = 8


def collect_descriptors(
    customers: pd.DataFrame, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count every descriptor's values by segment: descriptor and what `count_descriptor` gives."""
    columns = ["segment", "segment_name", "value", "customer_count", "share", "base_share", "index"]
    columns += ["segment_count", *SHARE_FIGURES]
    tables = [pd.DataFrame(columns=["descriptor", *columns])]
    for name in list_descriptors(customers):
        table = count_descriptor(customers, segments, name, smallest_cell=smallest_cell)
        tables.append(table.assign(descriptor=name))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def draft_persona(
    segment_name: str,
    sizes: pd.DataFrame,
    profile: pd.DataFrame,
    *,
    descriptors: pd.DataFrame,
    smallest_cell: int = 5,
) -> dict:
    """Draft the persona of one segment from its size, its profile and its descriptors.

    Strength puts means and shares on one scale. For a mean it is the difference from all
    customers in their standard deviations; for a share p against p0 of all customers it is
    (p - p0) / sqrt(p0 (1 - p0)), the same for a column of zeros and ones. Differences below 0.2
    are small (Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2.2) and make no
    statement.

    ``sizes`` and ``profile`` come from `size_segments` and `profile_segments`, ``descriptors`` from
    :func:`collect_descriptors`. What rests on fewer than ``smallest_cell`` customers is not shown:
    ``note`` says so of the segment. Else the dict holds its size, ``role`` (the most typical value
    of each descriptor that says who or where) and ``statements`` (strongest first), both tables of
    feature, value, figure, base_figure, strength, customer_count.
    """
    size = sizes[sizes["segment_name"] == segment_name]
    if size.empty:
        names = [str(name) for name in sizes["segment_name"].dropna()]
        fix = suggest_name(segment_name, names)
        raise SegkitError(f"there is no segment called '{segment_name}'", fix=fix)
    persona = {"segment_name": segment_name, "title": f"Persona of segment {segment_name}"}
    row = size.iloc[0]
    if not row["customer_count"] >= smallest_cell:
        note = f"Not described: the segment has fewer than {smallest_cell} customers."
        return {**persona, "note": note}
    shares = _measure_shares(descriptors[descriptors["segment_name"] == segment_name])
    columns = ["feature", "value", "figure", "base_figure", "strength", "customer_count"]
    means = profile[profile["segment_name"] == segment_name].assign(value="")
    means = means[["feature", "value", "mean", "base_mean", "difference_sd", "known_count"]]
    means, shares = means.set_axis(columns, axis=1), shares[columns]
    shares = shares[shares["customer_count"] >= smallest_cell]
    statements = pd.concat([means, shares], ignore_index=True)
    enough = statements["customer_count"] >= smallest_cell
    statements = statements[enough & (statements["strength"].abs() >= SMALLEST_STRENGTH)]
    order = statements["strength"].abs().sort_values(ascending=False, kind="stable").index
    statements = statements.loc[order].drop_duplicates("feature").head(MOST_STATEMENTS)
    role = shares.sort_values(["figure", "value"], ascending=[False, True])
    role = role.drop_duplicates("feature").set_index("feature", drop=False)
    figures = ("customer_count", "customer_share", "spend_share")
    return {
        **persona,
        "note": "",
        **{name: row[name] for name in figures if name in row},
        "role": role.loc[[name for name in ROLE_COLUMNS if name in role.index]],
        "statements": statements.reset_index(drop=True),
    }


def _measure_shares(descriptors: pd.DataFrame) -> pd.DataFrame:
    """Keep the values that say something, and measure how far each share is from that of all."""
    text = descriptors["value"].astype(str).str.strip()
    rows = descriptors[~text.str.casefold().isin(NOT_KNOWN)]
    base = rows["base_share"].astype("float64")
    spread = np.sqrt(base * (1 - base)).replace(0, np.nan)
    return rows.assign(
        feature=rows["descriptor"],
        value=text.replace("True", "yes"),
        figure=rows["share"],
        base_figure=base,
        strength=(rows["share"] - base) / spread,
    )
