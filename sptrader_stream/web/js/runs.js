/** The view of all runs: the form that starts one, and the list, live for those that are under way. */

import { listRuns } from "./api.js";
import { atMostEvery, element, fill, say } from "./dom.js";
import { change, count, difference, moment, percent, signClass } from "./format.js";
import { offerKeys } from "./keyboard.js";
import { ENDED, stateText, syntheticBadge } from "./run_head.js";
import { startForm } from "./start_form.js";

const PAGE = 25;
const POLL_MILLISECONDS = 4_000;
const DRAW_MILLISECONDS = 100;

const COLUMNS = [
  ["Run", ""], ["State", ""], ["Progress", "wide-progress"], ["Trades", "num roomy"], ["P&L", "num"], ["Return", "num roomy"],
  ["Started", "roomy"],
];

/**
 * Show all runs.
 *
 * @param {HTMLElement} place
 * @param {import("./main.js").Context} context `query.strategy` is filled into the form.
 */
export function showRuns(place, context) {
  document.title = "Runs · SPTrader Stream";
  const form = startForm(context);
  const list = new RunsList(context);
  offerKeys([{ keys: ["n"], title: "new run", run: form.focus }], context.signal);
  fill(place, element("div", { class: "runs" }, form.node, list.node));
  return () => list.end();
}

class RunsList {
  constructor(context) {
    this.context = context;
    this.offset = 0;
    this.total = 0;
    this.state = "";
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.body = element("tbody", {}, blank("Reading the runs…"));
    this.where = element("span", { class: "muted" });
    const states = element("select", { "aria-label": "State" },
      element("option", { value: "" }, "All states"),
      ["queued", "running", "paused", ...ENDED].map((each) => element("option", {}, each)));
    states.addEventListener("change", () => this.turn(0, states.value));
    this.newer = element("button", { type: "button", on: { click: () => this.turn(this.offset - PAGE) } }, "Newer");
    this.older = element("button", { type: "button", on: { click: () => this.turn(this.offset + PAGE) } }, "Older");
    this.node = element("section", { class: "card list", "aria-labelledby": "runs-title" },
      element("div", { class: "bar" }, element("h1", { id: "runs-title" }, "Runs"), this.where,
        element("div", { class: "tools" }, states, this.newer, this.older)),
      element("div", { class: "scroll" },
        element("table", {},
          element("thead", {}, element("tr", {}, COLUMNS.map(([title, kind]) => element("th", { class: kind, scope: "col" }, title)))),
          this.body)));
    this.timer = setInterval(() => document.visibilityState === "visible" && this.read(), POLL_MILLISECONDS);
    this.read();
  }

  /** Stop watching. */
  end() {
    clearInterval(this.timer);
    for (const row of this.rows.values()) row.end();
  }

  turn(offset, state = this.state) {
    this.offset = Math.max(0, offset);
    this.state = state;
    this.read();
  }

  async read() {
    const asked = `${this.offset} ${this.state}`;
    let found;
    try {
      found = await listRuns({ status: this.state, offset: this.offset, limit: PAGE }, this.context.signal);
    } catch (error) {
      if (error.name !== "AbortError" && !this.rows.size) fill(this.body, blank(error.message));
      return;
    }
    // Another page was asked for in the meantime.
    if (asked !== `${this.offset} ${this.state}`) return;
    this.total = found.total;
    this.show(found.runs);
  }

  show(runs) {
    const gone = new Map(this.rows);
    this.rows = new Map();
    for (const status of runs) {
      const row = gone.get(status.backtest_id) ?? new Row(status, this.context);
      gone.delete(status.backtest_id);
      row.show(status);
      this.rows.set(status.backtest_id, row);
    }
    for (const row of gone.values()) row.end();
    const nodes = [...this.rows.values()].map((row) => row.node);
    const isSame = nodes.length === this.body.children.length && nodes.every((each, k) => this.body.children[k] === each);
    if (!nodes.length) fill(this.body, blank(this.state ? `No run is ${this.state}.` : "No run yet: start the first one."));
    else if (!isSame) fill(this.body, nodes);
    const last = Math.min(this.offset + PAGE, this.total);
    say(this.where, this.total ? `${count(this.offset + 1)}–${count(last)} of ${count(this.total)}` : "");
    this.newer.disabled = this.offset === 0;
    this.older.disabled = last >= this.total;
  }
}

/** One run in the list; it watches itself while it is under way. */
class Row {
  constructor(status, context) {
    this.context = context;
    this.status = status;
    this.stop = null;
    const cells = COLUMNS.map(([, kind]) => element("td", { class: kind }));
    [, this.state, this.progress, this.trades, this.profit, this.share, this.started] = cells;
    const facts = [status.symbols.join(", "), status.timeframe].filter(Boolean).join(" · ");
    fill(cells[0],
      element("a", { href: `#/run/${encodeURIComponent(status.backtest_id)}` }, status.strategy), " ",
      status.synthetic && syntheticBadge(), element("div", { class: "muted facts" }, facts));
    this.badge = element("span", { class: "badge state" });
    this.state.append(this.badge);
    this.bar = element("div", {
      class: "progress", role: "progressbar", "aria-label": `Progress of ${status.strategy}`, "aria-valuemin": 0,
      "aria-valuemax": 100,
    }, element("i", {}));
    this.percentage = element("span", { class: "percentage" });
    this.progress.append(element("div", { class: "progress-cell" }, this.bar, this.percentage));
    this.node = element("tr", { data: { run: status.backtest_id } }, cells);
    this.draw = atMostEvery(DRAW_MILLISECONDS, () => this.paint());
    this.paint();
  }

  /** Show where the run stands, and watch it as long as that may change. */
  show(status) {
    this.status = { ...this.status, ...status };
    this.draw();
    const isOver = ENDED.has(this.status.status);
    if (isOver) this.unwatch();
    else this.stop ??= this.context.connection.watch(status.backtest_id, {
      topics: ["progress"], onMessage: (message) => this.show(message),
    });
  }

  /** Stop watching and drawing. */
  end() {
    this.unwatch();
    this.draw.cancel();
  }

  unwatch() {
    this.stop?.();
    this.stop = null;
  }

  paint() {
    const { status } = this;
    say(this.badge, stateText(status));
    this.badge.dataset.state = this.bar.dataset.state = status.status;
    this.bar.firstElementChild.style.width = `${status.progress_pct}%`;
    this.bar.setAttribute("aria-valuenow", Math.round(status.progress_pct));
    say(this.percentage, `${status.progress_pct.toFixed(0)} %`);
    const profit = difference(status.current_capital, status.start_capital);
    const share = Number(profit) / Number(status.start_capital);
    say(this.trades, count(status.trades_count));
    say(this.profit, change(profit));
    say(this.share, `${share > 0 ? "+" : ""}${percent(share)}`);
    for (const each of [this.profit, this.share]) each.className = `num ${signClass(profit)}`;
    this.share.classList.add("roomy");
    say(this.started, moment(status.started_at ?? status.created_at).slice(0, 16));
  }
}

function blank(text) {
  return element("tr", {}, element("td", { colspan: COLUMNS.length, class: "muted" }, text));
}
