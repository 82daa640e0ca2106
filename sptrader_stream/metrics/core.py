"""The metrics core: takes in what the position core did, batch by batch, and says what the run comes to."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.events import Executions, Progress
from sptrader_stream.metrics import equity, statistics, trades
from sptrader_stream.metrics.summary import Metrics
from sptrader_stream.money import divide_half_even

_EPOCH = date(1970, 1, 1)
_DAYS_AT_FIRST = 512


class MetricsCore:
    """The metrics of one run.

    The state is a handful of numbers and 16 bytes for each day; it does not depend on how the run was cut into batches.

    Args:
        start_capital: money (10^-8), positive.
        timeframe_ns: length of a candle, nanoseconds.
        session_ns: where a day begins, nanoseconds after midnight UTC; may be negative.
    """

    def __init__(self, start_capital: int, timeframe_ns: int, session_ns: int = 0) -> None:
        self._start_capital = start_capital
        self._timeframe = timeframe_ns
        self._session = session_ns
        self._candles = 0
        self._equity = equity.new_state(start_capital)
        self._days = np.zeros(_DAYS_AT_FIRST * equity.DAY_WIDTH, np.int64)
        self._closed_days = 0
        self._counts, self._moments = trades.new_counts()
        self._trades = 0

    def process(self, executions: Executions) -> None:
        """Take in the next batch; it must begin where the last one ended.

        One that settles says what closing at the end did: its equity takes the place of the last one, and is one more
        mark of the last timestamp's for drawdowns and the checksum.
        """
        self._candles += executions.candles
        wanted = (self._closed_days + len(executions.equity)) * equity.DAY_WIDTH
        if wanted > len(self._days):
            self._days = np.concatenate((self._days, np.zeros(wanted, np.int64)))
        self._closed_days = equity.follow_equity(
            executions.time, executions.equity, executions.open_positions,
            0 if executions.settles else 1, self._timeframe, self._session, self._equity, self._days, self._closed_days,
        )  # fmt: skip
        if len(executions.records):
            self._trades = trades.count_records(executions.records, self._counts, self._moments)

    def progress(self) -> Progress:
        """Where the run stands; the time is 0 before the first candle."""
        state = self._equity
        return Progress(
            candles=self._candles,
            time=state.item(equity.LAST_TIME),
            equity=state.item(equity.LAST_EQUITY),
            open_positions=state.item(equity.LAST_OPEN),
            trades=self._trades,
        )

    @property
    def equity_checksum(self) -> int:
        """64 bits that depend on every candle's equity and on their order; 0 before the first candle."""
        return self._equity.item(equity.CHECKSUM) & (2**64 - 1)

    def daily_equity(self) -> tuple[Ints, Ints]:
        """The days that had candles, as days since 1970, and the last equity of each, the current day's so far.

        A day that begins at another time than midnight UTC has the number of the date ``session_ns`` before its start.
        """
        table = self._days[: self._closed_days * equity.DAY_WIDTH].reshape(-1, equity.DAY_WIDTH)
        if self._equity[equity.CANDLES] == 0:
            return table[:, 0], table[:, 1]
        days = np.append(table[:, 0], self._equity[equity.DAY])
        return days, np.append(table[:, 1], self._equity[equity.LAST_EQUITY])

    def result(self) -> Metrics:
        """The metrics up to the last candle; the run may go on afterwards."""
        state: list[int] = self._equity.tolist()
        equity.end_drawdown(
            state, state[equity.PEAK], state[equity.TROUGH], state[equity.PEAK_CANDLE], state[equity.PEAK_TIME],
            state[equity.CANDLES] - 1, state[equity.LAST_TIME],
        )  # fmt: skip
        if state[equity.LONGEST_CANDLES]:
            state[equity.LONGEST_START] += self._timeframe
        days, equities = self.daily_equity()
        returns = statistics.daily_returns(equities, self._start_capital)
        counts: list[int] = self._counts.tolist()
        return _metrics(self._start_capital, self._candles, state, counts, self._moments, _dated(days, returns))


