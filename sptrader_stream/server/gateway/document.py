"""The page ``docs/websocket.md``, made from the messages: ``python -m sptrader_stream.server.gateway.document``.

An example of each message has a plausible value for every field, and is one that the protocol takes or gives.
"""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path
from typing import Any, Final

import msgspec

from sptrader_stream.decoding import convert
from sptrader_stream.server import messages
from sptrader_stream.server.messages import ClientMessage, Command, ServerMessage

PAGE: Final = Path(__file__).parents[3] / "docs" / "websocket.md"

_INTRODUCTION: Final = """# Websocket

- `/api/backtest/{id}/progress` is for one run: topics `progress` and `trades`, from its start or from `?from_seq=N` on,
  until it has ended; then the server closes with 1000.
- `/ws` is for any number of runs, and for commands.

A message is one JSON object with a `type`. With the subprotocol `sptrader.msgpack` it is the same object in
MessagePack, in binary frames. Amounts are exact decimal text, times RFC 3339 and UTC.

**Topics.** `trades` is lossless: its messages carry the run's `seq`, which rises by one from message to message.
Whoever joins late or comes back subscribes with `from_seq` = the last number + 1 and gets exactly what was missed,
then what comes. `progress`, `metrics`, `candles` and `signals` are conflated: only the newest, at most 20 times a
second. `state` comes with `trades` and `progress` whenever the state or the pace changes; it has no number, because
commands move time and never change what happens.

**Order.** A `subscribe` is answered first; then come `state`, the newest of each topic, and the events.

**How connections end.** 1000 after the end of the one run; 1001 when the server is stopped; 1008 when no pong came in
time; 1009 for a message that is too large; 1013, with the reason `from_seq=N`, when a client does not read: come back
with that number. A handshake is refused with 403 (a page of an origin that is not allowed), 404, or 503 (too many
connections).

```javascript
const socket = new WebSocket("ws://localhost:3001/ws");
socket.onopen = () => socket.send(JSON.stringify({type: "subscribe", id: 1, run: RUN, from_seq: 0}));
socket.onmessage = (event) => console.log(JSON.parse(event.data));
```
"""
_EXAMPLES: Final[dict[str, Any]] = {
    "backtest_id": "20250331T143000Z-dip-3fa9c0de", "run": "20250331T143000Z-dip-3fa9c0de", "id": 1, "seq": 42,
    "request": {"strategy_name": "ma_crossover_strategy", "symbol": "EURUSD", "start_date": "2024-01-01"},
    "topics": ["progress", "trades"], "from_seq": 0, "n": 10, "until": None, "pace": "realtime x60",
    "command": "pause", "result": {"backtest_id": "20250331T143000Z-dip-3fa9c0de", "status": "paused", "pace": "max"},
    "problem": {"title": "Conflict", "status": 409, "detail": "run … is completed", "code": "state_conflict"},
    "status": "running", "symbol": "EURUSD", "symbols": ["EURUSD"], "sources": ["EURUSD-1m.parquet"],
    "timeframe": "1m", "strategy_timeframe": "1h", "start_capital": "10000.00", "strategy": "dip",
    "strategy_version": "1.0.0", "parameters": {"oversold": "30"}, "synthetic": False, "position": 7, "side": "buy",
    "rule": "entry", "price": "1.08703", "quantity": "175.65", "commission": "0.00", "reason": "entry",
    "equity": "9412.50", "reference": "10000.00", "candles": 2327, "fingerprint": "9f0c…", "data_issues": [],
    "failure": None, "progress_pct": 36.9, "current_capital": "10011.09", "open_positions": 1, "trades_count": 41,
    "total_candles": 6288, "candles_per_second": 196.0, "queue_position": None,
    "metrics": {"total_trades": 41, "total_pnl": "11.09", "max_drawdown": 0.0005}, "first": 2317, "next": 2318,
    "skipped": False, "values": {"EURUSD": {"rsi(14)": 31.2}},
    "outputs": [{"time": "2024-05-14T22:00:00Z", "symbol": "EURUSD", "signal": "ma_crossover",
                 "output": "crossover_type", "value": "golden_cross"}],
    "summary": {"total_trades": 41, "total_pnl": "11.09", "end_capital": "10011.09", "total_return": 0.001109,
                "max_drawdown": 0.0005, "sharpe_ratio": 2.27, "win_rate": 0.512},
    "trade": {"id": 12, "position": 7, "symbol": "EURUSD", "side": "long", "rule": "entry",
              "entry_time": "2024-04-19T01:00:00Z", "entry_price": "1.06256", "exit_time": "2024-04-24T03:00:00Z",
              "exit_price": "1.10506", "quantity": "188.27", "pnl": "8.00", "pnl_percent": "4.00", "commission": "0.00",
              "mae": "0.001", "mfe": "0.04", "exit_reason": "take_profit", "assumption": "none",
              "holding_period_hours": 122.0},
}  # fmt: skip
_COLUMNS: Final = {"time": ["2024-05-14T22:00:00Z"], "open": ["1.08703"], "high": ["1.08721"], "low": ["1.08650"],
                   "close": ["1.08656"], "volume": [1323.0]}  # fmt: skip
_MOMENT: Final = "2024-05-14T22:00:00Z"


def example(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Make an example of a message."""
    special: dict[str, Any] = {}
    if kind is messages.CandlesMessage:
        special = _COLUMNS
    elif kind is messages.EndedMessage:
        special = {"status": "completed"}
    elif kind is messages.StartedMessage:
        special = {"seq": 0}
    elif kind is messages.Unsubscribe:
        special = {"topics": None}
    values = {name: special.get(name, _EXAMPLES.get(name, _MOMENT)) for name in kind.__struct_fields__}
    return convert(values | {"type": kind.__struct_config__.tag}, kind)


def render() -> str:
    """Write the page."""
    parts = [_INTRODUCTION, "## From clients\n", _fields(Command)]
    parts += [_message(kind) for kind in typing.get_args(ClientMessage)]
    parts.append("## From the server\n")
    parts += [_message(kind) for kind in typing.get_args(ServerMessage)]
    return "\n".join(parts)


def _message(kind: type[msgspec.Struct]) -> str:
    shown = msgspec.json.format(msgspec.json.encode(example(kind)), indent=0).decode()
    return f"### `{kind.__struct_config__.tag}`\n\n{_fields(kind)}\n```json\n{shown}\n```\n"


def _fields(kind: type[msgspec.Struct]) -> str:
    """What a message's docstring says, its attributes as a list."""
    text = inspect.getdoc(kind) or ""
    text, _, attributes = text.partition("\nAttributes:\n")
    items = re.sub(r"\n {8,}", " ", attributes)
    lines = [f"- `{name}`: {said}" for name, said in re.findall(r"^ {4}([a-z_, ]+): (.*)$", items, re.MULTILINE)]
    return text.strip().replace("``", "`") + "\n" + ("\n" + "\n".join(lines).replace("``", "`") + "\n" if lines else "")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
