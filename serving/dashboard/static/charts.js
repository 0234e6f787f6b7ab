// The charts of followers and engagement over days, weeks or months, with a trace per platform from the API's totals.

import { $, h, render, scrolling } from "./dom.js";
import { count, change, percent, platform as named, shortDate, span } from "./format.js";
import { colour, swatch, symbol, token } from "./palette.js";
import { draw, plotly } from "./plot.js";
import { iso, later } from "./state.js";
import { unknown } from "./tips.js";

const CHARTS = [
  { id: "followers", title: "Followers", metric: "followers", kind: "line", whole: true, write: count },
  { id: "growth", title: "Follower growth", metric: "followerGrowth", kind: "bar", write: change },
  { id: "engagement", title: "Engagement", metric: "totalEngagement", kind: "bar", write: count },
  { id: "rate", title: "Engagement rate", metric: "engagementRate", kind: "line", write: percent, suffix: " %" },
];
const MOST_TICKS = 14;
const STATUS = { open: "not over", partial: "partial" };

/** Show the frames and the tables at once, and draw the charts when plotly is loaded. */
export async function charts(reading, live) {
  const names = await reading.platforms();
  const [all, ...each] = await Promise.all([reading.series(), ...names.map((name) => reading.series(name))]);
  const series = names.map((name, i) => ({ name, rows: byStart(each[i].totals) }));
  const whole = { name: "", rows: byStart(all.totals) };
  const starts = all.totals.map((row) => row.periodStart);
  if ($("charts").childElementCount === 0) render($("charts"), CHARTS.map(frame));
  for (const chart of CHARTS) table(chart, starts, chart.whole ? [whole, ...series] : series, whole);
  // Not awaited, so that the page is ready and follows the stream before plotly is loaded.
  for (const chart of CHARTS) paint(chart, traces(chart, starts, series, whole), layout(chart, reading, starts));
  return [];
}

async function paint({ id, kind }, traces, layout) {
  const place = $(`plot-${id}`), values = traces.flatMap((one) => one.y).filter((value) => value !== null);
  if (!values.length) { erase(place, "Nothing was observed in these periods."); return; }
  // On an axis of few whole numbers, plotly would show the same rounded label more than once.
  if (!layout.yaxis.ticksuffix && Math.max(...values) - Math.min(...values, ...(kind === "bar" ? [0] : [])) < 5) layout.yaxis.dtick = 1;
  try {
    await plotly();
    place.querySelector(":scope > .empty")?.remove();
    await draw(place, traces, layout);
  } catch (error) {
    erase(place, `${error.message} The table has the numbers.`);
  }
}

function erase(place, text) {
  window.Plotly?.purge(place);
  place.replaceChildren(h("p.empty", {}, text));
}

const byStart = (rows) => new Map(rows.map((row) => [row.periodStart, row]));

function frame({ id, title }) {
  return h("section.card", { "aria-labelledby": `chart-${id}` }, h("h2", { id: `chart-${id}` }, title),
    h("div.plot", { id: `plot-${id}`, role: "img", "aria-label": `Chart: ${title}; the table below has the same numbers` }, h("p.empty", {}, "Drawing …")),
    h("details", { id: `details-${id}` }, h("summary", {}, "Numbers as a table"), h("div", { id: `table-${id}` })));
}

function layout(chart, reading, starts) {
  // By default, plotly puts its ticks on Sundays and on the first days of months, where no week begins.
  const few = reading.range.period !== "daily" && starts.length <= MOST_TICKS;
  const ticks = few ? { tickvals: starts.map((start) => start.slice(0, 10)), ticktext: starts.map(shortDate) } : { tickformat: "%-d %b" };
  return {
    showlegend: !chart.whole, xaxis: { type: "date", ...ticks },
    yaxis: { ticksuffix: chart.suffix ?? "", tickformat: chart.suffix ? "" : ",d", rangemode: chart.id === "rate" ? "tozero" : "normal" },
  };
}

function traces(chart, starts, series, whole) {
  if (chart.whole) return [trace(chart, starts, whole, "All accounts", token("--accent"), "circle")];
  return series.map((one) => trace(chart, starts, one, named(one.name), colour(one.name), symbol(one.name)));
}

/** Return the trace of a platform: a missing value is a gap; an open or partial period is pale or hollow, with a note. */
function trace({ metric, kind, write }, starts, { rows }, name, paint, shape) {
  const found = starts.map((start) => rows.get(start)), ended = (row) => row?.status === "complete";
  const base = {
    name, x: starts.map((start) => start.slice(0, 10)), y: found.map((row) => row?.metrics[metric] ?? null),
    customdata: found.map((row) => (row?.metrics[metric] === undefined ? "" : `${write(row.metrics[metric])}${noted(row)}`)), hovertemplate: "%{customdata}",
  };
  if (kind === "bar") return { ...base, type: "bar", marker: { color: paint, opacity: found.map((row) => (ended(row) ? 1 : 0.45)) } };
  return {
    ...base, type: "scatter", mode: "lines+markers", line: { color: paint, width: 2.2 }, connectgaps: false,
    marker: { color: found.map((row) => (ended(row) ? paint : token("--card"))), size: starts.length > 60 ? 3 : 7, symbol: shape, line: { color: paint, width: 2 } },
  };
}

const noted = (row) => (STATUS[row.status] ? ` (${STATUS[row.status]}${row.status === "partial" ? `: ${row.coverage.observedSlots} of ${row.coverage.expectedSlots} h` : ""})` : "");

function table(chart, starts, columns, whole) {
  const head = h("tr", {}, h("th", { scope: "col" }, "Period (UTC)"), columns.map(({ name }) => h("th.n", { scope: "col" }, name ? [swatch(name), named(name)] : "All accounts")));
  const rows = starts.toReversed().map((start) => {
    const row = whole.rows.get(start);
    return h("tr", {}, h("th", { scope: "row" }, label(row), h("span.small", {}, noted(row))),
      columns.map(({ rows: of }) => h("td.n", {}, of.get(start)?.metrics[chart.metric] === undefined ? unknown(of.get(start)?.unavailable[chart.metric] ?? "no_observation") : chart.write(of.get(start).metrics[chart.metric]))));
  });
  render($(`table-${chart.id}`), scrolling(`${chart.title}, numbers`, h("table", {}, h("thead", {}, head), h("tbody", {}, rows))));
}

function label({ periodStart, periodEnd }) {
  const from = periodStart.slice(0, 10), to = later(iso(Date.parse(periodEnd)), -1);
  return from === to ? shortDate(from) : span(from, to);
}
