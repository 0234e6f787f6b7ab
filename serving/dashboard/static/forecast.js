// What is forecast for an account or the whole workspace: the band behind its charts of days, its rows in their tables, and the
// words about it.

import { h } from "./dom.js";
import { count, plural, reasonOfInsight, shortDate } from "./format.js";
import { later, today } from "./state.js";

const FORECASTED = { followers: "followers", engagement: "totalEngagement" }; // by the ids of the charts
const DAYS = 7;
const BOUNDS = ["value", "lo80", "hi80", "lo95", "hi95"];

let said = { subject: "", byChart: {} }; // the forecasts of the workspace or account that is shown, as last read

const subjectOf = ({ base, view }) => `${base} ${view.account}`;

/** Tell whether the charts of a view have forecasts: by day, where the range reaches the present day, not for one platform alone. */
const areShown = ({ view: { platform, by }, range }) => !platform && by === "day" && range.chartTo >= today();

/** Return the forecasts that were read, by the ids of the charts: `{points, total, …}` or `{unavailable}`, in the form of the API. */
export const forecasts = (reading) => (areShown(reading) && said.subject === subjectOf(reading) ? said.byChart : {});

/** Read the forecasts. The view is whole without them. */
export async function readForecasts(reading) {
  if (!areShown(reading)) return;
  const found = await Promise.all(Object.entries(FORECASTED).map(async ([id, metric]) => [id, await reading.forecast(metric, DAYS)]));
  said = { subject: subjectOf(reading), byChart: Object.fromEntries(found.filter(([, one]) => one)) };
}

/** Tell whether something is forecast for all accounts of the chart's line: else the band would begin beside the line. */
const isOfAll = ({ points, leftOut = [] }) => points && !leftOut.length;

/** Return the dates after the last charted one for which anything is forecast. */
export function ahead(found, last) {
  const dates = Object.values(found).filter(isOfAll).flatMap(({ points }) => points.map(({ date }) => date));
  const newest = dates.toSorted().at(-1) ?? last;
  const days = [];
  for (let day = later(last, 1); day <= newest; day = later(day, 1)) days.push(day);
  return days;
}

/** Return the band of a chart whose places are `dates`; null if it has none. */
export function band(forecast, dates) {
  if (!forecast || !isOfAll(forecast)) return null;
  const of = new Map(forecast.points.map((point) => [point.date, point]));
  return bounds(dates.map((date) => of.get(date) ?? null));
}

/** Return what `draw` needs of a band: a list per bound, null where nothing is forecast, and a text per place. */
export const bounds = (points) => ({ ...Object.fromEntries(BOUNDS.map((name) => [name, points.map((point) => point?.[name] ?? null)])), texts: points.map((point) => (point ? certainty(point) : "")) });

/** Say what is forecast of one day or hour, and how sure that is. */
export const certainty = ({ value, lo80, hi80, at }) => `${count(value)}, in 4 ${at ? "hours" : "days"} of 5 from ${count(lo80)} to ${count(hi80)}`;

/** Return the rows of a table, the latest day first. */
export function rows(forecast, columns) {
  return (forecast?.points ?? []).toReversed().map((point) => h("tr.forecast", {},
    h("th", { scope: "row" }, shortDate(point.date), h("span.small", {}, "forecast")),
    h("td.n", { colspan: columns }, count(point.value), h("span.small", {}, `${count(point.lo80)} to ${count(point.hi80)} in 4 days of 5; ${count(point.lo95)} to ${count(point.hi95)} in 19 of 20`))));
}

/** Say what is forecast, and how sure that is; or why nothing is. */
export function about(forecast) {
  if (!forecast) return null;
  if (forecast.unavailable) return `No forecast: ${reasonOfInsight(forecast.unavailable.reason)}.`;
  const { points, total, backtest, leftOut } = forecast, last = points.at(-1);
  const what = total
    ? `The next ${points.length} days together: ${count(total.value)}, with a chance of 4 in 5 from ${count(total.lo80)} to ${count(total.hi80)}.`
    : `On ${shortDate(last.date)}: ${certainty(last)}.`;
  return `${what} ${evidence(backtest, "day", leftOut)}${leftOut?.length ? " The chart has no band, because its line is of all accounts." : ""}`;
}

/** Say how often a forecast was right on earlier days or hours (`unit`), and what it leaves out. */
export function evidence({ origins, skill, coverage80 }, unit, leftOut = []) {
  const better = skill > 0 ? `errors ${Math.round(100 * skill)} % smaller than those of repeating the last week` : "no better than repeating the last week, so the last week is repeated";
  const lacking = leftOut.length ? ` Without ${plural(leftOut.length, "account")} for which nothing can be forecast.` : "";
  return `Tried on ${plural(origins, `earlier ${unit}`)}: ${better}; ${Math.round(100 * coverage80)} % of the values were inside the inner band, where 80 % should be.${lacking}`;
}
