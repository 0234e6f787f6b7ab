// Formatting of numbers, instants and reasons as text.

import { now } from "./now.js";
import { TITLES } from "./platforms-list.js";
import { dateOf, shortName, timeOf } from "./zone.js";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 2, minimumFractionDigits: 2 });
const rough = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });
const dayMonth = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const dayMonthYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const MINUS = "\u2212", NBSP = "\u00a0";
const signed = (value, text) => (value > 0 ? "+" : value < 0 ? MINUS : "±") + text;

export const count = (value) => (Math.abs(value) >= 1e7 ? compact : whole).format(value).replace("-", MINUS);
export const percent = (value) => `${fine.format(value).replace("-", MINUS)}${NBSP}%`;
/** Write a number with so many digits after the point, or, without `places`, with at most two. */
export const decimal = (value, places) => new Intl.NumberFormat("en", { maximumFractionDigits: places ?? 2, minimumFractionDigits: places ?? 0 }).format(value).replace("-", MINUS);
export const change = (value) => signed(value, count(Math.abs(value)));
export const changePercent = (value) => signed(value, `${(Math.abs(value) >= 1000 ? whole : rough).format(Math.abs(value))}${NBSP}%`);
export const changePoints = (value) => signed(value, `${fine.format(Math.abs(value))}${NBSP}pp`);

/** Return the day of a date, or that of an instant where the workspace is. */
const dayOf = (iso) => new Date(iso.length === 10 ? iso : dateOf(iso));

export const date = (iso) => dayMonthYear.format(dayOf(iso));
export const shortDate = (iso) => dayMonth.format(dayOf(iso));
export const clock = (iso, seconds = false) => `${timeOf(iso, seconds)} ${shortName(iso)}`;

/** Return a range of two inclusive dates as text: `10 Nov – 23 Nov 2026`. */
export function span(from, to) {
  return from === to ? date(from) : `${from.slice(0, 4) === to.slice(0, 4) ? shortDate(from) : date(from)} – ${date(to)}`;
}

/** Return how long ago an instant was as text: `3 minutes ago`. */
export function ago(iso) {
  const seconds = (new Date(iso) - now()) / 1000;
  for (const [unit, size] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), unit);
  }
  return "just now";
}

const REASONS = {
  not_supported: "the platform does not offer it",
  permission_missing: "the account has not granted the permission",
  privacy_threshold: "too few people: the platform withholds it",
  not_yet_available: "the platform has not published it yet",
  no_observation: "nothing was observed in this period",
  provider_error: "the platform answered with an error",
  metric_retired: "the platform has retired it",
  not_recoverable: "it was not collected in time, and the platform does not provide it later",
  terms: "the platform's terms do not allow it: they demand a consent, or limit how long numbers are kept",
  zero_basis: "it is divided by 0 in this period",
  definition_changed: "the platform changed what it counts within this period",
  too_few_posts: "there are too few posts",
  no_effect: "no time stands out more than by chance",
  too_short: "its history is too short",
  too_sparse: "too many days have no value",
  constant: "its values never change",
  rounded: "the platform rounds it",
  stale: "no day of the last week has a value",
  too_few: "there are too few earlier days to try the method on",
  not_additive: "it counts each person once, so it cannot be added up over accounts or days",
};

export const reason = (code) => REASONS[code] ?? (code ? code.replaceAll("_", " ") : "the API gives no value");

/** Return why an insight is missing. */
export const reasonOfInsight = (code) => (code === "not_yet_available" ? "nothing was said yet" : reason(code));

export const platform = (name) => TITLES[name] ?? capital(name);
/** Return an account as `handle (Platform)`. */
export const account = ({ handle, platform: of }) => `${isolate(handle)} (${platform(of)})`;

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * Return a name for use within a sentence. One in a right-to-left script is put between U+2068 and U+2069, because it
 * would reorder the words and numbers around it otherwise. Within elements, `<bdi>` does the same.
 */
export const isolate = (name) => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);
export const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1).replaceAll("_", " ");
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
