"""What is done with segments: personas, targeting, exports, comparing runs."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
