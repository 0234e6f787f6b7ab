// The posting rhythm of own accounts against the median of the others: posts by week or month, and by type in one of them.

import { label } from "./charts.js";
import { $, h, scrolling } from "./dom.js";
import { capital, count, decimal, reason, shortDate } from "./format.js";
import { median } from "./median.js";
import { token } from "./palette.js";
import { draw, erase } from "./plot.js";
import { nameOf } from "./ranking.js";
import { numbers } from "./shares.js";
import { unknown } from "./tips.js";

const LINES = [["--accent", "circle"], ["--line-2", "diamond"], ["--line-3", "triangle-up"]];
const LEAST = 5; // accounts that a median needs, as the API has it

/** Draw the posts of own accounts by period, and the median of the others. */
export function rhythm(periods, shown, { status, posts }, { accounts }) {
  const place = $("plot-among-rhythm"), own = posts.accounts.filter((one) => one.own).slice(0, LINES.length);
  const compared = (one) => shown.map((at) => (one.leftOut[at] ? null : one.values[at]));
  const middle = ["Median of the others", shown.map((at) => posts.median[at]), "--line-4", "square"];
  const lines = [middle, ...own.map((one, i) => [`${nameOf(one)} (yours)`, compared(one), ...LINES[i]])]; // own lines are on top
  const known = lines.flatMap(([, values]) => values).filter((value) => value !== null);
  $("details-among-rhythm").hidden = !known.length;
  if (!known.length) {
    const why = accounts.map(({ unavailable }) => unavailable.posts).find(Boolean);
    erase(place, why ? `No number of posts is known: ${reason(why)}.` : "There is no own account in this group, and too few others for a median.");
    return;
  }
  const x = shown.map((_, i) => i), pale = shown.map((i) => status[i] !== "complete"), small = x.map(() => false);
  const traces = lines.map(([name, values, colour, shape]) => ({ name, values, colour: token(colour), shape, texts: values.map((value) => (value === null ? "" : decimal(value))), pale, small }));
  draw(place, { kind: "line", x, traces, ticks: x, tick: (i) => shortDate(periods[shown[i]].start), label: shown.map((i) => label(periods[i])), axis: count, whole: true, sync: "among", low: 0, high: Math.max(1, ...known) });
  const why = (i, one) => (one ? one.leftOut[shown[i]] ?? "no_observation" : posts.unavailable[shown[i]]);
  const cell = (values, one) => (i) => (values[i] === null ? unknown(why(i, one), one ? undefined : fewOr(why(i))) : decimal(values[i]));
  numbers("among-rhythm", "Posting rhythm", periods, shown, status, [
    ...own.map((one, i) => [lines[1 + i][0], cell(compared(one), one)]),
    ...["p25", "median", "p75"].map((name) => [{ p25: "First quartile", median: "Median of the others", p75: "Third quartile" }[name], cell(shown.map((at) => posts[name][at]))]),
  ]);
}

const fewOr = (code) => (code === "too_few" ? "fewer than five accounts of others can be compared" : reason(code));

/** Return the table of posts by type in one period. A type that an account has no post of is 0: its posts are all known. */
export function typesOfPosts({ accounts, metrics }, name) {
  const leftOut = new Set(metrics.find(({ metric }) => metric === "posts").leftOut.map(({ key }) => key));
  const known = accounts.filter((one) => one.numbers.postsByType && !leftOut.has(one.key));
  const own = known.filter((one) => one.own), others = known.filter((one) => !one.own), types = [...new Set(known.flatMap((one) => Object.keys(one.numbers.postsByType)))].sort();
  const middle = (type) => (others.length < LEAST ? null : median(others.map((one) => one.numbers.postsByType[type] ?? 0)));
  const columnsOf = (type) => [...own.map((one) => one.numbers.postsByType[type] ?? 0), middle(type)];
  const most = Math.max(1, ...types.flatMap(columnsOf).filter((value) => value !== null));
  if (!types.length || (!own.length && others.length < LEAST)) return [];
  const head = h("tr", {}, h("th", { scope: "col" }, "Type"), own.map((one) => h("th", { scope: "col" }, h("bdi", {}, nameOf(one)), h("span.small", {}, "yours"))), h("th", { scope: "col" }, "Median", h("span.small", {}, "of the others")));
  const rows = types.map((type) => h("tr", {}, h("th", { scope: "row" }, capital(type)), columnsOf(type).map((value, i) => h("td", {}, bar(value, most, i < own.length)))));
  return [h("h3", {}, `Posts by type, ${name}`), scrolling("Posts by type", h("table.types", {}, h("thead", {}, head), h("tbody", {}, rows)))];
}

function bar(value, most, own) {
  if (value === null) return unknown("too_few", fewOr("too_few"));
  return value ? h("span.bar", { "--part": value / most }, h(own ? "span.fill.own" : "span.fill.platform-other", { "aria-hidden": "true" }), h("b", {}, decimal(value))) : h("span.soft", {}, "0");
}
