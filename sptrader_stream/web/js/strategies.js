/** The view of all strategies: what there is, what can be run, and the way into the editor. */

import { listStrategies } from "./api.js";
import { element, fill } from "./dom.js";
import { counted } from "./format.js";
import { offerKeys } from "./keyboard.js";

/**
 * Show all strategies.
 *
 * @param {HTMLElement} place
 * @param {import("./main.js").Context} context
 */
export function showStrategies(place, context) {
  document.title = "Strategies · SPTrader Stream";
  const list = element("ul", { class: "strategies" }, element("li", { class: "muted" }, "Reading the strategies…"));
  offerKeys([{ keys: ["n"], title: "new strategy", run: () => { location.hash = "/new-strategy"; } }], context.signal);
  fill(place, element("section", { class: "card", "aria-labelledby": "strategies-title" },
    element("div", { class: "bar" },
      element("h1", { id: "strategies-title" }, "Strategies"),
      element("div", { class: "tools" }, element("a", { class: "button primary", href: "#/new-strategy" }, "New strategy"))),
    list));
  listStrategies(context.signal).then(
    ({ strategies }) => fill(list, strategies.length ? strategies.map(entry) : element("li", { class: "muted" }, "None yet.")),
    (error) => error.name !== "AbortError" && fill(list, element("li", { class: "error" }, error.message)));
}

function entry(strategy) {
  const editor = `#/strategy/${encodeURIComponent(strategy.file)}`;
  const facts = [strategy.symbol, strategy.timeframe, strategy.version && `version ${strategy.version}`, strategy.file];
  return element("li", {},
    element("div", {},
      element("a", { class: "name", href: editor }, strategy.name || strategy.file), " ",
      !strategy.valid && element("span", { class: "badge failed" }, counted(strategy.findings, "finding")),
      element("p", {}, strategy.description),
      element("p", { class: "muted facts" }, facts.filter(Boolean).map((each) => element("span", {}, each)))),
    element("div", { class: "tools" },
      strategy.valid && element("a", {
        class: "button", href: `#/?strategy=${encodeURIComponent(strategy.name)}`, "aria-label": `Run ${strategy.name}`,
      }, "Run this"),
      element("a", { class: "button", href: editor, "aria-label": `Edit ${strategy.name}` }, "Edit")));
}
