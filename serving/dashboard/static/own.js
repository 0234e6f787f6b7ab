// The card of the workspace's own metrics: their values over the range, a chart of one of them, and the editor.

import { expected, frame, picture, table } from "./charts.js";
import { $, choice, h, kept, render, scrolling } from "./dom.js";
import { editor } from "./formula.js";
import { count, plural } from "./format.js";
import { draw as plot, erase, library } from "./plot.js";
import { Reading } from "./reading.js";
import { unknown } from "./tips.js";
import { writer } from "./units.js";

const MOST = 20; // the metrics that one read may have
const CHART = "own-metric";

let api = null, mayChange = false, charted = "", editing = null;

/** Use a key that has these scopes; null means that they are unknown, and then the server decides. */
export function ownWith(client, scopes) {
  api = client;
  mayChange = scopes === null || scopes.includes("admin");
  editing = null;
}

export async function own(reading, live) {
  const found = await reading.definitions();
  if (!$("own-list")) {
    editing = mayChange ? editor(api, reading.base, () => again(reading.view)) : null;
    render($("own"), skeleton());
  }
  editing?.use(reading.base);
  $("own-count").textContent = found.length ? count(found.length) : "";
  if (!found.length) { empty(); return []; }
  const said = await list(reading, found, live);
  if (!reading.overtaken) await chart(reading, found);
  return said;
}

/** Draw the card again from the server, after a change. */
async function again(view) {
  await own(new Reading(api, view), false);
}

function skeleton() {
  return [
    h("div.head", {}, h("h2", { id: "own-head" }, "Metrics of your own"), h("span.soft", { id: "own-count" }), h("span.grow", {}),
      mayChange ? h("button", { type: "button", id: "own-new", onclick: () => editing.open() }, "New metric") : h("span.soft", {}, "Changing them needs a key with the scope “admin”.")),
    editing ? editing.place : null,
    h("div", { id: "own-list" }), h("div", { id: "own-chart" }),
  ];
}

function empty() {
  const how = mayChange ? "“New metric” defines one, such as percent(saves, views)." : "";
  render($("own-list"), h("p.empty", {}, `The workspace has defined none. ${how}`));
  render($("own-chart"), []);
}

async function list(reading, found, live) {
  const shown = found.slice(0, MOST), { series } = await reading.ownTotals(shown.map((one) => one.name));
  const values = new Map(series.map((one) => [one.metric, one]));
  const titles = ["Metric", "In range", "Formula", ...(mayChange ? ["Change"] : [])];
  const head = h("tr", {}, titles.map((title) => h(title === "In range" ? "th.n" : "th", { scope: "col" }, title)));
  const rows = found.map((one) => row(one, values.get(one.name), reading));
  return render($("own-list"), scrolling("Metrics of your own", h("table.listed", {}, h("thead", {}, head), h("tbody", {}, rows))), live);
}

function row(one, value, reading) {
  const newest = one.versions.at(-1);
  return h("tr", {},
    h("th", { scope: "row" }, newest.title, h("span.small", {}, h("code", {}, one.name), ` · ${newest.unit} · version ${one.version}`), newest.description ? h("span.small", {}, newest.description) : null),
    h("td.n", {}, total(one, newest, value)),
    h("td.wide", {}, h("code", {}, newest.expression)),
    mayChange ? h("td", {}, h("span.pair", {},
      h("button", { type: "button", id: `own-edit-${one.name}`, "aria-label": `Edit ${newest.title}`, onclick: () => editing.open(one.name, newest) }, "Edit"),
      h("button", { type: "button", id: `own-retire-${one.name}`, "aria-label": `Retire ${newest.title}`, onclick: (event) => retire(event.target, one.name, reading) }, "Retire"))) : null);
}

function total(one, newest, value) {
  if (!value) return unknown("no_observation", `the ${MOST} first metrics are read`);
  if (value.total === undefined) return unknown(value.totalUnavailable);
  const missing = value.totalMissing?.length ? h("span.small.warn", {}, `without ${plural(value.totalMissing.length, "account")}`) : null;
  return [kept("span", `own-${one.name}`, newest.title, writer(newest.unit)(value.total)), missing];
}

/** The first click asks, the second one retires: versions stay readable, and the metric can be defined again. */
async function retire(button, name, { base, view }) {
  if (button.dataset.sure !== "yes") {
    Object.assign(button.dataset, { sure: "yes" });
    button.textContent = "Really retire?";
    button.onblur = () => { button.dataset.sure = ""; button.textContent = "Retire"; };
    return;
  }
  try {
    await api.send("DELETE", `${base}/definitions/${name}`);
    editing.say(`${name} was retired; its versions can still be read.`);
    $("own-new").focus();
    await again(view);
  } catch (error) {
    editing.say(error.message, true);
  }
}

async function chart(reading, found) {
  const chosen = found.find((one) => one.name === charted) ?? found[0], { title, unit } = chosen.versions.at(-1);
  const [{ periods, overall, series }] = await Promise.all([reading.ownSeries(chosen.name), library()]);
  if (reading.overtaken) return;
  charted = chosen.name;
  const write = writer(unit), fraction = !["count", "people"].includes(unit);
  const axis = fraction ? (value) => (unit === "percent" ? `${value} %` : String(value)) : undefined;
  const one = { id: CHART, title, metric: chosen.name, kind: "line", write, fraction, axis };
  render($("own-chart"), [
    choice("own-charted", "Metric of the chart", found.map(({ name, versions }) => [name, versions.at(-1).title]), chosen.name, (name) => { charted = name; again(reading.view); }),
    frame(one),
  ]);
  const shown = expected(periods, overall[0]), traces = series.filter(({ values }) => values.some((value) => value !== null));
  if (traces.length) plot($(`plot-${CHART}`), picture(one, periods, shown, traces));
  else erase($(`plot-${CHART}`), "No value is known in these periods.");
  table(one, periods, shown, traces.length > 1 ? [...overall, ...traces] : overall, overall[0]);
}
