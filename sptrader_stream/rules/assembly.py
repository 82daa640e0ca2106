"""From the sections of a strategy file, read and found right, to its plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from sptrader_stream.execution.settings import Commission, HoldingPeriod, TrailingStop
from sptrader_stream.indicators import INDICATORS
from sptrader_stream.rules import schema
from sptrader_stream.rules.operand_table import OperandTable
from sptrader_stream.rules.operands import FieldOperand, IndicatorOperand, SignalOperand
from sptrader_stream.rules.parameters import Parameters
from sptrader_stream.rules.plan import (
    EntryRule,
    ExecutionRules,
    ExitRule,
    PriceDistance,
    PriceTarget,
    Slippage,
    StrategyPlan,
)

ATR_PERIOD = 14


def assembled(
    strategy: schema.Strategy,
    table: OperandTable,
    *,
    file: str,
    text: str,
    overrides: Mapping[str, str],
    parameters: Parameters,
    signals_folder: Path | None,
    digest: str,
) -> StrategyPlan:
    """Put a plan together; see :class:`StrategyPlan` for what its parts mean.

    Args:
        strategy: the sections.
        table: the operands that the conditions read; takes those that nothing but execution needs.
        file, text, overrides, parameters, signals_folder, digest: what the plan is to say of its origin.
    """
    execution = _execution(strategy)
    distances = [each.distance for each in execution.targets]
    if execution.stop_loss is not None:
        distances.append(execution.stop_loss)
    atr = table.column(_average_true_range()).index if any(each.kind == "atr" for each in distances) else None
    # The number of candles in a batch is the length of its columns: there is always one of the strategy's timeframe.
    if 0 not in table.operand_timeframes:
        table.column(FieldOperand("close"))
    named = {each.signal for each in table.operands if isinstance(each, SignalOperand)}
    return StrategyPlan(
        file=file,
        name=strategy.name,
        version=strategy.version,
        author=strategy.author,
        description=strategy.description,
        symbol=strategy.symbol,
        timeframe=strategy.timeframe,
        parameters=parameters.values,
        unused_parameters=parameters.unused,
        text=text,
        overrides=overrides,
        higher_timeframes=table.higher_timeframes,
        operands=table.operands,
        operand_timeframes=table.operand_timeframes,
        atr=atr,
        signals_folder=None if signals_folder is None else str(signals_folder),
        signals={name: strategy.signal_config.get(name, {}) for name in sorted(named)},
        entries=_entries(strategy),
        exits=_exits(strategy.exit),
        execution=execution,
        digest=digest,
    )


def _average_true_range() -> IndicatorOperand:
    info = INDICATORS["atr"]
    parameters = tuple(info.complete({"period": ATR_PERIOD}).items())
    return IndicatorOperand(info.name, parameters, info.outputs[0], FieldOperand("close"))


def _entries(strategy: schema.Strategy) -> tuple[EntryRule, ...]:
    if strategy.entry is not None:
        named = [("entry", strategy.entry)]
    else:
        named = [(f"entries[{index}]", each) for index, each in enumerate(strategy.entries or ())]
    rules = []
    for name, entry in named:
        size = entry.size if isinstance(entry.size, schema.Size) else schema.Size(type="percent", value=entry.size)
        rules.append(
            EntryRule(
                name=entry.name or name,
                side=1 if entry.action == "buy" else -1,
                sizing=size.type,
                size=size.value,
                max_positions=entry.max_positions or 1,
                condition=entry.when,
            )
        )
    return tuple(rules)


def _exits(section: schema.Exit) -> tuple[ExitRule, ...]:
    found = section.signal_exit
    if found is None:
        return ()
    if isinstance(found, schema.SignalExit):
        return (ExitRule(name=found.name or "exit.signal_exit", close=found.percent, condition=found.when),)
    return tuple(
        ExitRule(name=each.name or f"exit.signal_exit[{index}]", close=each.percent, condition=each.when)
        for index, each in enumerate(found)
    )


def _execution(strategy: schema.Strategy) -> ExecutionRules:
    wanted, exits = strategy.execution, strategy.exit
    commission, slippage, held = wanted.commission, wanted.slippage, exits.max_holding_period
    if isinstance(commission, int):
        commission = schema.CommissionParts(percent=commission)
    if isinstance(slippage, int):
        slippage = schema.SlippageTicks(percent=slippage)
    trailing = exits.trailing_stop
    return ExecutionRules(
        fill=wanted.fill,
        same_bar=wanted.same_bar,
        commission=None if commission is None else Commission(**msgspec.structs.asdict(commission)),
        slippage=None if slippage is None else Slippage(ticks=slippage.ticks, percent=slippage.percent),
        spread=wanted.spread,
        stop_loss=None if exits.stop_loss is None else _distance(exits.stop_loss),
        targets=_targets(exits),
        trailing_stop=None
        if trailing is None
        else TrailingStop(activation=trailing.activation_pct, trail=trailing.trail_pct),
        break_even=None if exits.break_even is None else exits.break_even.trigger_pct,
        max_holding_period=HoldingPeriod(candles=held) if isinstance(held, int) else held,
        leverage=wanted.leverage,
        close_at_end=wanted.close_at_end,
        max_drawdown=strategy.risk.max_drawdown,
        daily_loss_limit=strategy.risk.daily_loss_limit,
        max_position_size=strategy.risk.max_position_size,
    )


def _distance(section: schema.StopLoss | schema.TakeProfit) -> PriceDistance:
    return PriceDistance(kind=section.type, value=section.value)


def _targets(section: schema.Exit) -> tuple[PriceTarget, ...]:
    wanted = section.take_profit
    if wanted is None:
        return ()
    if isinstance(wanted, schema.TakeProfit):
        return (PriceTarget(distance=_distance(wanted), close=section.partial_close_pct),)
    *others, last = wanted
    # What the last one says is what is left, up to lots that were floored: these are its own as well.
    return (
        *(PriceTarget(distance=_distance(each), close=each.close) for each in others),
        PriceTarget(distance=_distance(last)),
    )
