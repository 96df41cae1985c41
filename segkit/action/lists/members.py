"""The members of lists: of segments, of plays and of triggers, as the last run left them."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from segkit.core.errors import SegkitError, UsageError, explain_faults, suggest_name
from segkit.core.files import replace_alone
from segkit.plan.models import Plan
from segkit.runs.layout import FINAL_STEP, RunFolder
from segkit.runs.segments import read_all_segments, read_final_segments, select_scheme

SEGMENT = "segment"
PLAY = "play"
TRIGGER = "trigger"
PLAYS_TABLE = "plays"
RECOMMENDATIONS_TABLE = "recommendations"
TRIGGERED_TABLE = "triggered"
# What a play tells of its customers, for the layouts that take it.
PLAY_COLUMNS = (
    "place",
    "reason",
    "expected_value",
    "expected_low",
    "expected_high",
    "horizon_days",
)
MOST_PRODUCTS = 3
PLACED = ["customer_id", "trigger", "placed_on"]


@dataclass(frozen=True)
class Wanted:
    """One list that is wanted.

    Attributes
    ----------
    kind : str
        ``segment``, ``play`` or ``trigger``.
    name : str
    members : DataFrame
        ``customer_id``, ``segment_name``, and what else is known of them.
    scheme : str
        That of the segments.
    tag : str
        The list's own tag.
    """

    kind: str
    name: str
    members: pd.DataFrame
    scheme: str = ""
    tag: str = ""


def choose_lists(
    plan: Plan,
    *,
    segment: str = "",
    scheme: str = "",
    play: str = "",
    trigger: str = "",
    in_every_play: bool = False,
) -> list[Wanted]:
    """Return the list that is named; where none is, those of all segments, plays and triggers.

    Raises
    ------
    UsageError
        If more than one is named.
    SegkitError
        If there is no run yet, or no such list.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    if sum(map(bool, (segment, play, trigger))) > 1:
        fix = "Give one of a segment, --play and --trigger, or --all."
        raise UsageError("one call writes one list, or all", fix=fix)
    if play:
        return want_plays(plan, name=play, in_every_play=in_every_play)
    if trigger:
        return want_triggers(plan, name=trigger, today=today)
    found = want_segments(plan, name=segment, scheme=scheme)
    if not segment:
        found += want_plays(plan, in_every_play=in_every_play)
        found += want_triggers(plan, today=today)
    return found


def want_segments(plan: Plan, *, name: str = "", scheme: str = "") -> list[Wanted]:
    """Return the segments of the plan's last run, or the one that is named.

    Raises
    ------
    SegkitError
        If there is no run yet, or no such scheme or segment.
    """
    segments = _read_segments(plan, scheme)
    scheme = str(segments["scheme"].iloc[0]) if len(segments) else scheme
    names = sorted(segments["segment_name"].unique())
    if name:
        require_name("segment", name, names)
        names = [name]
    groups = dict(iter(segments.groupby("segment_name")))
    return [Wanted(SEGMENT, one, groups[one], scheme=scheme, tag=f"segment {one}") for one in names]


def _read_segments(plan: Plan, scheme: str) -> pd.DataFrame:
    run = RunFolder(plan.run_folder)
    if not run.step(FINAL_STEP).record.is_file():
        raise SegkitError("there are no segments yet", fix="Run 'segkit run' first.")
    if scheme:
        segments = select_scheme(read_all_segments(run), scheme)
    else:
        segments = read_final_segments(run)
    kept = segments[["customer_id", "scheme", "segment"]]
    return kept.rename(columns={"segment": "segment_name"})


def want_plays(plan: Plan, *, name: str = "", in_every_play: bool = False) -> list[Wanted]:
    """Return the plays of the plan's last run, or the one that is named; none where it has none.

    A customer of several plays is only in the first, unless ``in_every_play``.
    """
    plays = _read_kept(plan, PLAYS_TABLE, needed=bool(name), what="plays")
    if plays is None:
        return []
    plays = plays.assign(customer_id=plays["customer_id"].astype(str))
    if "is_first_play" in plays.columns:
        plays["is_first"] = plays["is_first_play"].astype("boolean").fillna(False)
    else:
        plays["is_first"] = ~plays["customer_id"].duplicated()
    if in_every_play:
        plays = plays.drop(columns="is_first")
    names = list(dict.fromkeys(plays["play"].astype(str)))
    if name:
        require_name("play", name, names)
        names = [name]
    return [Wanted(PLAY, one, plays[plays["play"] == one], tag=f"play {one}") for one in names]


