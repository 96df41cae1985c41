"""What to offer whom: what customers buy again, what is new to them, and how well that does."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
