/** How the chart of candles is moved: buttons, keys while it has the focus, the pointer, and the wheel. */

import { element, fill, icon, say } from "./dom.js";

const WHEEL_STEP = 1.25;

/**
 * Make the buttons of a chart of candles, and listen on its box.
 *
 * @param {import("./candles_chart.js").CandlesChart} chart
 * @param {{symbol: string, timeframe: string}[]} markets to choose from.
 * @param {AbortSignal} signal
 * @returns {{bar: HTMLElement, show: (look: Object) => void}} `show`: tell what is looked at.
 */
export function chartControls(chart, markets, signal) {
  const actions = {
    left: () => chart.pan(-0.4),
    right: () => chart.pan(0.4),
    in: () => chart.zoom(0.5),
    out: () => chart.zoom(2),
    all: () => chart.turn({ kind: "all" }),
    follow: () => chart.turn({ kind: "follow" }),
  };
  const button = (action, title, ...content) => element("button", {
    type: "button", title, "aria-label": title, data: { action }, on: { click: actions[action] },
  }, content);
  const follow = button("follow", "Follow the newest candle", "Follow");
  const all = button("all", "Show the whole run", "All");
  const timeframe = element("span", { class: "muted timeframe" });
  const note = element("span", { class: "muted" });
  const bar = element("div", { class: "bar" },
    element("h2", {}, markets.length > 1 ? chooser(chart, markets) : markets[0].symbol, " ", timeframe),
    note,
    element("div", { class: "tools", role: "group", "aria-label": "Chart" },
      button("left", "Earlier", icon("left")), button("right", "Later", icon("right")),
      button("out", "Zoom out", icon("minus")), button("in", "Zoom in", icon("plus")), all, follow));
  listen(chart, actions, signal);
  return {
    bar,
    show(said) {
      say(timeframe, said.timeframe);
      say(note, said.note);
      follow.setAttribute("aria-pressed", said.look.kind === "follow");
      all.setAttribute("aria-pressed", said.look.kind === "all");
    },
  };
}

function chooser(chart, markets) {
  const options = markets.map(({ symbol }) => element("option", { value: symbol }, symbol));
  const choice = element("select", { "aria-label": "Symbol" });
  fill(choice, options);
  choice.value = chart.market.symbol;
  choice.addEventListener("change", () => chart.show(markets.find((each) => each.symbol === choice.value)));
  chart.choice = choice;
  return choice;
}

function listen(chart, actions, signal) {
  const { box } = chart;
  const keys = {
    ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "all", Home: "all", End: "follow",
  };
  box.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[action]();
  });
  box.addEventListener("pointerdown", () => {
    box.focus({ preventScroll: true });
    chart.isHeld = chart.canDrag;
  });
  addEventListener("pointerup", () => { chart.isHeld = false; }, { signal });
  addEventListener("pointercancel", () => { chart.isHeld = false; }, { signal });
  // The wheel belongs to the page until the chart was chosen.
  box.addEventListener("wheel", (event) => {
    if (document.activeElement !== box && !event.ctrlKey) return;
    event.preventDefault();
    chart.zoom(event.deltaY > 0 ? WHEEL_STEP : 1 / WHEEL_STEP);
  }, { passive: false });
  chart.plot.onceDrawn(() => box.on("plotly_relayout", (change) => {
    const ends = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (ends[0] === undefined) return;
    chart.isHeld = false;
    chart.stretch(...ends.map(time));
  }));
}

// Plotly writes UTC without saying so.
function time(given) {
  if (typeof given === "number") return given;
  return Date.parse(given.length > 10 ? `${given.replace(" ", "T")}Z` : given);
}