def want_triggers(
    plan: Plan, *, name: str = "", today: datetime.date | None = None
) -> list[Wanted]:
    """Return whom the plan's triggers placed in the last run, or those of the one that is named.

    Who was on the list of a trigger in its last ``cooldown_days`` is resting; who was on today's
    already is not, so that it can be written again.
    """
    placed = _read_kept(plan, TRIGGERED_TABLE, needed=bool(name), what="triggers")
    if placed is None:
        return []
    names = list(dict.fromkeys(placed["trigger"].astype(str)))
    known = [trigger.name for trigger in plan.triggers] or names
    if name:
        require_name("trigger", name, dict.fromkeys([*known, *names]))
        names = [name]
    cooldowns = {trigger.name: trigger.cooldown_days for trigger in plan.triggers}
    tags = {trigger.name: trigger.tag for trigger in plan.triggers}
    earlier = read_placed(RunFolder(plan.run_folder))
    found = []
    for one in names:
        members = placed[placed["trigger"] == one]
        resting = list_resting(earlier, one, days=cooldowns.get(one, 0), today=today)
        is_resting = members["customer_id"].astype(str).isin(resting)
        members = members.assign(is_resting=is_resting)
        found.append(Wanted(TRIGGER, one, members, tag=tags.get(one) or f"trigger {one}"))
    return found


def list_resting(
    earlier: pd.DataFrame, trigger: str, *, days: int, today: datetime.date | None
) -> set[str]:
    """Return who was on the list of a trigger within so many days before today."""
    if earlier.empty or today is None:
        return set()
    own = earlier[earlier["trigger"] == trigger]
    passed = (pd.Timestamp(today) - pd.to_datetime(own["placed_on"])).dt.days
    return set(own.loc[(passed > 0) & (passed <= days), "customer_id"].astype(str))


def read_placed(run: RunFolder) -> pd.DataFrame:
    """Read who was on the list of which trigger, and on which day last; no rows where nobody was.

    A customer whose unit is an account stands there as the contact that was written to.
    """
    path = locate_placed(run)
    return pd.read_parquet(path) if path.is_file() else pd.DataFrame(columns=PLACED)


def locate_placed(run: RunFolder) -> Path:
    """Return where it is recorded who was on the list of which trigger."""
    return run.lists / "triggered.parquet"


def record_placed(run: RunFolder, placed: pd.DataFrame, *, today: datetime.date) -> None:
    """Record who is on the list of which trigger today: ``customer_id`` and ``trigger``."""
    fresh = placed.assign(placed_on=pd.Timestamp(today))[PLACED]
    with replace_alone(locate_placed(run)) as aside:
        earlier = read_placed(run)
        every = fresh if earlier.empty else pd.concat([earlier, fresh])
        every = every.drop_duplicates(["customer_id", "trigger"], keep="last")
        every.to_parquet(aside, index=False)


def read_products(plan: Plan) -> pd.DataFrame | None:
    """Return the first recommended products of each customer; None where there are none.

    Returns
    -------
    DataFrame or None
        By ``customer_id``: ``product_1`` to ``product_3``, of the kind that the plan's lists ask.
    """
    path = RunFolder(plan.run_folder).step(FINAL_STEP).table(RECOMMENDATIONS_TABLE)
    if plan.lists.products == "none" or not path.is_file():
        return None
    rows = pd.read_parquet(
        path,
        columns=["customer_id", "place", "product_id"],
        filters=[("kind", "==", plan.lists.products), ("place", "<=", MOST_PRODUCTS)],
    )
    if rows.empty:
        return None
    rows = rows.assign(customer_id=rows["customer_id"].astype(str))
    rows = rows.drop_duplicates(["customer_id", "place"])
    wide = rows.pivot(index="customer_id", columns="place", values="product_id")
    wide = wide.reindex(columns=range(1, MOST_PRODUCTS + 1))
    return wide.set_axis([f"product_{place}" for place in wide.columns], axis="columns")


def require_name(kind: str, name: str, names) -> None:
    """Raise an error with the nearest name where there is no list of this name."""
    if name not in names:
        fix = suggest_name(name, sorted(names))
        raise SegkitError(f"there is no {kind} called '{name}'", fix=fix)


def _read_kept(plan: Plan, table: str, *, needed: bool, what: str) -> pd.DataFrame | None:
    """Read a table that the run's last step kept; None where it kept none."""
    path = RunFolder(plan.run_folder).step(FINAL_STEP).table(table)
    if path.is_file():
        fix = "Run 'segkit run' again."
        with explain_faults("what the run left cannot be read", ValueError, where=path, fix=fix):
            return pd.read_parquet(path)
    if needed:
        fix = "Run 'segkit run' first; see docs/lists.md for what it needs."
        raise SegkitError(f"the last run left no {what}", where=str(plan.run_folder), fix=fix)
    return None
