/** What did not go as the strategy wanted: entries that were rejected, limits that were passed, flaws of the candles. */

import { readEvents } from "./api.js";
import { atMostEvery, element, fill } from "./dom.js";
import { count, counted, grouped, moment, money, words } from "./format.js";

const MOST = 100;
const DRAW_MILLISECONDS = 500;

/** The rejections and halts of a run, and what was found about its candles. */
export class Incidents {
  /**
   * @param {string} run
   * @param {import("./main.js").Context} context
   */
  constructor(run, context) {
    this.run = run;
    this.signal = context.signal;
    /** @type {{rejection: Object[], halt: Object[]}} the first few of each, in order */
    this.events = { rejection: [], halt: [] };
    this.totals = { rejection: 0, halt: 0 };
    this.issues = [];
    this.content = element("div", {});
    this.node = element("section", { class: "card", "aria-labelledby": "incidents-title" },
      element("h2", { id: "incidents-title" }, "Rejections, halts and data"), this.content);
    this.draw = atMostEvery(DRAW_MILLISECONDS, () => this.paint());
    context.signal.addEventListener("abort", this.draw.cancel);
    this.draw();
    this.read();
  }

  /** Take in a rejection or a halt. */
  take(message) {
    const list = this.events[message.type];
    if (list.length >= MOST || list.some((each) => each.seq === message.seq)) return;
    list.push(message);
    this.draw();
  }

  /** There are so many. */
  tell({ rejections = 0, halts = 0 }) {
    if (rejections === this.totals.rejection && halts === this.totals.halt) return;
    this.totals = { rejection: rejections, halt: halts };
    this.draw();
  }

  /** This was found about the candles. */
  tellIssues(issues) {
    this.issues = issues;
    this.draw();
  }

  async read() {
    try {
      const query = { from_seq: 0, limit: MOST, type: "rejection,halt" };
      const { events } = await readEvents(this.run, query, this.signal);
      const later = Object.values(this.events).flat();
      this.events = { rejection: [], halt: [] };
      for (const each of [...events, ...later]) if (each.type in this.events) this.take(each);
    } catch (error) {
      if (error.name !== "AbortError") fill(this.content, element("p", { class: "muted" }, error.message));
    }
  }

  paint() {
    const { rejection, halt } = this.events;
    const rejections = Math.max(this.totals.rejection, rejection.length);
    const halts = Math.max(this.totals.halt, halt.length);
    if (!rejections && !halts && !this.issues.length) {
      fill(this.content, element("p", { class: "muted" }, "None."));
      return;
    }
    const opened = new Set([...this.content.querySelectorAll("details[open]")].map((each) => each.dataset.kind));
    fill(this.content,
      this.issues.map((each) => element("p", { class: `note ${each.policy}` }, each.message)),
      halts > 0 && table("halt", `${counted(halts, "halt")}${of(halt, halts)}`, opened,
        [["Time"], ["Limit"], ["Equity", "num"], ["Against", "num"]],
        halt.map((each) => [moment(each.time), words(each.reason), money(each.equity), money(each.reference)])),
      rejections > 0 && table("rejection", `${counted(rejections, "rejection")}${of(rejection, rejections)}`, opened,
        [["Time"], ["Symbol"], ["Side"], ["Rule"], ["Price", "num"], ["Quantity", "num"], ["Reason"]],
        rejection.map((each) => [
          moment(each.time), each.symbol, each.side, each.rule, each.price, grouped(each.quantity), words(each.reason),
        ])));
  }
}

function of(shown, total) {
  return shown.length && shown.length < total ? `, the first ${count(shown.length)} of them` : "";
}

function table(kind, title, opened, columns, rows) {
  const cell = (tag, value, index) => element(tag, { class: columns[index][1] ?? "" }, value);
  return element("details", { data: { kind }, open: opened.has(kind) },
    element("summary", {}, title),
    element("div", { class: "scroll" },
      element("table", {},
        element("thead", {}, element("tr", {}, columns.map(([name], index) => cell("th", name, index)))),
        element("tbody", {}, rows.map((row) => element("tr", {}, row.map((value, index) => cell("td", value, index))))))));
}
