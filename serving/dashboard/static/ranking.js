// The ranking of a group of watched accounts by one metric, with the quartiles of the others and the place of own accounts among them.

import { h, kept, scrolling } from "./dom.js";
import { change, changePoints, count, decimal, isolate, percent, plural, reason } from "./format.js";
import { explained, unknown } from "./tips.js";

const MINUS = "\u2212";
const PERCENTILE = "the percentage of the others that have less; of those that have as much, half counts";

/** The metrics by which accounts are ranked: how they are named, and whether they are amounts, changes, shares or quotients. */
export const METRICS = {
  engagementPer1000Followers: { title: "Engagement per 1,000 followers", kind: "quotient" },
  engagementPerPost: { title: "Engagement per post", kind: "quotient" },
  engagement: { title: "Engagement", kind: "amount" },
  followers: { title: "Followers", kind: "amount" },
  followerGrowth: { title: "Follower growth", kind: "change" },
  followerGrowthRate: { title: "Follower growth rate", kind: "rate" },
  posts: { title: "Posts published", kind: "amount" },
  viewsPerPost: { title: "Views per post", kind: "quotient" },
};
const STATES = { pending: "not read yet", not_found: "not found", personal: "personal", private: "private", age_gated: "age-gated", unsupported: "no route", off: "off" };
const LACKING = {
  pending: "it was not read yet", not_found: "the platform does not find it", personal: "it is a personal account, which the platform does not show",
  private: "it is private", age_gated: "it is shown from an age on only", unsupported: "the platform has no lawful route to numbers of others",
  off: "it is not read", hidden_likes: "the likes of all its posts are hidden",
};

export const nameOf = ({ label, handle }) => label ?? `@${handle}`;

/** Return the quartiles and the table of a group in one period. */
export function ranking(found, metric) {
  const comparison = found.metrics.find((one) => one.metric === metric), write = writers(metric, found.accounts);
  const leftOut = new Map(comparison.leftOut.map((one) => [one.key, one.reason]));
  const rows = ranked(found.accounts, metric, leftOut);
  return [strip(rows, comparison, write), table(rows, comparison, leftOut, write, found)];
}

/** Return how the values of a column and their differences are written: with as many digits as the greatest value needs. */
function writers(metric, accounts) {
  const { kind } = METRICS[metric], most = Math.max(0, ...accounts.map(({ numbers }) => Math.abs(numbers[metric] ?? 0)));
  if (kind === "rate") return { value: (value) => (value > 0 ? `+${percent(value)}` : percent(value)), gap: changePoints, middle: percent };
  const digits = kind === "quotient" ? (most < 10 ? 2 : most < 1000 ? 1 : 0) : 0;
  const plain = (value) => (digits ? decimal(value, digits) : count(value));
  // A quartile of whole numbers may have a half or a quarter.
  const middle = (value) => (digits || Math.abs(value) >= 1000 ? plain(value) : decimal(value));
  const gap = (value) => signed(middle(value), middle(0));
  return { value: kind === "change" ? change : plain, gap, middle: kind === "change" ? gap : middle };
}

/** Put a plus before a positive number; one that is written as 0 has neither sign. */
function signed(text, zero) {
  if (text.replace(MINUS, "") === zero) return `±${zero}`;
  return text.startsWith(MINUS) ? text : `+${text}`;
}

/** Return the accounts with their value and rank: those that are compared from the greatest value on, then the others. */
function ranked(accounts, metric, leftOut) {
  const all = accounts.map((account) => ({ account, value: account.numbers[metric], compared: !leftOut.has(account.key) }));
  const least = -Infinity, compared = all.filter((one) => one.compared).toSorted((a, b) => b.value - a.value);
  const others = all.filter((one) => !one.compared).toSorted((a, b) => (b.value ?? least) - (a.value ?? least) || nameOf(a.account).localeCompare(nameOf(b.account)));
  return [...compared.map((one) => ({ ...one, rank: 1 + compared.filter(({ value }) => value > one.value).length })), ...others];
}

