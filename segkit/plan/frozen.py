"""The model that all parts of a plan are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A model that cannot be changed and knows its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
