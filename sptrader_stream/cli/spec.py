"""From what a command line asks for to the specification of a run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sptrader_stream.cli.candles import open_markets
from sptrader_stream.cli.request import RunRequest, check_out, check_words, parse_capital, parse_overrides

if TYPE_CHECKING:
    from actors.spec import RunSpec
    from sptrader_stream.workspace import Workspace


def make_spec(request: RunRequest, workspace: Workspace, results: Path) -> RunSpec:
    """Load everything that a run needs.

    Args:
        request: what is wanted.
        workspace: where strategies and configuration are.
        results: where the run's folder is made, if the request names none.

    Raises:
        UserError: something asked for is not there or wrong.
    """
    from actors.spec import RunSpec
    from sptrader_stream.rules.loader import load_strategy
    from sptrader_stream.sources.contract import check_mode, check_trust, load_table
    from sptrader_stream.workspace import make_run_id

    check_words(request)
    overrides = parse_overrides(request.overrides)
    capital = parse_capital(request.capital)
    plan = load_strategy(workspace.find_strategy(request.strategy), overrides)
    markets = open_markets(request, plan, workspace)
    mode = check_mode(request.mode)
    table = load_table(workspace.config_file("data_policy.yaml"))
    warnings = check_trust((each.source.info for each in markets), table, mode)
    run_id = make_run_id(plan.name, datetime.now(UTC))
    return RunSpec(
        run_id=run_id,
        strategy=plan,
        markets=markets,
        capital=capital,
        batch_size=request.batch_size,
        folder=results / run_id if request.out is None else check_out(Path(request.out)),
        execution_mode=mode,
        data_policy=table.kinds[mode],
        warnings=warnings,
        bounds=request.bounds,
    )
