// The page "What happened": hours and days that were out of the ordinary, newest first, with their evidence and what people say of them.

import { aged, times } from "./breakout.js";
import { $, choice, h, render } from "./dom.js";
import { evidence } from "./evidence.js";
import { capital, clock, count, date, isolate, platform as named, plural, span } from "./format.js";
import { accountLink, link } from "./links.js";
import { Reading } from "./reading.js";
import { dateOf } from "./zone.js";

const STEP = 25;
const HOUR = 3600000;
const TITLES = { followers: "Follower growth", totalEngagement: "Engagement", totalViews: "Views", totalImpressions: "Impressions", reach: "Reach", accountViews: "Account views", profileViews: "Profile views" };
const KINDS = {
  spike: ["Spike", "far above the usual"], drop: ["Drop", "far below the usual"], shift: ["Shift", "on another level for days"],
  outage: ["Outage", "next to nothing was gained"], platform: ["Whole platform", "out of the ordinary for many accounts at once"], breakout: ["Breakout", "a post far above the usual"],
  collection: ["Collection", "the collection is the cause, not the audience"],
};
const CAUSES = {
  fewer_accounts: "fewer hours than usual were collected", metric_vanished: "the platform gives no value any more", frozen: "nothing moves any more",
  lifetime_fell: "values fell that only grow", rounded: "the platform rounds the values", all_zero: "all values are 0 at once",
};
const STATUS = { open: ["warn", "Under way"], ended: ["plain", "Over"], withdrawn: ["plain", "Withdrawn"] };
export const ARROWS = { up: "▲", down: "▼" };

let api = null, mayChange = false, shown = STEP;

/** Use a key that has these scopes; null means that they are unknown, and then the server decides. */
export function happenedWith(client, scopes) {
  api = client;
  mayChange = scopes === null || scopes.includes("collect");
}

export const kindOf = ({ kind }) => (KINDS[kind] ?? [capital(kind)])[0];
export const titleOf = ({ kind, metric, metricType }) => (kind === "breakout" ? capital(metricType) : TITLES[metric] ?? capital(metric ?? "all metrics"));

/** Show the page; `change(fields)` switches to another view. */
export async function happened(reading, live, change) {
  const [found, accounts] = await Promise.all([reading.anomalies(), reading.everyAccount()]), { view } = reading;
  const byId = new Map(accounts.map((one) => [one.accountId, one]));
  const kinds = [...new Set(found.map(({ kind }) => kind))].sort();
  const wanted = found.filter((one) => (!view.kind || one.kind === view.kind) && (view.seen !== "new" || isNew(one)));
  const rest = wanted.length - shown;
  const said = render($("happened"), [
    link(view, { page: "", anomaly: "", kind: "", seen: "" }, view.account ? `← ${isolate(byId.get(view.account)?.handle ?? view.account)}` : `← All of ${view.workspace}`),
    h("div.head", {}, h("h2.name", { id: "happened-title" }, "What happened"), h("span.soft", { role: "status" }, wanted.length === found.length ? plural(found.length, "event") : `${count(wanted.length)} of ${plural(found.length, "event")}`), h("span.grow", {}),
      choice("happened-kind", "Kind", [["", "All kinds"], ...kinds.map((kind) => [kind, kindOf({ kind })])], view.kind, (kind) => { shown = STEP; change({ kind }); }),
      choice("happened-seen", "Seen or not", [["", "Seen or not"], ["new", "Not seen yet"]], view.seen, (seen) => { shown = STEP; change({ seen }); })),
    wanted.length ? h("ol.events", {}, wanted.slice(0, shown).map((one) => item(reading, one, byId.get(one.accountId)))) : h("p.empty", {}, found.length ? "No event fits the filter." : "Nothing was out of the ordinary in these days, as far as the series are watched."),
    rest > 0 ? h("button", { type: "button", id: "happened-more", onclick: () => { shown += STEP; change({}); } }, `Show ${plural(Math.min(rest, STEP), "more event", "more events")}`) : null,
    mayChange ? null : h("p.small", {}, "Marking events as seen needs a key with the scope “collect”."),
  ], live);
  open(view.anomaly);
  return said;
}

const isNew = (one) => !one.acknowledgedBy && !one.muted && !one.mutedBy && one.status !== "withdrawn";

/** Open the evidence of the event that a mark in a chart led to, once. */
function open(id) {
  const place = id && $(`event-${id}`);
  if (!place || place.dataset.led) return;
  place.dataset.led = "yes";
  place.querySelector("details").open = true;
  place.scrollIntoView({ block: "center" });
}

