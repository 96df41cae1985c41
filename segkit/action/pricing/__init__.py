"""What each segment pays, how its purchases go with prices, and what a survey says of prices."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
