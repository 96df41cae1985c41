"""What is shown of the market: trends, players, names, penetration and white space."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
