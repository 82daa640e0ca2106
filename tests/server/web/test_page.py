"""The page in a real browser, against a real server: a run is started, watched, steered, and met after a reload."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.server.process import ServerProcess, running_server

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
YEAR = {
    "strategy_name": "ma_crossover_strategy", "symbol": "EURUSD", "timeframe": "1h", "data": "synthetic",
    "start_date": "2024-01-01", "end_date": "2024-12-31",
}  # fmt: skip

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("workspace")) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[Page]:
    expect.set_options(timeout=20_000)
    page = browser.new_page(base_url=server.url, viewport={"width": 1440, "height": 1000})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    page.close()
    # A run that is looked at before it began has nothing to show yet: a 404 is no mistake of the page.
    assert [each for each in wrong if "404" not in each] == []


def start(server: ServerProcess, **changes: object) -> str:
    answer = httpx.post(f"{server.url}/api/backtest/run", json=YEAR | changes).raise_for_status()
    return str(answer.json()["backtest_id"])


def test_a_run_is_started_and_watched_to_its_end(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Strategy").select_option("ma_crossover_strategy")
    page.get_by_label("From", exact=True).fill("2024-01-01")
    page.get_by_label("To", exact=True).fill("2024-06-30")
    page.get_by_role("button", name="Start run").click()
    expect(page.get_by_role("heading", name="ma_crossover_strategy")).to_be_visible()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible(timeout=20_000)
    expect(page.get_by_text("synthetic candles").first).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    expect(page.get_by_role("table").first).to_contain_text("long")


def test_a_run_is_paused_stepped_and_cancelled(page: Page, server: ServerProcess) -> None:
    run = start(server, pace=50)
    page.goto(f"/#/run/{run}")
    expect(page.get_by_text("running", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused", exact=True).first).to_be_visible()
    before = httpx.get(f"{server.url}/api/backtest/{run}/status").json()["candles"]
    page.get_by_label("Candles in a step").fill("10")
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.get_by_text(f"{before + 10:,} of")).to_be_visible()
    trades = httpx.get(f"{server.url}/api/backtest/{run}/status").json()["trades_count"]
    page.get_by_role("button", name="To trade").click()
    expect(page.get_by_role("table").first.locator("tbody tr")).to_have_count(trades + 1)
    expect(page.get_by_text("paused", exact=True).first).to_be_visible()
    # A key presses what has the focus, which a button has that was clicked.
    page.get_by_role("heading", name="ma_crossover_strategy").click()
    page.keyboard.press("Space")
    expect(page.get_by_text("running", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Cancel run").click()
    dialog = page.get_by_role("dialog")
    if dialog.count():
        dialog.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_text("cancelled", exact=True).first).to_be_visible()


def test_a_reload_in_the_middle_shows_every_trade_once(page: Page, server: ServerProcess) -> None:
    run = start(server, pace=2_000)
    page.goto(f"/#/run/{run}")
    expect(page.get_by_role("table").first).to_contain_text("long")
    page.reload()
    expect(page.get_by_text("completed", exact=True).first).to_be_visible(timeout=20_000)
    count = httpx.get(f"{server.url}/api/backtest/{run}/status").json()["trades_count"]
    expect(page.get_by_text(f"of {count}").first).to_be_visible()
    numbers = page.get_by_role("table").first.locator("tbody tr td:first-child").all_inner_texts()
    assert numbers == [str(count - index) for index in range(len(numbers))]


def test_the_page_finds_a_server_that_was_restarted(browser: Browser, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    page = browser.new_page()
    try:
        page.goto(server.url)
        expect(page.get_by_text("Connected", exact=True)).to_be_visible()
        server.kill()
        expect(page.get_by_text("Connected", exact=True)).to_be_hidden()
        server = ServerProcess(tmp_path, server.port)
        expect(page.get_by_text("Connected", exact=True)).to_be_visible(timeout=20_000)
    finally:
        page.close()
        server.kill()


def test_the_editor_shows_findings_by_line_and_saves(page: Page, server: ServerProcess) -> None:
    text = "name: mine\nentry: {when: [{expr: close > sma(20)}], action: buy, size: 0.02}\n"
    httpx.put(f"{server.url}/api/strategies/mine", json={"text": text}).raise_for_status()
    page.goto("/#/strategy/mine")
    area = page.get_by_role("textbox").first
    area.fill(text.replace("0.02", "much"))
    expect(page.get_by_text("entry.size").first).to_be_visible(timeout=20_000)
    area.fill(text.replace("0.02", "0.03"))
    expect(page.get_by_text("entry.size")).to_have_count(0, timeout=20_000)
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("button", name="Save").click()
    file = server.workspace / "strategies" / "mine.yaml"
    assert "0.03" in file.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_on_a_phone(browser: Browser, server: ServerProcess, scheme: str) -> None:
    run = start(server)
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", f"/#/run/{run}", "/#/strategies"):
        page.goto(f"{server.url}{path}")
        expect(page.get_by_role("heading").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    page.close()
