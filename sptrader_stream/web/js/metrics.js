/** The metrics of a run: the few that are looked at first as tiles, all of them as a table. */

import { element, fill, say } from "./dom.js";
import { change, count, difference, duration, moment, money, number, percent, sign, signClass } from "./format.js";

/** All metrics by group: name, title, unit; `series` are for the report. */
const GROUPS = [
  ["Return", [
    ["end_equity", "End equity", "money"], ["total_return", "Total return", "gain"], ["cagr", "CAGR", "gain"],
    ["total_pnl", "Total P&L", "profit"], ["gross_profit", "Gross profit", "money"], ["gross_loss", "Gross loss", "money"],
    ["total_commission", "Commission", "money"],
  ]],
  ["Execution", [
    ["candles", "Candles", "count"], ["fills", "Fills", "count"], ["rejections", "Rejections", "count"],
    ["halts", "Halts", "count"], ["same_bar_trades", "Same-bar trades", "count"], ["gap_trades", "Gap trades", "count"],
  ]],
  ["Risk", [
    ["max_drawdown", "Maximum drawdown", "fraction"], ["max_drawdown_money", "Maximum drawdown, money", "money"],
    ["max_drawdown_peak", "Drawdown peak", "money"], ["max_drawdown_trough", "Drawdown trough", "money"],
    ["longest_drawdown", "Longest drawdown", "duration"],
    ["longest_drawdown_candles", "Longest drawdown, candles", "count"],
    ["longest_drawdown_start", "Longest drawdown since", "time"], ["volatility", "Volatility", "fraction"],
    ["sharpe_ratio", "Sharpe ratio", "ratio"], ["sortino_ratio", "Sortino ratio", "ratio"],
    ["calmar_ratio", "Calmar ratio", "ratio"], ["exposure", "Exposure", "fraction"],
  ]],
  ["Trades", [
    ["total_trades", "Trades", "count"], ["winning_trades", "Winning trades", "count"],
    ["losing_trades", "Losing trades", "count"], ["break_even_trades", "Break-even trades", "count"],
    ["win_rate", "Win rate", "fraction"], ["profit_factor", "Profit factor", "ratio"], ["sqn", "SQN", "ratio"],
    ["max_consecutive_wins", "Most wins in a row", "count"], ["max_consecutive_losses", "Most losses in a row", "count"],
  ]],
  ["One trade", [
    ["expectancy", "Expectancy", "profit"], ["average_win", "Average win", "money"],
    ["average_loss", "Average loss", "money"], ["largest_win", "Largest win", "money"],
    ["largest_loss", "Largest loss", "money"], ["average_mae", "Average MAE", "fraction"],
    ["average_mfe", "Average MFE", "fraction"], ["average_holding_time", "Average holding time", "duration"],
    ["min_holding_time", "Shortest holding time", "duration"], ["max_holding_time", "Longest holding time", "duration"],
  ]],
];

const WRITERS = {
  money, profit: change, fraction: percent, gain: percent, ratio: number, duration, time: moment, count,
};
const COLOURED = new Set(["profit", "gain"]);

/**
 * Make the table of metrics.
 *
 * @returns {{node: HTMLElement, show: (metrics: Object) => void}}
 */
export function metricsTable() {
  const cells = new Map();
  const row = ([name, title, unit]) => {
    const cell = element("dd", {}, "–");
    cells.set(name, [cell, unit]);
    return element("div", {}, element("dt", {}, title), cell);
  };
  const node = element("section", { class: "card", "aria-labelledby": "metrics-title" },
    element("h2", { id: "metrics-title" }, "Metrics"),
    element("div", { class: "groups" }, GROUPS.map(([title, metrics]) =>
      element("div", {}, element("h3", {}, title), element("dl", { class: "pairs" }, metrics.map(row))))));
  return {
    node,
    show(metrics) {
      for (const [name, [cell, unit]] of cells) {
        if (!(name in metrics)) continue;
        say(cell, WRITERS[unit](metrics[name]));
        if (COLOURED.has(unit)) cell.className = signClass(metrics[name]);
      }
    },
  };
}

/**
 * Make the tiles.
 *
 * @returns {{node: HTMLElement, show: (status: Object, metrics: Object) => void}}
 */
export function tiles() {
  const node = element("dl", { class: "tiles" });
  const cells = ["P&L", "Return", "Equity", "Max. drawdown", "Trades", "Win rate", "Sharpe", "Open positions"].map((title) => {
    const cell = element("dd", {}, "–");
    node.append(element("div", { class: "tile" }, element("dt", {}, title), cell));
    return cell;
  });
  function show(status, metrics) {
    const profit = difference(status.current_capital, status.start_capital);
    const share = Number(profit) / Number(status.start_capital);
    const values = [
      change(profit), `${share > 0 ? "+" : ""}${percent(share)}`, money(status.current_capital),
      percent(metrics.max_drawdown), count(status.trades_count), percent(metrics.win_rate, 1),
      number(metrics.sharpe_ratio), count(status.open_positions),
    ];
    cells.forEach((cell, index) => say(cell, values[index]));
    for (const cell of cells.slice(0, 2)) cell.className = ["loss", "", "profit"][sign(profit) + 1];
  }
  return { node, show };
}
