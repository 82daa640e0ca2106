/** Trades on the chart of candles: a line from entry to exit, and marks that say what happened there. */

import { change, grouped, moment, words } from "./format.js";
import { LONG, LOSS, PROFIT, SHORT } from "./plots.js";

// More marks than that would hide the candles if they were large.
const DENSE = 160;

/**
 * Draw trades and the entries of positions that are still open.
 *
 * @param {Object[]} trades rows as REST and websocket give them.
 * @param {Object[]} entries fills that opened a position.
 * @returns {Object[]} traces for plotly.
 */
export function markTraces(trades, entries) {
  const closed = new Set(trades.map((each) => each.position));
  const open = entries.filter((each) => !closed.has(each.position)).map(asEntry);
  const isDense = trades.length + open.length > DENSE;
  const first = new Map();
  for (const each of trades) if (!first.has(each.position)) first.set(each.position, each);
  const entered = [...first.values(), ...open];
  const traces = [
    ...(isDense ? [] : [
      paths("Profit", PROFIT, trades.filter((each) => !each.pnl.startsWith("-"))),
      paths("Loss", LOSS, trades.filter((each) => each.pnl.startsWith("-"))),
    ]),
    entryMarks("Long", LONG, "triangle-up", entered.filter((each) => each.side === "long"), isDense),
    entryMarks("Short", SHORT, "triangle-down", entered.filter((each) => each.side === "short"), isDense),
    exitMarks(trades, isDense),
  ];
  return traces.filter((each) => each.x.length);
}

/** The prices at which something happened, for the height of the chart. */
export function markPrices(trades, entries) {
  return [
    ...trades.map((each) => [Date.parse(each.entry_time), Number(each.entry_price)]),
    ...trades.map((each) => [Date.parse(each.exit_time), Number(each.exit_price)]),
    ...entries.map((each) => [Date.parse(each.time), Number(each.price)]),
  ];
}

function asEntry(fill) {
  return {
    id: null, position: fill.position, side: fill.side === "buy" ? "long" : "short", rule: fill.rule,
    entry_time: fill.time, entry_price: fill.price, quantity: fill.quantity,
  };
}

function paths(name, colour, trades) {
  return {
    type: "scatter", mode: "lines", name, hoverinfo: "skip", line: { color: colour, width: 1.5 },
    x: trades.flatMap((each) => [Date.parse(each.entry_time), Date.parse(each.exit_time), null]),
    y: trades.flatMap((each) => [Number(each.entry_price), Number(each.exit_price), null]),
  };
}

function entryMarks(name, colour, symbol, trades, isDense) {
  return {
    type: "scatter", mode: "markers", name,
    x: trades.map((each) => Date.parse(each.entry_time)), y: trades.map((each) => Number(each.entry_price)),
    text: trades.map(entryText), hovertemplate: "%{text}<extra></extra>",
    marker: { symbol, size: isDense ? 6 : 11, color: colour, line: { width: isDense ? 0 : 1, color: "#fff" } },
  };
}

function exitMarks(trades, isDense) {
  return {
    type: "scatter", mode: "markers", name: "Exit",
    x: trades.map((each) => Date.parse(each.exit_time)), y: trades.map((each) => Number(each.exit_price)),
    text: trades.map(exitText), hovertemplate: "%{text}<extra></extra>",
    marker: {
      symbol: "x-thin", size: isDense ? 5 : 8,
      line: {
        width: isDense ? 1.2 : 2.2, color: trades.map((each) => (each.pnl.startsWith("-") ? LOSS : PROFIT)),
      },
    },
  };
}

function entryText(trade) {
  const name = trade.id === null ? `Position ${trade.position}, open` : `Trade ${trade.id}`;
  return `${name}: ${trade.side} ${grouped(trade.quantity)} at ${trade.entry_price}`
    + `<br>${plain(trade.rule)}<br>${moment(trade.entry_time)}`;
}

function exitText(trade) {
  const doubt = trade.assumption === "none" ? "" : `, assumed: ${words(trade.assumption)}`;
  return `Trade ${trade.id}: out at ${trade.exit_price}, ${words(trade.exit_reason)}${doubt}`
    + `<br>P&amp;L ${change(trade.pnl)}<br>${moment(trade.exit_time)}`;
}

// Plotly reads a part of HTML in every text that it draws.
function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
