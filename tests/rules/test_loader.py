"""What a strategy file becomes: rules, exits, limits and costs, exactly as written."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sptrader_stream.errors import Finding, StrategyError
from sptrader_stream.execution.settings import Commission
from sptrader_stream.rules.conditions import AllOf, CodeIs
from sptrader_stream.rules.loader import compile_strategy, load_strategy
from sptrader_stream.rules.operands import IndicatorOperand, SignalOperand
from sptrader_stream.rules.plan import EntryRule, ExecutionRules, ExitRule, PriceDistance, PriceTarget, Slippage
from tests.rules.support import VALID, compiled

SEED = Path("strategies/test-death-cross.yaml")


def test_the_seeds_file_is_compiled_as_it_stands() -> None:
    plan = load_strategy(SEED)
    assert (plan.name, plan.version, plan.author) == ("test_death_cross_strategy", "1.0.0", "test")
    assert plan.description == "Test strategy for death cross signals"
    assert plan.operands == (SignalOperand("ma_crossover", "crossover_type"),)
    assert plan.signals == {"ma_crossover": {}}
    assert plan.entries == (
        EntryRule(name="entry", side=-1, sizing="percent", size=Decimal("0.02"), condition=CodeIs(0, 2)),
    )
    assert plan.exits == (ExitRule(name="exit.signal_exit", condition=CodeIs(0, 1)),)
    assert plan.execution == ExecutionRules(
        stop_loss=PriceDistance(kind="percentage", value=Decimal("0.02")),
        targets=(PriceTarget(distance=PriceDistance(kind="percentage", value=Decimal("0.04"))),),
        max_drawdown=15_000_000,
        max_position_size=10_000_000,
    )
    assert plan.parameters == {"stop_loss": "0.02", "take_profit": "0.04", "position_size": "0.02"}
    assert plan.unused_parameters == ("stop_loss", "take_profit", "position_size")


def test_the_least_that_a_strategy_says() -> None:
    plan = compiled("name: a\nentry: {when: [{expr: close > 1}], action: buy, size: 1}\n")
    assert (plan.version, plan.author, plan.description, plan.symbol, plan.timeframe) == ("", "", "", None, None)
    assert plan.exits == ()
    assert plan.execution == ExecutionRules()


def test_what_the_command_line_falls_back_to() -> None:
    plan = compiled("symbol: EURUSD\ntimeframe: 15m\nversion: 1.10\n" + VALID)
    assert (plan.symbol, plan.timeframe, plan.version) == ("EURUSD", "15m", "1.10")


def test_fractions_are_read_from_their_decimal_text() -> None:
    def limit(text: str) -> int | None:
        return compiled(VALID + f"risk: {{max_drawdown: {text}}}\n").execution.max_drawdown

    for text, parts in (
        ("0.3", 30_000_000),
        ("0.00000001", 1),
        ("2.9e-1", 29_000_000),
        (".07", 7_000_000),
        ("0.1_5", 15_000_000),
    ):
        assert limit(text) == parts


def test_a_size_is_a_fraction_an_amount_or_a_quantity() -> None:
    for text, sizing, size in (
        ("0.25", "percent", "0.25"),
        ("{type: percent, value: 0.25}", "percent", "0.25"),
        ("{type: notional, value: 1000.50}", "notional", "1000.50"),
        ("{type: quantity, value: 3}", "quantity", "3"),
        ("{type: risk, value: 0.01}", "risk", "0.01"),
    ):
        (rule,) = compiled(VALID.replace("size: 0.02", f"size: {text}")).entries
        assert (rule.sizing, rule.size) == (sizing, Decimal(size))


def test_several_rules_keep_their_order_and_names() -> None:
    plan = compiled("""\
name: a
entries:
  - {name: up, when: {expr: close > 1}, action: buy, size: 0.1}
  - {when: {expr: close < 1}, action: sell, size: 0.2}
exit:
  signal_exit:
    - {when: {expr: close > 2}}
    - {name: out, when: {expr: close < 0.5}, action: close_all}
