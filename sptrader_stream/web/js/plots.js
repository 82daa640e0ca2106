/** Drawing with plotly.js: it is loaded when the first chart is wanted, and themed as the page is, light or dark. */

const LIBRARY = "/static/plotly.min.js";
const dark = matchMedia("(prefers-color-scheme: dark)");

export const LONG = "#2f7de1";
export const SHORT = "#d9822b";
export const PROFIT = "#189a6b";
export const LOSS = "#d6454f";
export const NEUTRAL = "#8592a6";

/** Whether there is little room. */
export const isNarrow = () => innerWidth < 640;

let loading = null;

/** Load plotly.js, once; everybody waits for the same. */
function loadPlotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = LIBRARY;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The charts could not be loaded."));
    };
    document.head.append(script);
  });
  return loading;
}

const CONFIG = {
  responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false, doubleClick: false,
  showSendToCloud: false, plotlyServerURL: "", showEditInChartStudio: false, showTips: false,
};

/**
 * A place where a figure is drawn; `draw` may be called as often as wanted, drawing is done one after the other and
 * only the newest figure that waits is drawn.
 */
export class Plot {
  /**
   * @param {HTMLElement} box
   * @param {AbortSignal} signal after which nothing is drawn any more.
   */
  constructor(box, signal) {
    this.box = box;
    this.signal = signal;
    this.figure = null;
    this.isBusy = false;
    this.isStale = false;
    this.drawn = new Promise((resolve) => { this.tellDrawn = resolve; });
    dark.addEventListener("change", () => this.figure && this.draw(this.figure), { signal });
    signal.addEventListener("abort", () => globalThis.Plotly?.purge(box));
  }

  /** Do something when the first figure is there. */
  onceDrawn(work) {
    this.drawn.then(work);
  }

  /** @param {{data: Object[], layout: Object}} figure as plotly takes it, without what the theme says. */
  async draw(figure) {
    this.figure = figure;
    this.isStale = true;
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      const library = await loadPlotly();
      while (this.isStale && !this.signal.aborted) {
        this.isStale = false;
        await library.react(this.box, this.figure.data, themed(this.figure.layout), CONFIG);
        this.tellDrawn();
      }
    } finally {
      this.isBusy = false;
    }
  }
}

function themed(layout) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const whole = {
    dragmode: false, showlegend: false, ...layout,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: style.getPropertyValue("--sans"), size: 11.5, color: colour("--muted") },
    hoverlabel: {
      bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text"), size: 12 }, align: "left",
    },
  };
  for (const name of Object.keys(whole).filter((each) => /^[xy]axis/.test(each))) {
    whole[name] = {
      gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--line"), fixedrange: true,
      ...whole[name],
    };
  }
  return whole;
}
