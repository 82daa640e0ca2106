/** The page itself: which view is shown, the connection that all of them share, and what is said to the reader. */

import { Connection } from "./connection.js";
import { element, fill, say } from "./dom.js";
import { listenToKeys, showHelp } from "./keyboard.js";
import { showRun } from "./run.js";
import { showRuns } from "./runs.js";
import { showEditor } from "./editor.js";
import { showStrategies } from "./strategies.js";

const VIEWS = [
  [/^\/?$/, "runs", showRuns],
  [/^\/run\/([^/]+)$/, "runs", showRun],
  [/^\/strategies$/, "strategies", showStrategies],
  [/^\/new-strategy$/, "strategies", showEditor],
  [/^\/strategy\/([^/]+)$/, "strategies", showEditor],
];
const NOTICE_MILLISECONDS = 8_000;
const CONNECTION_WORDS = { connecting: "Connecting", open: "Connected", waiting: "Reconnecting" };

const outlet = document.getElementById("view");
const indicator = document.getElementById("connection");
const announcement = document.getElementById("announcement");
let leave = () => {};

/**
 * What every view gets.
 *
 * @typedef {Object} Context
 * @property {Connection} connection
 * @property {(text: string) => void} announce says something to those who listen to the page.
 * @property {(text: string) => void} notify shows that something went wrong.
 * @property {AbortSignal} signal aborts when the view is left.
 * @property {URLSearchParams} query behind the `?` of the route.
 * @property {(guard: () => boolean) => void} guard asks before the view is left, while the guard says true.
 */

const announce = (text) => say(announcement, text);

function notify(text) {
  const box = document.getElementById("notices");
  const notice = element("div", { class: "notice" }, text);
  const close = element("button", { type: "button", "aria-label": "Dismiss", on: { click: () => notice.remove() } }, "×");
  notice.append(close);
  box.append(notice);
  setTimeout(() => notice.remove(), NOTICE_MILLISECONDS);
}

let wasLost = false;
const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const connection = new Connection(`${scheme}//${location.host}/ws`, (state) => {
  indicator.dataset.state = state;
  say(indicator.lastElementChild, CONNECTION_WORDS[state]);
  if (state === "waiting" && !wasLost) announce("Connection lost, trying again");
  if (state === "open" && wasLost) announce("Connected again");
  if (state !== "connecting") wasLost = state === "waiting";
});

let guard = () => false;
let shown = null;

function show() {
  const address = location.hash.slice(1) || "/";
  if (address === shown) return;
  if (guard() && !confirm("Leave without saving?")) {
    history.replaceState(null, "", `#${shown}`);
    return;
  }
  shown = address;
  leave();
  const left = new AbortController();
  guard = () => false;
  const [route, query = ""] = address.split("?");
  const context = {
    connection, announce, notify, signal: left.signal, query: new URLSearchParams(query),
    guard: (asks) => { guard = asks; },
  };
  const [view, name, parameters] = find(route);
  document.title = "SPTrader Stream";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  scrollTo(0, 0);
  const end = view(outlet, context, ...parameters) ?? (() => {});
  leave = () => {
    left.abort();
    end();
    fill(outlet);
  };
}

function find(route) {
  for (const [pattern, name, view] of VIEWS) {
    const match = pattern.exec(route);
    if (match) return [view, name, match.slice(1).map(decodeURIComponent)];
  }
  return [showNothing, "", []];
}

function showNothing(place) {
  fill(place, element("section", { class: "card" },
    element("h1", {}, "There is nothing here"), element("p", {}, element("a", { href: "#/" }, "Go to the runs"))));
}

listenToKeys();
document.getElementById("help").addEventListener("click", showHelp);
document.querySelector("[data-skip]").addEventListener("click", (event) => {
  event.preventDefault();
  outlet.focus();
});
addEventListener("hashchange", show);
addEventListener("beforeunload", (event) => guard() && event.preventDefault());
show();
