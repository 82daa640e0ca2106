"""A server from the outside: its REST side and its websocket, for the command line and for programs of the user's own.

async with open_client("http://127.0.0.1:3001") as client:
    run = await client.start(RunRequest(strategy_name="ema_crossover", symbol="EURUSD"))
    async with following(client.url, run.backtest_id) as messages:
        async for message in messages:
            print(message)
"""

from __future__ import annotations

from sptrader_stream.client.following import following
from sptrader_stream.client.rest import Client, ServerError, open_client

__all__ = ["Client", "ServerError", "following", "open_client"]
