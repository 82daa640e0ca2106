"""What the metrics keep of the execution records: counts and sums over trades, fills, rejections and halts.

A position that is closed in parts is as many trades, each with its quantity and its share of the entry's commission.

Whole numbers are kept exactly. A sum that could pass 2^63 in a long run takes two words, see :func:`wide_sum`. The
float64 moments are taken in the order of the trades, so that any split into batches leaves the same bits.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sptrader_stream.columns import Floats, Ints
from sptrader_stream.execution.records import (
    ASSUMED_GAP,
    ASSUMED_SAME_BAR,
    BEST,
    COMMISSION,
    ENTRY_PRICE,
    ENTRY_TIME,
    HEAD,
    KIND_FILL,
    KIND_HALT,
    KIND_REJECTION,
    KIND_TRADE,
    PNL,
    RECORD_WIDTH,
    TIME,
    WORST,
    Trade,
)
from sptrader_stream.kernels import device, kernel
from sptrader_stream.money import PERCENT_SCALE, divide_half_even

# Layout of the counts. Those with a second word behind them are wide sums.
FILLS: Final = 0
TRADES: Final = 1
REJECTIONS: Final = 2
HALTS: Final = 3
WINS: Final = 4
LOSSES: Final = 5
GROSS_PROFIT: Final = 6
GROSS_LOSS: Final = 8
LARGEST_WIN: Final = 10
LARGEST_LOSS: Final = 11
# How many trades in a row have won (positive) or lost (negative), up to the last one.
STREAK: Final = 12
MOST_WINS: Final = 13
MOST_LOSSES: Final = 14
HOLDING: Final = 15
SHORTEST: Final = 17
LONGEST: Final = 18
COMMISSIONS: Final = 19
# Trades whose exit rests on an assumption, by its kind.
SAME_BAR: Final = 21
GAP: Final = 22
COUNTS_WIDTH: Final = 23

# Layout of the moments: mean and sum of squared deviations of the P&L, sums of MAE and MFE.
PNL_MEAN: Final = 0
PNL_SQUARES: Final = 1
ADVERSE: Final = 2
FAVOURABLE: Final = 3
MOMENTS_WIDTH: Final = 4

_LOW_BITS: Final = 32
_LOW_WORD: Final = 2**32 - 1


def new_counts() -> tuple[Ints, Floats]:
    """Counts and moments before the first record."""
    return np.zeros(COUNTS_WIDTH, np.int64), np.zeros(MOMENTS_WIDTH)


@device
def add_wide(counts: Ints, index: int, amount: int) -> None:
    """Add to a sum in two words: the high one sums the amounts' high halves, the low one their low 32 bits."""
    counts[index] += amount >> _LOW_BITS
    counts[index + 1] += amount & _LOW_WORD


def wide_sum(counts: list[int], index: int) -> int:
    """The value of a sum in two words."""
    return (counts[index] << _LOW_BITS) + counts[index + 1]


@device
def _add_result(counts: Ints, pnl: int) -> None:
    streak = counts[STREAK]
    if pnl > 0:
        counts[WINS] += 1
        add_wide(counts, GROSS_PROFIT, pnl)
        counts[LARGEST_WIN] = max(counts[LARGEST_WIN], pnl)
        streak = max(streak, 0) + 1
        counts[MOST_WINS] = max(counts[MOST_WINS], streak)
    elif pnl < 0:
        counts[LOSSES] += 1
        add_wide(counts, GROSS_LOSS, pnl)
        counts[LARGEST_LOSS] = min(counts[LARGEST_LOSS], pnl)
        streak = min(streak, 0) - 1
        counts[MOST_LOSSES] = max(counts[MOST_LOSSES], -streak)
    else:
        streak = 0
    counts[STREAK] = streak


@device
def _add_assumption(counts: Ints, assumption: int) -> None:
    if assumption == ASSUMED_SAME_BAR:
        counts[SAME_BAR] += 1
    elif assumption == ASSUMED_GAP:
        counts[GAP] += 1


@device
def _add_holding(counts: Ints, holding: int) -> None:
    add_wide(counts, HOLDING, holding)
    if counts[TRADES] == 1 or holding < counts[SHORTEST]:
        counts[SHORTEST] = holding
    counts[LONGEST] = max(counts[LONGEST], holding)


@device
def _add_moments(records: Ints, row: int, trades: int, moments: Floats) -> None:
    pnl = float(records[row + PNL])
    deviation = pnl - moments[PNL_MEAN]
    # Welford, "Note on a method for calculating corrected sums of squares", 1962: squares of P&L would not fit.
    moments[PNL_MEAN] += deviation / trades
    moments[PNL_SQUARES] += deviation * (pnl - moments[PNL_MEAN])
    side = (records[row + HEAD] >> 16 & 0xFF) - 1
    entry_price = records[row + ENTRY_PRICE]
    base = float(max(entry_price, 1))
    moments[ADVERSE] += float(side * (entry_price - records[row + WORST])) / base
    moments[FAVOURABLE] += float(side * (records[row + BEST] - entry_price)) / base


@kernel
def count_records(records: Ints, counts: Ints, moments: Floats) -> int:
    """Take in a batch of records.

    Args:
        records: rows of RECORD_WIDTH.
        counts: see the layout above; changed in place.
        moments: see the layout above; changed in place.

    Returns:
        How many trades there have been.
    """
    for row in range(0, len(records), RECORD_WIDTH):
        kind = records[row + HEAD] & 0xFF
        if kind == KIND_FILL:
            counts[FILLS] += 1
            add_wide(counts, COMMISSIONS, records[row + COMMISSION])
        elif kind == KIND_TRADE:
            counts[TRADES] += 1
            _add_assumption(counts, records[row + HEAD] >> 56)
            _add_result(counts, records[row + PNL])
            _add_holding(counts, records[row + TIME] - records[row + ENTRY_TIME])
            _add_moments(records, row, counts[TRADES], moments)
        elif kind == KIND_REJECTION:
            counts[REJECTIONS] += 1
        elif kind == KIND_HALT:
            counts[HALTS] += 1
    return int(counts[TRADES])


def excursions(trade: Trade) -> tuple[int, int]:
    """How far the price went against a trade and in its favour while it was open.

    MAE (maximum adverse excursion) and MFE (maximum favourable excursion) after Sweeney, "Maximum Adverse Excursion",
    1997: the distance from the entry price to the worst and to the best price, as a fraction of the entry price. Both
    are not negative, because the entry price itself is among the prices that the position saw.

    Returns:
        MAE and MFE in parts per 10^8 of the entry price, rounded half to even.
    """
    adverse = trade.side * (trade.entry_price - trade.worst)
    favourable = trade.side * (trade.best - trade.entry_price)
    # Slippage can take a sale down to zero, which nothing is a fraction of: a tick stands in.
    base = max(trade.entry_price, 1)
    return divide_half_even(adverse * PERCENT_SCALE, base), divide_half_even(favourable * PERCENT_SCALE, base)
