"""Is the business ready to segment? Each practice is scored from evidence, not from opinion."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
