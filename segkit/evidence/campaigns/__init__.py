"""What campaigns did: who was assigned to which arm, what followed, and whether segments differ."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
