"""The commands ``data``: the catalog, what is done about findings in candles, and a market-data server of one's own."""

from __future__ import annotations

import os
from typing import Annotated, Final

import typer

from sptrader_stream.cli import catalog, holdings
from sptrader_stream.cli.options import WorkspaceOption
from sptrader_stream.server.standin.faults import FAULTS, parse_faults

# The mark in front keeps the lines as they are.
_FAULTS_HELP: Final = "\n".join(("\b", "Faults:", *(f"  {name:<10}{what}" for name, what in FAULTS.items())))

_TRUSTED = {
    "verified": "of a series that somebody has vouched for (`sptrader data check --verified`)",
    "external": "from a market-data server or a database",
    "user-supplied": "from files",
    "synthetic": "made up",
}


def add_commands(app: typer.Typer) -> None:
    """Register the commands of this module."""
    data = typer.Typer(help="Candles: import, fetch, list, check and serve them.", rich_markup_mode=None)
    catalog.add_commands(data)
    holdings.add_commands(data)
    data.command("serve", epilog=_FAULTS_HELP)(serve)
    data.command("policy")(policy)
    app.add_typer(data, name="data")


def serve(
    port: Annotated[int, typer.Option(metavar="PORT", help="0 for any that is free.")] = 3002,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="To listen on.")] = "127.0.0.1",
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=SHARE]",
            help="Misbehave so, see below, in this share of the requests (0.1); several add up.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Which requests go wrong.")] = 0,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve the workspace's candles as the market-data server does, to try its clients on."""
    # Before the imports, which take as long as a server's start: a fault that is none is told at once.
    faults = parse_faults(fault or [])

    import trio

    from sptrader_stream.logging import configure_logging
    from sptrader_stream.server.settings import load_settings
    from sptrader_stream.server.standin.serve import serve_market_data
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    settings = load_settings(home.config_file("server.yaml"), os.environ, {"host": host, "port": port})
    configure_logging(settings.log_level, settings.log_format)
    trio.run(serve_market_data, home, settings, faults, seed, _say)


def _say(url: str) -> None:
    print(
        f"candles are on {url} (Ctrl-C stops it); WS_MARKET_DATA_URL={url} makes it the market-data server", flush=True
    )


def policy(workspace: WorkspaceOption = None) -> None:
    """Show what a run does about its candles, by execution mode."""
    from sptrader_stream.sources.contract import KINDS, MODES, RULES, TRUSTS, load_table
    from sptrader_stream.workspace import open_workspace

    file = open_workspace(workspace).config_file("data_policy.yaml")
    table = load_table(file)
    modes = "".join(f"{mode:<10}" for mode in MODES)
    print(f"{'finding':<15}{modes}a candle shows it when it has")
    for kind in KINDS:
        print(f"{kind:<15}{''.join(f'{table.kinds[mode][kind]:<10}' for mode in MODES)}{RULES[kind].shows}")
    print(f"\n{'trust':<15}{modes}candles are")
    for trust in TRUSTS:
        print(f"{trust:<15}{''.join(f'{table.trust[mode][trust]:<10}' for mode in MODES)}{_TRUSTED[trust]}")
    print("\nallow: go on; warn: go on and say so; block: end the run there, or refuse it.")
    print(f"Set in {file}")
