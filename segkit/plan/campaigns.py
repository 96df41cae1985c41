"""What the plan says of campaigns: their arms, how customers came into them, what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from segkit.plan.frozen import Frozen
from segkit.plan.statuses import fold_words

CONTROL = "control"
"""The arm that nothing was sent to, by this name wherever it stands after the checks."""
RANDOM = "random"
CHOSEN = "chosen"
NOT_STATED = "not stated"
# The arms that are known where the plan names none.
USUAL_ARMS: dict[str, tuple[str, ...]] = {"segmented": (), "unsegmented": (), CONTROL: ()}
# What a message did can only be seen where one was sent; the others can be seen of anybody.
SENT_OUTCOMES = ("opened", "clicked", "unsubscribed", "bounced", "reported_spam")
ANYBODY_OUTCOMES = ("converted", "visited", "ordered", "spend")
AMOUNTS = ("spend",)
OUTCOMES = (*ANYBODY_OUTCOMES, *SENT_OUTCOMES)
ArmName = Annotated[str, Field(pattern=r"^\S(.{0,38}\S)?$")]
PlannedShare = Annotated[float, Field(gt=0, lt=1)]


class Campaigns(Frozen):
    """The arms of campaigns, how customers were assigned to them, and what is measured.

    ``arms`` has the spellings of each arm in the data by its name, which is one of them; capitals,
    blanks and hyphens do not matter. Nothing was sent to the arm ``control``. Each arm is compared
    with it, and the arms of each pair of ``compared``, the first with the second. ``assigned`` says
    how customers came into the arms: by lot, or chosen, or not stated, which counts as chosen.
    ``shares`` are those that were planned, by arm. ``primary`` is the outcome that decides; without
    it the first of ``outcomes`` that is recorded. Orders and visits count in ``window_days`` days
    from the day of the message on. ``smallest_effect`` is the smallest difference of the primary
    outcome worth acting on: a share, or of spend an amount.
    """

    arms: Annotated[dict[ArmName, tuple[str, ...]], Field(min_length=1)] = USUAL_ARMS
    compared: tuple[tuple[str, str], ...] = ()
    assigned: Literal["random", "chosen", "not stated"] = NOT_STATED
    shares: dict[str, PlannedShare] = Field({})
    outcomes: Annotated[tuple[Literal[OUTCOMES], ...], Field(min_length=1)] = OUTCOMES
    primary: Literal[OUTCOMES] | None = None
    window_days: Annotated[int, Field(ge=1, le=3650)] = 30
    smallest_effect: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @field_validator("arms", mode="before")
    @classmethod
    def _read_arms(cls, value: object) -> object:
        """Take one spelling without brackets too."""
        if not isinstance(value, dict):
            return value
        return {name: [one] if isinstance(one, str) else one for name, one in value.items()}

    @model_validator(mode="after")
    def _check_arms(self) -> Campaigns:
        named: dict[str, str] = {}
        for arm, spellings in self.arms.items():
            for word in {fold_words(spelling) for spelling in (arm, *spellings)}:
                if named.setdefault(word, arm) != arm:
                    raise ValueError(f"'{word}' stands in two arms; a spelling means one arm")
        if fold_words(CONTROL) in named and named[fold_words(CONTROL)] != CONTROL:
            raise ValueError("'control' is the arm that nothing was sent to, and no spelling")
        for pair in self.compared:
            for arm in pair:
                self._require_arm(arm, "compared")
            if pair[0] == pair[1]:
                raise ValueError(f"compared names '{pair[0]}' against itself")
        return self

    @model_validator(mode="after")
    def _check_shares(self) -> Campaigns:
        for arm in self.shares:
            self._require_arm(arm, "shares")
        if self.shares and abs(sum(self.shares.values()) - 1) > 1e-6:
            raise ValueError("the shares of all arms make 1 together, such as 0.4, 0.4 and 0.2")
        return self

    @model_validator(mode="after")
    def _check_outcomes(self) -> Campaigns:
        if self.primary is not None and self.primary not in self.outcomes:
            raise ValueError(f"primary is '{self.primary}', which is none of the outcomes")
        is_share = self.primary not in AMOUNTS
        if self.smallest_effect is not None and is_share and self.smallest_effect >= 1:
            raise ValueError("smallest_effect of a share is below 1: 0.01 is one point")
        return self

    def _require_arm(self, arm: str, key: str) -> None:
        if arm not in self.arms:
            raise ValueError(f"{key} names the arm '{arm}', which stands not under arms")

    @property
    def is_random(self) -> bool:
        """Whether customers came into their arms by lot."""
        return self.assigned == RANDOM

    def list_spellings(self) -> Mapping[str, str]:
        """Return the arm that each spelling means, by the spelling as `fold_words` writes it.

        Examples
        --------
        >>> Campaigns(arms={"control": ["No E-Mail"]}).list_spellings()
        {'control': 'control', 'no e mail': 'control'}
        """
        return {
            fold_words(spelling): arm
            for arm, spellings in self.arms.items()
            for spelling in (arm, *spellings)
        }

    def list_comparisons(self) -> list[tuple[str, str]]:
        """Return which arm is compared with which: each with control, then the plan's pairs.

        Where the plan names neither arms nor pairs, segmented is compared with unsegmented too.

        Examples
        --------
        >>> Campaigns().list_comparisons()
        [('segmented', 'control'), ('unsegmented', 'control'), ('segmented', 'unsegmented')]
        """
        sent = [arm for arm in self.arms if arm != CONTROL]
        pairs = [(arm, CONTROL) for arm in sent] if CONTROL in self.arms else []
        others = list(self.compared)
        if not others and {"segmented", "unsegmented"} <= set(sent):
            others = [("segmented", "unsegmented")]
        return list(dict.fromkeys([*pairs, *others]))
