// Drawing of one chart with uPlot. Axes, grid, scales and cursor are uPlot's; paint.js draws the bars, lines and points.

import { h } from "./dom.js";
import { paint } from "./paint.js";
import { token } from "./palette.js";

const LIBRARY = "/dashboard/uplot-1.6.32.min.js";
const HEIGHT = 230;
const TICK_PX = 72;
const WHOLE = Array.from({ length: 13 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
const drawn = new Map(); // of each place: {plot, signature}
const sizes = new ResizeObserver((entries) => {
  for (const { target, contentRect: { width } } of entries) {
    const { plot } = drawn.get(target) ?? {};
    if (plot && width && Math.abs(plot.width - width) >= 1) plot.setSize({ width, height: HEIGHT });
  }
});

let loading = null;

/** Load the chart library, once, before the first chart; `draw` says so if it cannot be loaded. */
export function library() {
  loading ??= new Promise((resolve) => {
    const script = Object.assign(document.createElement("script"), { src: LIBRARY, onload: resolve, onerror: resolve });
    document.head.append(script);
  });
  return loading;
}

/**
 * Draw a chart, or draw it again, in the colours of the theme. `chart` is `{kind, x, label, ticks, tick, axis, traces, whole,
 * low, high, sync}`: `x` are numbers, `label[i]` names the i-th, `ticks` are those that may have a tick (any number, if it is left
 * out); `tick` and `axis` write the labels of the two axes, and `whole` means that the vertical one has whole numbers.
 * A trace is `{name, colour, shape, values, texts, pale, small}`, each a list as long as `x`; a value of null is a gap.
 * `forecast`, if there is one, is `{value, lo80, hi80, lo95, hi95, texts}`, lists as long as `x`, null where nothing is forecast.
 * `marks`, if there are any, has a text for each place that is marked, and "" for the others.
 * `low` and `high` are the bounds of the scale. Charts with the same `sync` show the same place under the pointer.
 */
export function draw(place, chart) {
  if (!globalThis.uPlot) { erase(place, "The chart library could not be loaded: reload the page. The table has the numbers."); return; }
  const signature = JSON.stringify([chart, document.documentElement.dataset.theme, token("--card")]);
  if (drawn.get(place)?.signature === signature) return;
  const former = drawn.get(place)?.plot, at = former?.cursor.idx ?? null; // a chart that is drawn again keeps its cursor
  former?.destroy();
  const readout = h("p.readout", { "aria-hidden": "true" });
  place.replaceChildren(readout);
  place.dataset.high = chart.high; // the canvas cannot be read
  place.classList.remove("blank");
  const plot = new uPlot(options(place, chart, readout, at), [chart.x, ...chart.traces.map((one) => one.values)], place);
  drawn.set(place, { plot, signature });
  sizes.observe(place);
  place.onkeydown = (event) => step(plot, event);
}

/** Remove a chart, and say why there is none. */
export function erase(place, text) {
  drawn.get(place)?.plot.destroy();
  drawn.delete(place);
  place.classList.add("blank");
  place.replaceChildren(h("p.empty", {}, text));
}

function options(place, chart, readout, at) {
  const ink = token("--soft"), line = token("--line"), font = `12px ${token("--font")}`;
  const { x, kind, low, high, sync } = chart, gap = kind === "bar" ? 0.5 : 0.25;
  const [first, last] = [x[0], x.at(-1)], pad = x.length > 1 ? (gap * (last - first)) / (x.length - 1) : 0.5;
  const base = { stroke: ink, font, ticks: { show: false }, grid: { stroke: line, width: 1 } };
  return {
    width: place.clientWidth, height: HEIGHT, legend: { show: false }, padding: [10, 18, 0, 0],
    scales: { x: { time: false, range: () => [first - pad, last + pad] }, y: { range: () => uPlot.rangeNum(low, high, 0.08, true) } },
    axes: [
      { ...base, grid: { show: false }, size: 26, splits: chart.ticks && ((plot) => thinned(chart.ticks, plot.width)), values: (_, values) => values.map(chart.tick) },
      { ...base, size: (plot, values) => width(plot, values, font), incrs: chart.whole ? WHOLE : undefined, values: (_, values) => values.map(chart.axis), space: 36 },
    ],
    series: [{}, ...chart.traces.map(() => ({ paths: () => null, points: { show: false } }))],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false }, sync: sync ? { key: sync } : undefined },
    hooks: { draw: [(plot) => paint(plot, chart)], setCursor: [({ cursor: { idx } }) => read(readout, chart, idx)], ready: [(plot) => { read(readout, chart, null); if (at !== null && at < x.length) point(plot, at); }] },
  };
}

/** Leave out ticks, in equal steps, so that their labels have room. */
function thinned(ticks, wide) {
  const every = Math.ceil(ticks.length / Math.max(1, Math.floor(wide / TICK_PX)));
  return ticks.filter((_, i) => i % every === 0);
}

/** Return the width that the labels of the vertical axis need. */
function width(plot, values, font) {
  if (!values) return 40;
  plot.ctx.save();
  plot.ctx.font = font;
  const widest = Math.max(...values.map((text) => plot.ctx.measureText(text ?? "").width));
  plot.ctx.restore();
  return Math.ceil(widest) + 14;
}

/** Show the legend, with the values of the place under the pointer if there is one. */
function read(readout, { traces, label, forecast, marks }, at) {
  const here = at !== null && at !== undefined, ahead = forecast && { name: "Forecast", colour: token("--accent"), shape: "dotted", texts: forecast.texts };
  readout.replaceChildren(h("b", {}, here ? label[at] : ""), ...[...traces, ...(ahead ? [ahead] : [])].map((one) => h("span", {}, mark(one), h("bdi", {}, one.name), here ? h("b", {}, ` ${one.texts[at] || "–"}`) : null)));
  if (here && marks?.[at]) readout.append(h("span", {}, h("b", {}, "▲ "), marks[at]));
}

const mark = ({ colour, shape }) => h(`i.mark.${shape}`, { "--colour": colour });

/** Move the cursor of all charts in step with the arrow keys. */
function step(plot, event) {
  const along = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!along) return;
  event.preventDefault();
  const xs = plot.data[0], from = plot.cursor.idx ?? (along > 0 ? -1 : xs.length);
  const to = Math.min(xs.length - 1, Math.max(0, from + along));
  point(plot, to);
}

/** Set the cursor of all charts in step to a place. */
const point = (plot, at) => plot.setCursor({ left: plot.valToPos(plot.data[0][at], "x"), top: 1 }, true, true);
