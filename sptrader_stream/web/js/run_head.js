/** The head of a run's page: what is run, on which candles, in which state, and how far it is. */

import { removeRun, reportLink } from "./api.js";
import { confirmed } from "./dialogs.js";
import { element, fill, say } from "./dom.js";
import { count, moment, rate } from "./format.js";

/** States in which a run does nothing any more. */
export const ENDED = new Set(["completed", "cancelled", "failed", "interrupted"]);

/** What a run's badge says of its state. */
export function stateText({ status, queue_position: position }) {
  return status === "queued" && position ? `queued, number ${position}` : status;
}

/** The badge that keeps anybody from taking made-up candles for a market. */
export function syntheticBadge() {
  return element("span", { class: "badge synthetic", title: "Made up, for trying things out; not for judging a strategy" },
    "synthetic candles");
}

/**
 * Make the head.
 *
 * @param {Object} status the run's, as first read.
 * @param {import("./main.js").Context} context
 * @returns {{node: HTMLElement, show: (status: Object) => void}}
 */
export function runHead(status, context) {
  const run = status.backtest_id;
  const badge = element("span", { class: "badge state" });
  const bar = element("div", {
    class: "progress", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100,
  }, element("i", {}));
  const percentage = element("strong", { class: "percentage" });
  const when = element("span", { class: "when" });
  const candles = element("span", { class: "candles" });
  const speed = element("span", { class: "speed" });
  const failure = element("p", { class: "note", role: "note", hidden: true });
  const report = element("a", { class: "button", href: reportLink(run), target: "_blank", rel: "noopener" }, "Report");
  const again = element("a", { class: "button", href: `#/?strategy=${encodeURIComponent(status.strategy)}` }, "Run again");
  const remove = element("button", { type: "button", on: { click: () => askToRemove(run, context) } }, "Delete");
  const sources = [...new Set(status.sources)].join(", ");
  const node = element("header", { class: "head" },
    element("div", { class: "title" },
      element("h1", {}, status.strategy, " ", element("small", {}, status.strategy_version)),
      badge, status.synthetic && syntheticBadge(),
      element("div", { class: "tools" }, report, again, remove)),
    element("p", { class: "sub" },
      [status.symbols.join(", "), status.timeframe, sources, status.execution_mode, run].filter(Boolean)
        .map((each) => element("span", {}, each))),
    failure, bar,
    element("p", { class: "facts" }, percentage, when, candles, speed));

  function show(now) {
    say(badge, stateText(now));
    badge.dataset.state = now.status;
    const isOver = ENDED.has(now.status);
    for (const each of [report, again, remove]) each.hidden = !isOver;
    bar.firstElementChild.style.width = `${now.progress_pct}%`;
    bar.setAttribute("aria-valuenow", Math.round(now.progress_pct));
    bar.dataset.state = now.status;
    say(percentage, `${now.progress_pct.toFixed(now.progress_pct < 100 ? 1 : 0)} %`);
    say(when, now.time ? `${moment(now.time)} UTC` : "");
    const total = now.total_candles && !isOver ? ` of ${count(now.total_candles)}` : "";
    say(candles, `${count(now.candles)}${total} candles`);
    say(speed, now.candles_per_second ? `${rate(now.candles_per_second)}/s` : "");
    failure.hidden = !now.failure;
    if (now.failure) say(failure, `Failed in ${now.failure.actor}: ${now.failure.cause}`);
    document.title = `${isOver ? stateText(now) : percentage.textContent} · ${now.strategy}`;
  }
  return { node, show };
}

async function askToRemove(run, context) {
  if (!(await confirmed(`Delete ${run} with everything that it recorded?`, "Delete"))) return;
  try {
    await removeRun(run);
    location.hash = "/";
  } catch (error) {
    context.notify(error.message);
  }
}
