"""What expressions may say, what they mean, and how mistakes in them are told."""

from __future__ import annotations

import pytest

from sptrader_stream.rules.conditions import (
    AllOf,
    AnyOf,
    Arithmetic,
    Column,
    Comparison,
    Condition,
    Constant,
    Crosses,
    Shifted,
    Truth,
)
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, Operand
from tests.rules.support import compiled, refused, with_expression

CLOSE = FieldOperand("close")
RSI = IndicatorOperand("rsi", (("period", 14),), "value", CLOSE)


def condition(expression: str, *operands: Operand) -> Condition:
    """The compiled expression, after a look at the columns that it reads."""
    plan = compiled(with_expression(expression))
    assert plan.operands == operands
    return plan.entries[0].condition


def operand(expression: str) -> Operand:
    (found,) = compiled(with_expression(expression)).operands
    return found


def test_an_indicator_is_computed_over_the_close_unless_told_otherwise() -> None:
    assert condition("rsi(14) < 30", RSI) == Comparison("<", Column(0), Constant(30))
    assert operand("rsi(period=14) < 30") == RSI
    assert operand("rsi(close, 14) < 30") == RSI
    assert (
        operand("sma(high, 50) > 1")
        == operand("sma(50, source=high) > 1")
        == operand("sma(source=high, period=50) > 1")
    )
    assert operand("ema(rsi(14), 5) > 50") == IndicatorOperand("ema", (("period", 5),), "value", RSI)


def test_an_output_is_named_where_it_is_not_the_first() -> None:
    first, other = operand("macd(12, 26, 9) > 0"), operand('macd(12, 26, 9, output="histogram") > 0')
    assert isinstance(first, IndicatorOperand)
    assert isinstance(other, IndicatorOperand)
    assert (first.name, first.parameters) == (other.name, other.parameters)
    assert first.parameters == (("fast", 12), ("slow", 26), ("signal", 9))
    assert other.output == "histogram" != first.output


def test_equal_columns_are_read_once() -> None:
    average = IndicatorOperand("sma", (("period", 20),), "value", CLOSE)
    found = condition("close > sma(20) and close < sma(close, 20) * 2", CLOSE, average)
    assert found == AllOf((
        Comparison(">", Column(0), Column(1)),
        Comparison("<", Column(0), Arithmetic("*", Column(1), Constant(2))),
    ))  # fmt: skip


def test_a_chain_of_comparisons_means_all_of_its_links() -> None:
    assert condition("30 < rsi(14) <= 70", RSI) == AllOf((
        Comparison("<", Constant(30), Column(0)), Comparison("<=", Column(0), Constant(70)),
    ))  # fmt: skip


def test_not_is_turned_around_into_what_it_refutes() -> None:
    assert condition("not (close > 1 or crosses_above(close, 2))", CLOSE) == AllOf((
        Comparison("<=", Column(0), Constant(1)), Crosses(Column(0), Constant(2), negated=True),
    ))  # fmt: skip
    assert condition("not not close == 1", CLOSE) == Comparison("==", Column(0), Constant(1))


def test_crossing_below_is_crossing_above_with_sides_changed() -> None:
    assert condition("crosses_below(rsi(14), 30)", RSI) == Crosses(Constant(30), Column(0))


def test_parameters_stand_for_their_values() -> None:
    assert condition("rsi(parameters.period) > parameters.level", RSI) == Comparison(">", Column(0), Constant(30.5))
    assert operand("sma(parameters.field, parameters.period + 6) > 1") == operand("sma(high, 20) > 1")
    assert operand("sma(parameters.period, source=parameters.field) > 1") == operand("sma(high, 14) > 1")


def test_constants_are_calculated_once() -> None:
    assert condition("close > -(2 + 3 * 4) / 7", CLOSE) == Comparison(">", Column(0), Constant(-2.0))


def test_a_comparison_of_parameters_decides_its_part_of_a_rule() -> None:
    assert condition("parameters.period > 100 or close > 1", CLOSE) == Comparison(">", Column(0), Constant(1))
    assert condition("parameters.period > 100", CLOSE) == Truth(False)
    assert condition("parameters.period < 100 or close > 1", CLOSE) == Truth(True)


