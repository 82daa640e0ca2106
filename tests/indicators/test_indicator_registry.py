from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from sptrader_stream.candles import FIELDS
from sptrader_stream.columns import Floats
from sptrader_stream.errors import UserError
from sptrader_stream.indicators import INDICATORS, ParameterError, build

Compute = Callable[..., tuple[Floats, ...]]

WARM_UPS: list[tuple[str, Mapping[str, float]]] = [
    *[(name, {"period": n}) for name in ("sma", "ema", "wma", "rma", "roc", "atr", "highest") for n in (1, 2, 30)],
    *[(name, {"period": n}) for name in ("rsi", "adx", "stddev", "bollinger") for n in (2, 14)],
    *[(name, {"period": n}) for name in ("lowest", "donchian") for n in (1, 20)],
    *[("macd", {"fast": 3, "slow": n, "signal": m}) for n in (4, 26) for m in (1, 9)],
    *[("stochastic", {"period": n, "k_smoothing": k, "d_smoothing": 3}) for n in (1, 14) for k in (1, 5)],
    ("obv", {}),
    ("vwap", {}),
]


def test_the_warm_ups_cover_every_indicator() -> None:
    assert {name for name, _ in WARM_UPS} == set(INDICATORS)


@pytest.mark.parametrize(("name", "parameters"), WARM_UPS)
def test_warm_up_counts_the_candles_up_to_the_first_defined_value(
    name: str, parameters: Mapping[str, float], walk: dict[str, Floats], compute: Compute
) -> None:
    info = INDICATORS[name]
    for output, values in zip(info.outputs, compute(name, walk, **parameters), strict=True):
        first = int(np.flatnonzero(~np.isnan(values))[0])
        assert info.warm_up(parameters, output) == first + 1
        assert not np.isnan(values[first:]).any()
    assert info.warm_up(parameters) == info.warm_up(parameters, info.outputs[0])


def test_every_indicator_describes_itself() -> None:
    for name, info in INDICATORS.items():
        assert info.name == name
        assert set(info.inputs) <= {"source", "time", *FIELDS}
        assert all([info.summary, info.formula, info.reference, *(each.description for each in info.parameters)])


def test_the_signature_shows_defaults() -> None:
    assert INDICATORS["macd"].signature == "macd(fast=12, slow=26, signal=9)"
    assert INDICATORS["sma"].signature == "sma(period)"


def test_missing_parameters_take_their_defaults_in_the_declared_order() -> None:
    complete = INDICATORS["bollinger"].complete({"deviations": 1})
    assert list(complete.items()) == [("period", 20), ("deviations", 1.0)]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("smma", {"period": 3}, "there is no indicator 'smma' (did you mean sma?)"),
        ("rsi", {"perod": 3}, "rsi has no parameter 'perod' (did you mean period?); it is rsi(period=14)"),
        ("sma", {}, "sma needs its parameter period (candles)"),
        ("sma", {"period": 0}, "sma: period must be 1 to 100000, not 0"),
        ("sma", {"period": 100_001}, "sma: period must be 1 to 100000, not 100001"),
        ("sma", {"period": 2.5}, "sma: period must be a whole number, not 2.5"),
        ("sma", {"period": True}, "sma: period must be a whole number, not True"),
        ("sma", {"period": "ten"}, "sma: period must be a whole number, not 'ten'"),
        ("bollinger", {"deviations": -1}, "bollinger: deviations must be at least 0.0, not -1"),
        ("bollinger", {"deviations": float("nan")}, "bollinger: deviations must be a finite number, not nan"),
        ("bollinger", {"deviations": False}, "bollinger: deviations must be a finite number, not False"),
        ("macd", {"fast": 26, "slow": 12}, "macd: fast must be smaller than slow, not 26 and 12"),
    ],
)
def test_a_wrong_request_is_refused_saying_what_is_wanted(
    name: str, parameters: Mapping[str, float], message: str
) -> None:
    with pytest.raises(ParameterError) as caught:
        build(name, parameters, 1.0)
    assert str(caught.value) == message
    assert isinstance(caught.value, UserError)


def test_inputs_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        build("donchian", {"period": 3}, 1.0).update(np.zeros(5), np.zeros(4))


def test_reading_the_registry_loads_nothing_heavy() -> None:
    heavy = "numba llvmlite pandas pyarrow rich structlog"
    program = f"import sys, sptrader_stream.indicators; print([n for n in '{heavy}'.split() if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
