"""Whatever a check may warn of has a name that a plan can accept it by."""

from __future__ import annotations

import re
from pathlib import Path

import segkit.data
from segkit.data.answered import OF_TABLES
from segkit.data.judging import JUDGED
from segkit.data.notices import NOTICED

ROOM = Path(segkit.data.__file__).parent
NAME = re.compile(r'\bNotice\(\s*f?"([a-z_]+?)_?(?:\{[^}]*\}(?:_\{[^}]*\})?)?"')


def test_every_name_of_a_notice_is_known():
    names = {name for path in ROOM.glob("*.py") for name in NAME.findall(path.read_text())}
    assert len(names) > 25
    assert names - {"looks_like"} <= {*NOTICED, *OF_TABLES, *JUDGED}


def test_names_are_in_order_and_none_is_there_twice():
    assert list(NOTICED) == sorted(set(NOTICED))
