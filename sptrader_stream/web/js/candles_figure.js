/** Candles in memory, and the figure that plotly draws of them: columns of numbers, times in milliseconds. */

import { markPrices, markTraces } from "./marks.js";
import { LONG, NEUTRAL, isNarrow } from "./plots.js";

const MILLISECONDS = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };
const COLUMNS = ["open", "high", "low", "close"];

/** @typedef {{timeframe: string, time: number[], open: number[], high: number[], low: number[], close: number[],
 *   lastText: string}} Candles `lastText`: the last close, exact */

/** How long a timeframe such as `15m` is, in milliseconds. */
export function span(timeframe) {
  const found = /^(\d+)([smhdw])$/.exec(timeframe ?? "");
  return found ? Number(found[1]) * MILLISECONDS[found[2]] : MILLISECONDS.m;
}

/** Read candles from what the server gives: times as text, prices as decimal text. */
export function readColumns(given) {
  const candles = { timeframe: given.timeframe, time: given.time.map((each) => Date.parse(each)) };
  for (const name of COLUMNS) candles[name] = given[name].map(Number);
  candles.lastText = given.close[given.close.length - 1];
  return candles;
}

/**
 * Append newer candles, and let go of the oldest.
 *
 * @param {Candles} candles
 * @param {Candles} newer
 * @param {number} most that are kept.
 */
export function append(candles, newer, most) {
  const last = candles.time[candles.time.length - 1] ?? -Infinity;
  const from = newer.time.findIndex((each) => each > last);
  if (from < 0) return;
  for (const name of ["time", ...COLUMNS]) {
    candles[name].push(...newer[name].slice(from));
    candles[name].splice(0, candles[name].length - most);
  }
  candles.lastText = newer.lastText;
}

/**
 * Put the figure together.
 *
 * @param {Candles} candles
 * @param {Object[]} trades
 * @param {Object[]} entries fills of positions that are still open.
 * @param {[number, number]} range of time in view.
 * @param {boolean} canDrag whether the chart is moved with the pointer.
 */
export function candlesFigure(candles, trades, entries, range, canDrag) {
  const marks = markTraces(trades, entries);
  const [low, high] = heights(candles, markPrices(trades, entries), range);
  const close = candles.close[candles.close.length - 1];
  return {
    data: [
      {
        type: "candlestick", name: "Candles", x: candles.time, hoverinfo: "x+y", whiskerwidth: 0,
        open: candles.open, high: candles.high, low: candles.low, close: candles.close,
        increasing: { line: { color: NEUTRAL, width: 1 }, fillcolor: "rgba(133,146,166,.12)" },
        decreasing: { line: { color: NEUTRAL, width: 1 }, fillcolor: NEUTRAL },
      },
      ...marks,
    ],
    layout: {
      dragmode: canDrag ? "pan" : false, hovermode: "closest", margin: { l: 8, r: isNarrow() ? 54 : 64, t: 6, b: 38 },
      uirevision: "candles",
      xaxis: {
        type: "date", range: [...range], rangeslider: { visible: false }, fixedrange: !canDrag,
        hoverformat: "%Y-%m-%d %H:%M",
      },
      yaxis: { side: "right", range: [low, high], nticks: 8, tickformat: `.${digits(high - low)}f` },
      ...(close === undefined ? {} : lastPrice(close, candles.lastText)),
    },
  };
}

// What the newest candle closed at, as a line and on the axis.
function lastPrice(close, text) {
  return {
    shapes: [{
      type: "line", xref: "paper", x0: 0, x1: 1, y0: close, y1: close, layer: "below",
      line: { color: LONG, width: 1, dash: "dot" },
    }],
    annotations: [{
      xref: "paper", x: 1, xanchor: "left", y: close, showarrow: false, text, bgcolor: LONG, borderpad: 2,
      font: { color: "#fff", size: 11 },
    }],
  };
}

// Enough digits to tell about eight prices apart.
function digits(height) {
  return Math.min(Math.max(Math.ceil(-Math.log10(height / 8)), 0), 12);
}

function heights(candles, marks, [from, to]) {
  let low = Infinity;
  let high = -Infinity;
  const length = span(candles.timeframe);
  for (let k = 0; k < candles.time.length; k += 1) {
    if (candles.time[k] + length <= from || candles.time[k] > to) continue;
    low = Math.min(low, candles.low[k]);
    high = Math.max(high, candles.high[k]);
  }
  for (const [time, price] of marks) {
    if (time < from || time > to) continue;
    low = Math.min(low, price);
    high = Math.max(high, price);
  }
  if (!(low <= high)) return [0, 1];
  const room = (high - low) * 0.06 || high * 0.001 || 1;
  return [low - room, high + room];
}
