/** How fast a run takes its candles: a slider over sensible steps, in candles a second or as a multiple of real time. */

import { element, fill, say } from "./dom.js";
import { grouped } from "./format.js";

const MAX = "max";
const STEPS = {
  rate: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, MAX],
  realtime: [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_440, 3_600, 14_400, 86_400],
};

/**
 * Make the control.
 *
 * @param {(pace: string) => void} onPace called with what the server takes: `max`, `100`, `realtime x60`.
 * @returns {{node: HTMLElement, show: (pace: string) => void, nudge: (steps: number) => void, set: (pace: string) => void}}
 */
export function paceControl(onPace) {
  let kind = "rate";
  let pace = MAX;
  const slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Pace", class: "pace" });
  const output = element("output", { class: "pace-text" });
  const kinds = element("select", { "aria-label": "Pace in" },
    element("option", { value: "rate" }, "candles/s"), element("option", { value: "realtime" }, "× real time"));

  function place() {
    slider.max = STEPS[kind].length - 1;
    slider.value = nearest(STEPS[kind], valueOf(pace));
    kinds.value = kind;
    tell(pace);
  }
  function tell(shown) {
    const text = written(shown);
    say(output, text);
    slider.setAttribute("aria-valuetext", text);
  }
  const chosen = () => compose(kind, STEPS[kind][Number(slider.value)]);
  function set(wanted) {
    pace = wanted;
    kind = kindOf(pace, kind);
    place();
    onPace(pace);
  }
  slider.addEventListener("input", () => tell(chosen()));
  slider.addEventListener("change", () => set(chosen()));
  kinds.addEventListener("change", () => {
    kind = kinds.value;
    set(kind === "rate" ? "100" : "realtime x60");
  });
  place();
  return {
    node: fill(element("div", { class: "pace-control", role: "group", "aria-label": "Pace" }), slider, output, kinds),
    show(now) {
      // While the slider is being moved it shows where the reader is.
      if (now === pace || slider.matches(":active")) return;
      pace = now;
      kind = kindOf(pace, kind);
      place();
    },
    nudge(steps) {
      const index = Math.min(Math.max(Number(slider.value) + steps, 0), Number(slider.max));
      if (index !== Number(slider.value)) set(compose(kind, STEPS[kind][index]));
    },
    set,
  };
}

/** Write a pace for people. */
function written(pace) {
  if (pace === MAX) return "max";
  return pace.startsWith("realtime") ? `×${grouped(String(valueOf(pace)))}` : `${grouped(pace)}/s`;
}

function valueOf(pace) {
  return pace === MAX ? MAX : Number(pace.replace(/^realtime x?/, "")) || 1;
}

function kindOf(pace, before) {
  if (pace === MAX) return before === "realtime" ? "rate" : before;
  return pace.startsWith("realtime") ? "realtime" : "rate";
}

function compose(kind, value) {
  if (value === MAX) return MAX;
  return kind === "rate" ? String(value) : `realtime x${value}`;
}

function nearest(steps, value) {
  if (value === MAX) return steps.includes(MAX) ? steps.indexOf(MAX) : steps.length - 1;
  const distances = steps.map((each) => (each === MAX ? Infinity : Math.abs(Math.log(each / value))));
  return distances.indexOf(Math.min(...distances));
}
