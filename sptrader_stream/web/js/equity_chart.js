/** The chart of a run's equity, and below it the drawdown from its peak. */

import { readEquity } from "./api.js";
import { atMostEvery } from "./dom.js";
import { LOSS, NEUTRAL, Plot, PROFIT, isNarrow } from "./plots.js";

const MOST = 900;
const REFRESH_MILLISECONDS = 1_500;

/**
 * Keep a chart of a run's equity.
 *
 * @param {HTMLElement} box
 * @param {string} run
 * @param {string} startCapital
 * @param {import("./main.js").Context} context
 * @returns {{refresh: () => void}} `refresh`: there is something new.
 */
export function equityChart(box, run, startCapital, context) {
  const plot = new Plot(box, context.signal);
  const refresh = atMostEvery(REFRESH_MILLISECONDS, async () => {
    try {
      plot.draw(figure(await readEquity(run, { most: MOST }, context.signal), startCapital));
    } catch (error) {
      // What is shown stays; the next refresh tries again.
      if (error.name !== "AbortError") box.dataset.failed = error.message;
    }
  });
  context.signal.addEventListener("abort", refresh.cancel);
  refresh();
  return { refresh };
}

function figure({ time, equity, drawdown }, startCapital) {
  const start = Number(startCapital);
  const values = equity.map(Number);
  const gained = !values.length || values[values.length - 1] >= start;
  const line = { type: "scatter", mode: "lines", x: time };
  return {
    data: [
      {
        ...line, name: "Equity", y: values, hovertemplate: "%{y:,.2f}",
        line: { shape: "hv", width: 1.6, color: gained ? PROFIT : LOSS },
      },
      {
        ...line, name: "Drawdown", y: drawdown.map((each) => -Math.abs(each)), yaxis: "y2", fill: "tozeroy",
        hovertemplate: "%{y:.2%}", fillcolor: "rgba(214, 69, 79, .16)", line: { shape: "hv", width: 1.1, color: LOSS },
      },
    ],
    layout: {
      hovermode: "x unified", margin: { l: isNarrow() ? 48 : 58, r: 10, t: 8, b: 38 },
      xaxis: { type: "date", anchor: "y2", hoverformat: "%Y-%m-%d %H:%M", ...(time.length ? {} : { range: [0, 1] }) },
      yaxis: { domain: [0.36, 1], tickformat: ",", nticks: 6 },
      yaxis2: { domain: [0, 0.28], tickformat: ".1~%", nticks: 3, rangemode: "tozero" },
      shapes: [{
        type: "line", xref: "paper", x0: 0, x1: 1, y0: start, y1: start, layer: "below",
        line: { color: NEUTRAL, width: 1, dash: "dot" },
      }],
    },
  };
}
