// The evidence of an event: the values before and in it as a chart and a table, similar events, and the posts that carry it.

import { aged } from "./breakout.js";
import { h, scrolling } from "./dom.js";
import { clock, count, percent, plural, shortDate } from "./format.js";
import { link } from "./links.js";
import { token } from "./palette.js";
import { draw, library } from "./plot.js";

const MOST_ROWS = 30;

/** Make the fold with the evidence; its chart is drawn when it is opened. */
export function evidence(view, one) {
  const { history = [], similar = [], posts = [], share, ages = [] } = one.evidence, broken = one.kind === "breakout";
  const place = h("div.plot", { role: "img", tabindex: "0", "aria-label": broken ? "Chart of the account's posts at the same age; the table below has the same numbers" : "Chart of the values before and in the event; the table below has the same numbers" });
  const parts = [
    share === undefined ? null : h("p", {}, `${percent(100 * share)} of the platform's accounts were out of the ordinary at once.`),
    posts.length ? h("p", {}, "Carried by ", posts.map(({ postId, value, share: part }, i) => [i ? ", " : "", link({ ...view, page: "", account: "" }, { post: postId }, `a post with ${count(value)}`), part <= 1 ? ` (${Math.round(100 * part)} % of what is beyond the expected)` : ""]), ".") : null,
    similar.length ? h("p", {}, `${plural(similar.length, "similar event")} before: `, similar.map(({ anomalyId }, i) => [i ? ", " : "", link(view, { anomaly: anomalyId }, `the ${i ? `one before (${i + 1})` : "last one"}`)]), ".") : h("p", {}, "No similar event before."),
    ages.length ? judged(ages) : null,
    history.length ? [place, table(history, one)] : null,
    h("p.small", {}, `Found by the method ${one.model}.`),
  ];
  return h("details", { ontoggle: ({ target }) => { if (target.open && history.length) show(place, history, one); } }, h("summary", {}, "Evidence"), parts);
}

async function show(place, history, one) {
  await library();
  const values = history.map(({ value }) => value), within = history.map(({ at }) => isWithin(at, one)), x = values.map((_, i) => i);
  const label = history.map(({ at }) => named(at, one)), blank = values.map(() => false);
  draw(place, {
    kind: one.kind === "breakout" ? "bar" : "line", x, label, ticks: x, tick: (i) => shortDate(history[i].at), axis: count, whole: values.every(Number.isInteger), low: Math.min(0, ...values), high: Math.max(1, ...values),
    traces: [
      { name: one.kind === "breakout" ? "Posts before" : "Usual", colour: token("--accent"), shape: "circle", values: one.kind === "breakout" ? values.map((value, i) => (within[i] ? null : value)) : values, texts: values.map((value) => count(value)), pale: blank, small: blank },
      { name: one.kind === "breakout" ? "This post" : "In the event", colour: token("--bad"), shape: "diamond", values: values.map((value, i) => (within[i] ? value : null)), texts: values.map((value, i) => (within[i] ? count(value) : "")), pale: blank, small: blank },
    ],
  });
}

const isWithin = (at, { from, to }) => at >= from && at < to;
const named = (at, { grain }) => (grain === "day" ? shortDate(at) : `${shortDate(at)} ${clock(at)}`);

/** Say what was found at each age of a post. */
function judged(ages) {
  const rows = ages.map((one) => h("tr", {}, h("th", { scope: "row" }, aged(one)), h("td.n", {}, count(one.observed)), h("td.n", {}, count(one.expected)), h("td", {}, one.breakout ? "breakout" : "as usual")));
  return scrolling("What was found at each age", h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Age"), h("th.n", { scope: "col" }, "Engagement"), h("th.n", { scope: "col" }, "Expected"), h("th", { scope: "col" }, "Found"))), h("tbody", {}, rows)));
}

function table(history, one) {
  const broken = one.kind === "breakout", what = broken ? `Engagement after ${aged(one)}` : "Value";
  const rows = history.toReversed().slice(0, MOST_ROWS).map(({ at, value }) => h("tr", {}, h("th", { scope: "row" }, named(at, one), isWithin(at, one) ? h("span.small", {}, broken ? "this post" : "in the event") : null), h("td.n", {}, count(value))));
  return scrolling(broken ? "Posts at the same age" : "Values before and in the event", h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, broken ? "Published" : one.grain === "day" ? "Day" : "Hour"), h("th.n", { scope: "col" }, what))), h("tbody", {}, rows)));
}
