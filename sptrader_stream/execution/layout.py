"""Where the position core keeps what: the words of its one int64 state column.

Account, settings, exit rules, one book for each instrument and the rows of open positions lie behind each other in one
flat column, so that a compiled kernel passes one argument around and a snapshot of a run is a copy. A book holds an
instrument's settings, its place in the batch and what the walk has to know of its positions; these are rows of their
own, in opening order, with room for as many as the instrument may have.
"""

from __future__ import annotations

from typing import Final

DAY_NANOSECONDS: Final = 86_400_000_000_000

# what a word holds that has no value
ABSENT: Final = -1

MOST_RULES: Final = 32
MOST_TARGETS: Final = 32
MOST_INSTRUMENTS: Final = 1000
MOST_POSITIONS: Final = 100

# account, one word each
CASH: Final = 0
EQUITY: Final = 1  # at the last timestamp, after everything that happened at it
PEAK: Final = 2  # of step 4's marks
DAY: Final = 3  # number of the last timestamp's day
DAY_REFERENCE: Final = 4  # the previous day's last equity
RUN_HALTED: Final = 5
DAY_HALTED: Final = 6
POSITIONS_OPENED: Final = 7
OPEN_POSITIONS: Final = 8
NEXT_CANDLE: Final = 9  # index in the run of the next timestamp
LAST_TIME: Final = 10
RECORD_WORDS: Final = 11  # words of the records column in use
DONE: Final = 12  # set when the batch is at its end
OVERFLOW: Final = 13  # 1 + the instrument at which an amount would leave the exact range: the run cannot go on
OVERFLOW_PRICE: Final = 14
OVERFLOW_QUANTITY: Final = 15
# the books whose rows at this timestamp may change more than the marks
BUSY_BOOKS: Final = 16  # how many
BUSY_LIST: Final = 17  # where their addresses are, in the order of the instruments
NEXT_TIME: Final = 18  # of the earliest row of the batch that is not done, where there are several instruments
ACCOUNT_WIDTH: Final = 19

# settings of the portfolio, one word each
SET_INSTRUMENTS: Final = ACCOUNT_WIDTH + 0
SET_RULES: Final = ACCOUNT_WIDTH + 1
SET_EXITS: Final = ACCOUNT_WIDTH + 2
SET_TIMEFRAME: Final = ACCOUNT_WIDTH + 3  # nanoseconds
SET_STRATEGY_TIMEFRAME: Final = ACCOUNT_WIDTH + 4
SET_EVERY_ROW_CLOSES: Final = ACCOUNT_WIDTH + 5  # whether the strategy's candles are the data's
SET_SESSION: Final = ACCOUNT_WIDTH + 6
SET_FILL_AT_CLOSE: Final = ACCOUNT_WIDTH + 7
SET_TARGET_FIRST: Final = ACCOUNT_WIDTH + 8
SET_ACTIVATION: Final = ACCOUNT_WIDTH + 9  # parts per 10^8
SET_TRAIL: Final = ACCOUNT_WIDTH + 10  # parts per 10^8, or ABSENT
SET_BREAK_EVEN: Final = ACCOUNT_WIDTH + 11  # parts per 10^8, or ABSENT
SET_HOLD_CANDLES: Final = ACCOUNT_WIDTH + 12  # or ABSENT
SET_HOLD_TIME: Final = ACCOUNT_WIDTH + 13  # nanoseconds, or ABSENT
SET_LEVERAGE: Final = ACCOUNT_WIDTH + 14  # parts per 10^8
SET_MAX_DRAWDOWN: Final = ACCOUNT_WIDTH + 15  # parts per 10^8, or ABSENT
SET_DAILY_LOSS: Final = ACCOUNT_WIDTH + 16  # parts per 10^8, or ABSENT
SET_MAX_POSITION: Final = ACCOUNT_WIDTH + 17  # parts per 10^8, or ABSENT
SET_USES_ATR: Final = ACCOUNT_WIDTH + 18  # whether a level depends on the ATR of the decision
SET_ROOM: Final = ACCOUNT_WIDTH + 19  # words of records that one timestamp may need
# for each exit rule, the part of the open quantity that it closes, per 10^8; ABSENT for all of it
EXITS: Final = ACCOUNT_WIDTH + 20

BOOKS: Final = EXITS + MOST_RULES

