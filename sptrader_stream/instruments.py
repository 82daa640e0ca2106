"""What is traded: precision, lot, smallest order, trading hours and default costs of every instrument.

Instruments are declared in ``config/instruments.yaml``, by symbol. A declaration has ``price_precision`` and ``lot``
(a power of ten such as 0.01), and may have ``minimum`` (the smallest order, in units; one lot when absent),
``trading_hours``, ``session`` (where its day begins, ``"22:00"`` or ``"-02:00"``, UTC; midnight when absent) and
default costs, which a strategy's ``execution`` overrides: ``spread`` (ticks or ``data``),
``slippage`` (``{ticks, percent}``) and ``commission`` (``{percent, per_unit, per_order, minimum}``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from sptrader_stream.errors import AmountError, ConfigError, Finding, did_you_mean
from sptrader_stream.execution.settings import Commission
from sptrader_stream.money import MONEY_DIGITS, PERCENT_DIGITS, PERCENT_SCALE, parse_scaled
from sptrader_stream.timeframes import HOUR, MINUTE

TradingHours = Literal["always", "forex", "us_shares"]
TRADING_HOURS: tuple[TradingHours, ...] = ("always", "forex", "us_shares")

MOST_DIGITS = 8

# Short names: half of one says which is meant.
_NEAR = 0.5

_CLOCK = re.compile(r"([+-]?)([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_KEYS = ("price_precision", "lot", "minimum", "trading_hours", "session", "spread", "slippage", "commission")


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument.

    Attributes:
        symbol: capital letters and digits, as declared.
        price_precision: decimal places of a price, p; a tick is 10^-p.
        quantity_precision: decimal places of a quantity, q; a lot is 10^-q; p + q <= 8.
        minimum_quantity: the smallest order, in lots.
        commission: what every fill costs.
        slippage_ticks: ticks against the trader on market and stop fills.
        slippage_percent: parts per 10^8 of the price, added to ``slippage_ticks``.
        spread: ticks, or None for each candle's own.
        trading_hours: when its market is known to be closed, so that no gap is reported.
        session: where its day begins, nanoseconds after midnight UTC, less than a day; negative on the day before.
    """

    symbol: str
    price_precision: int
    quantity_precision: int
    minimum_quantity: int = 1
    commission: Commission = Commission()
    slippage_ticks: int = 0
    slippage_percent: int = 0
    spread: int | None = 0
    trading_hours: TradingHours = "always"
    session: int = 0


def normalise_symbol(symbol: str) -> str:
    """Give a symbol's plain spelling: ``EUR/USD``, ``EUR_USD``, ``eur-usd`` and ``eurusd`` are all ``EURUSD``."""
    return "".join(each for each in symbol.upper() if each not in "/_- ")


def find_instrument(
    instruments: Mapping[str, Instrument], symbol: str, file: str = "config/instruments.yaml"
) -> Instrument:
    """Look up an instrument by any spelling of its symbol.

    Args:
        instruments: as read by :func:`load_instruments`.
        symbol: as the user wrote it.
        file: where instruments are declared, for the error.

    Raises:
        ConfigError: not declared; names the nearest symbol and shows how to declare one.
    """
    plain = normalise_symbol(symbol)
    found = instruments.get(plain)
    if found is not None:
        return found
    raise ConfigError(
        f"{file}: no instrument {symbol!r}{did_you_mean(plain, instruments, _NEAR)}. To trade it, declare it there:\n"
        f"  {plain or 'SYMBOL'}:\n    price_precision: 5\n    lot: 0.01"
    )


def load_instruments(path: Path | str) -> dict[str, Instrument]:
    """Read the declarations of all instruments.

    Args:
        path: a YAML file, a mapping of symbol to declaration.

    Raises:
        ConfigError: the file cannot be read or declares something wrong; lists every finding with its key path.
    """
    import yaml

    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the instruments: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not a text file in UTF-8") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{file}: not valid YAML: {error}") from None
    if not isinstance(document, dict) or not document:
        raise ConfigError(f"{file}: expected a mapping of symbols to instruments, found {_shown(document)}")
    findings: list[Finding] = []
    instruments: dict[str, Instrument] = {}
    for symbol, declared in document.items():
        reader = _Reader(file, str(symbol), findings)
        plain = normalise_symbol(str(symbol))
        if not plain.isalnum() or not isinstance(symbol, str):
            reader.refuse("", f"{symbol!r} is not a symbol: expected letters and digits (quote it if it is a number)")
        elif plain in instruments:
            reader.refuse("", f"{plain} is declared twice")
        else:
            found = reader.instrument(plain, declared)
            if found is not None:
                instruments[plain] = found
    if findings:
        raise ConfigError("\n".join(map(str, findings)))
    return instruments


