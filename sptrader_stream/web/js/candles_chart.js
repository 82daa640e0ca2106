/**
 * The chart of a run's candles: which stretch of time is looked at, and what has to be read for it. It follows the
 * newest candle, shows the whole run, or stays where it was moved to.
 */

import { readCandles, readTrades } from "./api.js";
import { append, candlesFigure, readColumns, span } from "./candles_figure.js";
import { atMostEvery } from "./dom.js";
import { Plot } from "./plots.js";

const DRAW_MILLISECONDS = 250;
const READ_MILLISECONDS = 1_000;
const MOST_TRADES = 1_000;
// Weekends and holidays have no candles: the stretch is doubled as often until enough of them are found.
const DOUBLINGS = 7;
const LIVE_TRADES = 500;
const FEWEST = 8;

/** @typedef {{kind: "follow"}|{kind: "all"}|{kind: "range", from: number, to: number}} Look */

export class CandlesChart {
  /**
   * @param {HTMLElement} box
   * @param {string} run
   * @param {{symbol: string, timeframe: string}} market
   * @param {import("./main.js").Context} context
   * @param {(said: {timeframe: string, note: string, look: Look}) => void} onLook told what is shown.
   */
  constructor(box, run, market, context, onLook) {
    Object.assign(this, { box, run, market, context, onLook });
    this.plot = new Plot(box, context.signal);
    /** @type {Look} */
    this.look = { kind: "follow" };
    this.canDrag = matchMedia("(pointer: fine)").matches;
    this.read = atMostEvery(READ_MILLISECONDS, () => this.load());
    this.draw = atMostEvery(DRAW_MILLISECONDS, () => this.paint());
    /** Whether the pointer moves the chart at the moment: nothing is drawn under it. */
    this.isHeld = false;
    this.loading = null;
    /** Open time of the run's newest candle, milliseconds; null before the first. */
    this.last = null;
    this.clear();
    context.signal.addEventListener("abort", () => [this.read, this.draw].forEach((each) => each.cancel()));
  }

  /** How many candles there is room for. */
  get room() {
    return Math.min(420, Math.max(60, Math.round(this.box.clientWidth / 3.4)));
  }

  /** The stretch of time in view, milliseconds; null before anything is known. */
  get range() {
    const { time, timeframe } = this.candles;
    const length = span(timeframe);
    if (this.look.kind === "range") return [this.look.from, this.look.to];
    if (!time.length) return null;
    const end = time[time.length - 1] + length;
    if (this.look.kind === "all") return [time[0], end];
    const begin = time[Math.max(0, time.length - this.followed)];
    return [begin, end + (end - begin) * 0.03];
  }

  get followed() {
    return Math.round(this.room * 0.55);
  }

  /** Show another instrument. */
  show(market) {
    this.market = market;
    this.clear();
    this.load();
  }

  /** Look at something else. @param {Look} look */
  turn(look) {
    this.look = look;
    if (look.kind === "range") this.draw();
    this.load();
  }

  /** Look at a stretch of time, milliseconds, within what there is. */
  stretch(from, to) {
    const last = this.last ?? to;
    const first = this.first ?? -Infinity;
    const width = Math.min(Math.max(to - from, span(this.market.timeframe) * FEWEST), (last - first) * 1.1);
    const begin = Math.min(Math.max(from, first - width * 0.1), Math.max(first, last - width * 0.9));
    this.turn({ kind: "range", from: begin, to: begin + width });
  }

  /** Look at a trade, with room around it. */
  lookAt(trade) {
    const [from, to] = [Date.parse(trade.entry_time), Date.parse(trade.exit_time)];
    const room = Math.max((to - from) * 0.5, span(this.market.timeframe) * 40);
    this.stretch(from - room, to + room);
  }

  /** Make what is shown longer or shorter, around its middle. */
  zoom(factor) {
    if (!this.range) return;
    const [from, to] = this.range;
    // Beyond the first candle there is nothing: that is the whole run.
    if (factor > 1 && from < this.candles.time[0]) {
      this.turn({ kind: "all" });
      return;
    }
    const half = ((to - from) / 2) * factor;
    this.stretch((from + to) / 2 - half, (from + to) / 2 + half);
  }

  /** Move by a share of what is shown. */
  pan(share) {
    if (!this.range) return;
    const [from, to] = this.range;
    this.stretch(from + (to - from) * share, to + (to - from) * share);
  }

