// The view (workspace, range, filters), which is kept in the URL so that it can be shared. The key never is.

import { now } from "./now.js";
import { dateOf } from "./zone.js";

const DAY = 86400000;
const PRESETS = { "7d": 7, "14d": 14, "28d": 28, "90d": 90, "365d": 365 };
const INTERVALS = { day: "daily", week: "weekly", month: "monthly" };
const LONGEST = 400;
const LONGEST_SEARCH = 100;
const ID = /^[\w.:-]{1,128}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export const RANGES = [...Object.entries(PRESETS).map(([name, days]) => [name, `Last ${days} days`]), ["custom", "Dates …"]];
export const AGAINST = [["previous", "the days before"], ["yoy", "the year before"]];
export const BY = Object.keys(INTERVALS);
export const iso = (instant) => new Date(instant).toISOString().slice(0, 10);
/** The present date where the workspace is. */
export const today = () => dateOf(now());
export const later = (date, days) => iso(Date.parse(date) + days * DAY);
export const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY) + 1;

/** Read the view from the URL; invalid values are ignored. */
export function read(search = location.search) {
  const query = new URLSearchParams(search);
  const view = { workspace: query.get("workspace") ?? "", range: "14d", against: "previous", by: "day", from: "", to: "", sort: "engagement", type: "", q: "", platform: "", account: "", post: "", page: "", kind: "", seen: "", anomaly: "" };
  if (query.get("range") in PRESETS) view.range = query.get("range");
  if (query.get("against") === "yoy") view.against = "yoy";
  if (BY.includes(query.get("by"))) view.by = query.get("by");
  if (!wrong(query.get("from"), query.get("to"))) Object.assign(view, { range: "custom", from: query.get("from"), to: query.get("to") });
  if (query.get("page") === "happened") view.page = "happened";
  if (query.get("seen") === "new") view.seen = "new";
  for (const name of ["sort", "type", "platform", "kind"]) if (/^[A-Za-z]+$/.test(query.get(name) ?? "")) view[name] = query.get(name);
  for (const name of ["account", "post", "anomaly"]) if (ID.test(query.get(name) ?? "")) view[name] = query.get(name);
  const q = (query.get("q") ?? "").trim();
  if (q.length <= LONGEST_SEARCH && Array.from(q).length >= 2) view.q = q;
  return view;
}

/** Return the error in two dates, or null. */
export function wrong(from, to) {
  if (!DATE.test(from ?? "") || !DATE.test(to ?? "") || Number.isNaN(Date.parse(from)) || Number.isNaN(Date.parse(to))) return "Give both dates.";
  if (to < from) return "The second date must not be before the first.";
  if (days(from, to) > LONGEST) return `A range may have at most ${LONGEST} days.`;
  return null;
}

/** Return the address of a view, relative to the host. */
export function address(view) {
  const query = new URLSearchParams({ workspace: view.workspace });
  if (view.range === "custom") { query.set("from", view.from); query.set("to", view.to); } else query.set("range", view.range);
  if (view.against !== "previous") query.set("against", view.against);
  query.set("by", view.by);
  if (view.sort !== "engagement") query.set("sort", view.sort);
  for (const name of ["type", "q", "platform", "account", "post", "page", "kind", "seen", "anomaly"]) if (view[name]) query.set(name, view[name]);
  return `${location.pathname}?${query}`;
}

/** Write the view into the URL; `replace` means that the browser's "back" does not undo this change. */
export function write(view, replace = false) {
  const url = address(view);
  if (url !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"](null, "", url);
}

/**
 * Return the dates of a view. Presets end yesterday, because only whole days can be compared; charts continue to today,
 * and today has a card of its own.
 */
export function dates(view) {
  const preset = view.range !== "custom";
  const to = preset ? later(today(), -1) : view.to;
  const from = preset ? later(to, 1 - PRESETS[view.range]) : view.from;
  const length = days(from, to);
  return { from, to, length, chartTo: preset ? today() : to, beforeFrom: later(from, -length), beforeTo: later(from, -1), interval: INTERVALS[view.by] };
}

/** Tell whether a range reaches into the present day, which is not over. */
export const reachesToday = (range) => range.to >= today();
