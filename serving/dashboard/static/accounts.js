// The card of accounts: their state, their last collection, its errors, and the remedy. Sorted by name, with a search.

import { isLate } from "./alerts.js";
import { percentOf } from "./coverage.js";
import { $, h, kept, render, scrolling } from "./dom.js";
import { account as full, ago, capital, change, clock, count, date, platform as named, plural, reason } from "./format.js";
import { accountLink } from "./links.js";
import { swatch } from "./palette.js";
import { reconnect } from "./reconnect.js";
import { explained, unknown } from "./tips.js";

const STATES = {
  active: ["ok", "Active", "collected every hour"],
  paused: ["warn", "Paused", "not collected until someone resumes it"],
  needs_reauth: ["bad", "Token ended", "the platform refuses its token: connect the account again, nothing is collected until then"],
  unreachable: ["bad", "Unreachable", "the platform says that the account does not exist or that the token may not see it: the platform is asked again until someone reconnects or disconnects the account"],
  disconnected: ["bad", "Disconnected", "no longer collected; its history stays"],
};
const HEADS = ["Account", "State", "Last collection", "Observed in range"];
const FEW = 5; // so many accounts need no search
const STEP = 20;

let wanted = "", shown = STEP;

export async function accounts(reading, live) {
  const [found, sums, now] = await Promise.all([reading.accounts(), reading.sums(), reading.accountsToday()]);
  const documents = new Map(sums.data.map((one) => [one.accountId, one])), days = new Map(now.map((one) => [one.accountId, one]));
  const sorted = found.toSorted((a, b) => a.handle.localeCompare(b.handle) || a.platform.localeCompare(b.platform));
  const again = () => draw(reading.view, sorted, documents, days, false);
  if (!$("accounts-table")) render($("accounts"), frame());
  $("accounts-search").oninput = ({ target }) => { wanted = target.value.trim().toLowerCase(); shown = STEP; again(); };
  $("accounts-search").closest("label").hidden = sorted.length <= FEW;
  return draw(reading.view, sorted, documents, days, live);
}

/** The heading stays when the table is drawn again, and with it the search that someone may be typing. */
function frame() {
  return [
    h("div.head", {}, h("h2", { id: "accounts-title" }, "Accounts"), h("span.soft", { id: "accounts-count", role: "status" }), h("span.grow", {}),
      h("label", {}, h("span.sr", {}, "Search accounts"), h("input", { id: "accounts-search", type: "search", placeholder: "Search accounts", autocomplete: "off", spellcheck: "false" }))),
    h("div", { id: "accounts-table" }),
  ];
}

