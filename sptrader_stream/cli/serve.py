"""The command ``serve``: runs as a service, over REST, websocket and a page."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sptrader_stream.cli.options import WorkspaceOption


def add_commands(app: typer.Typer) -> None:
    """Register the command."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Default: 127.0.0.1, for this machine.")] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="Default: 3001; 0 for any that is free.")] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Serve runs over REST, websocket and a page."""
    import trio

    from sptrader_stream.logging import configure_logging
    from sptrader_stream.server.serve import serve as serve_until_stopped
    from sptrader_stream.server.settings import load_settings
    from sptrader_stream.workspace import open_workspace

    home = open_workspace(workspace)
    settings = load_settings(home.config_file("server.yaml"), os.environ, {"host": host, "port": port})
    configure_logging(settings.log_level, settings.log_format)
    trio.run(serve_until_stopped, home, settings, _say)


def _say(url: str) -> None:
    print(f"SPTrader Stream is on {url} (Ctrl-C stops it)", flush=True)
