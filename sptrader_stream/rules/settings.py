"""What the position core is told, from a strategy and the instrument that it trades."""

from __future__ import annotations

from sptrader_stream.errors import AmountError
from sptrader_stream.execution.settings import Entry, ExecutionSettings
from sptrader_stream.instruments import Instrument
from sptrader_stream.money import MONEY_DIGITS, PERCENT_DIGITS, parse_scaled
from sptrader_stream.rules.plan import EntryRule, StrategyPlan


def execution_settings(plan: StrategyPlan, instrument: Instrument, start_capital: int) -> ExecutionSettings:
    """Resolve a strategy's execution for one instrument; costs that it leaves open are the instrument's defaults.

    Args:
        plan: the strategy.
        instrument: what is traded.
        start_capital: money (10^-8), positive.

    Raises:
        AmountError: the capital is not positive, or a rule's size is no whole number of the instrument's lots.
    """
    if start_capital <= 0:
        raise AmountError("the starting capital must be more than 0")
    rules = plan.execution
    slippage = rules.slippage
    return ExecutionSettings(
        price_precision=instrument.price_precision,
        quantity_precision=instrument.quantity_precision,
        minimum_quantity=instrument.minimum_quantity,
        start_capital=start_capital,
        entries=tuple(_entry(rule, plan, instrument) for rule in plan.entries),
        fill=rules.fill,
        same_bar=rules.same_bar,
        stop_loss=rules.stop_loss,
        take_profit=rules.take_profit,
        spread=instrument.spread if rules.spread is None else None if rules.spread == "data" else rules.spread,
        slippage_ticks=instrument.slippage_ticks if slippage is None else slippage.ticks,
        slippage_percent=instrument.slippage_percent if slippage is None else slippage.percent,
        commission=instrument.commission if rules.commission is None else rules.commission,
        max_drawdown=rules.max_drawdown,
        daily_loss_limit=rules.daily_loss_limit,
        max_position_size=rules.max_position_size,
    )


def _entry(rule: EntryRule, plan: StrategyPlan, instrument: Instrument) -> Entry:
    digits = {"percent": PERCENT_DIGITS, "notional": MONEY_DIGITS, "quantity": instrument.quantity_precision}
    what = f"{plan.file}: {rule.name}.size"
    if rule.sizing == "quantity":
        what += f" (a quantity of {instrument.symbol})"
    return Entry(side=rule.side, sizing=rule.sizing, size=parse_scaled(rule.size, digits[rule.sizing], what))