/** Show the quartiles of the others, and own values among them, as a drawing and in words. */
function strip(rows, { n, p25, median, p75, own, unavailable }, write) {
  const compared = rows.filter((one) => one.compared), names = new Map(rows.map(({ account }) => [account.key, account]));
  const mine = own.map((one) => fact(isolate(nameOf(names.get(one.key))), write.value(one.value), one.percentileRank === undefined ? "yours" : `yours: above ${Math.round(one.percentileRank)} % of the others`));
  if (median === undefined) {
    const why = unavailable === "terms" ? "The terms of the platform allow no median over accounts of several owners without a consent." : `A median needs five accounts of others with a number that can be compared; here ${n === 1 ? "is one" : `are ${n || "none"}`}.`;
    return [mine.length ? h("dl.strip", {}, mine) : null, h("p.small.none", {}, why)];
  }
  return [
    scale(compared, [p25, median, p75]),
    h("dl.strip", {}, fact("A quarter has less than", write.middle(p25)), fact("Median", write.middle(median), `of ${plural(n, "account")} of others`), fact("A quarter has more than", write.middle(p75)), mine),
  ];
}

const fact = (name, value, more) => h("div", {}, h("dt", {}, name), h("dd", {}, value, more ? h("span.small", {}, more) : null));

/** Draw each account as a point on a line, the own ones greater, and a box from the first quartile to the third. */
function scale(compared, [p25, median, p75]) {
  const values = compared.map(({ value }) => value), low = Math.min(...values, p25), high = Math.max(...values, p75);
  const at = (value) => `${high > low ? (100 * (value - low)) / (high - low) : 50}%`;
  return h("div.quartiles", { "aria-hidden": "true" },
    h("span.middle", { "--from": at(p25), "--to": at(p75) }), h("span.median", { "--at": at(median) }),
    compared.toSorted((a, b) => Boolean(a.account.own) - Boolean(b.account.own)).map(({ account, value }) => h(account.own ? "span.point.own" : "span.point", { "--at": at(value) })));
}

function table(rows, comparison, leftOut, write, found) {
  const { title } = METRICS[comparison.metric], middle = comparison.median, own = new Map(comparison.own.map((one) => [one.key, one]));
  const heads = [h("th.n", { scope: "col" }, "Rank"), h("th", { scope: "col" }, "Account"), h("th.n", { scope: "col" }, title),
    ...(middle === undefined ? [] : [h("th.n", { scope: "col" }, "To the median"), h("th.n", { scope: "col" }, explained("Percentile", PERCENTILE, "hint"))])];
  const key = (account) => `among-${found.platform}-${found.group ?? ""}-${found.periodLabel}-${comparison.metric}-${account.key}`;
  const line = ({ account, value, rank, compared }) => h(account.own ? "tr.own" : "tr", {},
    h("td.n", {}, compared ? String(rank) : h("span.soft", {}, "–")),
    h("th", { scope: "row" }, who(account), compared ? null : h("span.small.note", {}, why(account, value, leftOut.get(account.key)))),
    h("td.n", {}, value === undefined ? unknown(account.unavailable[comparison.metric], lacking(account.unavailable[comparison.metric])) : kept("span", key(account), `${title} of ${isolate(nameOf(account))}`, write.value(value))),
    ...(middle === undefined ? [] : [
      h("td.n", {}, compared ? write.gap(own.get(account.key)?.gapToMedian ?? value - middle) : null),
      h("td.n", {}, own.has(account.key) ? String(Math.round(own.get(account.key).percentileRank)) : null),
    ]));
  return scrolling(`Ranking by ${title}`, h("table.ranking", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows.map(line))));
}

/** Name an account; its marks say whether it is an own one, whether its numbers were entered, and whether it can be read. */
function who(account) {
  const { label, handle, own, source, state } = account;
  return [
    h("bdi", {}, nameOf(account)), " ",
    own ? h("span.badge.ok", {}, "yours") : null,
    source === "manual" ? h("span.badge.warn", {}, "entered by hand") : state !== "active" ? h("span.badge.warn", {}, STATES[state] ?? state) : null,
    label ? h("span.small", {}, h("bdi", {}, `@${handle}`)) : null,
  ];
}

const lacking = (code) => LACKING[code] ?? reason(code);

/** Say why an account is not compared. */
function why({ coverage: { days, observedDays }, enteredBy, state, stateReason, source }, value, code) {
  const what = value === undefined ? "not compared" : "shown, not compared";
  if (code === "manual") return `Entered${enteredBy ? ` by ${isolate(enteredBy)}` : " by hand"}: ${what}.`;
  if (code === "low_coverage") return `Read on ${observedDays} of ${plural(days, "day")}: ${what}.`;
  if (value === undefined && source !== "manual" && state !== "active" && stateReason) return stateReason;
  return `Not compared: ${lacking(code)}.`;
}
