// The charts of followers and engagement over days, weeks or months, with a trace per platform, from the API's series, and the
// forecast of an account behind them.

import { isSmall } from "./basis.js";
import { list, marksOf, readMarks, textsOf } from "./marks.js";
import { $, breathe, h, render, scrolling } from "./dom.js";
import { about, ahead, band, forecasts, readForecasts, rows } from "./forecast.js";
import { change, count, percent, platform as named, shortDate, span } from "./format.js";
import { colour, swatch, symbol, token } from "./palette.js";
import { draw, erase, library } from "./plot.js";
import { unknown } from "./tips.js";
import { dateOf, zoneName } from "./zone.js";

const CHARTS = [
  { id: "followers", title: "Followers", metric: "followers", kind: "line", whole: true, write: count },
  { id: "growth", title: "Follower growth", metric: "followerGrowth", kind: "bar", write: change },
  { id: "engagement", title: "Engagement", metric: "totalEngagement", kind: "bar", write: count },
  { id: "rate", title: "Engagement rate", metric: "engagementRate", kind: "line", write: percent, fraction: true, axis: (value) => `${value} %` },
];
const STATUS = { open: "not over", partial: "partial" };

/** Draw the charts, and show their numbers as tables. */
export async function charts(reading) {
  const [{ periods, overall, series }] = await Promise.all([reading.series(), library()]), forecast = forecasts(reading);
  const found = CHARTS.filter((chart) => known(overall, chart));
  if (!found.length) {
    render($("charts"), h("section.card.alone", { "aria-labelledby": "charts-title" }, h("h2", { id: "charts-title" }, "Charts"), h("p.empty", {}, "Nothing was observed in these periods.")));
    return [];
  }
  if (!$("plot-followers")) render($("charts"), CHARTS.map(frame));
  // Periods before the first account was connected are left out.
  const shown = expected(periods, overall[0]), days = shown.length ? ahead(forecast, dateOf(periods[shown.at(-1)].start)) : [];
  for (const chart of CHARTS) {
    await breathe();
    if (reading.overtaken) return [];
    const each = columns(series, chart), all = columns(overall, chart), said = forecast[chart.id], marks = marksOf(reading, chart);
    if (found.includes(chart)) draw($(`plot-${chart.id}`), picture(chart, periods, shown, chart.whole && each.length > 1 ? all : each, days, said, marks));
    else erase($(`plot-${chart.id}`), "No value is known in these periods.");
    $(`details-${chart.id}`).hidden = !found.includes(chart);
    render($(`forecast-${chart.id}`), about(said));
    render($(`marks-${chart.id}`), list(reading, marks));
    table(chart, periods, shown, chart.whole ? [...all, ...(each.length > 1 ? each : [])] : each, all[0], said);
  }
  return [];
}

/** Read the forecasts and the marks, and draw the charts again with them, if they were drawn. */
export async function complete(reading) {
  await Promise.all([readForecasts(reading), readMarks(reading)]);
  return $("plot-followers") ? charts(reading) : [];
}

/** Return the places of the periods in which an account was expected. */
export const expected = (periods, { status }) => periods.map((_, i) => i).filter((i) => status[i] !== null);
const columns = (series, { metric }) => series.filter((one) => one.metric === metric);
const known = (series, chart) => columns(series, chart).some(({ values }) => values.some((value) => value !== null));

/** Make the card of a chart with its table. */
export function frame({ id, title }) {
  return h("section.card", { "aria-labelledby": `chart-${id}` }, h("h2", { id: `chart-${id}` }, title),
    h("div.plot", { id: `plot-${id}`, role: "img", tabindex: "0", "aria-label": `Chart: ${title}; the table below has the same numbers` }),
    h("p.small", { id: `forecast-${id}` }), h("p.small", { id: `marks-${id}` }),
    h("details", { id: `details-${id}` }, h("summary", {}, "Numbers as a table"), h("div", { id: `table-${id}` })));
}

/**
 * Return what `draw` needs. The scale is that of the points that are not on a small basis, if there are any. `ahead` are dates
 * after the periods, which have no value, `forecast` is what is forecast for the chart, and `marks` is what was out of the ordinary.
 */
