"""Descriptors live in `segkit.segments.profiles`; this name is for callers that use the old one."""

from segkit.segments.profiles import list_descriptors

__all__ = ["list_descriptors"]
