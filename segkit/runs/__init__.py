"""What a run left, and the history of who was in which segment: the only place of its paths."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
