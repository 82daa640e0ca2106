"""A thin HTTP/1.1 front over h11: every wait has a deadline, and upgrades to websockets are handed over."""

from __future__ import annotations

from sptrader_stream.server.http.handover import Handover
from sptrader_stream.server.http.server import HttpServer

__all__ = ["Handover", "HttpServer"]
