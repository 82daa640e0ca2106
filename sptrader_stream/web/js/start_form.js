/** The form that starts a run: a strategy is enough, the rest has defaults that the strategy or the server know. */

import { listStrategies, readMetadata, startRun } from "./api.js";
import { element, fill, say } from "./dom.js";

const PACES = [
  ["max", "max"], ["1", "1 candle/s"], ["10", "10 candles/s"], ["100", "100 candles/s"],
  ["1000", "1,000 candles/s"], ["realtime x60", "real time × 60"], ["realtime", "real time"],
];
const MODES = ["research", "paper", "live"];
const LAST = "sptrader.last-strategy";

/**
 * Make the form.
 *
 * @param {import("./main.js").Context} context
 * @returns {{node: HTMLElement, focus: () => void}}
 */
export function startForm(context) {
  const field = (name, title, input, hint) => {
    input.name = name;
    input.id = `start-${name}`;
    const error = element("span", { class: "error", id: `start-${name}-error`, role: "alert" });
    input.setAttribute("aria-describedby", error.id);
    return element("div", { class: `field ${name}` },
      element("label", { for: input.id }, title, hint && element("small", {}, hint)), input, error);
  };
  const text = (attributes) => element("input", { type: "text", autocomplete: "off", spellcheck: "false", ...attributes });
  const select = (options) => element("select", {}, options.map(([value, title]) => element("option", { value }, title)));
  const strategies = element("select", { required: true });
  const symbols = element("datalist", { id: "known-symbols" });
  const symbol = text({ list: "known-symbols", autocapitalize: "characters" });
  const timeframe = text({});
  const parameters = element("div", { class: "fields" });
  const details = element("details", { hidden: true }, element("summary", {}, "Parameters"), parameters);
  const problem = element("p", { class: "error", role: "alert" });
  const submit = element("button", { class: "primary" }, "Start run");
  const form = element("form", { novalidate: true },
    field("strategy_name", "Strategy", strategies),
    element("div", { class: "fields" },
      field("symbol", "Symbol", symbol), field("timeframe", "Timeframe", timeframe),
      field("start_date", "From", text({ placeholder: "2024-01-01" })),
      field("end_date", "To", text({ placeholder: "all there is" })),
      field("initial_capital", "Capital", text({ value: "10000", inputmode: "decimal" })),
      field("pace", "Pace", select(PACES))),
    details,
    element("details", {}, element("summary", {}, "More"),
      element("div", { class: "fields" },
        field("data", "Candles from", text({ placeholder: "what the server has" })),
        field("execution_mode", "Mode", select(MODES.map((each) => [each, each]))))),
    problem, submit);
  const node = element("section", { class: "card start", "aria-labelledby": "start-title" },
    element("h2", { id: "start-title" }, "Start a run"), symbols, form);

  let known = [];
  function choose() {
    const chosen = known.find((each) => each.name === strategies.value);
    symbol.placeholder = chosen?.symbol ?? "EURUSD";
    timeframe.placeholder = chosen?.timeframe ?? "as the candles";
    const entries = Object.entries(chosen?.parameters ?? {});
    details.hidden = !entries.length;
    fill(parameters, entries.map(([name, value]) =>
      field(`parameters.${name}`, name, text({ placeholder: value, data: { parameter: name } }))));
  }
  async function read() {
    try {
      const found = await listStrategies(context.signal);
      known = found.strategies;
      fill(strategies, known.map((each) => element("option", { value: each.name, disabled: !each.valid }, each.name)));
      const wanted = context.query.get("strategy") ?? localStorage.getItem(LAST);
      if (known.some((each) => each.name === wanted && each.valid)) strategies.value = wanted;
      choose();
      if (context.query.has("strategy")) submit.focus();
      const { symbols: named } = await readMetadata(context.signal);
      fill(symbols, named.map((each) => element("option", { value: each.symbol })));
    } catch (error) {
      if (error.name !== "AbortError") say(problem, error.message);
    }
  }
  strategies.addEventListener("change", choose);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form, problem);
    submit.disabled = true;
    try {
      const accepted = await startRun(request(form));
      localStorage.setItem(LAST, strategies.value);
      location.hash = `/run/${encodeURIComponent(accepted.backtest_id)}`;
    } catch (error) {
      tell(form, problem, error);
    } finally {
      submit.disabled = false;
    }
  });
  read();
  return { node, focus: () => strategies.focus() };
}

function request(form) {
  const values = Object.fromEntries(
    [...new FormData(form)].map(([name, value]) => [name, value.trim()])
      .filter(([name, value]) => value && !name.startsWith("parameters.")));
  if (values.symbol?.includes(",")) values.symbol = values.symbol.split(",").map((each) => each.trim()).filter(Boolean);
  const parameters = {};
  for (const input of form.querySelectorAll("[data-parameter]")) {
    const value = input.value.trim();
    if (value) parameters[input.dataset.parameter] = value;
  }
  return Object.keys(parameters).length ? { ...values, parameters } : values;
}

function clear(form, problem) {
  say(problem, "");
  for (const each of form.querySelectorAll(".field .error")) say(each, "");
  for (const each of form.elements) each.removeAttribute("aria-invalid");
}

function tell(form, problem, error) {
  const elsewhere = [];
  for (const { path, message } of error.errors ?? []) {
    const input = form.elements.namedItem(path.replace(/\[\d+\]$/, ""));
    if (!input) {
      elsewhere.push(`${path}: ${message}`);
      continue;
    }
    input.setAttribute("aria-invalid", "true");
    say(document.getElementById(`${input.id}-error`), message);
    input.closest("details")?.setAttribute("open", "");
  }
  const isPlaced = error.errors?.length && !elsewhere.length;
  say(problem, isPlaced ? "" : elsewhere.join("; ") || error.message);
  form.querySelector("[aria-invalid]")?.focus();
}
