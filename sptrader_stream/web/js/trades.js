/**
 * The table of a run's trades, the newest first. Trades are numbered from 1 without a hole, so a page is a span of
 * numbers: what has just come live and what REST gives fit together whatever comes first.
 */

import { readTrades, tradesLink } from "./api.js";
import { atMostEvery, element, fill, say } from "./dom.js";
import { change, count, grouped, moment, signClass, words } from "./format.js";

const PAGE = 50;
const DRAW_MILLISECONDS = 300;
const KEPT = 2_000;

const COLUMNS = [
  ["Trade", "num"], ["Symbol", "several"], ["Side", ""], ["Entered", "roomy"], ["Entry", "num roomy"], ["Exited", ""],
  ["Exit", "num"], ["Quantity", "num roomy"], ["P&L", "num"], ["P&L %", "num roomy"], ["Reason", "roomy"],
];

/** The table, which pages through the trades and follows the newest while its first page is shown. */
export class TradesTable {
  /**
   * @param {string} run
   * @param {{total: number, isSingle: boolean}} known how many trades there are so far; whether of one symbol only.
   * @param {import("./main.js").Context} context
   * @param {(trade: Object) => void} onChosen
   */
  constructor(run, { total, isSingle }, context, onChosen) {
    Object.assign(this, { run, total, context, onChosen });
    /** @type {Map<number, Object>} */
    this.known = new Map();
    /** The number of the page's newest trade; null follows the newest of all. */
    this.top = null;
    this.isReading = false;
    this.body = element("tbody", {});
    this.where = element("span", { class: "muted", "aria-live": "off" });
    const turn = (title, pages) => element("button", { type: "button", on: { click: () => this.turn(pages) } }, title);
    this.newer = turn("Newer", -1);
    this.older = turn("Older", 1);
    this.node = element("section", { class: `card trades${isSingle ? " single" : ""}`, "aria-labelledby": "trades-title" },
      element("div", { class: "bar" },
        element("h2", { id: "trades-title" }, "Trades"), this.where,
        element("div", { class: "tools" }, element("a", { href: tradesLink(run), download: `${run}-trades.csv` }, "CSV"),
          this.newer, this.older)),
      element("div", { class: "scroll", tabindex: 0, role: "region", "aria-labelledby": "trades-title" },
        element("table", {},
          element("thead", {}, element("tr", {}, COLUMNS.map(([title, kind]) => element("th", { class: kind, scope: "col" }, title)))),
          this.body)));
    this.draw = atMostEvery(DRAW_MILLISECONDS, () => this.paint());
    context.signal.addEventListener("abort", this.draw.cancel);
    this.draw();
  }

  /** Take in a trade that was just made. */
  take(trade) {
    this.known.set(trade.id, trade);
    this.total = Math.max(this.total, trade.id);
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
    this.draw();
  }

  /** There are so many trades now. */
  grow(total) {
    if (total <= this.total) return;
    this.total = total;
    this.draw();
  }

  turn(pages) {
    const top = (this.top ?? this.total) - pages * PAGE;
    this.top = top >= this.total ? null : Math.max(top, 1);
    this.draw();
  }

  paint() {
    const top = this.top ?? this.total;
    const bottom = Math.max(top - PAGE + 1, 1);
    this.newer.disabled = this.top === null;
    this.older.disabled = bottom <= 1;
    say(this.where, this.total ? `${count(bottom)}–${count(top)} of ${count(this.total)}` : "");
    if (!this.total) {
      fill(this.body, element("tr", {}, element("td", { colspan: COLUMNS.length, class: "muted" }, "No trade yet.")));
      return;
    }
    const rows = [];
    let isWhole = true;
    for (let id = top; id >= bottom; id -= 1) {
      const trade = this.known.get(id);
      if (trade) rows.push(this.row(trade));
      else isWhole = false;
    }
    if (isWhole || rows.length) fill(this.body, rows);
    if (!isWhole) this.read(bottom, top);
  }

  async read(bottom, top) {
    if (this.isReading) return;
    this.isReading = true;
    let isComplete = false;
    try {
      const found = await readTrades(this.run, { offset: bottom - 1, limit: top - bottom + 1 }, this.context.signal);
      for (const trade of found.trades) this.known.set(trade.id, trade);
      this.total = Math.max(this.total, found.total);
      isComplete = found.trades.length > 0;
    } catch (error) {
      if (error.name !== "AbortError") say(this.where, error.message);
    } finally {
      this.isReading = false;
    }
    if (isComplete) this.draw();
  }

  row(trade) {
    const choose = element("button", {
      type: "button", class: "link", title: "Show in the chart", on: { click: () => this.onChosen(trade) },
    }, String(trade.id));
    const doubt = trade.assumption === "none" ? "" : ` (assumed: ${words(trade.assumption)})`;
    const values = [
      choose, trade.symbol, trade.side, moment(trade.entry_time), trade.entry_price, moment(trade.exit_time),
      trade.exit_price, grouped(trade.quantity), change(trade.pnl), change(trade.pnl_percent),
      `${words(trade.exit_reason)}${doubt}`,
    ];
    const coloured = signClass(trade.pnl);
    return element("tr", { data: { trade: trade.id } }, values.map((value, index) =>
      element("td", { class: `${COLUMNS[index][1]}${index === 8 ? ` ${coloured}` : ""}` }, value)));
  }
}

