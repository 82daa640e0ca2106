"""Fetching into the catalog: what is there is not asked for again, and whatever breaks off is gone on with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from sptrader_stream.catalog.fetching import Fetched, fetch
from sptrader_stream.catalog.manifest import read_manifest
from sptrader_stream.errors import DataError, UserError
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.timeframes import DAY, HOUR, NANOSECONDS, format_time, parse_time
from tests.catalog.killing import killed_at
from tests.catalog.series import manifest, read, write
from tests.plain_candles import EURUSD, Plain
from tests.sources.http.servers import FAULTS, SETTINGS, Candle, MarketServer

START = parse_time("2025-01-20") // NANOSECONDS
LATER = parse_time("2025-06-01")


def candles(hours: range) -> list[Candle]:
    """Candles of hours, all different."""
    return [
        (START + 3600 * hour, f"1.{10000 + hour}", f"1.{10050 + hour}", f"1.{10000 + hour}", f"1.{10020 + hour}", "5")
        for hour in hours
    ]


def plain(found: list[Candle]) -> list[Plain]:
    """The same in ticks."""

    def ticks(price: str) -> int:
        return int(price.replace(".", ""))

    return [
        (time * NANOSECONDS, ticks(open_), ticks(high), ticks(low), ticks(close), float(volume), None)
        for time, open_, high, low, close, volume in found
    ]


def fetched(
    catalog: Path,
    server: MarketServer,
    start: str | None = None,
    end: str | None = None,
    *,
    now: int = LATER,
    replace: bool = False,
    on_month: Callable[[str, int], None] = lambda month, count: None,
) -> Fetched:
    return fetch(
        catalog,
        SETTINGS,
        EURUSD,
        timeframe="1h",
        start=None if start is None else parse_time(start),
        end=None if end is None else parse_time(end),
        policy=RESEARCH,
        now=now,
        replace=replace,
        on_month=on_month,
        client=server.client,
    )


def test_all_that_the_server_has_comes_month_by_month(tmp_path: Path) -> None:
    months: list[tuple[str, int]] = []
    done = fetched(tmp_path, MarketServer(candles(range(600))), on_month=lambda *month: months.append(month))

    assert months == [("2025-01", 12 * 24), ("2025-02", 600 - 12 * 24)]
    assert (done.timeframe, done.candles, done.new, done.issues) == ("1h", 600, 600, ())
    assert read(tmp_path, timeframe="1h") == plain(candles(range(600)))
    (origin,) = manifest(tmp_path, timeframe="1h").origins
    assert (origin.source, origin.trust, origin.rows) == ("http://market.test EURUSD 1h", "external", 600)


def test_what_was_fetched_is_not_asked_for_again(tmp_path: Path) -> None:
    server = MarketServer(candles(range(600)))
    fetched(tmp_path, server)
    server.asked.clear()

    assert fetched(tmp_path, server).candles == 0
    assert fetched(tmp_path, server, "2025-01-22", "2025-01-25").candles == 0
    assert server.asked == []


def test_a_wider_range_asks_for_what_is_missing_alone(tmp_path: Path) -> None:
    server = MarketServer(candles(range(600)))
    fetched(tmp_path, server, "2025-01-24", "2025-01-27")
    fetched(tmp_path, server, "2025-02-02", "2025-02-04")
    server.asked.clear()

    done = fetched(tmp_path, server)

    assert done.candles == done.new == 600 - (3 * 24 + 1) - (2 * 24 + 1)
    assert read(tmp_path, timeframe="1h") == plain(candles(range(600)))
    inside = (parse_time("2025-01-25") // NANOSECONDS, parse_time("2025-01-26") // NANOSECONDS)
    assert not [asked for asked in server.asked if asked[0] <= inside[1] and asked[1] >= inside[0]]


def test_what_breaks_off_is_gone_on_with(tmp_path: Path) -> None:
    class Breaking(MarketServer):
        def answer(self, request: httpx.Request) -> httpx.Response:
            if int(request.url.params.get("from", 0)) >= parse_time("2025-02-10") // NANOSECONDS:
                return httpx.Response(403, json={"error": "no more today"})
            return super().answer(request)

    with pytest.raises(DataError, match="answered 403 "):
        fetched(tmp_path, Breaking(candles(range(1_500))))
    # Whole months that came are kept.
    kept = manifest(tmp_path, timeframe="1h")
    assert [each.month for each in kept.months] == ["2025-01"]
    server = MarketServer(candles(range(1_500)))

    done = fetched(tmp_path, server)

    assert done.candles == 1_500 - 12 * 24
    assert min(start for start, _ in server.asked) >= parse_time("2025-01-31T23:00:00Z") // NANOSECONDS
    assert read(tmp_path, timeframe="1h") == plain(candles(range(1_500)))


def test_a_fetch_that_is_killed_keeps_whole_months_and_is_gone_on_with(tmp_path: Path) -> None:
    imports = "from tests.catalog.test_fetching import MarketServer, candles, fetched"
    whole = plain(candles(range(1_500)))
    # Up to the end of January, of February, of March, and all.
    states = [[], whole[: 12 * 24], whole[: (12 + 28) * 24], whole]
    seen = set()
    for step in range(1, 60, 2):
        catalog = tmp_path / str(step)
        was_killed = killed_at(step, imports, "fetched(catalog, MarketServer(candles(range(1_500))))", catalog)
        found = read(catalog, timeframe="1h") if read_manifest(catalog / "EURUSD" / "1h") else []
        assert found in states
        seen.add(states.index(found))
        fetched(catalog, MarketServer(candles(range(1_500))))
        assert read(catalog, timeframe="1h") == whole
        if not was_killed:
            break
    else:
        pytest.fail("the fetch never came to its end")
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("seed", range(8))
def test_a_server_that_misbehaves_leaves_the_right_candles_or_none(tmp_path: Path, seed: int) -> None:
    server = MarketServer(candles(range(900)), faults=FAULTS, share=0.3, seed=seed)
    with suppress(DataError):
        fetched(tmp_path, server)
    fetched(tmp_path, MarketServer(candles(range(900))))
    assert read(tmp_path, timeframe="1h") == plain(candles(range(900)))


def test_a_candle_that_is_not_over_is_left_until_it_is(tmp_path: Path) -> None:
    forming = candles(range(10))
    server = MarketServer(forming)
    now = (START + 9 * 3600) * NANOSECONDS + 30 * 60 * NANOSECONDS

    assert fetched(tmp_path, server, now=now).candles == 9
    over = candles(range(12))
    over[9] = (*over[9][:4], "1.10011", "6")
    assert fetched(tmp_path, MarketServer(over), now=now + 3 * HOUR + HOUR).candles == 3
    assert read(tmp_path, timeframe="1h") == plain(over)


def test_an_empty_stretch_is_asked_for_once(tmp_path: Path) -> None:
    server = MarketServer([*candles(range(10)), *candles(range(400, 410))])
    done = fetched(tmp_path, server, "2025-01-24", "2025-01-26")
    assert (done.candles, done.new) == (0, 0)
    server.asked.clear()
    fetched(tmp_path, server, "2025-01-24", "2025-01-26")
    assert server.asked == []


def test_a_contradiction_with_a_file_is_shown(tmp_path: Path) -> None:
    mine = plain(candles(range(5)))
    mine[2] = (*mine[2][:5], 1.0, None)
    write(tmp_path, mine, timeframe="1h")
    server = MarketServer(candles(range(900)))

    with pytest.raises(DataError, match="1 candle contradicts what the catalog has of EURUSD 1h"):
        fetched(tmp_path, server)
    assert read(tmp_path, timeframe="1h") == mine

    fetched(tmp_path, server, replace=True)
    assert read(tmp_path, timeframe="1h") == plain(candles(range(900)))


def test_gaps_are_told_and_kept(tmp_path: Path) -> None:
    done = fetched(tmp_path, MarketServer([*candles(range(10)), *candles(range(15, 20))]))
    assert [(each.kind, each.count) for each in done.issues] == [("gap", 1)]
    assert manifest(tmp_path, timeframe="1h").missing == 5


def test_a_timeframe_that_the_server_has_not_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"has no 2h candles of EURUSD; fetch 1h and build .* `sptrader data resample EU"
    ):
        fetch(
            tmp_path, SETTINGS, EURUSD, timeframe="2h", start=None, end=None, policy=RESEARCH, now=LATER,
            client=MarketServer(candles(range(9))).client,
        )  # fmt: skip


def test_ranges_are_written_down(tmp_path: Path) -> None:
    server = MarketServer(candles(range(600)))
    fetched(tmp_path, server, "2025-01-22", "2025-01-23")
    fetched(tmp_path, server, "2025-01-23", "2025-01-24")
    fetched(tmp_path, server, "2025-02-01", "2025-02-02")
    assert manifest(tmp_path, timeframe="1h").fetched == (
        ("2025-01-22T00:00:00Z", "2025-01-24T00:00:00Z"),
        ("2025-02-01T00:00:00Z", format_time(parse_time("2025-02-01") + DAY)),
    )
