"""The same candles are the same run, wherever they come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.cli.support import Output, run
from tests.sources.http.servers import hourly, standin, workspace_of_hours


def test_files_catalog_server_and_database_give_the_same_fingerprint(
    capsys: Output, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served"
    csv = workspace_of_hours(served, hourly(3_000))
    parquet = tmp_path / "EURUSD-1h.parquet"
    pd.read_csv(csv).to_parquet(parquet)
    there = ("--workspace", str(served))
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("SPTRADER_MARKET_DATA_CACHE", str(tmp_path / "cache"))

    def document(data: str) -> dict[str, Any]:
        words = ("--data", data, "--symbol", "EURUSD", "--timeframe", "1h", "--json", *there)
        code, out, err = run(capsys, "run", "ema_crossover", *words)
        assert code == 0, err
        found: dict[str, Any] = json.loads(out)
        return found

    assert run(capsys, "db", "import", str(parquet), *there)[0] == 0
    with standin(served, "--fault", "cut=0.2", "--seed", "3") as server:
        monkeypatch.setenv("WS_MARKET_DATA_URL", server)
        found = {data: document(data) for data in (str(csv), str(parquet), "http", "database")}
        assert run(capsys, "data", "fetch", "EURUSD", "--timeframe", "1h", *there)[0] == 0
    found["fetched"] = document("catalog")
    (served / "data" / "EURUSD").rename(tmp_path / "fetched")
    assert run(capsys, "data", "import", str(csv), *there)[0] == 0
    found["imported"] = document("catalog")
    assert run(capsys, "data", "export", "EURUSD", str(tmp_path / "EURUSD-1h.csv"), *there)[0] == 0
    found["exported"] = document(str(tmp_path / "EURUSD-1h.csv"))

    assert found["imported"]["total_trades"] > 10
    assert {each["source"] for each in found.values()} > {"database EURUSD 1h", f"{served}/data/EURUSD/1h"}
    assert len({each["provenance"][0]["checksum"] for each in found.values()}) == 1
    assert {data: each["provenance"][0]["trust"] for data, each in found.items()} == {
        str(csv): "user-supplied",
        str(parquet): "user-supplied",
        "http": "external",
        "database": "external",
        "fetched": "external",
        "imported": "user-supplied",
        "exported": "user-supplied",
    }
    assert {data: each["fingerprint"] for data, each in found.items()} == dict.fromkeys(
        found, found["imported"]["fingerprint"]
    )
