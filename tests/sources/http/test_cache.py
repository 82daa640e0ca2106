"""Answers that are kept: nothing comes twice while it has not changed, and nothing wrong comes out."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from sptrader_stream.sources.http.cache import AnswerCache, cache_folder
from sptrader_stream.sources.http.settings import HttpSettings
from tests.sources.http.servers import SETTINGS, MarketServer
from tests.sources.http.test_source import CANDLES, expected, rows, source


def settings(folder: Path) -> HttpSettings:
    return msgspec.structs.replace(SETTINGS, cache=folder)


def test_what_has_not_changed_does_not_come_again(tmp_path: Path) -> None:
    server = MarketServer(CANDLES)
    assert rows(source(server, settings=settings(tmp_path))) == expected(CANDLES)
    pieces = len(server.asked)
    assert server.unchanged == 0
    assert rows(source(server, settings=settings(tmp_path))) == expected(CANDLES)
    assert (len(server.asked), server.unchanged) == (2 * pieces, pieces)


def test_what_has_changed_comes_again(tmp_path: Path) -> None:
    rows(source(MarketServer(CANDLES), settings=settings(tmp_path)))
    newer = [(time, *prices, "7") for time, *prices, _ in CANDLES]
    server = MarketServer(newer)  # type: ignore[arg-type]
    server.version = 2
    assert rows(source(server, settings=settings(tmp_path))) == expected(newer)  # type: ignore[arg-type]
    assert server.unchanged == 0


@pytest.mark.parametrize("damage", [b"", b"not an answer", None])
def test_a_damaged_answer_is_asked_for_again(tmp_path: Path, damage: bytes | None) -> None:
    rows(source(MarketServer(CANDLES), settings=settings(tmp_path)))
    files = list(tmp_path.iterdir())
    for file in files:
        # None stands for a byte of a price that has flipped.
        file.write_bytes(file.read_bytes().replace(b"1.08", b"1.09") if damage is None else damage)
    server = MarketServer(CANDLES)
    assert rows(source(server, settings=settings(tmp_path))) == expected(CANDLES)
    assert server.unchanged == 0


def test_those_that_were_not_used_for_longest_make_room(tmp_path: Path) -> None:
    cache = AnswerCache(tmp_path, most=3_500)
    for number in range(3):
        cache.keep(f"http://x/{number}", "tag", b"x" * 1_000)
        for file in tmp_path.iterdir():
            stat = file.stat()
            os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**9))
    assert cache.find("http://x/0") is not None
    cache.keep("http://x/3", "tag", b"x" * 1_000)
    assert [cache.find(f"http://x/{number}") is not None for number in range(4)] == [True, False, True, True]


def test_a_folder_that_cannot_be_written_keeps_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert rows(source(MarketServer(CANDLES), settings=settings(tmp_path / "file" / "x"))) == expected(CANDLES)


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SPTRADER_MARKET_DATA_CACHE": "/m", "XDG_CACHE_HOME": "/c"}, Path("/m")),
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, Path("/c/sptrader/market-data")),
        ({"HOME": "/h"}, Path("/h/.cache/sptrader/market-data")),
        ({}, None),
    ],
)
def test_answers_are_kept_among_the_users_caches(environment: dict[str, str], folder: Path | None) -> None:
    assert cache_folder(environment) == folder
