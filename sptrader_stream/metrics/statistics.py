"""Statistics of daily returns and of trades: pure functions, the definitions of the field.

Conventions for daily returns, the same as those of empyrical and the defaults of quantstats:

- A year has 252 days, whatever the market trades on. A day is one that had candles: days without any (weekends, closed
  markets) are not counted, neither as returns of zero nor for the length of time.
- Returns are simple, not logarithmic. The risk-free rate and the required return are 0.
- Standard deviations are of a sample (divided by the number of days less one), the downside deviation is not.

A statistic that is not defined is None, never 0, NaN or infinite. All need two days, or two trades.

Functions take ``returns``: float64, one per day, fractions (0.01 is one percent), as :func:`daily_returns` gives them.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sptrader_stream.columns import Floats, Ints

DAYS_A_YEAR: Final = 252


def daily_returns(equities: Ints, start_capital: int) -> Floats:
    """The day's last equity against that of the day before, less one; the first day's against the start capital.

    Args:
        equities: the last equity of each day, money (10^-8).
        start_capital: money (10^-8), positive.

    Returns:
        One return per day, up to the day on which nothing was left: of an equity that is not positive there is no
        return.
    """
    before = np.concatenate((np.array([start_capital], np.int64), equities[:-1]))[: len(equities)]
    ruined = np.flatnonzero(before <= 0)
    days = int(ruined[0]) if len(ruined) else len(equities)
    # The difference of whole numbers is exact, so that a small return keeps all its digits.
    returns: Floats = (equities[:days] - before[:days]) / before[:days]
    return returns


def cagr(returns: Floats) -> float | None:
    """Compound annual growth rate: the product of (1 + return), to the power 252 / days, less one.

    Source: https://en.wikipedia.org/wiki/Compound_annual_growth_rate; empyrical.cagr. None when more than everything
    was lost, or when it is beyond a float.
    """
    if len(returns) < 2:
        return None
    growth = float(np.prod(1.0 + returns))
    if growth < 0.0:
        return None
    try:
        return _defined(growth ** (DAYS_A_YEAR / len(returns)) - 1.0)
    except OverflowError:
        return None


def annual_volatility(returns: Floats) -> float | None:
    """Standard deviation of the returns (of a sample), times the square root of 252.

    Source: https://en.wikipedia.org/wiki/Volatility_(finance); empyrical.annual_volatility.
    """
    if len(returns) < 2:
        return None
    return _deviation(returns) * math.sqrt(DAYS_A_YEAR)


def sharpe_ratio(returns: Floats) -> float | None:
    """Mean return over the standard deviation of the returns (of a sample), times the square root of 252.

    Source: Sharpe, "The Sharpe Ratio", 1994, with a risk-free rate of 0; empyrical.sharpe_ratio. None when all returns
    are equal.
    """
    if len(returns) < 2:
        return None
    return _ratio(float(np.mean(returns)) * math.sqrt(DAYS_A_YEAR), _deviation(returns))


def sortino_ratio(returns: Floats) -> float | None:
    """Mean return over the downside deviation, times the square root of 252.

    The downside deviation is the root of the mean, over all days, of the squared negative returns. Source: Sortino and
    Price, "Performance Measurement in a Downside Risk Framework", 1994, with a required return of 0;
    empyrical.sortino_ratio. None when no return is negative.
    """
    if len(returns) < 2:
        return None
    downside = math.sqrt(float(np.mean(np.square(np.minimum(returns, 0.0)))))
    return _ratio(float(np.mean(returns)) * math.sqrt(DAYS_A_YEAR), downside)


def max_drawdown(returns: Floats) -> float | None:
    """The largest fall of the daily equity from its running peak, as a positive fraction of the peak.

    The start capital is the first peak. Source: https://en.wikipedia.org/wiki/Drawdown_(economics);
    empyrical.max_drawdown gives the same with a minus sign. It sees the ends of days only: a run's own
    ``max_drawdown`` sees every candle and is never smaller.
    """
    if len(returns) < 2:
        return None
    equity = np.concatenate((np.ones(1), np.cumprod(1.0 + returns)))
    peak = np.maximum.accumulate(equity)
    return float(np.max((peak - equity) / peak))


def calmar_ratio(returns: Floats) -> float | None:
    """CAGR over the maximum drawdown of the daily equity.

    Source: Young, "Calmar Ratio: A Smoother Tool", 1991; over the whole run and not the last 36 months, as in
    empyrical.calmar_ratio. None without a drawdown.
    """
    growth, drawdown = cagr(returns), max_drawdown(returns)
    return None if growth is None or drawdown is None else _ratio(growth, drawdown)


def system_quality(trades: int, mean: float, squares: float) -> float | None:
    """System quality number: the root of the number of trades, times the mean P&L over its standard deviation.

    Source: Tharp, "Definitive Guide to Position Sizing", 2008, with P&L in the place of R multiples and the deviation
    of a sample, as in backtesting.py. None with fewer than two trades, or when all have the same P&L.

    Args:
        trades: how many.
        mean: their mean P&L.
        squares: the sum of squared deviations from it.
    """
    if trades < 2:
        return None
    return _ratio(math.sqrt(trades) * mean, math.sqrt(squares / (trades - 1)))


def _deviation(returns: Floats) -> float:
    # The mean of equal numbers can miss them by the last bit, which would leave a deviation that is not there.
    if np.max(returns) == np.min(returns):
        return 0.0
    return float(np.std(returns, ddof=1))


def _ratio(numerator: float, denominator: float) -> float | None:
    return None if denominator == 0.0 else _defined(numerator / denominator)


def _defined(value: float) -> float | None:
    return value if math.isfinite(value) else None
