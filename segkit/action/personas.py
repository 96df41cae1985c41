"""A persona for each segment: a person drawn from the segment's data, every statement counted.

Nothing is invented: a persona has no made-up name, photograph or story. Each statement is a figure
of the segment beside that of all customers, with the number of customers it rests on, and the
strongest differences come first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.privacy import NOTE
from segkit.profiles.descriptors import count_descriptors, list_descriptors
from segkit.profiles.differences import SHARE_FIGURES

ROLE_COLUMNS = [
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
]
NOT_KNOWN = {"", "not known", "unknown", "missing", "other", "none", "nan", "false"}
SMALLEST_STRENGTH = 0.2
# A value is a trait of a segment if it is that much more, or less, common there than among all, as
# a part of its share among all, and the interval of the difference leaves out none.
SMALLEST_LIFT = 0.1
MOST_STATEMENTS = 8
LEVEL_COLUMNS = [
    "descriptor",
    "segment",
    "segment_name",
    "value",
    "customer_count",
    "segment_count",
    "value_count",
    "base_count",
    "share",
    "base_share",
    "index",
    *SHARE_FIGURES,
]
STATEMENT_COLUMNS = [
    "feature",
    "value",
    "level",
    "figure",
    "base_figure",
    "strength",
    "customer_count",
    "differs",
]


@dataclass(frozen=True)
class Persona:
    """One segment as a person.

    Attributes
    ----------
    segment_name : str
    note : str
        Why the segment is not described; empty where it is.
    role, statements : pandas.DataFrame
        Of each descriptor that says who or where the value that is most common among those more
        common than among all, or else the one that is most lacking; and what sets the segment
        apart, strongest first: ``feature``, ``value`` (in words; empty of a mean), ``level`` (as
        the descriptor has it), ``figure``, ``base_figure``, ``strength``, ``customer_count``,
        ``differs`` (whether it is more, or less, common than among all).
    alike : tuple of str
        Descriptors that say who or where, and in which the segment is no different from all.
    """

    segment_name: str
    note: str
    role: pd.DataFrame
    statements: pd.DataFrame
    alike: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The persona's heading."""
        if not self.segment_name:
            return "Persona"
        return f"Persona of segment {self.segment_name}"


