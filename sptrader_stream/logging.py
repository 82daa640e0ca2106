"""Logging of a server: lines for people or for machines on stderr, each with what it is about.

Commands that are not servers log nothing: what they have to say goes to their user.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import Literal

import structlog

Level = Literal["debug", "info", "warning", "error"]


def configure_logging(level: Level, form: Literal["text", "json"]) -> None:
    """Configure structlog, and the standard library's logging for what libraries say.

    Args:
        level: the least that is logged.
        form: ``text`` or ``json``, an object a line.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    last: structlog.typing.Processor
    if form == "json":
        chain = [structlog.processors.dict_tracebacks]
        last = structlog.processors.JSONRenderer()
    else:
        chain = []
        has_colours = sys.stderr.isatty() and "NO_COLOR" not in os.environ
        last = structlog.dev.ConsoleRenderer(
            colors=has_colours, exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *chain,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries: their warnings only, and nothing of what goes through them.
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