function draw(view, sorted, documents, days, live) {
  const fits = ({ handle, platform }) => `${handle} ${named(platform)}`.toLowerCase().includes(wanted);
  const found = sorted.length > FEW ? sorted.filter(fits) : sorted, rest = found.length - shown;
  $("accounts-count").textContent = sorted.length > FEW ? (found.length < sorted.length ? `${count(found.length)} of ${count(sorted.length)}` : count(sorted.length)) : "";
  const head = h("tr", {}, HEADS.map((title) => h("th", { scope: "col" }, title)), h("th.n", { scope: "col" }, "Followers today"), h("th", { scope: "col" }, "Last error"));
  const rows = found.slice(0, shown).map((one) => line(view, one, documents.get(one.accountId), days.get(one.accountId)));
  return render($("accounts-table"), [
    rows.length ? scrolling("Accounts", h("table.listed", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p.empty", {}, "No account has this in its name."),
    rest > 0 ? h("button", { type: "button", id: "accounts-more", onclick: () => { shown = Infinity; draw(view, sorted, documents, days, false); } }, `Show ${plural(rest, "more account", "more accounts")}`) : null,
  ], live);
}

function line(view, account, document, day) {
  return h("tr", { id: `account-${account.accountId}` },
    h("th", { scope: "row" }, h("span.who", {}, swatch(account.platform), accountLink(view, account)), h("span.small", {}, `${named(account.platform)} · ${times(account)}`)),
    h("td", {}, stateOf(account), reconnect(account, view.workspace)),
    h("td", {}, collected(account)),
    h("td", {}, observed(document)),
    h("td.n", {}, followers(account, day)),
    h("td.wide", {}, trouble(account)));
}

/** Make the badge of an account's state. An active account whose last hour failed or is missing is not shown as well. */
export function stateOf(account) {
  const [tone, word, meaning] = seen(account);
  return explained(word, account.stateReason ? `${meaning}. ${account.stateReason}` : meaning, `badge.${tone}`);
}

function seen(account) {
  if (account.state === "active" && account.lastError) return ["bad", "Failed", "its last collection failed; it is tried again every hour"];
  if (isLate(account)) return ["warn", "Late", "the last hour was not collected"];
  if (account.state === "active" && !account.lastCollectedAt) return ["warn", "New", "not collected yet"];
  if (account.state === "active" && account.lastProblems?.length) return ["warn", "Partly", "a part of its last collection failed"];
  return STATES[account.state] ?? ["warn", capital(account.state), account.state];
}

const times = ({ connectedAt, disconnectedAt }) => (disconnectedAt ? `${date(connectedAt)} to ${date(disconnectedAt)}` : `since ${date(connectedAt)}`);

export function collected({ lastCollectedAt, lastCollectedSlot, ...account }) {
  if (!lastCollectedAt) return unknown("no_observation", "never collected yet");
  const exact = `${date(lastCollectedAt)} ${clock(lastCollectedAt, true)}, the hour of ${clock(lastCollectedSlot)}`;
  return [explained(ago(lastCollectedAt), exact, "hint"), kept("span.small", `account-${account.accountId}-at`, `Last collection of ${full(account)}`, clock(lastCollectedAt, true))];
}

function observed(document) {
  if (!document) return unknown("no_observation");
  const { observedSlots, expectedSlots } = document.coverage;
  if (!expectedSlots) return unknown("no_observation", "not connected in this range");
  const seenSlots = Math.min(observedSlots, expectedSlots); // the running hour may be observed, and is not expected yet
  return [h("progress", { max: expectedSlots, value: seenSlots, "aria-label": "hours observed" }),
    h("span.small", {}, `${percentOf(seenSlots, expectedSlots)} · ${count(seenSlots)} of ${count(expectedSlots)} h`)];
}

function followers(account, day) {
  const metrics = day?.aggregatedMetrics;
  if (metrics?.followers === undefined) return unknown(day?.unavailable.followers ?? "no_observation", day ? undefined : "not collected yet today");
  return [kept("span", `account-${account.accountId}-followers`, `Followers of ${full(account)}`, count(metrics.followers)),
    metrics.followerGrowth === undefined ? null : h("span.small", {}, `${change(metrics.followerGrowth)} since midnight`)];
}

export function trouble({ lastError, lastProblems = [], history }) {
  const lines = [...lacking(history), ...[...(lastError ? [lastError] : []), ...lastProblems].map((one) => ofHour(one, one === lastError))];
  return lines.length ? lines : h("span.soft", {}, "none");
}

function ofHour(one, failed) {
  return h("div", {},
    h(failed ? "span.bad" : "span.warn", {}, one.reason ? capital(reason(one.reason)) : "Failed"),
    h("span.small", {}, `${[one.what, one.message].filter(Boolean).join(": ")} `, `(hour of ${date(one.slot)} ${clock(one.slot)})`));
}

function lacking(history) {
  if (!["failed", "partial"].includes(history?.state)) return [];
  return [h("div", {}, h("span.warn", {}, "History not read completely"), h("span.small", {}, [history.reason && capital(reason(history.reason)), history.message].filter(Boolean).join(": ")))];
}
