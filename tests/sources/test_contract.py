"""The policy of the data contract, as files and callers choose it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import ConfigError
from sptrader_stream.sources.contract import KINDS, RESEARCH, RULES, load_policy, make_policy

SHIPPED = Path(__file__).parents[2] / "config" / "data_policy.yaml"


def test_every_kind_has_a_policy_and_words() -> None:
    assert set(RESEARCH) == set(RULES) == set(KINDS)
    assert {kind for kind in KINDS if RESEARCH[kind] == "warn"} == {"gap", "precision"}
    assert {kind for kind in KINDS if RESEARCH[kind] == "block"} == set(KINDS) - {"gap", "precision"}


def test_the_shipped_policy_is_that_of_research() -> None:
    assert load_policy(SHIPPED) == RESEARCH


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("gap: block\nduplicate: allow\n")
    assert load_policy(path) == {**RESEARCH, "gap": "block", "duplicate": "allow"}
    path.write_text("# nothing\n")
    assert load_policy(path) == RESEARCH


def test_unknown_kinds_and_policies_name_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        make_policy({"gaps": "warn", "range": "blok", "volume": 3})

    gaps, ranges, volume = str(caught.value).splitlines()
    assert gaps.startswith("data policy: gaps: 'gaps' is no kind of finding (did you mean gap?); known are non_finite")
    assert ranges == "data policy: range: 'blok' is no policy (did you mean block?); known are allow, warn, block"
    assert volume == "data policy: volume: '3' is no policy; known are allow, warn, block"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[gap]", "expected a mapping"), (b"gap: {", "not valid YAML"), (b"\xff\xfa", "not valid YAML")],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_policy(path)
    with pytest.raises(ConfigError, match="cannot read the data policy"):
        load_policy(tmp_path / "none.yaml")
