"""The files of candles that a server has: which there are, and which of them a run or a reader gets.

Files are known by their names (``EURUSD-1m.parquet``, ``EUR_USD 1h.csv``) in the folders that the settings name. They
are looked for anew each time, so that one that is put there is found at once. All of it reads files: it is for threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from sptrader_stream.candles import CandleColumns
from sptrader_stream.errors import UserError
from sptrader_stream.instruments import Instrument, load_instruments, normalise_symbol
from sptrader_stream.resampling import builder_of
from sptrader_stream.server.request_errors import InvalidRequestError, UnknownSymbolError
from sptrader_stream.server.settings import ServerSettings
from sptrader_stream.sources import guess_symbol, guess_timeframe, open_source
from sptrader_stream.sources.contract import RESEARCH
from sptrader_stream.sources.market import MarketSpec
from sptrader_stream.timeframes import is_made_of, parse_timeframe
from sptrader_stream.workspace import Workspace

_ENDINGS = (".parquet", ".pq", ".csv", ".tsv")


class CandleFile(msgspec.Struct, frozen=True):
    """A file of candles: what its name says, and where it is; ``timeframe`` is as in ``1m``."""

    symbol: str
    timeframe: str
    path: Path


class Coverage(msgspec.Struct, frozen=True):
    """What a file has: open times of its first and last candle, nanoseconds since 1970, and how many there are."""

    earliest: int
    latest: int
    candles: int


class CandleLibrary:
    """The files of candles of a workspace.

    Args:
        workspace: whose data folders and instruments they are.
        settings: name the folders.
    """

    def __init__(self, workspace: Workspace, settings: ServerSettings) -> None:
        self._folders = [workspace.folder / each for each in settings.data_folders]
        self._instruments_file = workspace.config_file("instruments.yaml")
        # Read again where the file has changed: each request asks.
        self._declared: tuple[tuple[int, int], dict[str, Instrument]] | None = None
        self._coverage: dict[tuple[Path, int, int], Coverage] = {}

    def instruments(self) -> dict[str, Instrument]:
        """The instruments that are declared, by symbol.

        Raises:
            ConfigError: their file is wrong.
        """
        found = self._instruments_file.stat()
        if self._declared is None or self._declared[0] != (found.st_size, found.st_mtime_ns):
            self._declared = (found.st_size, found.st_mtime_ns), load_instruments(self._instruments_file)
        return self._declared[1]

    def files(self) -> list[CandleFile]:
        """All files whose names say what they hold, by symbol and from the finest timeframe on."""
        found: dict[tuple[str, str], CandleFile] = {}
        for folder in self._folders:
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                symbol, timeframe = guess_symbol(path.name), guess_timeframe(path.name)
                if symbol and timeframe and path.suffix.lower() in _ENDINGS and path.is_file():
                    found.setdefault((symbol, timeframe), CandleFile(symbol, timeframe, path))
        return sorted(found.values(), key=lambda each: (each.symbol, parse_timeframe(each.timeframe)))

    def named(self, name: str) -> Path:
        """Find a file by its name in the data folders; nothing leads out of them.

        Raises:
            InvalidRequestError: there is none; names those that there are.
        """
        for folder in self._folders:
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.name == name and path.is_file():
                    return path
        known = ", ".join(each.path.name for each in self.files()) or "none"
        raise InvalidRequestError(f"this server has no file of candles {name!r}; it has: {known}")

    def find(self, symbol: str, timeframe: str | None, *, finer: bool) -> CandleFile | None:
        """Find the file that serves a run; None where there is none.

        Args:
            symbol: plain.
            timeframe: wanted, as in ``1h``; None for the finest there is.
            finer: whether candles of a part of the timeframe will do: the coarsest of these is taken.
        """
        files = [each for each in self.files() if each.symbol == symbol]
        if timeframe is None:
            return files[0] if files else None
        wanted = parse_timeframe(timeframe)
        fitting = [
            each
            for each in files
            if parse_timeframe(each.timeframe) == wanted
            or (finer and is_made_of(wanted, parse_timeframe(each.timeframe)))
        ]
        return fitting[-1] if fitting else None

    def coverage(self, file: CandleFile) -> Coverage:
        """Tell what a file has; read through once, and again when it has changed.

        Raises:
            UserError: it cannot be read.
        """
        known = file.path.stat()
        key = (file.path, known.st_size, known.st_mtime_ns)
        if key not in self._coverage:
            earliest = latest = count = 0
            for chunk in self._market(file, file.symbol, None, None).candles(RESEARCH):
                earliest = earliest if count else int(chunk.time[0])
                latest, count = int(chunk.time[-1]), count + len(chunk)
            self._coverage[key] = Coverage(earliest, latest, count)
        return self._coverage[key]

    def candles(
        self, symbol: str, timeframe: str, start: int | None, end: int | None
    ) -> tuple[Instrument, Iterator[CandleColumns]]:
        """Read candles of any timeframe that whole candles of a file make up.

        Args:
            symbol: as the user writes it.
            timeframe: as in ``1h``.
            start, end: open times, nanoseconds since 1970, inclusive; None for all there is.

        Returns:
            The instrument, and its candles, in order; only those whose span is over.

        Raises:
            UnknownSymbolError: no file holds the symbol in a fitting timeframe.
        """
        plain = normalise_symbol(symbol)
        file = self.find(plain, timeframe, finer=True)
        if file is None:
            raise UnknownSymbolError(f"this server has no candles of {symbol} that make up {timeframe}")
        market = self._market(file, plain, start, end)
        return market.instrument, _built(market, parse_timeframe(file.timeframe), parse_timeframe(timeframe))

    def _market(self, file: CandleFile, symbol: str, start: int | None, end: int | None) -> MarketSpec:
        instrument = self.instruments().get(symbol)
        if instrument is None:
            raise UnknownSymbolError(f"{symbol} is not declared in {self._instruments_file}")
        source = open_source(str(file.path), instrument, timeframe=file.timeframe, start=start, end=end)
        return MarketSpec(instrument, source, start, end)


def _built(market: MarketSpec, finer: int, timeframe: int) -> Iterator[CandleColumns]:
    builder = builder_of(finer, timeframe, market.instrument.session)
    try:
        for chunk in market.candles(RESEARCH):
            candles: CandleColumns = chunk if builder is None else builder.process(chunk)
            if len(candles.time):
                yield candles
    except UserError:
        # A range without candles is empty here, not an error.
        if market.start is None and market.end is None:
            raise