def _dated(days: Ints, returns: Floats) -> tuple[tuple[date, float], ...]:
    numbered = zip(days[: len(returns)].tolist(), returns.tolist(), strict=True)
    return tuple((_EPOCH + timedelta(days=day), value) for day, value in numbered)


def _metrics(
    start_capital: int,
    candles: int,
    state: list[int],
    counts: list[int],
    moments: Floats,
    daily: tuple[tuple[date, float], ...],
) -> Metrics:
    timestamps, total = state[equity.CANDLES], counts[trades.TRADES]
    wins, losses = counts[trades.WINS], counts[trades.LOSSES]
    gross_profit, gross_loss = trades.wide_sum(counts, trades.GROSS_PROFIT), trades.wide_sum(counts, trades.GROSS_LOSS)
    worst_peak, worst_trough = state[equity.WORST_PEAK], state[equity.WORST_TROUGH]
    returns = np.array([value for _, value in daily])
    return Metrics(
        candles=candles,
        end_equity=state[equity.LAST_EQUITY],
        total_return=(state[equity.LAST_EQUITY] - start_capital) / start_capital,
        total_trades=total,
        winning_trades=wins,
        losing_trades=losses,
        break_even_trades=total - wins - losses,
        win_rate=wins / total if total else None,
        total_pnl=gross_profit + gross_loss,
        gross_profit=gross_profit,
        gross_loss=gross_loss,
        profit_factor=gross_profit / -gross_loss if losses else None,
        expectancy=divide_half_even(gross_profit + gross_loss, total) if total else None,
        average_win=divide_half_even(gross_profit, wins) if wins else None,
        average_loss=divide_half_even(gross_loss, losses) if losses else None,
        largest_win=counts[trades.LARGEST_WIN] if wins else None,
        largest_loss=counts[trades.LARGEST_LOSS] if losses else None,
        max_consecutive_wins=counts[trades.MOST_WINS],
        max_consecutive_losses=counts[trades.MOST_LOSSES],
        sqn=statistics.system_quality(total, float(moments[trades.PNL_MEAN]), float(moments[trades.PNL_SQUARES])),
        average_mae=float(moments[trades.ADVERSE]) / total if total else None,
        average_mfe=float(moments[trades.FAVOURABLE]) / total if total else None,
        average_holding_time=divide_half_even(trades.wide_sum(counts, trades.HOLDING), total) if total else None,
        min_holding_time=counts[trades.SHORTEST] if total else None,
        max_holding_time=counts[trades.LONGEST] if total else None,
        exposure=state[equity.EXPOSED] / timestamps if timestamps else None,
        max_drawdown=(worst_peak - worst_trough) / worst_peak,
        max_drawdown_peak=worst_peak,
        max_drawdown_trough=worst_trough,
        max_drawdown_money=state[equity.LARGEST_FALL],
        longest_drawdown=state[equity.LONGEST_TIME],
        longest_drawdown_candles=state[equity.LONGEST_CANDLES],
        longest_drawdown_start=state[equity.LONGEST_START] if state[equity.LONGEST_CANDLES] else None,
        cagr=statistics.cagr(returns),
        volatility=statistics.annual_volatility(returns),
        sharpe_ratio=statistics.sharpe_ratio(returns),
        sortino_ratio=statistics.sortino_ratio(returns),
        calmar_ratio=statistics.calmar_ratio(returns),
        fills=counts[trades.FILLS],
        rejections=counts[trades.REJECTIONS],
        halts=counts[trades.HALTS],
        same_bar_trades=counts[trades.SAME_BAR],
        gap_trades=counts[trades.GAP],
        total_commission=trades.wide_sum(counts, trades.COMMISSIONS),
        daily_returns=daily,
    )