class _Reader:
    """Reads one declaration and collects what is wrong in it."""

    def __init__(self, file: str, symbol: str, findings: list[Finding]) -> None:
        self.file = file
        self.symbol = symbol
        self.findings = findings

    def refuse(self, key: str, message: str) -> None:
        path = f"{self.symbol}.{key}" if key else self.symbol
        self.findings.append(Finding(file=self.file, line=0, path=path, message=message))

    def instrument(self, symbol: str, declared: object) -> Instrument | None:
        before = len(self.findings)
        keys = self.mapping("", declared, _KEYS)
        for key in ("price_precision", "lot"):
            if keys is not None and key not in keys:
                self.refuse(key, "missing; it is required")
        if keys is None or len(self.findings) > before:
            return None
        price_precision = self.number("price_precision", keys["price_precision"], 0, most=MOST_DIGITS)
        quantity_precision = self.lot(keys["lot"])
        if quantity_precision is not None and price_precision + quantity_precision > MOST_DIGITS:
            self.refuse(
                "lot",
                f"price_precision {price_precision} and the {quantity_precision} decimal places of lot {keys['lot']} "
                f"add up to more than {MOST_DIGITS}; make one of them coarser",
            )
        minimum = 1
        if quantity_precision is not None and "minimum" in keys:
            minimum = self.number("minimum", keys["minimum"], quantity_precision, least=1)
        slippage = self.mapping("slippage", keys.get("slippage", {}), ("ticks", "percent")) or {}
        spread = keys.get("spread", 0)
        hours = keys.get("trading_hours", "always")
        if hours not in TRADING_HOURS:
            near = did_you_mean(str(hours), TRADING_HOURS, _NEAR)
            self.refuse("trading_hours", f"{hours!r} is not one of {', '.join(TRADING_HOURS)}{near}")
        session = self.session(keys["session"]) if "session" in keys else 0
        commission = self.commission(keys.get("commission", {}))
        ticks = self.number("slippage.ticks", slippage.get("ticks", 0), 0)
        percent = self.percent("slippage.percent", slippage.get("percent", 0))
        spread_ticks = None if spread == "data" else self.number("spread", spread, 0, expected="ticks or 'data'")
        if len(self.findings) > before or quantity_precision is None:
            return None
        return Instrument(
            symbol=symbol,
            price_precision=price_precision,
            quantity_precision=quantity_precision,
            minimum_quantity=minimum,
            commission=commission,
            slippage_ticks=ticks,
            slippage_percent=percent,
            spread=spread_ticks,
            trading_hours=hours,
            session=session,
        )

    def mapping(self, key: str, value: object, known: Iterable[str]) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            self.refuse(key, f"expected a mapping with {', '.join(known)}, found {_shown(value)}")
            return None
        for name in value:
            if name not in known:
                place = f"{key}.{name}" if key else str(name)
                self.refuse(place, f"unknown key{did_you_mean(str(name), known, _NEAR)}; known are {', '.join(known)}")
        return value

    def number(
        self, key: str, value: object, digits: int, *, least: int = 0, most: int | None = None, expected: str = ""
    ) -> int:
        """Read a decimal number as a count of 10^-digits; the least count when it is wrong and was refused."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            self.refuse(key, f"expected {expected or 'a number'}, found {_shown(value)}")
            return least
        try:
            count = parse_scaled(value, digits, "number")
        except AmountError as error:
            hint = f"; expected {expected}" if expected else ""
            self.refuse(key, str(error).removeprefix("number: ") + hint)
            return least
        if count < least or (most is not None and count > most):
            bound = f"at least {Decimal(least).scaleb(-digits)}" + ("" if most is None else f" and at most {most}")
            self.refuse(key, f"{value} is out of range: expected {bound}")
            return least
        return count

    def percent(self, key: str, value: object) -> int:
        """Read a share of a price or an amount in parts per 10^8, below the whole."""
        count = self.number(key, value, PERCENT_DIGITS)
        if count >= PERCENT_SCALE:
            self.refuse(key, f"{value} is out of range: expected a fraction below 1 (1 stands for 100 %, 2 % is 0.02)")
        return count

    def lot(self, value: object) -> int | None:
        """Read a lot, 10^-q with 0 <= q <= 8, and give q; None when it is wrong and was refused."""
        before = len(self.findings)
        count = self.number("lot", value, MOST_DIGITS, least=1)
        if len(self.findings) > before:
            return None
        digits = len(str(count)) - 1
        if count != 10**digits or digits > MOST_DIGITS:
            self.refuse("lot", f"{value} is not a lot: expected 1 or a power of ten below it, such as 0.01")
            return None
        return MOST_DIGITS - digits

    def session(self, value: object) -> int:
        """Read where a day begins, nanoseconds after midnight UTC; 0 when it is wrong and was refused."""
        found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            # YAML reads 22:00 without quotes as a number of minutes.
            hint = "; put it in quotes" if isinstance(value, int) else ""
            self.refuse(
                "session", f'expected a time of day in UTC such as "22:00" or "-02:00", found {_shown(value)}{hint}'
            )
            return 0
        sign, hours, minutes = found.groups()
        return (-1 if sign == "-" else 1) * (int(hours) * HOUR + int(minutes) * MINUTE)

    def commission(self, value: object) -> Commission:
        parts = self.mapping("commission", value, ("percent", "per_unit", "per_order", "minimum")) or {}

        def read(name: str) -> int:
            return self.number(f"commission.{name}", parts.get(name, 0), MONEY_DIGITS)

        return Commission(
            percent=self.percent("commission.percent", parts.get("percent", 0)),
            per_unit=read("per_unit"),
            per_order=read("per_order"),
            minimum=read("minimum"),
        )


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{type(value).__name__} {str(value)[:40]!r}"
