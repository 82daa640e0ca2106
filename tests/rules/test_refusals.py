"""Every mistake in a strategy file is refused, with its line, the path of the key and what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from sptrader_stream.errors import StrategyError
from sptrader_stream.rules.loader import compile_strategy, load_strategy
from tests.rules.support import VALID, compiled, refused

# What replaces what in VALID, and then: the line, the key's path, a piece of the message.
WRONG_SECTIONS = [
    ("name: sample\n", "", 1, "name", "'name' is missing"),
    ("name: sample", "name: 12", 1, "name", "expected a text, found the number 12; put it in quotes"),
    ("name: sample", "name:", 1, "name", "expected a text, found nothing"),
    ("name: sample", "name: [a]", 1, "name", "found a list"),
    ("name: sample", "name: sample\nversoin: 1", 2, "versoin", "unknown key 'versoin'; did you mean 'version'?"),
    ("name: sample", "name: sample\ntimeframe: 1 hour", 2, "timeframe", "'1 hour' is not a timeframe"),
    ("name: sample", "name: sample\nsymbol: {a: b}", 2, "symbol", "expected a text, found a mapping"),
    ("name: sample", "name: sample\nname: again", 2, "name", "'name' is given twice; the first is in line 1"),
    ("  action: buy", "  action: bye", 11, "entry.action", "expected buy or sell, found the text 'bye'; did you mean"),
    ("  action: buy\n", "", 7, "entry.action", "'action' is missing: buy or sell"),
    ("  action: buy", "  action: buy\n  action: sell", 12, "entry.action", "given twice"),
    ("  action: buy", "  acton: buy", 11, "entry.acton", "did you mean 'action'?"),
    ("size: 0.02", "size: 2", 12, "entry.size", "must be at most 1, found the number 2: 1 stands for 100 %"),
    ("size: 0.02", "size: 0", 12, "entry.size", "must be more than 0"),
    ("size: 0.02", "size: -0.02", 12, "entry.size", "must be more than 0, found the number -0.02"),
    ("size: 0.02", "size: 2%", 12, "entry.size", "write 2 % as 0.02"),
    ("size: 0.02", "size: '0.02'", 12, "entry.size", "write the number without quotes"),
    ("size: 0.02", "size: 0.000000001", 12, "entry.size", "more than 8 decimal places"),
    ("size: 0.02", "size: .nan", 12, "entry.size", "expected a fraction of equity such as 0.02 or a mapping"),
    ("size: 0.02", "size: .inf", 12, "entry.size", "found the text '.inf'"),
    ("size: 0.02", "size: true", 12, "entry.size", "found the text 'true'"),
    ("size: 0.02", "size: 0x10", 12, "entry.size", "found the text '0x10'"),
    ("size: 0.02", "size: 1:30", 12, "entry.size", "found the text '1:30'"),
    ("size: 0.02", "size: 1e400", 12, "entry.size", "too large for exact arithmetic"),
    ("size: 0.02", "size: [0.02]", 12, "entry.size", "found a list"),
    ("size: 0.02", "size: {type: percent, value: 2}", 12, "entry.size.value", "must be at most 1, found the number 2"),
    ("size: 0.02", "size: {type: share, value: 2}", 12, "entry.size.type", "percent, notional, quantity or risk"),
    ("size: 0.02", "size: {type: notional}", 12, "entry.size.value", "'value' is missing: an amount of money"),
    ("type: percentage", "type: percent", 15, "exit.stop_loss.type", "did you mean 'percentage'?"),
    ("type: percentage", "type: per", 15, "exit.stop_loss.type", "did you mean 'percentage'?"),
    ("value: parameters.stop", "value: 2", 16, "exit.stop_loss.value", "must be less than 1, found the number 2"),
    ("value: parameters.stop", "value:", 16, "exit.stop_loss.value", "found nothing"),
    ("value: parameters.stop", "value: parameters.sotp", 16, "exit.stop_loss.value", "did you mean 'stop'?"),
    ("value: parameters.stop", "value: parameters.stop * 2", 16, "exit.stop_loss.value", "only for `expr`"),
    ("value: parameters.stop", "value: parameters.field", 16, "exit.stop_loss.value", "'high' (from parameters.field)"),
    ("exit:", "exit:\n  trailing: 1", 14, "exit.trailing", "unknown key 'trailing'"),
    ("exit:", "exit:\n  signal_exit: {action: close_all}", 14, "exit.signal_exit.when", "'when' is missing"),
    ("exit:", "exit:\n  signal_exit:\n    - when: [{expr: close > 1}]\n      action: close_al", 16,
     "exit.signal_exit[0].action", "did you mean 'close_all'?"),
    ("exit:", "risk:\nexit:", 13, "risk", "expected a mapping with"),
    ("exit:", "risk: {max_drawdown: 15}\nexit:", 13, "risk.max_drawdown", "must be at most 1"),
    ("exit:", "risk: {max_drawdwon: 0.15}\nexit:", 13, "risk.max_drawdwon", "did you mean 'max_drawdown'?"),
    ("exit:", "execution: {fill: open}\nexit:", 13, "execution.fill", "did you mean 'next_open'?"),
    ("exit:", "execution: {commission: -1}\nexit:", 13, "execution.commission", "must be at least 0"),
    ("exit:", "execution: {commission: {per_lot: 1}}\nexit:", 13, "execution.commission.per_lot", "unknown key"),
    ("exit:", "execution: {slippage: {ticks: 1.5}}\nexit:", 13, "execution.slippage.ticks", "a whole number of ticks"),
    ("exit:", "execution: {spread: date}\nexit:", 13, "execution.spread", "did you mean 'data'?"),
    ("exit:", "dependencies: {signals: [signals.ma_crosover]}\nexit:", 13, "dependencies.signals[0]", "ma_crossover"),
    ("exit:", "dependencies: {indicators: [rsi]}\nexit:", 13, "dependencies.indicators", "unknown key"),
    ("entry:", "entries: []\nentry:", 1, "", "either `entry` (one rule) or `entries`"),
]  # fmt: skip

WRONG_CONDITIONS = [
    ("signal: ma_crossover", "signal: ma_crosover", 8, "entry.when[0].signal", "ma_crossover"),
    ("signal: ma_crossover", "signal:", 8, "entry.when[0].signal", "the name of a signal, found nothing"),
    ("signal: ma_crossover", "sginal: ma_crossover", 8, "entry.when[0]", "did you mean 'signal'?"),
    ("crossover_type: golden_cross", "crossover_tpye: golden_cross", 10, "entry.when[0].outputs.crossover_tpye",
     "did you mean 'crossover_type'?"),
    ("crossover_type: golden_cross", "crossover_type: golden", 10, "entry.when[0].outputs.crossover_type",
     "one of none, golden_cross, death_cross, found the text 'golden'; did you mean 'golden_cross'?"),
    ("crossover_type: golden_cross", "crossover_type: {'>': 1}", 10, "entry.when[0].outputs.crossover_type.>",
     "use == or !="),
    ("crossover_type: golden_cross", "strength: strong", 10, "entry.when[0].outputs.strength", "is a number, found"),
    ("crossover_type: golden_cross", "strength: {'=>': 1}", 10, "entry.when[0].outputs.strength.=>", "<, <=, >, >="),
    ("crossover_type: golden_cross", "strength: {}", 10, "entry.when[0].outputs.strength", "found an empty mapping"),
    ("      outputs:\n        crossover_type: golden_cross\n", "", 8, "entry.when[0].outputs",
     "such as crossover_type: golden_cross, found nothing"),
    ("      outputs:\n        crossover_type: golden_cross\n", "      expr: close > 1\n", 8, "entry.when[0]", "one of"),
    ("      outputs:\n        crossover_type: golden_cross\n", "      outputs: {strength: 1}\n      strength: 1\n", 10,
     "entry.when[0].strength", "cannot stand beside 'signal'"),
]  # fmt: skip

_TARGETS = "exit:\n  take_profit:\n    - {value: 0.01, close: 0.5}\n    - "

WRONG_ORDERS = [
    ("size: 0.02", "size: {type: risk, value: 1.5}", 12, "entry.size.value", "must be at most 1, found the number 1.5"),
    ("size: 0.02\nexit:\n  stop_loss:\n", "size: {type: risk, value: 0.01}\nexit:\n  take_profit:\n", 12,
     "entry.size.type", "needs `exit.stop_loss`"),
    ("size: 0.02", "size: 3\nexecution: {leverage: 2.5}", 12, "entry.size", "must be at most 2.5, found"),
    ("exit:", "execution: {leverage: 0.5}\nexit:", 13, "execution.leverage", "must be at least 1, found"),
    ("exit:", "execution: {leverage: 0}\nexit:", 13, "execution.leverage", "must be at least 1, found"),
    ("exit:", "execution: {close_at_end: yes}\nexit:", 13, "execution.close_at_end", "expected true or false, found"),
    ("  action: buy", "  action: buy\n  scale_in: true", 12, "entry.scale_in", "needs `max_positions`"),
    ("  action: buy", "  action: buy\n  max_positions: 3", 12, "entry.max_positions", "needs `scale_in: true`"),
    ("  action: buy", "  action: buy\n  scale_in: false\n  max_positions: 3", 13, "entry.max_positions", "needs"),
    ("  action: buy", "  action: buy\n  scale_in: true\n  max_positions: 1", 13, "entry.max_positions", "at least 2"),
    ("  action: buy", "  action: buy\n  scale_in: true\n  max_positions: 2.5", 13, "entry.max_positions", "a whole"),
    ("  action: buy", "  action: buy\n  scale_in: 1", 12, "entry.scale_in", "true or false, found the number 1"),
    ("  action: buy", "  action: buy\n  scale_in: 'true'", 12, "entry.scale_in", "found the text 'true'"),
    ("exit:", "exit:\n  scale_out: true\n  partial_close_pct: 1", 14, "exit.scale_out", "needs `take_profit`"),
    ("exit:", "exit:\n  take_profit: {value: 0.02}\n  scale_out: true", 15, "exit.scale_out",
     "needs `partial_close_pct`"),
    ("exit:", "exit:\n  partial_close_pct: 0.5", 14, "exit.partial_close_pct", "needs `scale_out: true`"),
    ("exit:", "exit:\n  partial_close_pct: 1.5", 14, "exit.partial_close_pct", "must be at most 1"),
    ("exit:", "exit:\n  take_profit: {value: 0.02, close: 0.5}", 14, "exit.take_profit.close", "a list of targets"),
    ("exit:", "exit:\n  take_profit: []", 14, "exit.take_profit", "expected 1 to 32 targets, found 0"),
    ("exit:", "exit:\n  take_profit: 0.02", 14, "exit.take_profit", "a mapping with type, value and close or a list"),
    ("exit:", "exit:\n  take_profit: {value: 11}", 14, "exit.take_profit.value", "must be at most 10"),
    ("exit:", "exit:\n  take_profit: {type: atr, value: 101}", 14, "exit.take_profit.value", "must be at most 100"),
    ("exit:", "exit:\n  take_profit: {type: atr, value: 0}", 14, "exit.take_profit.value", "must be more than 0"),
    ("exit:", _TARGETS + "{value: 0.01}", 16, "exit.take_profit[1].value", "farther away than the percentage target"),
    ("exit:", _TARGETS + "{value: 0.005, close: 0.5}", 16, "exit.take_profit[1].value", "at 0.01, found 0.005"),
    ("exit:", _TARGETS + "{value: 0.02}\n    - {value: 0.03}", 16, "exit.take_profit[1].close", "only the last target"),
    ("exit:", _TARGETS + "{value: 0.02, close: 0.3}", 16, "exit.take_profit[1].close", "all `close` add up to 0.8"),
    ("exit:", _TARGETS + "{value: 0.02, close: 0.6}", 16, "exit.take_profit[1].close", "all `close` add up to 1.1"),
    ("exit:", _TARGETS + "{value: 0.02, close: 0.5}\n    - {value: 0.03}", 17, "exit.take_profit[2]", "nothing is"),
    ("type: percentage\n    value: parameters.stop", "type: offset\n    value: 0", 16, "exit.stop_loss.value",
     "must be more than 0"),
    ("type: percentage\n", "type: atr\n    period: 14\n", 16, "exit.stop_loss.period", "unknown key 'period'"),
    ("exit:", "exit:\n  trailing_stop: {activation_pct: 0.01}", 14, "exit.trailing_stop.trail_pct", "is missing"),
    ("exit:", "exit:\n  trailing_stop: {trail_pct: 1}", 14, "exit.trailing_stop.trail_pct", "must be less than 1"),
    ("exit:", "exit:\n  trailing_stop: 0.01", 14, "exit.trailing_stop", "a mapping with activation_pct and trail_pct"),
    ("exit:", "exit:\n  break_even: {trigger_pct: 0}", 14, "exit.break_even.trigger_pct", "must be more than 0"),
    ("exit:", "exit:\n  max_holding_period: 0", 14, "exit.max_holding_period", "must be at least 1, found"),
    ("exit:", "exit:\n  max_holding_period: 1.5", 14, "exit.max_holding_period", "more than 0 decimal places"),
    ("exit:", "exit:\n  max_holding_period: 20 days", 14, "exit.max_holding_period",
     "a whole number of candles such as 48, or a duration such as 12h or 20d, at most 10 years, "
     "found the text '20 days'"),
    ("exit:", "exit:\n  signal_exit:\n    when: {expr: close > 1}\n    percent: 0.5", 16, "exit.signal_exit.percent",
     "goes with `action: close_partial`"),
    ("exit:", "exit:\n  signal_exit:\n    - when: {expr: close > 1}\n      action: close_partial", 16,
     "exit.signal_exit[0].action", "needs `percent`"),
]  # fmt: skip

# What is put into VALID's condition, which stands in lines 8 to 10, and the strategy's timeframe.
WRONG_TF = [
    ("tf: 4", "", "entry.when[0].tf", "'4' is not a timeframe"),
    ("tf:", "", "entry.when[0].tf", "expected a timeframe such as 4h or 1d, found nothing"),
    ("tf: [4h]", "", "entry.when[0].tf", "found a list"),
    ("tf: parameters.tff", "", "entry.when[0].tf", "there is no parameter 'tff'"),
    ("tf: 90m", "timeframe: 1h", "entry.when[0].tf", "90m is not made of whole candles of the strategy's timeframe 1h"),
    ("tf: 30m", "timeframe: 1h", "entry.when[0].tf", "use a whole multiple of it, such as 2h or 4h"),
    ("tf: 3w", "timeframe: 3d", "entry.when[0].tf", "3w is not made of whole candles"),
]

WRONG_WHEN = [
    ("when: []", "entry.when", "an empty list"),
    ("when: {}", "entry.when", "an empty mapping"),
    ("when: {all: []}", "entry.when.all", "an empty list"),
    ("when: {any: {expr: close > 1}}", "entry.when.any", "expected a list of conditions, found a mapping"),
    ("when: {not: 5}", "entry.when.not", "found the number 5"),
    ("when: {not: [{any: [{expr: close > }]}]}", "entry.when.not[0].any[0].expr", "column 8: cannot be read"),
    ("when: close > open", "entry.when", "write `expr: close > open`"),
    ("when:", "entry.when", "found nothing"),
    ("when: {expr: {a: b}}", "entry.when.expr", "expected a text such as rsi(14) < 30, found a mapping"),
    ("when: {expr: }", "entry.when.expr", "found nothing"),
]

NOT_A_DOCUMENT = [
    ("", 0, "is empty"),
    ("# only a comment\n", 0, "is empty"),
    ("~", 0, "is empty"),
    ("- a\n- b\n", 1, "a strategy is a mapping of keys such as `name: ...`, found a list"),
    ("just text", 1, "found the text 'just text'"),
    ("name: a\n\tauthor: b\n", 2, "is indented with a tab"),
    ("name: a\nparameters:\n\tx: 1\n", 3, "is indented with a tab"),
    ('name: "a\nauthor: b\n', 3, "is not YAML"),
    ("name: [a, b\n", 2, "is not YAML"),
    ("name: a\n author: b\n", 2, "is not YAML"),
    ("name: {a: 1\nb", 3, "is not YAML"),
    ("name: a\n---\nname: b\n", 2, "a second YAML document starts here"),
    ("name: &x a\n", 1, "anchors (&) and aliases (*) are not used here"),
    ("name: *x\n", 1, "anchors (&) and aliases (*) are not used here"),
    ("name: !!python/object:os.system x\n", 1, "YAML tags are not used here"),
    ("? [a, b]\n: c\n", 1, "a key is a text, found a list"),
    ("name: a\n%TAG\n", 2, "is not YAML"),
    ("x: " + "[" * 500 + "]" * 500, 1, "nested more than 40 levels deep"),
    ("x: " + "{a: " * 3000, 1, "nested more than 40 levels deep"),
    ("x: [" + "1," * 20_000 + "]", 1, "more than 10000 values"),
    ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 1, "anchors (&) and aliases (*) are not used here"),
]

NOT_A_TEXT = [
    (b"\xff\xfe\x00n", 1, "is not text in UTF-8"),
    (b"name: a\nauthor: \xe9\n", 2, "is not text in UTF-8"),
    (b"name: a\n\x00\x01", 2, "control character U+0000"),
    (b"\x7fELF\x02\x01", 1, "control character U+0002"),
    (b"#" * 300_000, 0, "is larger than 256 KiB"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "message"), WRONG_SECTIONS + WRONG_CONDITIONS + WRONG_ORDERS)
def test_a_mistake_is_told_with_its_place(old: str, new: str, line: int, path: str, message: str) -> None:
    assert old in VALID
    findings = refused(VALID.replace(old, new, 1))
    assert [(found.file, found.line, found.path) for found in findings] == [("sample.yaml", line, path)]
    assert message in findings[0].message


@pytest.mark.parametrize(("tf", "timeframe", "path", "message"), WRONG_TF)
def test_a_wrong_tf_is_told_with_its_place(tf: str, timeframe: str, path: str, message: str) -> None:
    text = VALID.replace("signal: ma_crossover\n", f"signal: ma_crossover\n      {tf}\n")
    (finding,) = refused(f"{text}{timeframe}\n")
    assert (finding.line, finding.path) == (9, path)
    assert message in finding.message


def test_a_tf_inside_of_a_tf_is_refused_and_what_it_is_about_examined() -> None:
    text = VALID.replace(
        "- signal: ma_crossover\n",
        "- all:\n      - {expr: clsoe > 1, tf: 1d}\n      tf: 4h\n    - signal: ma_crossover\n",
    )
    assert [(each.line, each.path) for each in refused(text)] == [
        (9, "entry.when[0].all[0].tf"),
        (9, "entry.when[0].all[0].expr"),
    ]


def test_a_tf_is_a_conditions_own_key() -> None:
    (finding,) = refused(VALID.replace("crossover_type: golden_cross", "crossover_type: golden_cross\n        tf: 4h"))
    assert (finding.line, finding.path) == (11, "entry.when[0].outputs.tf")


def test_everything_that_does_not_go_together_is_told_at_once() -> None:
    found = refused(
        VALID.replace("exit:", "exit:\n  scale_out: true\n  take_profit: [{value: 0.02, close: 0.5}, {value: 0.01}]")
    )
    assert [(each.line, each.path) for each in found] == [
        (14, "exit.scale_out"),
        (14, "exit.scale_out"),
        (15, "exit.take_profit[1].value"),
    ]


@pytest.mark.parametrize(("when", "path", "message"), WRONG_WHEN)
def test_a_wrong_when_is_told_with_its_place(when: str, path: str, message: str) -> None:
    findings = refused(f"name: sample\nentry:\n  {when}\n  action: buy\n  size: 0.1\n")
    assert [(found.line, found.path) for found in findings] == [(3, path)]
    assert message in findings[0].message


@pytest.mark.parametrize(("text", "line", "message"), NOT_A_DOCUMENT)
def test_what_is_no_yaml_mapping_is_refused(text: str, line: int, message: str) -> None:
    findings = refused(text)
    assert findings[-1].line == line
    assert message in findings[-1].message


@pytest.mark.parametrize(("data", "line", "message"), NOT_A_TEXT)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_bytes(data)
    with pytest.raises(StrategyError, match=f"^{path}") as caught:
        load_strategy(path)
    assert caught.value.findings[0].line == line
    assert message in caught.value.findings[0].message


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StrategyError, match="cannot be read: Is a directory"):
        load_strategy(tmp_path)
    with pytest.raises(StrategyError, match=r"absent\.yaml: cannot be read: No such file"):
        load_strategy(tmp_path / "absent.yaml")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = (
        VALID.replace("golden_cross", "golden")
        .replace("buy", "by")
        .replace("percentage", "percent")
        .replace("value: parameters.stop", "value: -7\n  tp: 1")
    )
    assert [(each.line, each.path) for each in refused(text)] == [
        (10, "entry.when[0].outputs.crossover_type"),
        (11, "entry.action"),
        (15, "exit.stop_loss.type"),
        (16, "exit.stop_loss.value"),
        (17, "exit.tp"),
    ]


def test_a_finding_reads_as_file_line_path_and_message() -> None:
    with pytest.raises(StrategyError) as caught:
        compiled(VALID.replace("action: buy", "action: by"))
    assert str(caught.value) == (
        "sample.yaml:11: entry.action: expected buy or sell, found the text 'by'; did you mean 'buy'?"
    )


def test_signal_settings_are_held_to_what_the_signal_declares() -> None:
    config = """\
