"""What the plan says of lists for the mail tool and the CRM."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from segkit.plan.frozen import Frozen

CampaignName = Annotated[str, Field(pattern=r"^(\S(.{0,78}\S)?)?$")]
Tag = Annotated[str, Field(pattern=r"^[^\s,;|](.{0,48}[^\s,;|])?$")]


class Lists(Frozen):
    """How lists are written, who is never on one, and who is held out of a campaign.

    ``layout`` is one that segkit brings (generic, json, mailchimp, klaviyo, hubspot, drip) or the
    path of a TOML file of one's own. ``suppression`` is a CSV of identifiers, e-mail addresses or
    their SHA-256. ``held_out_share`` or ``held_out_count`` of those who could be sent to are drawn
    by lot for the control group of ``campaign``; the others belong to ``arm``. ``names`` says how a
    customer's name is written: not at all, whole, or parted, the given name first or last.
    ``products`` says which recommendations go along: what is new to the customer, or what they buy
    again. ``tags`` are put on everybody, beside the list's own name.
    """

    layout: str = "generic"
    folder: str = "lists"
    suppression: str | None = None
    campaign: CampaignName = ""
    arm: Annotated[str, Field(pattern=r"^\S(.{0,38}\S)?$")] = "segmented"
    held_out_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    held_out_count: Annotated[int, Field(ge=1)] | None = None
    names: Literal["none", "whole", "given_first", "family_first"] = "none"
    products: Literal["new", "again", "none"] = "new"
    tags: tuple[Tag, ...] = ()

    @model_validator(mode="after")
    def _check_control(self) -> Lists:
        if self.held_out_share and self.held_out_count:
            raise ValueError("give held_out_share or held_out_count, not both")
        if self.holds_out and not self.campaign:
            raise ValueError(
                'a control group is of a campaign: write campaign = "2026 autumn" beside it'
            )
        if self.arm == "control":
            raise ValueError("control is the arm that nothing is sent to; arm names the other one")
        return self

    @property
    def holds_out(self) -> bool:
        """Whether a control group is drawn."""
        return bool(self.held_out_share or self.held_out_count)
