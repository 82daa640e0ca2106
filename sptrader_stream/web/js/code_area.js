/** A text area for YAML: numbers at the lines, findings marked there, Tab indents, a new line keeps the indentation. */

import { element, fill } from "./dom.js";

const INDENT = "  ";

/**
 * Make the area.
 *
 * @param {{onInput: () => void, onSave: () => void}} told
 * @returns {{node: HTMLElement, area: HTMLTextAreaElement, mark: (findings: Object[]) => void, goTo: (line: number) => void}}
 */
export function codeArea({ onInput, onSave }) {
  const area = element("textarea", {
    spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": "Strategy, YAML",
    "aria-describedby": "editor-hint",
  });
  const numbers = element("div", { class: "numbers", "aria-hidden": true });
  const node = element("div", { class: "code" }, numbers, area);
  let marked = new Map();
  let leaves = false;

  function count() {
    const lines = area.value.split("\n").length;
    while (numbers.children.length < lines) numbers.append(element("span", {}, String(numbers.children.length + 1)));
    while (numbers.children.length > lines) numbers.lastChild.remove();
    scroll();
  }
  function scroll() {
    numbers.scrollTop = area.scrollTop;
  }
  area.addEventListener("scroll", scroll);
  area.addEventListener("input", () => {
    count();
    onInput();
  });
  area.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      onSave();
    } else if (event.key === "Tab" && !leaves && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey) outdent(area);
      else insert(area, INDENT.slice(column(area) % INDENT.length));
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && !event.isComposing) {
      event.preventDefault();
      const line = lineBefore(area);
      insert(area, `\n${/^ */.exec(line)[0]}${/:\s*$/.test(line) ? INDENT : ""}`);
    }
    // Whoever works by keyboard has to get out again.
    leaves = event.key === "Escape";
  });
  return {
    node,
    area,
    mark(findings) {
      for (const line of marked.keys()) fill(numbers.children[line - 1] ?? element("i"), String(line)).removeAttribute("class");
      marked = new Map(findings.filter((each) => each.line).map((each) => [each.line, each.message]));
      for (const [line, message] of marked) {
        const number = numbers.children[line - 1];
        if (number) Object.assign(number, { className: "found", title: message });
      }
    },
    goTo(line) {
      const from = area.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      const to = area.value.indexOf("\n", from);
      area.focus();
      area.setSelectionRange(from, to < 0 ? area.value.length : to);
      const height = parseFloat(getComputedStyle(area).lineHeight);
      area.scrollTop = Math.max(0, (line - 1) * height - area.clientHeight / 2);
      scroll();
    },
    refresh: count,
  };
}

function lineBefore(area) {
  return area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
}

function column(area) {
  return lineBefore(area).length;
}

function insert(area, text) {
  // The only way that can be undone.
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
}

function outdent(area) {
  const begin = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const spaces = /^ {0,2}/.exec(area.value.slice(begin))[0].length;
  if (!spaces) return;
  const at = Math.max(begin, area.selectionStart - spaces);
  area.setSelectionRange(begin, begin + spaces);
  document.execCommand("delete");
  area.setSelectionRange(at, at);
}
