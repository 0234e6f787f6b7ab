// The card of accounts: their state, their last collection, its errors, and the remedy.

import { percentOf } from "./coverage.js";
import { $, h, kept, render, scrolling } from "./dom.js";
import { ago, capital, change, count, date, platform as named, reason } from "./format.js";
import { swatch } from "./palette.js";
import { explained, unknown } from "./tips.js";

const STATES = {
  active: ["ok", "Active", "collected every hour"],
  paused: ["warn", "Paused", "not collected until someone resumes it"],
  needs_reauth: ["bad", "Reconnect", "the platform refuses its token: connect the account again, nothing is collected until then"],
  unreachable: ["bad", "Unreachable", "the platform says that the account does not exist or that the token may not see it: the platform is asked again until someone reconnects or disconnects the account"],
  disconnected: ["bad", "Disconnected", "no longer collected; its history stays"],
};
const HEADS = ["Account", "State", "Last collection", "Observed in range"];

export async function accounts(reading, live) {
  const [found, sums, now] = await Promise.all([reading.accounts(), reading.sums(), reading.today()]);
  const documents = new Map(sums.data.map((one) => [one.accountId, one])), days = new Map(now.data.map((one) => [one.accountId, one]));
  const head = h("tr", {}, HEADS.map((title) => h("th", { scope: "col" }, title)), h("th.n", { scope: "col" }, "Followers today"), h("th", { scope: "col" }, "Last error"));
  const rows = found.map((account) => line(account, documents.get(account.accountId), days.get(account.accountId)));
  return render($("accounts"), [h("h2", { id: "accounts-title" }, "Accounts"), scrolling("Accounts", h("table", {}, h("thead", {}, head), h("tbody", {}, rows)))], live);
}

function line(account, document, day) {
  const [tone, word, meaning] = STATES[account.state] ?? ["warn", capital(account.state), account.state];
  const said = account.stateReason ? `${meaning}. ${account.stateReason}` : meaning;
  return h("tr", { id: `account-${account.accountId}` },
    h("th", { scope: "row" }, h("span.who", {}, swatch(account.platform), account.handle), h("span.small", {}, `${named(account.platform)} · ${times(account)}`)),
    h("td", {}, explained(word, said, `badge.${tone}`)),
    h("td", {}, collected(account)),
    h("td", {}, observed(document)),
    h("td.n", {}, followers(account, day)),
    h("td.wide", {}, trouble(account)));
}

const times = ({ connectedAt, disconnectedAt }) => (disconnectedAt ? `${date(connectedAt)} to ${date(disconnectedAt)}` : `since ${date(connectedAt)}`);

function collected({ accountId, handle, platform, lastCollectedAt, lastCollectedSlot }) {
  if (!lastCollectedAt) return unknown("no_observation", "never collected yet");
  const exact = `${date(lastCollectedAt)} ${lastCollectedAt.slice(11, 19)} UTC, the hour of ${lastCollectedSlot.slice(11, 16)}`;
  return [explained(ago(lastCollectedAt), exact, "hint"), kept("span.small", `account-${accountId}-at`, `Last collection of ${handle} on ${named(platform)}`, lastCollectedAt.slice(11, 19), " UTC")];
}

function observed(document) {
  if (!document) return unknown("no_observation");
  const { observedSlots, expectedSlots } = document.coverage;
  if (!expectedSlots) return unknown("no_observation", "not connected in this range");
  return [h("progress", { max: expectedSlots, value: observedSlots, "aria-label": "hours observed" }),
    h("span.small", {}, `${percentOf(observedSlots, expectedSlots)} · ${count(observedSlots)} of ${count(expectedSlots)} h`)];
}

function followers({ accountId, handle, platform }, day) {
  const metrics = day?.aggregatedMetrics;
  if (metrics?.followers === undefined) return unknown(day?.unavailable.followers ?? "no_observation", day ? undefined : "not collected yet today");
  return [kept("span", `account-${accountId}-followers`, `Followers of ${handle} on ${named(platform)}`, count(metrics.followers)),
    metrics.followerGrowth === undefined ? null : h("span.small", {}, `${change(metrics.followerGrowth)} since midnight`)];
}

function trouble({ lastError, lastProblems = [], history }) {
  const lines = [...lacking(history), ...[...(lastError ? [lastError] : []), ...lastProblems].map((one) => ofHour(one, one === lastError))];
  return lines.length ? lines : h("span.soft", {}, "none");
}

function ofHour(one, failed) {
  return h("div", {},
    h(failed ? "span.bad" : "span.warn", {}, one.reason ? capital(reason(one.reason)) : "Failed"),
    h("span.small", {}, `${[one.what, one.message].filter(Boolean).join(": ")} `, `(hour of ${date(one.slot)} ${one.slot.slice(11, 16)} UTC)`));
}

function lacking(history) {
  if (!["failed", "partial"].includes(history?.state)) return [];
  return [h("div", {}, h("span.warn", {}, "History not read completely"), h("span.small", {}, [history.reason && capital(reason(history.reason)), history.message].filter(Boolean).join(": ")))];
}