def test_earlier_values_are_shifted() -> None:
    assert condition("close > shift(close, 3)", CLOSE) == Comparison(">", Column(0), Shifted(Column(0), 3))


def test_text_over_several_lines_is_one_expression() -> None:
    text = "name: a\nentry:\n  when:\n    expr: |\n      close > 1\n      and close < 2\n  action: buy\n  size: 0.1\n"
    assert isinstance(compiled(text).entries[0].condition, AllOf)


def test_the_forms_of_when_and_the_words_of_expressions_mean_the_same() -> None:
    text = """\
name: a
entry:
  when:
    - any:
        - expr: close > 1
        - not: {all: [{expr: open > 2}, {expr: high > 3}]}
    - expr: low > 4
  action: buy
  size: 0.1
"""
    written = compiled(with_expression("(close > 1 or not (open > 2 and high > 3)) and low > 4")).entries[0].condition
    assert compiled(text).entries[0].condition == written
    assert isinstance(written, AllOf)
    assert isinstance(written.parts[0], AnyOf)


MISTAKES = [
    ("close", 1, "close is a number, not a condition: compare it with something"),
    ("close > 1 and rsi(14)", 15, "rsi(14) is a number, not a condition"),
    ("rsi > 30", 1, "rsi is an indicator: write rsi("),
    ("close() > 1", 1, "close is a candle field: write it without parentheses"),
    ("clsoe > 1", 1, "unknown name 'clsoe'; did you mean 'close'?"),
    ("rsii(14) > 1", 1, "there is no indicator 'rsii'; did you mean 'rsi'?"),
    ("cross_above(close, 1)", 1, "did you mean 'crosses_above'?"),
    ("sma(close, 0) > 1", 1, "period must be 1 to 100000, not 0"),
    ("sma(close, 2.5) > 1", 1, "period must be a whole number"),
    ("sma(close, 5, 6) > 1", 1, "sma takes at most 1 parameters: sma("),
    ("sma(length=5) > 1", 1, "sma has no parameter 'length'"),
    ("sma(5, period=6) > 1", 15, "sma has its parameter period twice"),
    ("sma(close, 5, source=high) > 1", 22, "sma has its source twice"),
    ("sma(close, high) > 1", 12, "a parameter of sma is a number, found high"),
    ("sma(high - low, 5) > 1", 5, "computed over a candle field or another indicator"),
    ("atr(close, 14) > 1", 5, "atr is computed over high, low, close"),
    ("sma(*close) > 1", 5, "has no meaning here"),
    ("sma(**close) > 1", 1, "write sma("),
    ('macd(output="histo") > 1', 13, "macd has no output 'histo'; did you mean 'histogram'?"),
    ("macd(output=histogram) > 1", 13, "an output is a text in quotes"),
    ("macd(12, 26, 9)['signal'] > 1", 1, "has no meaning here"),
    ("close.real > 1", 1, "a dot is only for `parameters.<name>`"),
    ("close.__class__ > 1", 1, "a dot is only for `parameters.<name>`"),
    (
        "parameters.perod > 1",
        1,
        "there is no parameter 'perod'; did you mean 'period'? (there are: period, level, field)",
    ),
    ("parameters.field > 1", 1, "parameters.field is 'high', expected a number"),
    ("parameters > 1", 1, "write parameters.<name>"),
    ("shift(close, 0) > 1", 14, "shift goes back at least 1 candle, found 0"),
    ("shift(close, -1) > 1", 14, "a negative shift would look ahead"),
    ("shift(close, 1.5) > 1", 14, "shift goes back a whole number of candles"),
    ("shift(close, close) > 1", 14, "shift goes back a whole number of candles"),
    ("shift(close, 10001) > 1", 14, "at most 10000 candles"),
    ("shift(5, 1) > 1", 7, "shift takes a series"),
    ("shift(close) > 1", 1, "write it as shift(series, candles)"),
    ("crosses_above(close)", 1, "write it as crosses_above(a, b)"),
    ("crosses_above(1, 2)", 1, "compares two numbers that never change"),
    ("crosses_above(close, 1) > 0", 1, "is a condition where a number is expected"),
    ("(close > 1) + 1 > 0", 2, "close > 1 is a condition where a number is expected"),
    ("sma(close > 1, 5) > 0", 5, "has no meaning here"),
    ("close > 1 / 0", 9, "divides by zero"),
    ("close ** 2 > 1", 1, "the arithmetic is + - * /"),
    ("close % 2 > 1", 1, "the arithmetic is + - * /"),
    ("(close > 1) & (open > 1)", 1, "write 'and' for '&'"),
    ("close > 1 && open > 1", 12, "write 'and' for '&&'"),
    ("~(close > 1)", 1, "write 'not' for '~'"),
    ("close is open", 1, "the comparisons are <, <=, >, >=, == or !="),
    ("close in open", 1, "the comparisons are"),
    ("close = 1", 7, "cannot be read"),
    ("close > True", 9, "expected a number, found True"),
    ("close > 'x'", 9, "expected a number"),
    ("close > 1j", 9, "expected a number"),
    ("close > 1e999", 9, "is too large a number"),
    ("close > " + "9" * 400, 9, "is too large a number"),
    ("(lambda: close)() > 1", 1, "shift can be called, found (lambda: close)()"),
    (
        '__import__("os").system("x")',
        1,
        "only indicators, crosses_above, crosses_below or shift can be called, found __import__('os').system('x'); "
        "a dot is only for `parameters.<name>`; see `sptrader indicators` for what there is",
    ),
    ("sma(close.mean(), 5) > 1", 5, "shift can be called, found close.mean()"),
    ("sma(shift(close, 1), 5) > 1", 5, "an indicator is computed over a candle field or another indicator"),
    ("nosuch(14) > 1", 1, "there is no indicator 'nosuch'; see `sptrader indicators` for what there is"),
    ("nosuch > 1", 1, "unknown name 'nosuch'; see `sptrader indicators` for what there is"),
    ("[c for c in close] > 1", 1, "has no meaning here"),
    ("close if open > 1 else high", 1, "has no meaning here"),
    ("(x := close) > 1", 2, "has no meaning here"),
    ("f'{close}' > 1", 1, "has no meaning here"),
    ("__import__('os') > 1", 1, "there is no indicator '__import__'"),
    ("close > 1; open > 1", 10, "the character ';' has no meaning here"),
    ("close > 1 # or so", 11, "the character '#' has no meaning here"),
    ("clöse > 1", 3, "the character 'ö' has no meaning here"),
    ("close > (1", 9, "'(' was never closed"),
    ("close >", 8, "cannot be read"),
    ("", 1, "the expression is empty"),
    ("close > 1 and " * 200 + "close > 1", 2001, "at most 2000 characters"),
    ("(" * 300 + "close" + ")" * 300 + " > 1", None, "cannot be read: too many nested parentheses"),
    ("-" * 1500 + "close > 1", None, "nested"),
    ("not " * 450 + "close > 1", None, "nested"),
    ("1<" * 900 + "close", None, "more than 500"),
    ("close" + "+1" * 900 + " > 1", None, "nested"),
]


@pytest.mark.parametrize(("expression", "column", "message"), MISTAKES)
def test_a_mistake_is_told_with_its_column(expression: str, column: int | None, message: str) -> None:
    (finding,) = refused(with_expression(expression))
    assert (finding.line, finding.path) == (5, "entry.when[0].expr")
    assert message in finding.message
    if column is not None:
        assert finding.message.startswith(f"column {column}: ")


def test_all_mistakes_of_an_expression_are_told() -> None:
    findings = refused(with_expression("rsii(14) < 30 and (clsoe > 1 or crosses_above(opne, sma()))"))
    assert [each.message.split(":")[0] for each in findings] == ["column 1", "column 20", "column 47", "column 53"]