signal_config:
  ma_crossover:
    fast: ten
    slwo: 30
    ma: smaa
    confirmation_bars: 1.5
    source:
  ma_croosover: {}
  rsi_threshold: 14
"""
    found = {each.path: each.message for each in refused(VALID + config.replace("    source:\n", ""))}
    assert list(found) == [
        "signal_config.ma_crossover.fast",
        "signal_config.ma_crossover.slwo",
        "signal_config.ma_crossover.ma",
        "signal_config.ma_crossover.confirmation_bars",
        "signal_config.ma_croosover",
        "signal_config.rsi_threshold",
    ]
    assert "slow" in found["signal_config.ma_crossover.slwo"]
    assert "sma" in found["signal_config.ma_crossover.ma"]
    assert "ma_crossover" in found["signal_config.ma_croosover"]
    assert "found the number 14" in found["signal_config.rsi_threshold"]


def test_settings_that_do_not_go_together_are_refused_at_their_signal() -> None:
    findings = refused(VALID + "signal_config:\n  ma_crossover:\n    fast: 30\n    slow: 10\n")
    assert [each.path.rpartition(".")[0] for each in findings] == ["signal_config.ma_crossover"]
    assert "less than slow" in findings[0].message


def test_more_rules_than_a_mask_has_bits_are_refused() -> None:
    rule = "  - {when: {expr: close > 1}, action: buy, size: 0.1}\n"
    assert len(compiled("name: a\nentries:\n" + rule * 32).entries) == 32
    assert "at most 32 entry rules, found 33" in refused("name: a\nentries:\n" + rule * 33)[0].message


def test_a_strategy_without_any_entry_rule_is_refused() -> None:
    for text in ("name: a\n", "name: a\nentries: []\n"):
        assert "there is no entry rule" in refused(text)[0].message


BROKEN_SIGNAL = """\
name: sample
signal_config: {mine: {period: 3}}
entries:
  - {when: [{signal: mine, outputs: {state: on}}], action: buy, size: 0.02}
  - {when: [{signal: mine, outputs: {state: off}}], action: sell, size: 0.02}
"""


def test_a_broken_signal_of_the_users_is_one_finding_however_often_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1\nx.nothing\n")
    with pytest.raises(StrategyError) as caught:
        compile_strategy(BROKEN_SIGNAL, "sample.yaml", None, tmp_path)
    (finding,) = caught.value.findings
    assert (finding.line, finding.path) == (2, "signal_config.mine")
    assert f"{tmp_path}/mine.py:2: AttributeError" in finding.message


def test_a_wrong_name_of_a_signal_is_told_wherever_it_stands(tmp_path: Path) -> None:
    with pytest.raises(StrategyError) as caught:
        compile_strategy(BROKEN_SIGNAL, "sample.yaml", None, tmp_path)
    assert [finding.line for finding in caught.value.findings] == [2, 4, 5]