""")
    assert [(each.name, each.side, each.size) for each in plan.entries] == [
        ("up", 1, Decimal("0.1")),
        ("entries[1]", -1, Decimal("0.2")),
    ]
    assert [each.name for each in plan.exits] == ["exit.signal_exit[0]", "out"]


def test_a_bare_list_means_all_of_it() -> None:
    (rule,) = compiled("name: a\nentry: {when: [{expr: close > 1}, {expr: open > 1}], action: buy, size: 1}\n").entries
    assert isinstance(rule.condition, AllOf)
    assert len(rule.condition.parts) == 2


def test_costs_are_said_in_a_word_or_in_parts() -> None:
    def execution(text: str) -> ExecutionRules:
        return compiled(f"{VALID}execution: {text}\n").execution

    assert execution("{commission: 0.001}").commission == Commission(percent=100_000)
    assert execution(
        "{commission: {per_order: 1.5, minimum: 2, per_unit: 0.00000001, percent: 0.0002}}"
    ).commission == (Commission(percent=20_000, per_unit=1, per_order=150_000_000, minimum=200_000_000))
    assert execution("{commission: 0}").commission == Commission()
    assert execution("{slippage: 0.0001}").slippage == Slippage(percent=10_000)
    assert execution("{slippage: {ticks: 2}}").slippage == Slippage(ticks=2)
    assert [execution(f"{{spread: {each}}}").spread for each in ("0", "12", "data")] == [0, 12, "data"]
    found = execution("{fill: close, same_bar: target_first}")
    assert (found.fill, found.same_bar, found.commission, found.spread) == ("close", "target_first", None, None)


def test_signals_are_configured_in_their_own_types() -> None:
    plan = compiled(
        VALID
        + "signal_config: {ma_crossover: {fast: parameters.period, source: parameters.field, min_separation: 0.5}}\n"
    )
    assert plan.signals == {"ma_crossover": {"fast": 14, "source": "high", "min_separation": 0.5}}


def test_only_signals_that_a_condition_asks_are_computed() -> None:
    assert list(compiled(VALID + "signal_config: {rsi_threshold: {period: 7}}\n").signals) == ["ma_crossover"]


def test_a_users_own_signal_is_known_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "gap.py").write_text(
        "from sptrader_stream.signals.api import Output, StatefulSignal, parameter\n\n\n"
        "class Gap(StatefulSignal):\n"
        '    """The open is away from the close before it."""\n\n'
        '    size: float = parameter(0.1, minimum=0.0, description="least size")\n'
        '    outputs = (Output("gap", ("up", "down")),)\n\n'
        "    def update(self, candles, indicators):\n"
        "        return {}\n"
    )
    path = tmp_path / "own.yaml"
    text = VALID.replace("ma_crossover", "gap").replace("crossover_type: golden_cross", "gap: down")
    path.write_text(text + "signal_config: {gap: {size: 0.5}}\n")
    plan = load_strategy(path)
    assert plan.operands == (SignalOperand("gap", "gap"),)
    assert plan.signals == {"gap": {"size": 0.5}}
    assert plan.entries[0].condition == CodeIs(0, 2)


def test_parameters_are_put_in_wherever_they_are_referred_to() -> None:
    text = VALID + "execution: {commission: {per_order: parameters.stop}, slippage: parameters.stop}\n"
    plan = compiled(text.replace("- signal", "- expr: rsi(parameters.period) < 30\n    - signal"))
    assert plan.execution.stop_loss == PriceDistance(kind="percentage", value=Decimal("0.01"))
    assert plan.execution.commission == Commission(per_order=1_000_000)
    assert plan.execution.slippage == Slippage(percent=1_000_000)
    assert [each.parameters for each in plan.operands if isinstance(each, IndicatorOperand)] == [(("period", 14),)]
    assert plan.unused_parameters == ("field",)


def test_the_digest_tells_texts_and_overrides_apart() -> None:
    digests = {
        compiled(VALID).digest,
        compiled(VALID + "# a word\n").digest,
        compiled(VALID, stop="0.02").digest,
        compiled(VALID, stop="0.03").digest,
    }
    assert len(digests) == 4
    assert compiled(VALID).digest in digests


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_damaged_file_is_compiled_or_refused_and_nothing_else(data: st.DataObject) -> None:
    text = SEED.read_text(encoding="utf-8") + "execution: {commission: {percent: 0.1}}\nsymbol: 'x'\n"
    start = data.draw(st.integers(0, len(text)))
    removed = data.draw(st.integers(0, 12))
    pieces = [*"\t\n:-[]{}#&*!|>'\"%@`, 0", "expr: ", "parameters.", "null", "1e9", "\x85", "é", "- - ", "? "]
    put = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=4)))
    findings: tuple[Finding, ...] = ()
    try:
        compile_strategy(text[:start] + put + text[start + removed :], "damaged.yaml")
    except StrategyError as error:
        findings = error.findings
    assert all(each.file == "damaged.yaml" and each.message for each in findings)
