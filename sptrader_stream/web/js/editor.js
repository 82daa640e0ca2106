/** The editor of one strategy: checked as it is typed, saved only over the version that was read. */

import { readStrategy, removeStrategy, validateStrategy, writeStrategy } from "./api.js";
import { codeArea } from "./code_area.js";
import { confirmed, showProblem } from "./dialogs.js";
import { element, fill, say } from "./dom.js";
import { counted } from "./format.js";

const CHECK_MILLISECONDS = 350;
const STALE = 412;

const TEMPLATE = `name: my_strategy
version: "1.0.0"
description: Long after an upward cross of two averages, out after a downward one.

symbol: EURUSD
timeframe: 1h

parameters:
  fast: 12
  slow: 48

entry:
  when:
    - expr: crosses_above(ema(parameters.fast), ema(parameters.slow))
  action: buy
  size: 0.05

exit:
  signal_exit:
    when:
      - expr: crosses_below(ema(parameters.fast), ema(parameters.slow))
    action: close_all
  stop_loss:
    type: percentage
    value: 0.01
`;

/**
 * Show the editor.
 *
 * @param {HTMLElement} place
 * @param {import("./main.js").Context} context
 * @param {string} [name] of the strategy's file; none for a new one.
 * @returns {() => void} ends it.
 */
export function showEditor(place, context, name) {
  const editor = new Editor(place, context, name);
  editor.open();
  return () => clearTimeout(editor.timer);
}

class Editor {
  constructor(place, context, name) {
    Object.assign(this, { place, context, name, version: null, saved: "", strategy: null, timer: 0, checks: 0 });
    this.code = codeArea({ onInput: () => this.typed(), onSave: () => this.save() });
    const button = (title, kind, work) => element("button", { type: "button", class: kind, on: { click: work } }, title);
    this.saveButton = button("Save", "primary", () => this.save());
    this.removeButton = button("Delete", "", () => this.remove());
    this.runLink = element("a", { class: "button" }, "Run this");
    this.title = element("h1", { id: "editor-title" }, name ?? "New strategy");
    this.state = element("span", { class: "muted", role: "status" });
    this.conflict = element("div", { class: "note", role: "alert", hidden: true });
    this.nameInput = element("input", {
      type: "text", placeholder: "file name, such as my_strategy", "aria-label": "File name", autocomplete: "off",
      spellcheck: "false",
    });
    this.findings = element("ol", { class: "findings" });
    this.verdict = element("h2", { id: "findings-title", "aria-live": "polite" }, "Findings");
  }

  async open() {
    const { context, name } = this;
    document.title = `${name ?? "New strategy"} · SPTrader Stream`;
    try {
      const found = name === undefined ? { text: TEMPLATE, version: null } : await readStrategy(name, context.signal);
      this.layOut();
      this.take(found);
    } catch (error) {
      if (error.name !== "AbortError") showProblem(this.place, "This strategy cannot be shown", error.message);
    }
  }

  layOut() {
    const isNew = this.name === undefined;
    fill(this.place, element("div", { class: "editing" }, element("section", { class: "card editor", "aria-labelledby": "editor-title" },
      element("div", { class: "bar" }, this.title, isNew && this.nameInput, this.state,
        element("div", { class: "tools" }, this.runLink, !isNew && this.removeButton, this.saveButton)),
      this.conflict, this.code.node,
      element("p", { class: "muted", id: "editor-hint" },
        "Tab indents; Esc, then Tab leaves the text. Ctrl+S saves.")),
    element("section", { class: "card checked", "aria-labelledby": "findings-title" }, this.verdict, this.findings)));
    this.context.guard(() => this.code.area.value !== this.saved);
    if (isNew) this.nameInput.focus();
  }

  /** Show a text as it stands on the server. */
  take({ text, version, name = null }) {
    this.code.area.value = text;
    this.saved = text;
    this.version = version;
    this.strategy = name;
    this.conflict.hidden = true;
    this.code.refresh();
    this.tellState();
    this.check();
  }

  typed() {
    this.tellState();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), CHECK_MILLISECONDS);
  }

  tellState() {
    const isChanged = this.code.area.value !== this.saved;
    say(this.state, isChanged ? "not saved" : "");
    this.saveButton.disabled = !isChanged && this.name !== undefined;
    this.runLink.hidden = isChanged || !this.strategy || this.name === undefined;
    this.runLink.href = `#/?strategy=${encodeURIComponent(this.strategy ?? "")}`;
  }

  async check() {
    const check = (this.checks += 1);
    try {
      const found = await validateStrategy(this.code.area.value, this.context.signal);
      if (check !== this.checks) return;
      this.tellFindings(found.findings);
      if (found.valid && this.code.area.value === this.saved) this.strategy = found.name;
      this.tellState();
    } catch (error) {
      if (error.name !== "AbortError" && check === this.checks) say(this.verdict, error.message);
    }
  }

  tellFindings(findings) {
    say(this.verdict, findings.length ? counted(findings.length, "finding") : "No findings");
    this.code.mark(findings);
    fill(this.findings, findings.map((each) => element("li", {},
      element("button", { type: "button", class: "link", on: { click: () => this.code.goTo(each.line ?? 1) } },
        each.line ? `Line ${each.line}` : "File"),
      element("code", {}, each.path), element("span", {}, each.message))));
  }

  async save() {
    const text = this.code.area.value;
    const name = this.name ?? this.nameInput.value.trim();
    if (!name) {
      this.nameInput.focus();
      this.context.notify("Give the new strategy's file a name.");
      return;
    }
    this.saveButton.disabled = true;
    try {
      this.version = await writeStrategy(name, text, this.version);
      this.saved = text;
      this.conflict.hidden = true;
      this.context.announce("Saved");
      if (this.name === undefined) location.hash = `/strategy/${encodeURIComponent(name)}`;
      else this.check();
    } catch (error) {
      this.refuse(error);
    }
    this.tellState();
  }

  refuse(error) {
    if (error.status === STALE && this.name !== undefined) this.tellConflict();
    else if (error.errors?.length) this.tellFindings(error.errors);
    if (error.status !== STALE || this.name === undefined) this.context.notify(error.message);
  }

  tellConflict() {
    const act = (work) => async () => {
      try {
        await work(await readStrategy(this.name, this.context.signal));
      } catch (error) {
        this.context.notify(error.message);
      }
    };
    fill(this.conflict, element("p", {}, "Somebody else has changed this file since you opened it."),
      element("div", { class: "tools" },
        element("button", { type: "button", on: { click: act((theirs) => this.take(theirs)) } }, "Take theirs, drop mine"),
        element("button", { type: "button", on: { click: act((theirs) => {
          this.version = theirs.version;
          return this.save();
        }) } }, "Replace theirs by mine")));
    this.conflict.hidden = false;
  }

  async remove() {
    if (!(await confirmed(`Delete the strategy file ${this.name}?`, "Delete"))) return;
    try {
      await removeStrategy(this.name, this.version);
      this.saved = this.code.area.value;
      location.hash = "/strategies";
    } catch (error) {
      this.refuse(error);
    }
  }
}
