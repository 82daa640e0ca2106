/** The view of one run: everything about it, live while it is under way. */

import { readResults, readStatus } from "./api.js";
import { CandlesChart } from "./candles_chart.js";
import { chartControls } from "./chart_controls.js";
import { showProblem } from "./dialogs.js";
import { atMostEvery, element, fill } from "./dom.js";
import { equityChart } from "./equity_chart.js";
import { Incidents } from "./incidents.js";
import { metricsTable, tiles } from "./metrics.js";
import { runControls } from "./run_controls.js";
import { ENDED, runHead, stateText } from "./run_head.js";
import { TradesTable } from "./trades.js";

const TOPICS = ["progress", "trades", "metrics", "candles"];
const DRAW_MILLISECONDS = 100;
const RETRY_MILLISECONDS = 1_000;
// So many events from before this page are asked for, to know which positions are open.
const TAIL = 200;

/**
 * Show a run.
 *
 * @param {HTMLElement} place
 * @param {import("./main.js").Context} context
 * @param {string} run
 * @returns {() => void} ends it.
 */
export function showRun(place, context, run) {
  fill(place, element("p", { class: "muted waiting", "aria-busy": true }, "Reading the run…"));
  let view = null;
  let timer = 0;
  async function open() {
    try {
      const status = await readStatus(run, context.signal);
      view = new RunView(place, context, status);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status) showProblem(place, "This run cannot be shown", error.message);
      else timer = setTimeout(open, RETRY_MILLISECONDS);
    }
  }
  open();
  return () => {
    clearTimeout(timer);
    view?.end();
  };
}

class RunView {
  constructor(place, context, status) {
    this.context = context;
    this.run = status.backtest_id;
    this.status = status;
    this.metrics = {};
    this.head = runHead(status, context);
    this.controls = runControls(this.run, context);
    this.tiles = tiles();
    this.table = metricsTable();
    this.incidents = new Incidents(this.run, context);
    this.trades = new TradesTable(
      this.run, { total: status.trades_count, isSingle: status.symbols.length === 1 }, context,
      (trade) => this.lookAt(trade));
    this.place(place);
    this.draw = atMostEvery(DRAW_MILLISECONDS, () => this.paint());
    this.paint();
    this.stop = context.connection.watch(this.run, {
      topics: TOPICS, from: Math.max(0, status.next_seq - TAIL), onMessage: (message) => this.take(message),
      onAnswer: () => this.reread(), onRefused: (error) => context.notify(error.message),
    });
    this.isClosed = false;
    if (ENDED.has(status.status)) this.close();
  }

  /** Stop watching. */
  end() {
    this.stop();
    this.draw.cancel();
  }

  place(place) {
    const { status, context } = this;
    const markets = status.symbols.map((symbol) => ({ symbol, timeframe: status.timeframe }));
    const candles = element("div", { class: "chart candles", tabindex: 0, role: "group", "aria-label": "Candles" });
    const equity = element("div", { class: "chart equity", role: "img", "aria-label": "Equity and drawdown" });
    this.chart = new CandlesChart(candles, this.run, markets[0], context, (said) => this.bar.show(said));
    this.bar = chartControls(this.chart, markets, context.signal);
    fill(place, this.head.node, this.controls.node, this.tiles.node,
      element("div", { class: "charts" },
        element("section", { class: "card", "aria-label": "Candles" }, this.bar.bar, candles),
        element("section", { class: "card", "aria-label": "Equity" },
          element("div", { class: "bar" }, element("h2", {}, "Equity and drawdown")), equity)),
      this.trades.node, this.table.node, this.incidents.node);
    if (status.time) this.chart.last = Date.parse(status.time);
    const isWhole = ENDED.has(status.status) || status.pace === "max";
    this.chart.turn({ kind: isWhole ? "all" : "follow" });
    this.equity = equityChart(equity, this.run, status.start_capital, context);
  }

  take(message) {
    switch (message.type) {
      case "progress":
        this.turn(message);
        this.equity.refresh();
        break;
      case "state":
        this.turn(message);
        break;
      case "metrics":
        this.metrics = message.metrics;
        this.draw();
        break;
      case "candles":
        this.chart.takeCandles(message);
        break;
      case "fill":
        this.chart.takeFill(message);
        break;
      case "trade":
        this.chart.takeTrade(message.trade);
        this.trades.take(message.trade);
        break;
      case "rejection":
      case "halt":
        this.incidents.take(message);
        break;
      case "ended":
        this.close();
        break;
    }
  }

  /** Take over what is new about where the run stands. */
  turn(news) {
    const before = this.status.status;
    this.status = { ...this.status, ...news };
    if (this.status.status !== before) this.context.announce(`Run ${stateText(this.status)}`);
    if (this.status.time) this.chart.last = Date.parse(this.status.time);
    this.trades.grow(this.status.trades_count);
    this.draw();
    if (ENDED.has(this.status.status)) this.close();
  }

  async reread() {
    try {
      this.turn(await readStatus(this.run, this.context.signal));
    } catch (error) {
      if (error.status) this.context.notify(error.message);
    }
  }

  /** The run is over: read once more what is final now. */
  async close() {
    if (this.isClosed) return;
    this.isClosed = true;
    await this.reread();
    this.chart.read();
    this.equity.refresh();
    this.incidents.tellIssues(this.status.data_issues);
    if (Object.keys(this.metrics).length) return;
    try {
      this.metrics = (await readResults(this.run, this.context.signal)).metrics;
      this.draw();
    } catch {
      // A run that never began, or was interrupted, has no result; its state says so.
    }
  }

  paint() {
    this.head.show(this.status);
    this.controls.show(this.status);
    this.tiles.show(this.status, this.metrics);
    this.table.show(this.metrics);
    this.incidents.tell(this.metrics);
  }

  lookAt(trade) {
    const { chart } = this;
    if (trade.symbol !== chart.market.symbol) {
      chart.show({ symbol: trade.symbol, timeframe: this.status.timeframe });
      if (chart.choice) chart.choice.value = trade.symbol;
    }
    chart.lookAt(trade);
    chart.box.scrollIntoView({ block: "center", behavior: "smooth" });
    chart.box.focus({ preventScroll: true });
  }
}
