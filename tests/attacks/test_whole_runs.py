"""Kind: a path is a file, never a pattern nor a format; here for a sample that is
made in a folder whose name holds the signs of both. A whole run in one is in test_wheel."""

from __future__ import annotations

import pytest

from segkit.data.sample import make_sample


@pytest.mark.slow
@pytest.mark.parametrize("name", ["{a}", "b[1]", "star*", "q?", "{a} b[1] star* q? %s {0}"])
def test_the_sample_shop_is_made_in_a_folder_of_any_name(tmp_path, name):
    made = make_sample(tmp_path / name, customers=60)
    plain = make_sample(tmp_path / "plain", customers=60)
    assert made["rows"] == plain["rows"]
    assert {path.name for path in tmp_path.iterdir()} == {name, "plain"}
    for path in (tmp_path / "plain").rglob("*"):
        assert (tmp_path / name / path.relative_to(tmp_path / "plain")).exists()
