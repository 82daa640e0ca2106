/** Keys: what each view offers, and the dialog that tells them. Nothing is a key while somebody types or presses. */

import { element } from "./dom.js";

const TAKES_KEYS = "input, textarea, select, [contenteditable], dialog";
const IS_PRESSED = "a, button, summary";
const NAMES = { " ": "Space", ArrowRight: "→", ArrowLeft: "←" };

/** @typedef {{keys: string[], title: string, run: (event: KeyboardEvent) => void}} Shortcut */

/** @type {Set<Shortcut>} */
const offered = new Set();

/**
 * Offer keys until the signal aborts.
 *
 * @param {Shortcut[]} shortcuts
 * @param {AbortSignal} signal
 */
export function offerKeys(shortcuts, signal) {
  for (const each of shortcuts) offered.add(each);
  signal.addEventListener("abort", () => shortcuts.forEach((each) => offered.delete(each)));
}

/** Start to listen; the page does it once. */
export function listenToKeys() {
  for (const each of ALWAYS) offered.add(each);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.(TAKES_KEYS)) return;
    // Space and Enter press what has the focus.
    if ((event.key === " " || event.key === "Enter") && event.target.closest?.(IS_PRESSED)) return;
    const found = [...offered].find((each) => each.keys.includes(event.key));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** Show which keys there are. */
export function showHelp() {
  const rows = [...offered].map(({ keys, title }) =>
    element("div", {},
      element("dt", {}, keys.map((key) => element("kbd", {}, NAMES[key] ?? key))),
      element("dd", {}, title)));
  const dialog = element("dialog", { class: "help", "aria-labelledby": "help-title" },
    element("h2", { id: "help-title" }, "Keyboard"),
    element("dl", {}, rows, CHART_KEYS.map(([keys, title]) =>
      element("div", {},
        element("dt", {}, keys.map((key) => element("kbd", {}, key))), element("dd", {}, title)))),
    element("form", { method: "dialog" }, element("button", { class: "primary" }, "Close")));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

const go = (route) => () => { location.hash = route; };

const CHART_KEYS = [
  [["←", "→"], "move the focused chart of candles"],
  [["+", "−"], "zoom it"],
  [["0"], "show all of it"],
];

/** @type {Shortcut[]} */
const ALWAYS = [
  { keys: ["?"], title: "this help", run: showHelp },
  { keys: ["1"], title: "runs", run: go("/") },
  { keys: ["2"], title: "strategies", run: go("/strategies") },
];
