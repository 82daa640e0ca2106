"""What signals there are: names, parameters and outputs of the built-in ones, as data that costs nothing to import."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from sptrader_stream.candles import FIELDS

ParameterValue: TypeAlias = int | float | str | bool
MOVING_AVERAGES = ("sma", "ema", "wma", "rma")


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a signal.

    Attributes:
        name: the key under ``signal_config``.
        kind: what its value is; a ``choice`` is one of ``choices``.
        default: what holds where the strategy says nothing; None if the strategy must say it.
        minimum: the least number allowed, None where there is no bound.
        maximum: the largest number allowed, None where there is no bound.
        choices: the texts allowed for a ``choice``.
        description: what it does, one sentence.
    """

    name: str
    kind: Literal["int", "float", "choice", "str", "bool"]
    default: ParameterValue | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[str, ...] = ()
    description: str = ""


class SignalOutput(msgspec.Struct, frozen=True):
    """One column that a signal gives.

    Attributes:
        name: how rules refer to it.
        choices: what it can say, as codes 1, 2, ... of an int8 column where 0 is none; empty for a float64 column,
            which is NaN where it is undefined.
        description: what it says, one sentence.
    """

    name: str
    choices: tuple[str, ...] = ()
    description: str = ""


class SignalInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A signal as its user sees it.

    Attributes:
        name: how strategies refer to it.
        summary: what it says, one sentence.
        parameters: what can be set, in the order shown.
        outputs: the columns it gives; the first is the one that is counted as signals if it has choices.
        increasing: names of parameters of which each must be less than the next.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    outputs: tuple[SignalOutput, ...]
    increasing: tuple[str, ...] = ()

    def output(self, name: str) -> SignalOutput | None:
        """The output of that name, None if there is none."""
        return next((each for each in self.outputs if each.name == name), None)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, None if there is none."""
        return next((each for each in self.parameters if each.name == name), None)


def _period(name: str, default: int, description: str, minimum: int = 1) -> Parameter:
    return Parameter(name=name, kind="int", default=default, minimum=minimum, maximum=100_000, description=description)


_SOURCE = Parameter(name="source", kind="choice", default="close", choices=FIELDS, description="The field it looks at.")
_AVERAGE = Parameter(
    name="ma", kind="choice", default="sma", choices=MOVING_AVERAGES, description="The moving average."
)
_SEPARATION = Parameter(
    name="min_separation",
    kind="float",
    default=0.0,
    minimum=0.0,
    description="A cross counts only if |fast - slow| / |slow| at its candle is at least this.",
)
_CONFIRMATION = Parameter(
    name="confirmation_bars",
    kind="int",
    default=0,
    minimum=0,
    maximum=100_000,
    description="The signal comes this many candles after the cross, if the averages stay crossed on all of them.",
)
_CROSS_OUTPUTS = (
    SignalOutput(
        "crossover_type",
        ("golden_cross", "death_cross"),
        "golden_cross where fast rises above slow, death_cross where it falls to or below it",
    ),
    SignalOutput("strength", (), "|fast - slow| / |slow| at the candle of the signal"),
)

SIGNALS: dict[str, SignalInfo] = {
    each.name: each
    for each in (
        SignalInfo(
            name="ma_crossover",
            summary="A fast moving average crosses a slow one.",
            parameters=(
                _period("fast", 10, "Candles in the fast average."),
                _period("slow", 30, "Candles in the slow average; more than fast.", minimum=2),
                _AVERAGE,
                _SOURCE,
                _SEPARATION,
                _CONFIRMATION,
            ),
            outputs=_CROSS_OUTPUTS,
            increasing=("fast", "slow"),
        ),
        SignalInfo(
            name="ema_crossover",
            summary="A fast exponential moving average crosses a slow one.",
            parameters=(
                _period("fast", 12, "Candles in the fast average."),
                _period("slow", 26, "Candles in the slow average; more than fast.", minimum=2),
                _SOURCE,
                _SEPARATION,
                _CONFIRMATION,
            ),
            outputs=_CROSS_OUTPUTS,
            increasing=("fast", "slow"),
        ),
        SignalInfo(
            name="rsi_threshold",
            summary="The relative strength index enters or leaves its extreme zones.",
            parameters=(
                _period("period", 14, "Candles in the index.", minimum=2),
                Parameter(
                    name="oversold",
                    kind="float",
                    default=30.0,
                    minimum=0.0,
                    maximum=100.0,
                    description="Below this the market is oversold.",
                ),
                Parameter(
                    name="overbought",
                    kind="float",
                    default=70.0,
                    minimum=0.0,
                    maximum=100.0,
                    description="Above this the market is overbought; more than oversold.",
                ),
                _SOURCE,
            ),
            outputs=(
                SignalOutput(
                    "zone_change",
                    ("enters_oversold", "leaves_oversold", "enters_overbought", "leaves_overbought"),
                    "which border the index crosses at this candle; entering a zone hides leaving the other",
                ),
                SignalOutput("value", (), "the index at every candle"),
            ),
            increasing=("oversold", "overbought"),
        ),
        SignalInfo(
            name="macd_cross",
            summary="The MACD line crosses its signal line.",
            parameters=(
                _period("fast", 12, "Candles in the fast average.", minimum=2),
                _period("slow", 26, "Candles in the slow average; more than fast.", minimum=2),
                _period("signal", 9, "Candles in the signal line."),
                _SOURCE,
            ),
            outputs=(
                SignalOutput(
                    "cross",
                    ("bullish", "bearish"),
                    "bullish where the line rises above its signal line, bearish where it falls to or below it",
                ),
                SignalOutput("histogram", (), "line minus signal line at every candle, in price units"),
            ),
            increasing=("fast", "slow"),
        ),
        SignalInfo(
            name="bollinger_breakout",
            summary="The price leaves its Bollinger bands or returns into them.",
            parameters=(
                _period("period", 20, "Candles in the bands.", minimum=2),
                Parameter(
                    name="deviations",
                    kind="float",
                    default=2.0,
                    minimum=0.0,
                    maximum=100.0,
                    description="Standard deviations from the middle to a band.",
                ),
                _SOURCE,
            ),
            outputs=(
                SignalOutput(
                    "breakout",
                    ("below_lower", "back_from_below", "above_upper", "back_from_above"),
                    "which band the price crosses at this candle; leaving on one side hides returning from the other",
                ),
                SignalOutput("position", (), "%B: 0 at the lower band, 1 at the upper; undefined if they are equal"),
            ),
        ),
        SignalInfo(
            name="donchian_breakout",
            summary="The close leaves the channel of the candles before it.",
            parameters=(_period("period", 20, "Candles in the channel."),),
            outputs=(
                SignalOutput(
                    "breakout",
                    ("breakout_up", "breakout_down"),
                    "a close above the highest high, or below the lowest low, of the candles before it",
                ),
                SignalOutput(
                    "position",
                    (),
                    "the close in that channel: 0 at its low, 1 at its high, undefined if it has no height",
                ),
            ),
        ),
    )
}