# an instrument's settings, one word each
UNIT: Final = 0  # money (10^-8) in one tick times one lot
LOTS_PER_UNIT: Final = 1
MINIMUM_QUANTITY: Final = 2
FIXED_SPREAD: Final = 3  # ticks, or ABSENT: each candle's own
SLIPPAGE_TICKS: Final = 4
SLIPPAGE_PERCENT: Final = 5
COMMISSION_PERCENT: Final = 6
COMMISSION_PER_UNIT: Final = 7
COMMISSION_PER_ORDER: Final = 8
COMMISSION_MINIMUM: Final = 9
STOP_KIND: Final = 10  # or ABSENT: no stop
STOP_VALUE: Final = 11
TARGETS: Final = 12  # how many
ORIGIN: Final = 13  # an open time of the strategy's candles
# an instrument's place in the batch
START: Final = 14  # its first row
SEEN: Final = 15  # the positions know the extremes of the rows before this one
ROW: Final = 16  # the next row
ROWS_END: Final = 17
DECISION: Final = 18  # the next decision
DECISIONS_END: Final = 19
CLOSE: Final = 20  # the next close of a strategy candle, where not every row is one
CLOSES_END: Final = 21
# what happened last
BID: Final = 22  # the last close
SPREAD: Final = 23  # the last one
ROW_TIME: Final = 24  # of the last row
CLOSED: Final = 25  # strategy candles closed; where every row is one, before this batch
# orders that wait
WAITING_ENTRIES: Final = 26
WAITING_EXITS: Final = 27  # positions put up for closing
# its positions in sum
COUNT: Final = 28
SIDE: Final = 29
WORTH: Final = 30  # money for one tick of the whole quantity
POSITIONS: Final = 31  # where its rows of positions start
# The walk can pass a row that changes nothing but the marks: strictly between these prices, before these times.
BELOW: Final = 32
ABOVE: Final = 33
HIGHEST_MARK: Final = 34
DEADLINE_CLOSED: Final = 35
DEADLINE_TIME: Final = 36
QUIET_END: Final = 37  # the first row that may not be passed so; one instrument's stretches find it themselves
DECIDED_LATE: Final = 38  # whether anything was decided just before this timestamp
RULES: Final = 39

# entry rules, one row each
RULE_SIDE: Final = 0
RULE_SIZING: Final = 1
RULE_SIZE: Final = 2
RULE_MAX_POSITIONS: Final = 3
RULE_WIDTH: Final = 4
SIZING_PERCENT: Final = 0
SIZING_NOTIONAL: Final = 1
SIZING_QUANTITY: Final = 2
SIZING_RISK: Final = 3

# targets, one row each
TARGET_ROWS: Final = RULES + MOST_RULES * RULE_WIDTH
TARGET_KIND: Final = 0
TARGET_VALUE: Final = 1
TARGET_CLOSE: Final = 2  # parts per 10^8, or ABSENT: all that is left
TARGET_WIDTH: Final = 3
PERCENTAGE: Final = 0
OFFSET: Final = 1
ATR: Final = 2

# entries that wait, one row each
ENTRY_ROWS: Final = TARGET_ROWS + MOST_TARGETS * TARGET_WIDTH
ENTRY_RULE: Final = 0
ENTRY_QUANTITY: Final = 1
ENTRY_ATR: Final = 2
ENTRY_WIDTH: Final = 3

BOOK_WIDTH: Final = ENTRY_ROWS + MOST_RULES * ENTRY_WIDTH

# positions, one row each, in opening order
POS_ID: Final = 0
POS_RULE: Final = 1
POS_OPENED: Final = 2  # the quantity that was opened
POS_QUANTITY: Final = 3  # what of it is open
POS_ENTRY_PRICE: Final = 4
POS_ENTRY_TIME: Final = 5
POS_ENTRY_CANDLE: Final = 6
POS_COMMISSION: Final = 7  # of the entry
POS_CHARGED: Final = 8  # what of it has been charged to closed parts
POS_STOP: Final = 9  # ticks, or ABSENT
POS_STOP_REASON: Final = 10
POS_TARGET: Final = 11  # the next one, ticks, or ABSENT
POS_TARGET_INDEX: Final = 12
POS_TARGET_QUANTITY: Final = 13
POS_ATR: Final = 14  # at the decision
POS_BEST: Final = 15
POS_WORST: Final = 16
POS_ACTIVATION: Final = 17  # the best price that starts the trailing stop, or ABSENT
POS_TRIGGER: Final = 18  # the best price that moves the stop to the entry, or ABSENT: none, or done
POS_EXIT_REASON: Final = 19  # why it is put up for closing, or ABSENT
POS_EXIT_QUANTITY: Final = 20  # how much of it is
POS_FILLED: Final = 21  # the instant of the entry's fill, nanoseconds
POS_CLOSED: Final = 22  # strategy candles closed until then
POSITION_WIDTH: Final = 23
