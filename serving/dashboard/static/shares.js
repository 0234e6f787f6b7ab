// The chart of the share of engagement that each watched account of a group has, over weeks or months.

import { label } from "./charts.js";
import { $, h, render, scrolling } from "./dom.js";
import { decimal, plural, reason, shortDate } from "./format.js";
import { token } from "./palette.js";
import { draw, erase } from "./plot.js";
import { nameOf } from "./ranking.js";
import { unknown } from "./tips.js";

const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];
const REST = "--platform-other";
const percent = (value) => `${decimal(value, 1)}\u00a0%`;

/** Draw the shares as bars on one another: own accounts, those with the most engagement, and the sum of the rest. */
export function sharesOfEngagement(periods, shown, { status, shareOfEngagement: { accounts } }, { accounts: now }) {
  const place = $("plot-among-shares"), traces = tracesOf(accounts, shown);
  $("details-among-shares").hidden = !traces.length;
  if (!traces.length) {
    erase(place, `No share is known: ${reason(now.find(({ source }) => source !== "manual")?.unavailable.shareOfEngagement ?? "no_observation")}.`);
    return;
  }
  const x = shown.map((_, i) => i), pale = shown.map((i) => status[i] !== "complete"), small = x.map(() => false);
  const drawn = traces.map((one) => ({ name: one.name, colour: token(one.colour), shape: "square", values: one.values, texts: one.values.map((value) => (value === null ? "" : percent(value))), pale, small }));
  draw(place, { kind: "bar", x, traces: drawn, ticks: x, tick: (i) => shortDate(periods[shown[i]].start), label: shown.map((i) => label(periods[i])), axis: (value) => `${value} %`, sync: "among", low: 0, high: 100 });
  numbers("among-shares", "Share of engagement", periods, shown, status, traces.map((one) => [one.name, (i) => (one.values[i] === null ? unknown(one.why(i)) : percent(one.values[i]))]));
}

function tracesOf(accounts, shown) {
  const all = accounts.map((one) => ({ one, own: Boolean(one.own), values: shown.map((i) => one.values[i]) })).filter(({ values }) => values.some((value) => value !== null));
  const sum = ({ values }) => values.reduce((whole, value) => whole + (value ?? 0), 0);
  const sorted = all.toSorted((a, b) => b.own - a.own || sum(b) - sum(a)), most = COLOURS.length + (sorted[0]?.own ? 1 : 0);
  const first = sorted.slice(0, sorted.length > most + 1 ? most : undefined), rest = sorted.slice(first.length);
  const colours = sorted[0]?.own ? ["--accent", ...COLOURS.slice(1), COLOURS[0]] : COLOURS;
  const traces = first.map(({ one, own, values }, i) => ({ name: `${nameOf(one)}${own ? " (yours)" : ""}`, values, colour: colours[i] ?? REST, why: (at) => one.leftOut[shown[at]] ?? "no_observation" }));
  if (!rest.length) return traces;
  const together = shown.map((_, i) => (rest.every(({ values }) => values[i] === null) ? null : rest.reduce((whole, { values }) => whole + (values[i] ?? 0), 0)));
  return [...traces, { name: plural(rest.length, "other account"), values: together, colour: REST, why: () => "no_observation" }];
}

/** Show the numbers of a chart as a table; `columns` are pairs of a title and what is shown of the i-th period that is shown. */
export function numbers(id, title, periods, shown, status, columns) {
  const head = h("tr", {}, h("th", { scope: "col" }, "Period"), columns.map(([name]) => h("th.n", { scope: "col" }, h("bdi", {}, name))));
  const rows = shown.map((at, i) => h("tr", {}, h("th", { scope: "row" }, label(periods[at]), status[at] === "complete" ? null : h("span.small", {}, status[at] === "open" ? "not over" : "partly read")), columns.map(([, cell]) => h("td.n", {}, cell(i)))));
  render($(`table-${id}`), scrolling(`${title}, numbers`, h("table", {}, h("thead", {}, head), h("tbody", {}, rows.toReversed()))));
}
