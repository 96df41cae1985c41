"""Fit, name, keep as a document, assign anywhere."""

from segkit.core.rooms import open_room

__getattr__, __dir__ = open_room(__name__)
