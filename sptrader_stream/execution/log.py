"""The rows that orders and limits leave in the log of a batch, see ``records``.

``book`` is where an instrument's book starts in the state, ``slot`` where a position's row does.
"""

from __future__ import annotations

from sptrader_stream.columns import Ints
from sptrader_stream.execution.books import instrument_of
from sptrader_stream.execution.layout import (
    NEXT_CANDLE,
    POS_ID,
    POS_RULE,
    RECORD_WORDS,
    RULE_SIDE,
    RULE_WIDTH,
    RULES,
)
from sptrader_stream.execution.records import (
    CANDLE,
    COMMISSION,
    HEAD,
    KIND_FILL,
    KIND_REJECTION,
    POSITION,
    PRICE,
    QUANTITY,
    RECORD_WIDTH,
    TIME,
    pack_head,
)
from sptrader_stream.kernels import device


@device
def new_row(state: Ints, records: Ints, head: int, time: int) -> int:
    """Append a row of zeros but for its head, candle and time; answers where it starts."""
    row: int = state[RECORD_WORDS]
    for word in range(row, row + RECORD_WIDTH):
        records[word] = 0
    records[row + HEAD] = head
    records[row + CANDLE] = state[NEXT_CANDLE]
    records[row + TIME] = time
    state[RECORD_WORDS] = row + RECORD_WIDTH
    return row


@device
def reject(
    state: Ints, book: int, records: Ints, time: int, rule: int, price: int, quantity: int, reason: int
) -> int:  # fmt: skip
    """Log an entry that could not be made."""
    side = state[book + RULES + rule * RULE_WIDTH + RULE_SIDE]
    head = pack_head(KIND_REJECTION, reason, side, rule, instrument_of(book), 0)
    row = new_row(state, records, head, time)
    records[row + PRICE] = price
    records[row + QUANTITY] = quantity
    return row


@device
def log_fill(
    state: Ints, book: int, slot: int, records: Ints,
    side: int, time: int, price: int, quantity: int, cost: int, reason: int,
) -> int:  # fmt: skip
    """Log a fill of the position in ``slot``."""
    head = pack_head(KIND_FILL, reason, side, state[slot + POS_RULE], instrument_of(book), 0)
    row = new_row(state, records, head, time)
    records[row + POSITION] = state[slot + POS_ID]
    records[row + PRICE] = price
    records[row + QUANTITY] = quantity
    records[row + COMMISSION] = cost
    return row