function item(reading, one, account) {
  const broken = one.kind === "breakout";
  const [tone, status] = broken && one.status === "ended" ? ["ok", "Confirmed"] : STATUS[one.status] ?? ["plain", capital(one.status)];
  return h("li.event", { id: `event-${one.anomalyId}` },
    h("div.head", {},
      h("h3", {}, one.direction ? h("span", { "aria-hidden": "true" }, `${ARROWS[one.direction]} `) : null, broken ? link({ ...reading.view, page: "", account: "" }, { post: one.postId }, titleOf(one)) : titleOf(one), " ", account ? ["of ", accountLink({ ...reading.view, page: "" }, account), " "] : null, `on ${named(one.platform)}`),
      h("span.badge.plain", {}, kindOf(one)), h(`span.badge.${tone}`, {}, status),
      one.muted ? h("span.badge.plain", {}, "Muted") : null),
    h("p", {}, `${when(one)}: ${explained(one)}. `, h("b", {}, `Severity ${one.severity} of 10`), "."),
    one.known ? h("p.known", {}, "Known of that time: ", one.known.map((day, i) => [i ? ", " : "", h("bdi", {}, day.title), ` (${knownAs(day)})`]), ".") : null,
    one.mutedBy ? h("p.small", {}, "Explained by an event of the whole platform.") : null,
    one.acknowledgedBy ? h("p.small", {}, `Seen by ${isolate(one.acknowledgedBy)}, ${date(one.acknowledgedAt)} ${clock(one.acknowledgedAt)}.`) : null,
    one.note ? h("p.note", {}, h("bdi", {}, one.note)) : null,
    mayChange ? buttons(reading, one) : null,
    evidence(reading.view, one));
}

/** Say what a known day is, a campaign with its days. */
const knownAs = ({ kind, startDate, endDate }) => (kind === "holiday" ? `holiday on ${date(startDate)}` : `campaign, ${span(startDate, endDate)}`);

/** Say in which hours or days it was. */
function when({ kind, grain, from, to }) {
  if (kind === "breakout") return `Published ${date(from)} ${clock(from)}`;
  const last = Date.parse(to) - 1;
  if (grain === "day") return span(dateOf(from), dateOf(last));
  const sameDay = dateOf(from) === dateOf(last), hours = Math.round((Date.parse(to) - Date.parse(from)) / HOUR);
  return `${date(from)} ${clock(from)} to ${sameDay ? "" : `${date(to)} `}${clock(to)} (${plural(hours, "hour")})`;
}

function explained({ kind, evidence: { cause }, observed, expected, lo, hi, ...rest }) {
  if (kind === "breakout") return `${times(rest)} the usual engagement after ${aged(rest)}; ${count(observed)} observed, ${count(expected)} expected (usually ${count(lo)} to ${count(hi)}), more than ${Math.round(rest.percentile)} % of the account's last posts of this type`;
  const what = cause ? CAUSES[cause] ?? capital(cause) : (KINDS[kind] ?? ["", "out of the ordinary"])[1];
  if (observed === undefined) return what;
  const usual = expected === undefined ? "" : `, ${count(expected)} expected${lo === undefined || hi === undefined ? "" : ` (usually ${count(lo)} to ${count(hi)})`}`;
  return `${what}; ${count(observed)} observed${usual}`;
}

function buttons(reading, one) {
  const id = one.anomalyId, said = h("span.bad", { role: "alert" });
  const say = (fields) => judge(reading, one, fields, said);
  const note = h("input", { id: `note-${id}`, maxlength: 500, value: one.note ?? "", placeholder: "What is known of it", autocomplete: "off" });
  return h("form.pair", { onsubmit: (event) => { event.preventDefault(); say({ note: note.value.trim() }); } },
    h("button", { type: "button", id: `seen-${id}`, onclick: () => say({ acknowledged: !one.acknowledgedBy }) }, one.acknowledgedBy ? "Not seen" : "Mark as seen"),
    h("button", { type: "button", id: `mute-${id}`, onclick: () => say({ muted: !one.muted }) }, one.muted ? "Unmute" : "Mute"),
    h("label", {}, h("span.sr", {}, `Note on ${titleOf(one)}, ${when(one)}`), note), h("button", { id: `keep-${id}` }, "Keep note"), said);
}

/** Store what a person says of an event, and draw the page again. What is not named in `fields` stays. */
async function judge({ base, view }, one, fields, said) {
  const whole = { acknowledged: Boolean(one.acknowledgedBy), muted: Boolean(one.muted), note: one.note ?? "", ...fields };
  try {
    await api.send("PUT", `${base}/anomalies/${one.anomalyId}`, { ...whole, note: whole.note || null });
    await happened(new Reading(api, view), false, redraw);
  } catch (error) {
    said.textContent = error.message;
  }
}

let redraw = () => {};
/** Set what switches to another view, for the controls of a page that is drawn again. */
export const happenedChanges = (change) => { redraw = change; };
