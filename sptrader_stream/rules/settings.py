"""What the position core is told, from a strategy and the instruments that it trades."""

from __future__ import annotations

from collections.abc import Sequence

from sptrader_stream.errors import AmountError, UserError
from sptrader_stream.execution.settings import Distance, Entry, ExecutionSettings, InstrumentSettings, Target
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import MONEY_DIGITS, PERCENT_DIGITS, parse_scaled
from sptrader_stream.rules.plan import EntryRule, PriceDistance, StrategyPlan
from sptrader_stream.timeframes import format_timeframe, is_made_of, parse_timeframe


def strategy_timeframe(plan: StrategyPlan, timeframe: int) -> int:
    """Give the length of the candles that a strategy's rules see, nanoseconds: its own, else that of the data.

    Args:
        plan: the strategy.
        timeframe: of the data, nanoseconds.

    Raises:
        UserError: they are not made of whole candles of the data, or those of a ``tf`` not of whole ones of them.
    """
    own = timeframe if plan.timeframe is None else parse_timeframe(plan.timeframe)
    data, rules = format_timeframe(timeframe), format_timeframe(own)
    if own < timeframe:
        raise UserError(
            f"{plan.file}: timeframe: the strategy is for candles of {rules}, and those of the data are of {data}: "
            f"give it data of {rules} or finer, or change `timeframe`"
        )
    if not is_made_of(own, timeframe):
        raise UserError(
            f"{plan.file}: timeframe: the strategy is for candles of {rules}, which are not made of whole candles of "
            f"the data, {data}: give it data of {rules} or of a part of it that divides it, or change `timeframe`"
        )
    for higher in plan.higher_timeframes:
        if not is_made_of(parse_timeframe(higher), own):
            raise UserError(
                f"{plan.file}: a condition has `tf: {higher}`, whose candles are not made of whole candles of {rules}, "
                f"the timeframe of the {'data' if plan.timeframe is None else 'strategy'}: give it finer data, "
                f"or change `tf` to a whole multiple of {rules}"
            )
    return own


def plan_timeframes(plan: StrategyPlan, timeframe: int) -> list[int]:
    """Give the lengths of all candles that a strategy's rules see, nanoseconds: its own first, then the higher ones.

    Args:
        plan: the strategy.
        timeframe: of the data, nanoseconds.

    Raises:
        UserError: see :func:`strategy_timeframe`.
    """
    return [strategy_timeframe(plan, timeframe), *map(parse_timeframe, plan.higher_timeframes)]


def execution_settings(
    plan: StrategyPlan, instruments: Sequence[Instrument], timeframe: int, start_capital: int
) -> ExecutionSettings:
    """Resolve a strategy's execution; costs that it leaves open are each instrument's defaults.

    Args:
        plan: the strategy.
        instruments: what is traded, in order; the first one's session is that of the run's days.
        timeframe: of the data, nanoseconds.
        start_capital: money (10^-8), positive.

    Raises:
        AmountError: the capital is not positive, a rule's size is no whole number of an instrument's lots, or a
            distance in price units is no whole number of its ticks.
        UserError: see :func:`strategy_timeframe`.
    """
    if start_capital <= 0:
        raise AmountError("the starting capital must be more than 0")
    rules = plan.execution
    return ExecutionSettings(
        start_capital=start_capital,
        instruments=tuple(_instrument(plan, each) for each in instruments),
        timeframe=timeframe,
        strategy_timeframe=strategy_timeframe(plan, timeframe),
        session=instruments[0].session,
        exits=tuple(rule.close for rule in plan.exits),
        fill=rules.fill,
        same_bar=rules.same_bar,
        trailing_stop=rules.trailing_stop,
        break_even=rules.break_even,
        max_holding_period=rules.max_holding_period,
        leverage=rules.leverage,
        close_at_end=rules.close_at_end,
        max_drawdown=rules.max_drawdown,
        daily_loss_limit=rules.daily_loss_limit,
        max_position_size=rules.max_position_size,
    )


def _instrument(plan: StrategyPlan, instrument: Instrument) -> InstrumentSettings:
    rules = plan.execution
    slippage, stop_loss, file = rules.slippage, rules.stop_loss, plan.file
    targets = []
    for index, target in enumerate(rules.targets):
        place = f"exit.take_profit[{index}]" if len(rules.targets) > 1 else "exit.take_profit"
        distance = _distance(target.distance, instrument, f"{file}: {place}.value")
        targets.append(Target(distance=distance, close=target.close))
    return InstrumentSettings(
        symbol=instrument.symbol,
        price_precision=instrument.price_precision,
        quantity_precision=instrument.quantity_precision,
        minimum_quantity=instrument.minimum_quantity,
        entries=tuple(_entry(rule, instrument, file) for rule in plan.entries),
        stop_loss=None if stop_loss is None else _distance(stop_loss, instrument, f"{file}: exit.stop_loss.value"),
        targets=tuple(targets),
        spread=instrument.spread if rules.spread is None else None if rules.spread == "data" else rules.spread,
        slippage_ticks=instrument.slippage_ticks if slippage is None else slippage.ticks,
        slippage_percent=instrument.slippage_percent if slippage is None else slippage.percent,
        commission=instrument.commission if rules.commission is None else rules.commission,
        session=instrument.session,
    )


def _distance(distance: PriceDistance, instrument: Instrument, what: str) -> Distance:
    digits = PERCENT_DIGITS
    if distance.kind == "offset":
        digits = instrument.price_precision
        what += f" (a distance in prices of {instrument.symbol})"
    return Distance(kind=distance.kind, value=parse_scaled(distance.value, digits, what))


def _entry(rule: EntryRule, instrument: Instrument, file: str) -> Entry:
    digits = {"notional": MONEY_DIGITS, "quantity": instrument.quantity_precision}.get(rule.sizing, PERCENT_DIGITS)
    what = f"{file}: {rule.name}.size"
    if rule.sizing == "quantity":
        what += f" (a quantity of {instrument.symbol})"
    return Entry(
        side=rule.side,
        sizing=rule.sizing,
        size=parse_scaled(rule.size, digits, what),
        max_positions=rule.max_positions,
    )
