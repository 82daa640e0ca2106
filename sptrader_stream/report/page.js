"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  // At most as many candles are in view; see FEW in market.py.
  const inView = data.few;
  const narrow = () => window.innerWidth < 640;

  function themed(layout) {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const whole = {
      margin: { l: narrow() ? 46 : 64, r: narrow() ? 12 : 24, t: 16, b: 40 },
      legend: { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" },
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: colour("--muted") },
      hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--text") }, align: "left" },
    };
    for (const name of Object.keys(whole).filter((each) => /^[xy]axis/.test(each))) {
      whole[name] = {
        gridcolor: colour("--grid"), linecolor: colour("--line"), zerolinecolor: colour("--line"),
        automargin: true, title: { standoff: 8 }, ...whole[name],
      };
    }
    return whole;
  }

  const config = {
    responsive: true, displaylogo: false, displayModeBar: false, scrollZoom: false, showSendToCloud: false,
    plotlyServerURL: "", showEditInChartStudio: false,
  };

  const redraws = [];
  for (const [id, figure] of Object.entries(data.charts)) {
    const box = document.getElementById(id);
    const draw = () => Plotly.react(box, figure.data, themed({ dragmode: false, ...figure.layout }), config);
    redraws.push(draw);
  }

  // The candles: the finest timeframe that has no more than a sensible number of them in view.
  const box = document.getElementById("candles");
  let market = null;
  let range = null;

  const lower = (list, value) => {
    let low = 0, high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (list[middle] < value) low = middle + 1; else high = middle;
    }
    return low;
  };

  function extent() {
    const level = market.levels[0];
    if (level && level.time.length) return [level.time[0], level.time[level.time.length - 1] + level.span];
    const times = market.figure.data.flatMap((trace) => trace.x).filter((each) => each !== null);
    if (!times.length) return [0, 1];
    const ends = times.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);
    return ends[0] < ends[1] ? ends : [ends[0] - 3600000, ends[1] + 3600000];
  }

  function choose() {
    for (const level of market.levels) {
      const first = Math.max(0, lower(level.time, range[0] - level.span));
      const last = lower(level.time, range[1]);
      if (last - first <= inView || level === market.levels[market.levels.length - 1]) return { level, first, last };
    }
    return null;
  }

  // The prices in view, with room for the marks.
  function heights(view) {
    let low = Infinity, high = -Infinity;
    if (view) {
      for (let k = view.first; k < view.last; k += 1) {
        low = Math.min(low, view.level.low[k]);
        high = Math.max(high, view.level.high[k]);
      }
    } else {
      for (const trace of market.figure.data) {
        trace.x.forEach((time, k) => {
          if (time === null || time < range[0] || time > range[1] || trace.y === undefined) return;
          low = Math.min(low, trace.y[k]);
          high = Math.max(high, trace.y[k]);
        });
      }
    }
    if (!(low <= high)) return undefined;
    const room = (high - low) * 0.06 || high * 0.001 || 1;
    return [low - room, high + room];
  }

  // Where marks would hide the candles, they are small and without lines.
  function sparse(trace, dense) {
    if (!dense) return trace;
    if (trace.mode === "lines") return { ...trace, visible: "legendonly" };
    // Of an exit's cross there is nothing but its line; the other marks only have a rim.
    const line = { ...trace.marker.line, width: trace.marker.symbol === "x-thin" ? 1.2 : 0 };
    return { ...trace, marker: { ...trace.marker, size: 4, line } };
  }

  function drawMarket() {
    const view = choose();
    let marks = 0;
    for (const trace of market.figure.data.slice(market.operands + 1)) {
      if (trace.mode === "markers") marks += trace.x.filter((time) => time >= range[0] && time <= range[1]).length;
    }
    const traces = market.figure.data.map((trace, index) => {
      if (index > market.operands) return sparse(trace, marks > 500);
      if (!view) return trace;
      // A margin on both sides, so that panning has something to show before it ends.
      const from = Math.max(0, view.first - inView), to = view.last + inView;
      const x = view.level.time.slice(from, to);
      if (index > 0) return { ...trace, x, y: view.level.values[index - 1].slice(from, to) };
      const part = (name) => view.level[name].slice(from, to);
      return { ...trace, x, open: part("open"), high: part("high"), low: part("low"), close: part("close") };
    });
    const { xaxis, yaxis, ...rest } = market.figure.layout;
    const layout = themed({
      margin: { l: 12, r: narrow() ? 12 : 24, t: 8, b: 36 },
      ...rest,
      showlegend: !narrow(),
      xaxis: { ...xaxis, range: [...range] },
      yaxis: { ...yaxis, range: heights(view) },
    });
    document.getElementById("timeframe").textContent = view ? `${view.level.timeframe} candles` : "trades only";
    return Plotly.react(box, traces, layout, config);
  }

  function look(from, to) {
    const [first, last] = extent();
    const width = Math.min(Math.max(to - from, 1000), last - first);
    const begin = Math.min(Math.max(from, first), last - width);
    range = [begin, begin + width];
    drawMarket();
  }

  function zoom(factor) {
    const middle = (range[0] + range[1]) / 2, half = (range[1] - range[0]) / 2 * factor;
    look(middle - half, middle + half);
  }
  const pan = (share) => look(range[0] + (range[1] - range[0]) * share, range[1] + (range[1] - range[0]) * share);
  const actions = {
    in: () => zoom(0.5), out: () => zoom(2), left: () => pan(-0.4), right: () => pan(0.4), all: () => look(...extent()),
  };
  const keys = { ArrowLeft: "left", ArrowRight: "right", "+": "in", "=": "in", "-": "out", 0: "all", Home: "all" };

  function show(index) {
    market = data.markets[index];
    range = extent();
    return drawMarket();
  }

  redraws.push(() => market && drawMarket());

  show(0).then(() => {
    let waiting = 0;
    box.on("plotly_relayout", (change) => {
      const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
      if (from === undefined && !change["xaxis.autorange"]) return;
      clearTimeout(waiting);
      // A date alone is UTC as it stands, a date with a time only with a Z.
      const moment = (text) => Date.parse(text.length > 10 ? `${text.replace(" ", "T")}Z` : text);
      const time = (each) => (typeof each === "number" ? each : moment(each));
      waiting = setTimeout(() => (from === undefined ? actions.all() : look(time(from), time(to))), 60);
    });
  });
  for (const button of document.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => actions[button.dataset.action]());
  }
  box.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    actions[action]();
  });
  const choice = document.getElementById("market");
  if (choice) choice.addEventListener("change", () => show(Number(choice.value)));
  // Where a table names a trade, the chart goes there.
  for (const link of document.querySelectorAll("[data-market]")) {
    link.addEventListener("click", () => {
      const index = Number(link.dataset.market);
      if (choice) choice.value = String(index);
      market = data.markets[index];
      const from = Number(link.dataset.from), to = Number(link.dataset.to);
      const finest = market.levels.length ? market.levels[0].span : 60000;
      const room = Math.max((to - from) * 0.5, finest * 40);
      look(from - room, to + room);
      box.focus();
    });
  }

  redraws.slice(0, -1).forEach((draw) => draw());
  dark.addEventListener("change", () => redraws.forEach((draw) => draw()));
})();