export function picture(chart, periods, shown, series, ahead = [], forecast = null, marks = []) {
  const starts = [...shown.map((i) => periods[i].start), ...ahead], x = starts.map((_, place) => place);
  const dates = starts.map((start) => (start.length === 10 ? start : dateOf(start))), behind = band(forecast, dates);
  const traces = series.map((one) => longer(trace(chart, one, shown), ahead.length));
  return {
    ...chart, ...scale(chart, x, traces, behind), x, traces, forecast: behind, marks: textsOf(marks, dates), ticks: x, sync: "periods", whole: !chart.fraction, label: starts.map(shortDate), axis: chart.axis ?? chart.write, tick: (i) => shortDate(starts[i]),
  };
}

/** Return a trace with so many more places, which have no value. */
function longer(trace, places) {
  const more = (list, value) => [...list, ...Array(places).fill(value)];
  return { ...trace, values: more(trace.values, null), small: more(trace.small, false), pale: more(trace.pale, false), texts: more(trace.texts, "") };
}

function scale({ fraction, kind }, x, traces, band) {
  const { low, high } = scaleOf({ fraction, kind }, x, traces), of = (name) => band?.[name].filter((value) => value !== null) ?? [];
  return { low: Math.min(low, ...of("lo80")), high: Math.max(high, ...of("hi80")) };
}

function scaleOf({ fraction, kind }, x, traces) {
  const stacks = (sign) => x.map((i) => traces.reduce((sum, { values }) => sum + Math.max(0, sign * (values[i] ?? 0)), 0));
  if (kind === "bar") return { low: Math.min(0, -Math.max(...stacks(-1))), high: Math.max(1, ...stacks(1)) };
  const sure = traces.flatMap(({ values, small }) => values.filter((value, i) => value !== null && !small[i]));
  const shown = sure.length ? sure : traces.flatMap(({ values }) => values.filter((value) => value !== null));
  return { low: fraction ? Math.min(0, ...shown) : Math.min(...shown), high: Math.max(...shown) };
}

/** Return the trace of a platform: a missing value is a gap; an open or partial period is pale or hollow, with a note. */
function trace({ write }, one, shown) {
  const name = one.group.platform, small = (i) => isSmall(basisOf(one, i));
  const text = (i) => (one.values[i] === null ? "" : `${write(one.values[i])}${small(i) ? ` of ${basisText(one, i)}` : ""}${noted(one, i)}`);
  return {
    name: name ? named(name) : "All accounts", colour: name ? colour(name) : token("--accent"), shape: name ? symbol(name) : "circle",
    values: shown.map((i) => one.values[i]), small: shown.map(small), pale: shown.map((i) => one.status[i] !== "complete"), texts: shown.map(text),
  };
}

/** Return the views or impressions under a rate; metrics of one's own say nothing about what is few. */
const basisOf = ({ metric, parts }, i) => (metric === "engagementRate" ? parts?.under[i] ?? undefined : undefined);
const basisText = ({ basis, parts }, i) => `${count(parts.under[i])} ${basis}`;
const noted = ({ status }, i) => (STATUS[status[i]] ? ` (${STATUS[status[i]]})` : "");

/** Show the numbers of a chart as a table. */
export function table(chart, periods, shown, series, whole, forecast = null) {
  const names = series.map(({ group: { platform } }) => h("th.n", { scope: "col" }, platform ? [swatch(platform), named(platform)] : "All accounts"));
  const head = h("tr", {}, h("th", { scope: "col" }, `Period (${zoneName()})`), names);
  const row = (i) => h("tr", {}, h("th", { scope: "row" }, label(periods[i]), h("span.small", {}, noted(whole, i))), series.map((one) => h("td.n", {}, cell(chart, one, i))));
  const body = [...rows(forecast, series.length), ...shown.toReversed().map(row)];
  render($(`table-${chart.id}`), scrolling(`${chart.title}, numbers`, h("table", {}, h("thead", {}, head), h("tbody", {}, body))));
}

function cell({ write }, one, i) {
  const value = one.values[i];
  if (value === null) return unknown(one.unavailable[i]);
  return [write(value), isSmall(basisOf(one, i)) ? h("span.small.warn", {}, `of ${basisText(one, i)}`) : null];
}

/** Name a period by its dates. */
export function label({ start, end }) {
  const from = dateOf(start), to = dateOf(Date.parse(end) - 1);
  return from === to ? shortDate(from) : span(from, to);
}
