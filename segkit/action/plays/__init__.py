"""Plays: whom to do what with, why, and what those customers bring."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
