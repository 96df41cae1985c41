"""What sets segments apart: sizes, differences, descriptors, a quiz."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
