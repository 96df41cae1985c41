"""What to do next for each segment: the one play or message that most speaks for."""

from __future__ import annotations

import pandas as pd

COLUMNS = ["segment_name", "kind", "play", "message"]
PLAY = "play"
MESSAGE = "message"
NOTHING = "nothing"


def choose_next_steps(
    segments: pd.DataFrame, parts: pd.DataFrame, messages: pd.DataFrame, *, no_play: str
) -> pd.DataFrame:
    """Choose a next step for each segment, from what may be told of plays and messages.

    A play comes before a message, for it is about customers of today: the one whose members brought
    most before, all together, or else, where that is not known, the one with most customers. Where
    a segment has no play that may be told of, its first message; where it has neither, nothing.

    Parameters
    ----------
    segments : DataFrame
        ``segment_name``, one row a segment, in the order of the result.
    parts : DataFrame
        One row a segment and first play, as published: ``segment_name``, ``play`` (in words),
        ``customer_count`` and ``expected_total``, missing where hidden.
    messages : DataFrame
        The messages proposed, as published: ``segment_name``, ``message``, ``place``.
    no_play : str
        What ``play`` is for customers in none.

    Returns
    -------
    DataFrame
        ``segment_name``, ``kind`` (play, message or nothing), ``play``, ``message``; empty text
        where there is none.

    Examples
    --------
    >>> segments = pd.DataFrame({"segment_name": ["A", "B"]})
    >>> parts = pd.DataFrame({"segment_name": ["A", "A"], "play": ["Call", "Reward"],
    ...     "customer_count": [30, 20], "expected_total": [100.0, 400.0]})
    >>> messages = pd.DataFrame({"segment_name": ["B"], "message": ["welcome"], "place": [1]})
    >>> steps = choose_next_steps(segments, parts, messages, no_play="In no play")
    >>> steps[["kind", "play", "message"]].to_numpy().tolist()
    [['play', 'Reward', ''], ['message', '', 'welcome']]
    """
    rows = []
    for name in segments["segment_name"]:
        play = _choose_play(parts, name, no_play)
        message = "" if play else _choose_message(messages, name)
        kind = PLAY if play else MESSAGE if message else NOTHING
        rows.append({"segment_name": name, "kind": kind, "play": play, "message": message})
    return pd.DataFrame(rows, columns=COLUMNS)


def _choose_play(parts: pd.DataFrame, segment: str, no_play: str) -> str:
    if parts.empty:
        return ""
    own = parts[(parts["segment_name"] == segment) & (parts["play"] != no_play)]
    own = own[own["customer_count"].fillna(0).astype(float) > 0]
    if own.empty:
        return ""
    own = own.assign(
        brought=own["expected_total"].astype(float), size=own["customer_count"].astype(float)
    )
    best = own.sort_values(
        ["brought", "size"], ascending=False, na_position="last", kind="stable"
    ).iloc[0]
    return str(best["play"])


def _choose_message(messages: pd.DataFrame, segment: str) -> str:
    if messages.empty:
        return ""
    own = messages[messages["segment_name"] == segment].sort_values("place", kind="stable")
    return str(own["message"].iloc[0]) if len(own) else ""
