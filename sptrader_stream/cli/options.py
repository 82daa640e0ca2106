"""What several commands ask for, in the same words everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path | None, typer.Option("--workspace", metavar="DIR", help="The workspace; default: the current folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as one JSON document.")]
ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="URL", help="Ask this server instead, such as http://127.0.0.1:3001.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A folder in backtests, a path, or last.")]

StrategyArgument = Annotated[str, typer.Argument(metavar="STRATEGY", help="A name, or a path to a YAML file.")]
DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="FILE|catalog|synthetic|database|http|SYMBOL=FILE",
        help="Candles: a file, catalog, synthetic, of DATABASE_URL or WS_MARKET_DATA_URL; once for each instrument.",
    ),
]
SymbolOption = Annotated[
    str | None, typer.Option("--symbol", metavar="SYMBOL", help="Default: as told by the file name or the strategy.")
]
TimeframeOption = Annotated[
    str | None, typer.Option("--timeframe", metavar="TIMEFRAME", help="Such as 1m or 4h; default: likewise.")
]
TimezoneOption = Annotated[
    str | None,
    typer.Option(
        "--timezone", metavar="ZONE", help="Of times that do not say theirs: Europe/Berlin or -05:00; default: UTC."
    ),
]
StartOption = Annotated[str | None, typer.Option("--from", metavar="TIME", help="A date, RFC 3339 or Unix time.")]
EndOption = Annotated[str | None, typer.Option("--to", metavar="TIME", help="Inclusive; a date is its whole day.")]
ModeOption = Annotated[
    str,
    typer.Option("--mode", metavar="research|paper", help="How strict to be with the candles: `sptrader data policy`."),
]
CapitalOption = Annotated[str, typer.Option("--capital", metavar="AMOUNT", help="Start capital.")]
ParameterOption = Annotated[
    list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Override a parameter.")
]
