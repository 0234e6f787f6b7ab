// The card of how posts age: the share of their final engagement by age, with the half-life, for an account and a type of posts.

import { $, choice, h, render, scrolling } from "./dom.js";
import { account as full, capital, isolate, plural, reasonOfInsight } from "./format.js";
import { SYMBOLS, token } from "./palette.js";
import { draw, library } from "./plot.js";

const LINES = [["q1", "A quarter of the posts has less", "--line-1"], ["median", "Median", "--accent"], ["q3", "A quarter of the posts has more", "--line-4"]];

let chosen = "";

/** Draw the card; `change(fields)` draws the page again. */
export async function decay(reading, live, change) {
  const [said, accounts] = await Promise.all([reading.decay(), reading.accounts(), library()]);
  const owners = new Map(accounts.map((one) => [one.accountId, one])), known = said.filter((one) => owners.has(one.accountId));
  const one = known.find((each) => keyOf(each) === chosen) ?? known.find((each) => each.points) ?? known[0];
  const place = h("div.plot", { id: "plot-decay", role: "img", tabindex: "0", "aria-label": "Chart: share of the final engagement by age; the table below has the same numbers" });
  const shown = render($("decay"), [
    h("div.head", {}, h("h2", { id: "decay-title" }, "How posts age"), h("span.grow", {}),
      known.length > 1 ? choice("decay-of", "Account and type of posts", known.map((each) => [keyOf(each), nameOf(each, owners)]), keyOf(one), (key) => { chosen = key; change({}); }) : null),
    !one ? h("p.empty", {}, "No account has posts of which anything could be said.") : one.points ? [h("p.best", {}, half(one)), place, table(one)] : h("p.empty", {}, `Nothing can be said: ${reasonOfInsight(one.unavailable.reason)}.`),
  ], live);
  if (one?.points) picture(place, one);
  return shown;
}

const keyOf = ({ accountId, metricType }) => `${accountId}|${metricType ?? ""}`;
const nameOf = ({ accountId, metricType }, owners) => `${full(owners.get(accountId))}${metricType ? `, ${isolate(capital(metricType).toLowerCase())}s` : ""}`;
const hours = (age) => (age === undefined ? "less than 1 h" : `${Math.round(10 * age) / 10} h`);
const share = (value) => `${Math.round(100 * value)}\u00a0%`;

function half({ halfLife, observed }) {
  return [h("b", {}, `Half of the engagement has come after ${hours(halfLife?.median)}`), ` (half of the posts: between ${hours(halfLife?.q1)} and ${hours(halfLife?.q3)}), over ${plural(observed, "post")}.`];
}

function picture(place, { points }) {
  const blank = points.map(() => false), x = points.map((_, i) => i);
  const traces = LINES.map(([name, title, colour], i) => ({ name: title, colour: token(colour), shape: SYMBOLS[i], values: points.map((point) => 100 * point[name]), texts: points.map((point) => share(point[name])), pale: blank, small: blank }));
  draw(place, { kind: "line", x, traces, ticks: x, tick: (i) => `${points[i]?.age} h`, label: points.map(({ age }) => `${age} h after publishing`), axis: (value) => `${value} %`, low: 0, high: 100 });
}

function table({ points }) {
  const head = h("tr", {}, h("th", { scope: "col" }, "Age"), LINES.map(([, title]) => h("th.n", { scope: "col" }, title)), h("th.n", { scope: "col" }, "Posts"));
  const rows = points.map((point) => h("tr", {}, h("th", { scope: "row" }, `${point.age} h`), LINES.map(([name]) => h("td.n", {}, share(point[name]))), h("td.n", {}, point.posts)));
  return h("details", { id: "details-decay" }, h("summary", {}, "Numbers as a table"), scrolling("How posts age, numbers", h("table", {}, h("thead", {}, head), h("tbody", {}, rows))),
    h("p.small", {}, "Shares of the engagement at an age of 168 hours, added up since publishing."));
}
