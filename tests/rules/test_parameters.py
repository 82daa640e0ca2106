"""Overriding parameters from outside: it works where the file refers to them, and never does nothing in silence."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sptrader_stream.errors import StrategyError
from sptrader_stream.rules.loader import load_strategy
from sptrader_stream.rules.plan import PriceDistance
from tests.rules.support import VALID, compiled, refused


def test_an_override_takes_the_place_of_the_files_value() -> None:
    plan = compiled(VALID, stop="0.005")
    assert plan.execution.stop_loss == PriceDistance(kind="percentage", value=Decimal("0.005"))
    assert plan.parameters == {"stop": "0.005", "period": "14", "field": "high"}


def test_a_text_is_overridden_by_a_text() -> None:
    text = VALID + "signal_config: {ma_crossover: {source: parameters.field}}\n"
    assert compiled(text, field="low").signals["ma_crossover"]["source"] == "low"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    (finding,) = refused(VALID, {"stopp": "0.1"})
    assert finding.path == "parameters.stopp"
    assert "there is no parameter 'stopp' to override; did you mean 'stop'?" in finding.message


def test_overriding_what_nothing_refers_to_is_refused_with_the_place_that_is_meant() -> None:
    with pytest.raises(StrategyError) as caught:
        load_strategy(Path("strategies/test-death-cross.yaml"), {"stop_loss": "0.01"})
    (finding,) = caught.value.findings
    assert (finding.line, finding.path) == (11, "parameters.stop_loss")
    assert "nothing in the file refers to it" in finding.message
    assert "write `parameters.stop_loss`" in finding.message
    assert "exit.stop_loss.value (line 35)" in finding.message


def test_a_number_is_not_overridden_by_a_text() -> None:
    (finding,) = refused(VALID, {"stop": "tight"})
    assert (finding.line, finding.path) == (3, "parameters.stop")
    assert finding.message == "is a number (0.01) and cannot be overridden by 'tight'"


def test_a_value_out_of_range_is_told_where_it_is_used_and_where_it_is_from() -> None:
    (finding,) = refused(VALID, {"stop": "1.5"})
    assert (finding.line, finding.path) == (16, "exit.stop_loss.value")
    assert "must be less than 1, found the number 1.5 (from parameters.stop, overridden)" in finding.message


def test_an_overridden_signal_setting_is_checked_like_a_written_one() -> None:
    text = VALID + "signal_config: {ma_crossover: {fast: parameters.period}}\n"
    (finding,) = refused(text, {"period": "7.5"})
    assert finding.path == "signal_config.ma_crossover.fast"
    assert "(from parameters.period, overridden)" in finding.message


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        ("period: 14", "period: [14]", "parameters.period", "a parameter is a number or a text, found a list"),
        ("period: 14", "period:", "parameters.period", "found nothing"),
        ("period: 14", "stop-loss: 14", "parameters.stop-loss", "cannot be a parameter's name"),
        ("period: 14", "if: 14", "parameters.if", "cannot be a parameter's name"),
        ("period: 14", "period: parameters.field", "parameters.period", "cannot refer to another one"),
        ("period: 14", "stop: 14", "parameters.stop", "given twice; the first is in line 3"),
    ],
)
def test_a_parameter_is_a_name_and_one_value(old: str, new: str, path: str, message: str) -> None:
    (finding,) = refused(VALID.replace(old, new))
    assert (finding.line, finding.path) == (4, path)
    assert message in finding.message


def test_parameters_are_a_mapping() -> None:
    findings = refused("name: a\nparameters: [1]\nentry: {when: {expr: close > 1}, action: buy, size: 1}\n")
    assert [(each.line, each.path) for each in findings] == [(2, "parameters")]
