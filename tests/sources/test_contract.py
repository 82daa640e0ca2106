"""The policy of the data contract, as files and callers choose it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import ConfigError, DataError
from sptrader_stream.sources.contract import (
    DEFAULT_TABLE,
    KINDS,
    MODES,
    RESEARCH,
    RULES,
    TRUSTS,
    check_mode,
    check_trust,
    load_table,
    make_table,
)
from sptrader_stream.sources.source import SourceInfo, Trust

SHIPPED = Path(__file__).parents[2] / "config" / "data_policy.yaml"


def test_every_kind_has_a_policy_and_words() -> None:
    assert set(RESEARCH) == set(RULES) == set(KINDS)
    assert {kind for kind in KINDS if RESEARCH[kind] == "warn"} == {"gap", "precision"}
    assert {kind for kind in KINDS if RESEARCH[kind] == "block"} == set(KINDS) - {"gap", "precision"}


def test_the_shipped_table_is_the_default() -> None:
    assert load_table(SHIPPED) == DEFAULT_TABLE
    assert DEFAULT_TABLE.kinds["research"] == RESEARCH


def test_paper_and_live_block_what_research_warns_of_and_want_candles_to_be_believed() -> None:
    for mode in ("paper", "live"):
        assert set(DEFAULT_TABLE.kinds[mode].values()) == {"block"}
    assert [[DEFAULT_TABLE.trust[mode][each] for each in TRUSTS] for mode in MODES] == [
        ["allow", "allow", "allow", "allow"],
        ["allow", "allow", "warn", "block"],
        ["allow", "warn", "block", "block"],
    ]


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("gap: {paper: warn}\nduplicate: allow\nuser-supplied: {live: warn}\n")
    found = load_table(path)
    assert [found.kinds[mode]["gap"] for mode in MODES] == ["warn", "warn", "block"]
    assert [found.kinds[mode]["duplicate"] for mode in MODES] == ["allow", "allow", "allow"]
    assert [found.trust[mode]["user-supplied"] for mode in MODES] == ["allow", "warn", "warn"]
    assert found.kinds["research"] == {**RESEARCH, "duplicate": "allow"}
    path.write_text("# nothing\n")
    assert load_table(path) == load_table(tmp_path / "none.yaml") == DEFAULT_TABLE


def test_unknown_rows_modes_and_policies_name_the_nearest() -> None:
    with pytest.raises(ConfigError) as caught:
        make_table({"gaps": "warn", "range": "blok", "volume": 3, "spread": {"papr": "warn", "live": "no"}})

    gaps, ranges, volume, paper, live = str(caught.value).splitlines()
    assert gaps.startswith("data policy: gaps: 'gaps' is no row of the table (did you mean gap?); known are non_finite")
    assert ranges == "data policy: range: 'blok' is no policy (did you mean block?); known are allow, warn, block"
    assert volume == "data policy: volume: '3' is no policy; known are allow, warn, block"
    assert paper == (
        "data policy: spread.papr: 'papr' is no execution mode (did you mean paper?); known are research, paper, live"
    )
    assert live.startswith("data policy: spread.live: 'no' is no policy")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"[gap]", "expected a mapping"), (b"gap: {", "not valid YAML"), (b"\xff\xfa", "not valid YAML")],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        load_table(path)


def info(trust: Trust) -> SourceInfo:
    return SourceInfo(kind="csv", name="eur.csv", symbol="EURUSD", timeframe="1m", trust=trust)


def test_candles_that_cannot_be_believed_are_told_or_refused() -> None:
    assert check_trust([info("synthetic"), info("user-supplied")], DEFAULT_TABLE, "research") == ()
    (issue,) = check_trust([info("external"), info("user-supplied")], DEFAULT_TABLE, "paper")
    assert (issue.kind, issue.policy, issue.symbol) == ("trust", "warn", "EURUSD")
    assert issue.message == "the candles of EURUSD (eur.csv) are user-supplied: kept"
    with pytest.raises(DataError) as caught:
        check_trust([info("user-supplied")], DEFAULT_TABLE, "live")
    assert str(caught.value) == (
        "the candles of EURUSD (eur.csv) are user-supplied, and live takes only such as are verified, external: use "
        "others, vouch for a series of the catalog with `sptrader data check SYMBOL --verified`, or change "
        "`user-supplied` for live in config/data_policy.yaml"
    )


def test_modes() -> None:
    assert (check_mode("research"), check_mode("paper")) == ("research", "paper")
    with pytest.raises(ConfigError, match="live trading is not available: there are research and paper"):
        check_mode("live")
    with pytest.raises(ConfigError, match=r"'papre' is no execution mode \(did you mean paper\?\)"):
        check_mode("papre")