  /** Take candles in that the run has just seen. */
  takeCandles(message) {
    if (message.symbol !== this.market.symbol) return;
    const fits = this.look.kind === "follow" && message.timeframe === this.candles.timeframe && !this.loading;
    const leftOut = message.first !== this.next;
    this.next = message.next;
    if (!fits || leftOut || !this.candles.time.length) {
      this.isBehind(message) && this.read();
      return;
    }
    append(this.candles, readColumns(message), this.room * 2);
    this.draw();
  }

  /** Take an order that was filled in; @param {Object} fill */
  takeFill(fill) {
    if (fill.reason !== "entry" || fill.symbol !== this.market.symbol) return;
    this.opened.set(fill.position, fill);
    this.draw();
  }

  /** Take a trade in that was just made. */
  takeTrade(trade) {
    if (trade.symbol !== this.market.symbol) return;
    this.opened.delete(trade.position);
    this.newest.set(trade.id, trade);
    if (this.newest.size > LIVE_TRADES) this.newest.delete(this.newest.keys().next().value);
    this.draw();
  }

  /** Read what the stretch in view needs, and draw it. */
  async load() {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    const signal = AbortSignal.any([loading.signal, this.context.signal]);
    try {
      const found = await this.readRange(signal);
      this.candles = readColumns(found);
      if (this.look.kind === "all") this.first = this.candles.time[0] ?? null;
      this.paint();
      await this.readMarks(signal);
      this.paint();
    } catch (error) {
      if (error.name !== "AbortError") this.onLook({ timeframe: "", note: error.message, look: this.look });
    } finally {
      if (this.loading === loading) this.loading = null;
    }
  }

  clear() {
    this.candles = readColumns({ timeframe: this.market.timeframe, time: [], open: [], high: [], low: [], close: [] });
    /** Open time of the run's first candle, milliseconds; null while the whole run was not yet looked at. */
    this.first = null;
    this.trades = [];
    this.hidden = 0;
    /** @type {Map<number, Object>} by position, and by the number of the trade */
    this.opened = new Map();
    this.newest = new Map();
  }

  isBehind(message) {
    if (this.look.kind !== "range") return true;
    return Date.parse(message.time[0]) <= this.look.to;
  }

  async readRange(signal) {
    const { symbol, timeframe } = this.market;
    const ask = (query) => readCandles(this.run, { symbol, ...query }, signal);
    if (this.look.kind === "all") return ask({ most: this.room * 2 });
    if (this.look.kind === "range") {
      // A margin on both sides, so that moving has something to show before it ends.
      const margin = this.look.to - this.look.from;
      return ask({ from: iso(this.look.from - margin), to: iso(this.look.to + margin), most: this.room * 3 });
    }
    if (this.last === null) return ask({ most: this.room });
    let width = span(timeframe) * this.followed;
    for (let attempt = 1; ; attempt += 1) {
      const from = this.last - width;
      const found = await ask({ from: iso(from), most: this.room * 2 });
      if ((this.first !== null && from <= this.first) || found.time.length >= this.followed || attempt === DOUBLINGS) return found;
      width *= 2;
    }
  }

  async readMarks(signal) {
    const { time, timeframe } = this.candles;
    if (!time.length) return;
    const to = time[time.length - 1] + span(timeframe);
    const query = { symbol: this.market.symbol, from: iso(time[0]), to: iso(to), limit: MOST_TRADES };
    const found = await readTrades(this.run, query, signal);
    this.hidden = found.total > found.trades.length ? found.total : 0;
    this.trades = this.hidden ? [] : found.trades;
  }

  paint() {
    if (!this.range || this.isHeld) return;
    const known = new Map(this.trades.map((each) => [each.id, each]));
    if (!this.hidden) for (const [id, each] of this.newest) known.set(id, each);
    const entries = [...this.opened.values()];
    const note = this.hidden ? `${this.hidden.toLocaleString("en")} trades here; look closer to see them` : "";
    this.onLook({ timeframe: this.candles.timeframe, note, look: this.look });
    this.plot.draw(candlesFigure(this.candles, [...known.values()], entries, this.range, this.canDrag));
  }
}

function iso(milliseconds) {
  return new Date(milliseconds).toISOString();
}
