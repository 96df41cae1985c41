"""What segments buy, answer, do and ask for."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
