/** Questions to the reader, and messages in place of a view. */

import { element, fill } from "./dom.js";

/**
 * Ask before something cannot be undone.
 *
 * @param {string} question
 * @param {string} action what the button says.
 * @returns {Promise<boolean>}
 */
export function confirmed(question, action) {
  return new Promise((resolve) => {
    const dialog = element("dialog", { "aria-labelledby": "question" },
      element("p", { id: "question" }, question),
      element("form", { method: "dialog", class: "tools" },
        element("button", { value: "" }, "Keep"), element("button", { value: "yes", class: "danger" }, action)));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Show why there is nothing to show.
 *
 * @param {HTMLElement} place
 * @param {string} title
 * @param {string} text
 */
export function showProblem(place, title, text) {
  fill(place, element("section", { class: "card" },
    element("h1", {}, title), element("p", {}, text),
    element("p", {}, element("a", { href: "#/" }, "All runs"))));
}
