"""The command line ``sptrader``: what it was asked, and how its commands end.

Exit codes: 0 done; 1 a mistake of ours (with a traceback); 2 the user's mistake (one message); 130 cancelled by Ctrl-C.
Results go to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    import typer

DONE: Final = 0
OUR_MISTAKE: Final = 1
USER_MISTAKE: Final = 2
CANCELLED: Final = 130

# When the command began, for the start-up time in results.
STARTED: Final = time.perf_counter()


def main() -> NoReturn:
    """Run the command that the process was called with."""
    try:
        import gc

        # Imports make many objects and no garbage: looking for some every 700 objects only delays every start.
        gc.set_threshold(50_000, 20, 20)
        code = execute(sys.argv[1:])
    except KeyboardInterrupt:
        code = CANCELLED
    sys.exit(code)


def execute(arguments: Sequence[str]) -> int:
    """Run a command and answer the process's exit code.

    Args:
        arguments: the words behind ``sptrader``; without any, the help is shown.
    """
    try:
        return _run_command(list(arguments) or ["--help"])
    except KeyboardInterrupt:
        return CANCELLED
    except BaseExceptionGroup as group:
        # A run that is broken off before it can end by itself: trio's nurseries wrap the interrupt.
        if group.split(KeyboardInterrupt)[1] is not None:
            raise
        return CANCELLED
    except BrokenPipeError:
        _silence_stdout()
        return DONE
    except Exception:
        # Exception hooks of the interpreter end with 1 as well, but not before tests that call this function.
        import traceback

        traceback.print_exc()
        return OUR_MISTAKE


def _run_command(arguments: list[str]) -> int:
    """Run a command; the user's mistakes are told, and everything else is raised."""
    import typer

    from sptrader_stream.errors import UserError

    try:
        code = make_app()(arguments, prog_name="sptrader", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        place = context.command_path if context else "sptrader"
        print(f"error: {error.format_message()} (see {place} --help)", file=sys.stderr)
        return USER_MISTAKE
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return USER_MISTAKE
    return code if isinstance(code, int) else DONE


def make_app() -> typer.Typer:
    """Put the commands together."""
    import typer

    from sptrader_stream.cli import check, data, database, report, run, serve, strategies, watch, why

    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    run.add_commands(app)
    report.add_commands(app)
    strategies.add_commands(app)
    why.add_commands(app)
    check.add_commands(app)
    serve.add_commands(app)
    watch.add_commands(app)
    data.add_commands(app)
    database.add_commands(app)
    return app


def _silence_stdout() -> None:
    """Keep the interpreter from complaining at exit that nobody reads its output any more."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
