"""Where the position core keeps what: the words of its one int64 state column.

Account, settings, entry rules, waiting entries and open positions lie behind each other in one flat column, so that a
compiled kernel passes one argument around and a snapshot of a run is a copy. Positions are rows in opening order, at
the end, where there is room for as many as a run may have.
"""

from __future__ import annotations

from typing import Final

DAY_NANOSECONDS: Final = 86_400_000_000_000

# what a word holds that has no value
ABSENT: Final = -1

# account, one word each
CASH: Final = 0
EQUITY: Final = 1  # at the last candle, after everything that happened at it
PEAK: Final = 2  # of step 4's marks
DAY: Final = 3  # UTC day number of the last candle
DAY_REFERENCE: Final = 4  # the previous day's last equity
RUN_HALTED: Final = 5
DAY_HALTED: Final = 6
POSITIONS_OPENED: Final = 7
OPEN_POSITIONS: Final = 8
PENDING_ENTRIES: Final = 9
NEXT_CANDLE: Final = 10  # index in the run of the next candle
RECORD_WORDS: Final = 11  # words of the records column in use
OVERFLOW: Final = 12  # set when an amount would leave the exact range: the run cannot go on
RULE_COUNT: Final = 13
ACCOUNT_WIDTH: Final = 14

# settings, one word each
SET_UNIT: Final = ACCOUNT_WIDTH + 0  # money (10^-8) in one tick times one lot
SET_LOTS_PER_UNIT: Final = ACCOUNT_WIDTH + 1
SET_MINIMUM_QUANTITY: Final = ACCOUNT_WIDTH + 2
SET_FILL_AT_CLOSE: Final = ACCOUNT_WIDTH + 3
SET_TARGET_FIRST: Final = ACCOUNT_WIDTH + 4
SET_STOP_LOSS: Final = ACCOUNT_WIDTH + 5  # parts per 10^8, or ABSENT
SET_TAKE_PROFIT: Final = ACCOUNT_WIDTH + 6  # parts per 10^8, or ABSENT
SET_SPREAD: Final = ACCOUNT_WIDTH + 7  # ticks; used where the spread column is empty
SET_SLIPPAGE_TICKS: Final = ACCOUNT_WIDTH + 8
SET_SLIPPAGE_PERCENT: Final = ACCOUNT_WIDTH + 9
SET_COMMISSION_PERCENT: Final = ACCOUNT_WIDTH + 10
SET_COMMISSION_PER_UNIT: Final = ACCOUNT_WIDTH + 11
SET_COMMISSION_PER_ORDER: Final = ACCOUNT_WIDTH + 12
SET_COMMISSION_MINIMUM: Final = ACCOUNT_WIDTH + 13
SET_MAX_DRAWDOWN: Final = ACCOUNT_WIDTH + 14  # parts per 10^8, or ABSENT
SET_DAILY_LOSS: Final = ACCOUNT_WIDTH + 15  # parts per 10^8, or ABSENT
SET_MAX_POSITION: Final = ACCOUNT_WIDTH + 16  # parts per 10^8, or ABSENT
SETTINGS_END: Final = ACCOUNT_WIDTH + 17

# entry rules, one row each
RULE_SIDE: Final = 0
RULE_SIZING: Final = 1
RULE_SIZE: Final = 2
RULE_WIDTH: Final = 3
SIZING_PERCENT: Final = 0
SIZING_NOTIONAL: Final = 1
SIZING_QUANTITY: Final = 2
RULES: Final = SETTINGS_END
MOST_RULES: Final = 32

# pending entries, one row each
PENDING_RULE: Final = 0
PENDING_QUANTITY: Final = 1
PENDING_WIDTH: Final = 2
PENDING: Final = RULES + MOST_RULES * RULE_WIDTH

# positions, one row each, in opening order
POS_ID: Final = 0
POS_INSTRUMENT: Final = 1
POS_RULE: Final = 2
POS_SIDE: Final = 3
POS_QUANTITY: Final = 4
POS_ENTRY_PRICE: Final = 5
POS_ENTRY_TIME: Final = 6
POS_ENTRY_CANDLE: Final = 7
POS_ENTRY_COMMISSION: Final = 8
POS_STOP: Final = 9  # ticks, or ABSENT
POS_STOP_REASON: Final = 10
POS_TARGET: Final = 11  # ticks, or ABSENT
POS_BEST: Final = 12
POS_WORST: Final = 13
POS_EXIT_REASON: Final = 14  # why it is put up for closing, or ABSENT
POSITION_WIDTH: Final = 15
POSITIONS: Final = PENDING + MOST_RULES * PENDING_WIDTH
