"""Kinds of faults by what they touch; importing them registers all."""

from tests.doors.kinds import amounts, dates, files, keys, sales, unseen, values, whole

__all__ = ["amounts", "dates", "files", "keys", "sales", "unseen", "values", "whole"]
