"""The page on the websocket protocol is made from the messages, and its examples are messages."""

from __future__ import annotations

import re

import msgspec

from sptrader_stream.server.gateway.commands import decode
from sptrader_stream.server.gateway.document import PAGE, render


def test_the_page_is_current() -> None:
    """To renew it: python -m sptrader_stream.server.gateway.document."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_what_clients_are_told_to_send_is_understood() -> None:
    asked, _, _ = PAGE.read_text(encoding="utf-8").partition("## From the server")
    shown = re.findall(r"```json\n(.*?)\n```", asked, re.DOTALL)
    assert len(shown) == 8
    for text in shown:
        assert decode(text, "json") == decode(msgspec.msgpack.encode(msgspec.json.decode(text)), "msgpack")
