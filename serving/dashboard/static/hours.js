// The card of the next hours: engagement or followers of the last two days by hour, and behind and after them what is forecast.

import { $, choice, h, render, scrolling } from "./dom.js";
import { bounds, certainty, evidence } from "./forecast.js";
import { count, reasonOfInsight, shortDate } from "./format.js";
import { token } from "./palette.js";
import { draw, library } from "./plot.js";
import { dateOf, timeOf, zoneName } from "./zone.js";

const METRICS = { totalEngagement: { title: "Engagement", kind: "bar" }, followers: { title: "Followers", kind: "line" } };
const SHOWN = 48;

let chosen = "totalEngagement";

/** Draw the card; `change(fields)` draws the page again. */
export async function hours(reading, live, change) {
  if (reading.view.platform) return render($("hours"), [h("h2", { id: "hours-title" }, "The next hours"), h("p.empty", {}, "Forecasts are of one account or of all together, not of one platform.")], live);
  const [said, observed] = await Promise.all([reading.hoursAhead(chosen), reading.lastHours(Object.keys(METRICS)), library()]);
  const line = observed.series.find(({ metric }) => metric === chosen);
  const past = observed.periods.map(({ start }, i) => ({ at: start, value: line?.values[i] ?? null, over: line?.status[i] !== "open" })).slice(-SHOWN);
  const place = h("div.plot", { id: "plot-hours", role: "img", tabindex: "0", "aria-label": "Chart: the last two days by hour and what is forecast; the table below has the same numbers" });
  const shown = render($("hours"), [
    h("div.head", {}, h("h2", { id: "hours-title" }, "The next hours"), h("span.grow", {}),
      choice("hours-of", "Metric by hour", Object.entries(METRICS).map(([name, { title }]) => [name, title]), chosen, (name) => { chosen = name; change({}); })),
    said?.points ? [h("p.best", {}, words(said)), place, table(past, said.points)] : h("p.empty", {}, `No forecast of the next hours: ${reasonOfInsight(said?.unavailable.reason ?? "not_yet_available")}.`),
  ], live);
  if (said?.points) picture(place, past, said.points);
  return shown;
}

const HOUR = 3600000;
const named = (at) => `${shortDate(at)} ${timeOf(at)}`;

/** Say what is forecast, how sure that is, and how often it was right. */
function words({ points, total, backtest, leftOut = [] }) {
  const last = points.at(-1), what = total
    ? `The ${points.length} hours until ${named(new Date(Date.parse(last.at) + HOUR).toISOString())} together: ${count(total.value)}, with a chance of 4 in 5 from ${count(total.lo80)} to ${count(total.hi80)}.`
    : `At ${named(last.at)}: ${certainty(last)}.`;
  return [h("b", {}, what), ` ${evidence(backtest, "hour", leftOut)}`];
}

/** Draw the last hours and the forecast on one axis of hours; an hour may have both, since a forecast is made every six hours. */
function picture(place, past, points) {
  const starts = [...new Set([...past, ...points].map(({ at }) => at))].toSorted(), x = starts.map((_, i) => i);
  const values = new Map(past.map(({ at, value }) => [at, value])), ahead = new Map(points.map((point) => [point.at, point]));
  const of = starts.map((at) => values.get(at) ?? null), running = new Set(past.filter(({ over }) => !over).map(({ at }) => at));
  const trace = { name: METRICS[chosen].title, colour: token("--accent"), shape: "circle", values: of, texts: of.map((value) => (value === null ? "" : count(value))), pale: starts.map((at) => running.has(at)), small: x.map(() => false) };
  const band = bounds(starts.map((at) => ahead.get(at) ?? null)), all = [...of, ...band.lo80, ...band.hi80].filter((value) => value !== null);
  const low = METRICS[chosen].kind === "bar" ? Math.min(0, ...all) : Math.min(...all);
  draw(place, { kind: METRICS[chosen].kind, x, traces: [trace], forecast: band, ticks: x, tick: (i) => timeOf(starts[i]), label: starts.map(named), axis: count, whole: true, low, high: Math.max(1, ...all) });
}

function table(past, points) {
  const head = h("tr", {}, h("th", { scope: "col" }, `Hour from (${zoneName()})`), h("th.n", { scope: "col" }, METRICS[chosen].title));
  const ahead = points.toReversed().map((point) => h("tr.forecast", {}, h("th", { scope: "row" }, named(point.at), h("span.small", {}, "forecast")),
    h("td.n", {}, count(point.value), h("span.small", {}, `${count(point.lo80)} to ${count(point.hi80)} in 4 hours of 5`))));
  const before = past.toReversed().map(({ at, value, over }) => h("tr", {}, h("th", { scope: "row" }, named(at), over ? null : h("span.small", {}, "not over")), h("td.n", {}, value === null ? "–" : count(value))));
  return h("details", { id: "details-hours" }, h("summary", {}, "Numbers as a table"), scrolling("The next hours, numbers", h("table", {}, h("thead", {}, head), h("tbody", {}, [...ahead, ...before]))));
}
