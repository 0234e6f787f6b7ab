// The charts of followers and engagement over days, weeks or months, with a trace per platform from the API's totals.

import { basisOf, isSmall } from "./basis.js";
import { $, breathe, h, render, scrolling } from "./dom.js";
import { change, count, percent, platform as named, shortDate, span } from "./format.js";
import { colour, swatch, symbol, token } from "./palette.js";
import { draw, erase, library } from "./plot.js";
import { iso, later } from "./state.js";
import { unknown } from "./tips.js";

const CHARTS = [
  { id: "followers", title: "Followers", metric: "followers", kind: "line", whole: true, write: count },
  { id: "growth", title: "Follower growth", metric: "followerGrowth", kind: "bar", write: change },
  { id: "engagement", title: "Engagement", metric: "totalEngagement", kind: "bar", write: count },
  { id: "rate", title: "Engagement rate", metric: "engagementRate", kind: "line", write: percent },
];
const STATUS = { open: "not over", partial: "partial" };

/** Draw the charts, and show their numbers as tables. */
export async function charts(reading) {
  const names = await reading.platforms();
  const [all, ...each] = await Promise.all([reading.series(), ...names.map((name) => reading.series(name)), library()]);
  const series = names.map((name, i) => ({ name, rows: byStart(each[i].totals) }));
  const whole = { name: "", rows: byStart(all.totals) };
  const starts = all.totals.map((row) => row.periodStart);
  const found = CHARTS.filter((chart) => all.totals.some((row) => row.metrics[chart.metric] !== undefined));
  if (!found.length) {
    render($("charts"), h("section.card.alone", { "aria-labelledby": "charts-title" }, h("h2", { id: "charts-title" }, "Charts"), h("p.empty", {}, "Nothing was observed in these periods.")));
    return [];
  }
  if (!$("plot-followers")) render($("charts"), CHARTS.map(frame));
  for (const chart of CHARTS) {
    await breathe();
    if (reading.overtaken) return [];
    const columns = chart.whole && names.length > 1 ? [whole] : series;
    if (found.includes(chart)) draw($(`plot-${chart.id}`), picture(chart, starts, columns));
    else erase($(`plot-${chart.id}`), "No value is known in these periods.");
    $(`details-${chart.id}`).hidden = !found.includes(chart);
    table(chart, starts, chart.whole ? [whole, ...(names.length > 1 ? series : [])] : series, whole);
  }
  return [];
}

const byStart = (rows) => new Map(rows.map((row) => [row.periodStart, row]));

function frame({ id, title }) {
  return h("section.card", { "aria-labelledby": `chart-${id}` }, h("h2", { id: `chart-${id}` }, title),
    h("div.plot", { id: `plot-${id}`, role: "img", tabindex: "0", "aria-label": `Chart: ${title}; the table below has the same numbers` }),
    h("details", { id: `details-${id}` }, h("summary", {}, "Numbers as a table"), h("div", { id: `table-${id}` })));
}

/** Return what `draw` needs. The scale is that of the points that are not on a small basis, if there are any. */
function picture(chart, starts, columns) {
  const traces = columns.map((one) => trace(chart, starts, one)), x = starts.map((_, i) => i);
  return {
    ...chart, ...scale(chart, x, traces), x, traces, ticks: x, sync: "periods", whole: chart.id !== "rate", label: starts.map(shortDate), axis: chart.id === "rate" ? (value) => `${value} %` : chart.write, tick: (i) => shortDate(starts[i]),
  };
}

function scale({ id, kind }, x, traces) {
  const stacks = (sign) => x.map((i) => traces.reduce((sum, { values }) => sum + Math.max(0, sign * (values[i] ?? 0)), 0));
  if (kind === "bar") return { low: Math.min(0, -Math.max(...stacks(-1))), high: Math.max(1, ...stacks(1)) };
  const sure = traces.flatMap(({ values, small }) => values.filter((value, i) => value !== null && !small[i]));
  const shown = sure.length ? sure : traces.flatMap(({ values }) => values.filter((value) => value !== null));
  return { low: id === "rate" ? Math.min(0, ...shown) : Math.min(...shown), high: Math.max(...shown) };
}

/** Return the trace of a platform: a missing value is a gap; an open or partial period is pale or hollow, with a note. */
function trace({ metric, write }, starts, { name, rows }) {
  const found = starts.map((start) => rows.get(start)), small = found.map((row) => metric === "engagementRate" && isSmall(basisOf(row?.metrics)));
  return {
    name: name ? named(name) : "All accounts", colour: name ? colour(name) : token("--accent"), shape: name ? symbol(name) : "circle", small,
    values: found.map((row) => row?.metrics[metric] ?? null), pale: found.map((row) => row?.status !== "complete"),
    texts: found.map((row, i) => (row?.metrics[metric] === undefined ? "" : `${write(row.metrics[metric])}${small[i] ? ` of ${basisText(row)}` : ""}${noted(row)}`)),
  };
}

const basisText = ({ metrics }) => `${count(basisOf(metrics))} ${metrics.engagementRateBasis}`;
const noted = (row) => (STATUS[row.status] ? ` (${STATUS[row.status]}${row.status === "partial" ? `: ${row.coverage.observedSlots} of ${row.coverage.expectedSlots} h` : ""})` : "");

function table(chart, starts, columns, whole) {
  const head = h("tr", {}, h("th", { scope: "col" }, "Period (UTC)"), columns.map(({ name }) => h("th.n", { scope: "col" }, name ? [swatch(name), named(name)] : "All accounts")));
  const rows = starts.toReversed().map((start) => {
    const row = whole.rows.get(start);
    return h("tr", {}, h("th", { scope: "row" }, label(row), h("span.small", {}, noted(row))), columns.map(({ rows: of }) => h("td.n", {}, cell(chart, of.get(start)))));
  });
  render($(`table-${chart.id}`), scrolling(`${chart.title}, numbers`, h("table", {}, h("thead", {}, head), h("tbody", {}, rows))));
}

function cell({ metric, write }, row) {
  const value = row?.metrics[metric];
  if (value === undefined) return unknown(row?.unavailable[metric] ?? "no_observation");
  return [write(value), metric === "engagementRate" && isSmall(basisOf(row.metrics)) ? h("span.small.warn", {}, `of ${basisText(row)}`) : null];
}

function label({ periodStart, periodEnd }) {
  const from = periodStart.slice(0, 10), to = later(iso(Date.parse(periodEnd)), -1);
  return from === to ? shortDate(from) : span(from, to);
}
