/** What can be done with a run that is under way: pause, step, pace and cancel; as buttons and as keys. */

import { element, fill, icon, say } from "./dom.js";
import { offerKeys } from "./keyboard.js";
import { paceControl } from "./pace_control.js";

const MANY = 10;

/**
 * Make the controls of a run.
 *
 * @param {string} run
 * @param {import("./main.js").Context} context
 * @returns {{node: HTMLElement, show: (status: {status: string, pace: string}) => void}}
 */
export function runControls(run, context) {
  let state = "queued";
  const tell = (command) => context.connection.ask({ ...command, run }).catch((error) => context.notify(error.message));
  const isUnderWay = () => state === "running" || state === "paused";
  const whenUnderWay = (work) => (event) => isUnderWay() && work(event);

  const toggle = whenUnderWay(() => tell({ type: state === "paused" ? "resume" : "pause" }));
  const step = (n) => whenUnderWay(() => tell({ type: "step", n }));
  const toTrade = whenUnderWay(() => tell({ type: "step", until: "trade" }));
  const pace = paceControl((wanted) => tell({ type: "pace", pace: wanted }));

  const main = element("button", { type: "button", class: "primary main", on: { click: toggle } });
  const size = element("input", {
    type: "number", min: 1, max: 1e9, value: 1, class: "size", "aria-label": "Candles in a step", inputmode: "numeric",
  });
  const stepButton = element("button", { type: "button", title: "Step (.)", on: {
    click: whenUnderWay(() => size.reportValidity() && tell({ type: "step", n: Number(size.value) })),
  } }, icon("step"), "Step");
  const tradeButton = element("button", {
    type: "button", title: "Step to the next trade (t)", on: { click: toTrade },
  }, icon("trade"), "To trade");
  const cancel = element("button", { type: "button", class: "danger", on: { click: () => tell({ type: "cancel" }) } }, "Cancel run");
  const node = element("div", { class: "controls", role: "group", "aria-label": "Replay" },
    element("div", { class: "buttons" }, main, element("span", { class: "joined" }, stepButton, size), tradeButton),
    pace.node, cancel);

  offerKeys([
    { keys: [" "], title: "pause, resume", run: toggle },
    { keys: [".", "ArrowRight"], title: "step one candle", run: step(1) },
    { keys: [">"], title: `step ${MANY} candles`, run: step(MANY) },
    { keys: ["t"], title: "step to the next trade", run: toTrade },
    { keys: ["["], title: "slower", run: whenUnderWay(() => pace.nudge(-1)) },
    { keys: ["]"], title: "faster", run: whenUnderWay(() => pace.nudge(1)) },
    { keys: ["m"], title: "as fast as it goes", run: whenUnderWay(() => pace.set("max")) },
  ], context.signal);

  let drawn = null;
  function show(status) {
    state = status.status;
    node.hidden = !(isUnderWay() || state === "queued");
    for (const each of [main, stepButton, tradeButton, size]) each.disabled = !isUnderWay();
    pace.show(status.pace);
    const isPaused = state === "paused";
    if (drawn === isPaused) return;
    drawn = isPaused;
    const text = element("span", {});
    say(text, isPaused ? "Resume" : "Pause");
    fill(main, icon(isPaused ? "play" : "pause"), text);
    main.title = `${text.textContent} (Space)`;
  }
  return { node, show };
}