def collect_descriptors(
    customers: pd.DataFrame, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count every descriptor's values by segment: descriptor and what `count_descriptor` gives.

    Values of fewer than ``smallest_cell`` customers are pooled.
    """
    tables = [pd.DataFrame(columns=LEVEL_COLUMNS)]
    names = list_descriptors(customers)
    counted = count_descriptors(customers, segments, names, smallest_cell=smallest_cell)
    for name, table in zip(names, counted, strict=True):
        tables.append(table.assign(descriptor=name)[LEVEL_COLUMNS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def draft_persona(
    segment_name: str, sizes: pd.DataFrame, profile: pd.DataFrame, *, descriptors: pd.DataFrame
) -> Persona:
    """Draft the persona of one segment from its size, its profile and its descriptors.

    Strength puts means and shares on one scale. For a mean it is the difference from all
    customers in their standard deviations; for a share p against p0 of all customers it is
    (p - p0) / sqrt(p0 (1 - p0)), the same for a column of zeros and ones. Differences below 0.2
    are small (Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, 2.2) and make no
    statement.

    Parameters
    ----------
    segment_name : str
        Whose persona; where no sizes are shown, the ``note`` says why, and there is none.
    sizes, profile, descriptors : pandas.DataFrame
        Of `size_segments`, `profile_segments` and :func:`collect_descriptors`; for a report as
        they passed the gate. What is hidden there makes no statement, and a segment whose size is
        hidden is not described: the ``note`` says why.

    Raises
    ------
    SegkitError
        If there is no such segment.
    """
    nothing = pd.DataFrame(columns=STATEMENT_COLUMNS)
    if sizes.empty:
        return Persona("", explain_empty(sizes), role=nothing, statements=nothing)
    size = sizes[sizes["segment_name"] == segment_name]
    if size.empty:
        names = [str(name) for name in sizes["segment_name"].dropna()]
        fix = suggest_name(segment_name, names)
        raise SegkitError(f"there is no segment called '{segment_name}'", fix=fix)
    if size["customer_count"].isna().any():
        note = size[NOTE].iloc[0] if NOTE in size else "its size is not known"
        return Persona(segment_name, note, role=nothing, statements=nothing)
    means = _read_means(profile[profile["segment_name"] == segment_name])
    shares = _read_shares(descriptors[descriptors["segment_name"] == segment_name])
    who = shares[shares["feature"].isin(ROLE_COLUMNS)]
    role = _choose_role(who[who["differs"]])
    told = set(role["feature"])
    known = set(who["feature"])
    statements = pd.concat([means, shares], ignore_index=True)
    statements = statements[statements["strength"].abs() >= SMALLEST_STRENGTH]
    keys = ["feature", "level"]
    is_told = pd.MultiIndex.from_frame(statements[keys]).isin(pd.MultiIndex.from_frame(role[keys]))
    statements = statements[~is_told]
    order = statements["strength"].abs().sort_values(ascending=False, kind="stable").index
    statements = statements.loc[order].drop_duplicates("feature").head(MOST_STATEMENTS)
    return Persona(
        segment_name,
        note="",
        role=role,
        statements=statements.reset_index(drop=True),
        alike=tuple(name for name in ROLE_COLUMNS if name in known - told),
    )


def _choose_role(traits: pd.DataFrame) -> pd.DataFrame:
    """Choose one trait of each descriptor: the most common of those that are more common.

    Where none is, the one that is most lacking.
    """
    is_more = traits["strength"] > 0
    order = traits["figure"].where(is_more, traits["strength"])
    ranked = traits.assign(is_more=is_more, order=order)
    ranked = ranked.sort_values(["is_more", "order", "value"], ascending=[False, False, True])
    # Of those that are less common the strength is negative: the most lacking comes last.
    less = ranked[~ranked["is_more"]].sort_values("order", kind="stable")
    ranked = pd.concat([ranked[ranked["is_more"]], less]).drop_duplicates("feature")
    ranked = ranked.set_index("feature", drop=False)
    names = [name for name in ROLE_COLUMNS if name in ranked.index]
    return ranked.loc[names, STATEMENT_COLUMNS].reset_index(drop=True)


def _read_means(profile: pd.DataFrame) -> pd.DataFrame:
    """Return the means that are known, as statements."""
    rows = profile.dropna(subset=["mean"])
    return pd.DataFrame(
        {
            "feature": rows["feature"],
            "value": "",
            "level": "",
            "figure": rows["mean"].astype("float64"),
            "base_figure": rows["base_mean"].astype("float64"),
            "strength": rows["difference_sd"].astype("float64"),
            "customer_count": rows["known_count"],
            "differs": True,
        }
    )


def _read_shares(descriptors: pd.DataFrame) -> pd.DataFrame:
    """Return the values that say something of somebody, as statements."""
    text = descriptors["value"].astype(str).str.strip()
    is_telling = ~text.str.casefold().isin(NOT_KNOWN)
    is_known = descriptors["share"].notna() & (descriptors["customer_count"] > 0).fillna(False)
    rows = descriptors[is_telling & is_known.astype(bool)]
    share = rows["share"].astype("float64")
    base = rows["base_share"].astype("float64")
    spread = np.sqrt(base * (1 - base)).replace(0, np.nan)
    return pd.DataFrame(
        {
            "feature": rows["descriptor"],
            "value": text[rows.index].replace("True", "yes"),
            "level": rows["value"],
            "figure": share,
            "base_figure": base,
            "strength": (share - base) / spread,
            "customer_count": rows["customer_count"],
            "differs": _find_traits(rows),
        }
    )


def _find_traits(rows: pd.DataFrame) -> pd.Series:
    """Return which values are more, or less, common in the segment than among all."""
    low, high = (rows[f"difference_{end}"].astype("float64") for end in ("low", "high"))
    lift = (rows["share"] / rows["base_share"]).astype("float64") - 1
    return ((low > 0) | (high < 0)) & (lift.abs() >= SMALLEST_LIFT)
