// The strip of alerts: one line for each thing that a person should know or do, the most urgent first.

import { $, h } from "./dom.js";
import { account as named, changePercent, clock, count, date, isolate, percent, platform, plural, reason } from "./format.js";
import { now } from "./now.js";

const HOUR = 3600000;
const GRACE_MS = HOUR / 2; // an hour is read after its end, which takes some time
const EXPIRY_MS = 7 * 24 * HOUR;
const MOST_NAMES = 4;

let watched = { base: "", thresholds: [] }; // the alerts by thresholds of the workspace that is shown, as last read

/** Read the alerts by thresholds, and show them with the others. The view is whole without them. */
export async function thresholds(reading, access) {
  watched = { base: reading.base, thresholds: await reading.thresholds() };
  return alerts(reading, access);
}

/** Show the alerts of the accounts that the view covers; `access` is what the key may do. */
export async function alerts(reading, access) {
  const accounts = await reading.accounts(), thresholds = watched.base === reading.base ? watched.thresholds : [];
  const lines = [...firing(thresholds), ...tokens(accounts), ...unreachable(accounts), ...failing(accounts), ...late(accounts), ...channels(thresholds), ...expiry(access)];
  const list = $("alerts"), text = lines.map(({ title, rest }) => title + rest).join("\n");
  if (list.dataset.text === text) return []; // a status region that is replaced is read out again
  list.dataset.text = text;
  list.replaceChildren(...lines.map(({ tone, title, rest }) => h(`li.alert.${tone}`, {}, h("b", {}, title), ` ${rest}`)));
  list.hidden = !lines.length;
  return [];
}

const exact = (value) => (Number.isInteger(value) ? count(value) : new Intl.NumberFormat("en", { maximumSignificantDigits: 6 }).format(value));
const CONDITIONS = { above: "is above", below: "is below", rises: "rose by more than", falls: "fell by more than" };

/** Yield a line per alert whose newest closed period crossed its threshold. */
function* firing(thresholds) {
  for (const { title, metric, comparison, threshold, state, last } of thresholds) {
    if (state !== "firing" || !last) continue;
    const change = last.changePercent === undefined ? "" : `, ${changePercent(last.changePercent)}`;
    const bound = comparison === "rises" || comparison === "falls" ? percent(threshold) : exact(threshold);
    yield { tone: "bad", title: `${isolate(title)}:`, rest: `${metric} ${CONDITIONS[comparison]} ${bound} in ${last.periodLabel} (${exact(last.value)}${change}).` };
  }
}

/** Yield one line for all alerts of which a channel does not take messages. */
function* channels(thresholds) {
  const found = thresholds.filter((one) => one.channels.some(({ failures }) => failures));
  if (!found.length) return;
  const which = found.slice(0, MOST_NAMES).map(({ title }) => isolate(title)).join(", ");
  const more = found.length > MOST_NAMES ? ` and ${found.length - MOST_NAMES} more` : "";
  yield { tone: "warn", title: "Messages do not arrive", rest: `for ${which}${more}: a channel of the alert takes none. Check its address.` };
}

const it = (accounts) => (accounts.length === 1 ? "it" : "them");

function names(accounts, write = named) {
  const shown = accounts.slice(0, MOST_NAMES).map(write).join(", ");
  return accounts.length > MOST_NAMES ? `${shown} and ${accounts.length - MOST_NAMES} more` : shown;
}

function* tokens(accounts) {
  const found = accounts.filter((one) => one.state === "needs_reauth");
  if (!found.length) return;
  const title = `${plural(found.length, "account needs a new token", "accounts need a new token")}:`;
  yield { tone: "bad", title, rest: `${names(found)}. Connect ${it(found)} again; until then nothing is collected for ${it(found)}.` };
}

function* unreachable(accounts) {
  const found = accounts.filter((one) => one.state === "unreachable");
  if (!found.length) return;
  const title = `${plural(found.length, "account is unreachable", "accounts are unreachable")}:`;
  yield { tone: "bad", title, rest: `${names(found)}. The platform says that ${found.length === 1 ? "it does not exist or its token may not see it" : "they do not exist or their tokens may not see them"}. Connect ${it(found)} again, or disconnect ${it(found)}.` };
}

/** Yield a line per platform whose newest hour failed for an active account. */
function* failing(accounts) {
  const active = accounts.filter((one) => one.state === "active");
  for (const name of [...new Set(active.map((one) => one.platform))].sort()) {
    const all = active.filter((one) => one.platform === name), found = all.filter((one) => one.lastError && !isLate(one));
    if (!found.length) continue;
    const { slot, reason: code, message } = found[0].lastError;
    const why = code ? ` (${reason(code)})` : message ? ` (${message})` : "";
    const which = found.length === all.length && all.length > 1 ? `all ${all.length} accounts` : names(found, ({ handle }) => isolate(handle));
    yield { tone: "bad", title: `${platform(name)} failed`, rest: `in the hour of ${clock(slot)} for ${which}${why}. It is tried again every hour: nothing to do, unless it lasts for some hours.` };
  }
}

/** Return the newest hour that should be collected by now, as the instant of its start. */
const due = () => Math.floor((now() - GRACE_MS) / HOUR) * HOUR - HOUR;

/** Tell whether the newest hour that should be collected by now was not even tried for an active account. */
export function isLate({ state, lastError, lastCollectedSlot, connectedAt }) {
  if (state !== "active" || Math.floor(Date.parse(connectedAt) / HOUR) * HOUR > due()) return false;
  const tried = lastError?.slot ?? lastCollectedSlot; // an error is always that of the newest hour
  return !tried || Date.parse(tried) < due();
}

function* late(accounts) {
  const active = accounts.filter((one) => one.state === "active"), found = active.filter(isLate);
  if (!found.length) return;
  const newest = found.map((one) => one.lastCollectedSlot).filter(Boolean).sort().at(-1);
  const which = found.length === active.length ? (active.length > 1 ? `all ${active.length} active accounts` : named(active[0])) : names(found);
  yield { tone: "warn", title: "The last hour is missing", rest: `for ${which}: ${newest ? `the newest collected hour is ${date(newest)} ${clock(newest)}` : "nothing was collected yet"}. Check that the pipeline runs.` };
}

function* expiry({ expiresAt }) {
  if (!expiresAt || Date.parse(expiresAt) - now() > EXPIRY_MS) return;
  yield { tone: "warn", title: "This key expires", rest: `on ${date(expiresAt)} at ${clock(expiresAt)}. Ask for a new one before that.` };
}
