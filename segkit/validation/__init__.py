"""Do the segments hold: stability, separation, usefulness, the verdict."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
