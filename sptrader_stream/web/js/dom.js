/**
 * Building the page: elements from plain calls. Text always goes in as text, so nothing that a user, a file or the
 * server says can become markup.
 */

/**
 * Make an element.
 *
 * @param {string} tag its name.
 * @param {Object} attributes by name; `on` holds listeners by event, `data` the data attributes; null, undefined and
 *   false leave one out, true sets it empty.
 * @param {...(Node|string|number|null|undefined|Array)} children in order; lists are flattened.
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(made.dataset, value);
    } else if (name === "value") {
      made.value = value;
    } else {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...present(children));
  return made;
}

/** Give a node other children than before. */
export function fill(node, ...children) {
  node.replaceChildren(...present(children));
  return node;
}

/** Set a node's text, if it is another one: what stays the same is not painted again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Draw one of the page's own icons; purely decorative.
 *
 * @param {"play"|"pause"|"step"|"trade"|"left"|"right"|"plus"|"minus"} name
 */
export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", "icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/**
 * Call a function at most so often, with the newest arguments, and always once more after the last call. What takes
 * long (it gives a promise) is called more rarely, so that it is never at work most of the time.
 *
 * @param {number} milliseconds between two calls.
 * @param {Function} work
 * @returns {Function} with `cancel()`, which drops a call that waits.
 */
export function atMostEvery(milliseconds, work) {
  let timer = 0;
  let next = 0;
  let isBusy = false;
  let waiting = null;
  const schedule = () => {
    timer = setTimeout(run, Math.max(0, next - performance.now()));
  };
  const run = async () => {
    timer = 0;
    const begun = performance.now();
    const given = waiting;
    waiting = null;
    isBusy = true;
    try {
      await work(...given);
    } finally {
      isBusy = false;
      const took = performance.now() - begun;
      next = begun + took + Math.max(milliseconds - took, took * RESTS);
      if (waiting) schedule();
    }
  };
  const throttled = (...given) => {
    waiting = given;
    if (!timer && !isBusy) schedule();
  };
  throttled.cancel = () => {
    clearTimeout(timer);
    timer = 0;
    waiting = null;
  };
  return throttled;
}

// What took a second is left alone for so many.
const RESTS = 4;

const ICONS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  step: "M3 2.5v11l7-5.5zM11 2.5h2v11h-2z",
  trade: "M2 2.5v11l5-5.5zM7 2.5v11l5-5.5zM12 2.5h2v11h-2z",
  left: "M10.5 2.5v11L4 8z",
  right: "M5.5 2.5v11L12 8z",
  plus: "M7 3h2v4h4v2H9v4H7V9H3V7h4z",
  minus: "M3 7h10v2H3z",
};

function present(children) {
  return children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);
}
