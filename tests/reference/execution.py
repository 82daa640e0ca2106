"""Section 3 of EXECUTION.md: what one timestamp does, in which order, at which price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from sptrader_stream.execution.settings import ExecutionSettings
from tests.reference.account import Account
from tests.reference.entries import entry_rules, fill_entries
from tests.reference.exits import exit_rules, fill_exits, time_exits
from tests.reference.levels import after_the_range, inside_the_candle
from tests.reference.limits import check_limits, look_at_the_day
from tests.reference.spans import closes
from tests.reference.state import Candle, Decision, Market, Moment, Result, Settlement


def run(
    settings: ExecutionSettings,
    markets: Sequence[Market],
    end: Literal["end_of_data", "cancelled"] = "end_of_data",
) -> Result:
    """Walk the timestamps of all instruments; ``end`` says why what is open is closed, where it is."""
    walk = _Walk(settings, markets)
    account = walk.account
    result = Result(events=account.events, positions=account.positions)
    for time in sorted({candle.time for market in markets for candle in market.candles}):
        walk.timestamp(time)
        result.times.append(time)
        result.equity.append(account.equity)
        result.cash.append(account.cash)
        result.open_positions.append(len(account.positions))
    if settings.close_at_end and account.positions:
        result.positions = []
        result.settlement = settled(account, end)
    return result


class _Walk:
    """The markets and the account that goes through them."""

    def __init__(self, settings: ExecutionSettings, markets: Sequence[Market]) -> None:
        self.account = Account(settings)
        self.markets = markets
        self.rows = [{candle.time: row for row, candle in enumerate(market.candles)} for market in markets]
        self.closes = [closes(settings, index, market.candles) for index, market in enumerate(markets)]
        for market, closed in zip(markets, self.closes, strict=True):
            assert set(market.decisions) <= set(closed), "decisions are made when a strategy candle closes"

    def timestamp(self, time: int) -> None:
        account = self.account
        account.index += 1
        account.time = time
        rows = {index: by_time[time] for index, by_time in enumerate(self.rows) if time in by_time}
        candles = {index: self.markets[index].candles[row] for index, row in rows.items()}
        # Section 2: strategy candles whose last data candle is missing close just before the next one.
        late = {index: Moment(row, late=True) for index, row in rows.items()}
        late = {index: moment for index, moment in late.items() if moment in self.closes[index]}
        self.decide(late)
        if account.settings.fill == "close":
            self.fill_at_the_close(late, late=True)

        look_at_the_day(account)
        for index, candle in candles.items():
            account.mark(index, candle.open, candle.spread)
        for index in candles:  # step 1
            fill_exits(account, index)
            fill_entries(account, index, at_open=True)
        for index, candle in candles.items():
            self.resting_levels(index, candle)
        for index, candle in candles.items():
            account.mark(index, candle.close, candle.spread)
        account.equity = account.marked()  # step 4
        check_limits(account)  # step 5
        on_time = {index: Moment(row) for index, row in rows.items()}
        self.decide({index: moment for index, moment in on_time.items() if moment in self.closes[index]})  # step 6
        if account.settings.fill == "close":
            self.fill_at_the_close(on_time, late=False)

    def resting_levels(self, index: int, candle: Candle) -> None:
        """Steps 2 and 3 for one instrument."""
        for position in self.account.of(index):
            inside_the_candle(self.account, position, candle)
        for position in self.account.of(index):
            after_the_range(self.account, position, candle)

    def decide(self, moments: Mapping[int, Moment]) -> None:
        """Step 6: instruments in order, and of each time exits, exit rules, entry rules."""
        for index, moment in moments.items():
            instant = self.closes[index][moment]
            decision = self.markets[index].decisions.get(moment, Decision())
            time_exits(self.account, index, instant)
            exit_rules(self.account, index, decision.exits)
            entry_rules(self.account, index, decision, instant)

    def fill_at_the_close(self, moments: Mapping[int, Moment], *, late: bool) -> None:
        """Step 6, ``fill: close``: exits of all instruments first; then equity is marked again."""
        account = self.account
        for index in moments:
            fill_exits(account, index, spare_halted=late)
        for index in moments:
            fill_entries(account, index, at_open=False)
        account.equity = account.marked()


def settled(account: Account, reason: Literal["end_of_data", "cancelled"]) -> Settlement:
    """Section 3, end of the data: everything is closed at the last close; what waits is forgotten."""
    before = len(account.events)
    for index in range(len(account.settings.instruments)):
        for position in account.of(index):
            account.close(position, position.quantity, account.market(index, -position.side), reason)
    events = account.events[before:]
    del account.events[before:]
    return Settlement(events, account.marked(), account.cash, len(account.positions))
