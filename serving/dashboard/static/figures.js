// The key figures: the API's totals of the range, compared with the previous range.

import { doubt, versus } from "./comparison.js";
import { basisNote, partsOf } from "./basis.js";
import { $, h, kept, render, s } from "./dom.js";
import { account as named, change, count, percent, platform, plural } from "./format.js";
import { explained, unknown } from "./tips.js";
import { dateOf } from "./zone.js";

export const WRITE = { engagementRate: percent, followerGrowth: change };
const FIGURES = [
  ["followers", "Followers"], ["followerGrowth", "Follower growth"], ["totalEngagement", "Engagement"], ["engagementRate", "Engagement rate"],
  ["totalImpressions", "Impressions"], ["totalViews", "Views"], ["totalClicks", "Clicks"], ["postCount", "Posts published"],
];

export async function figures(reading, live) {
  const [sums, accounts] = await Promise.all([reading.sums(), reading.accounts()]);
  const total = sums.totals[0], why = doubt(total?.comparison, accounts, reading.range);
  const card = ([name, title]) => h("div.figure", {},
    h("h3", {}, title), h("div.big", {}, value(name, title, total, sums.data, accounts)),
    total?.metrics[name] === undefined ? null : versus(name, total.comparison, why), lacking(name, total, accounts), note(name, total, sums.data),
    name === "postCount" ? h("div.small", { id: "earlier" }) : null, h("div.spark", { "data-spark": name }));
  const said = render($("figures"), FIGURES.map(card), live);
  if (!performance.getEntriesByName("figures-shown").length) requestAnimationFrame(() => performance.mark("figures-shown"));
  sparks(await reading.series());
  await earlier(reading, sums.data, accounts);
  return said;
}

function value(name, title, total, documents, accounts) {
  const found = total?.metrics[name];
  if (found !== undefined) return kept("span", `figure-${name}`, title, (WRITE[name] ?? count)(found));
  return kept("span", `figure-${name}`, title, unknown(...absence(name, total, documents, accounts)));
}

/** Return the reason of a missing total: a code, and a text if more is known than the code says. */
export function absence(name, total, documents, accounts) {
  const missing = total?.missing?.[name] ?? [];
  if (missing.length && missing.length < total.expectedAccounts) return ["no_observation", `no value of ${handles(missing, accounts)}`];
  const codes = new Set(documents.map((one) => one.unavailable[name]).filter(Boolean));
  if (codes.size === 1) return [[...codes][0]];
  return [total?.unavailable[name] ?? "no_observation"];
}

/** Name the accounts whose values are missing from a total; null if none is missing. */
export function lacking(name, total, accounts) {
  const missing = total?.missing?.[name] ?? [];
  if (!missing.length || total.metrics[name] === undefined) return null;
  return h("div.small", {}, explained(`without ${plural(missing.length, "account")}`, `no value is known of ${handles(missing, accounts)}; the number covers only the other accounts`, "hint"));
}

function handles(ids, accounts) {
  return accounts.filter((a) => ids.includes(a.accountId)).map(named).join(", ");
}

function note(name, total, documents) {
  if (name === "engagementRate" && total?.metrics.engagementRateBasis) {
    return h("div.small", {}, basisNote(total.metrics.engagementRateBasis, partsOf(documents, total.metrics.engagementRateBasis)?.basis), ` · ${plural(total.metrics.postsMeasured, "post")}`);
  }
  if (name === "postCount" && total?.metrics.deletedPostCount) return h("div.small", {}, `${count(total.metrics.deletedPostCount)} of them deleted since`);
  const without = [...new Set(documents.filter((one) => one.unavailable[name] === "not_supported").map((one) => platform(one.platform)))];
  if (!without.length || total?.metrics[name] === undefined) return null;
  return h("div.small", {}, explained(`without ${without.join(", ")}`, `${without.join(" and ")} ${without.length > 1 ? "do" : "does"} not offer it`, "hint"));
}

/** Say how many posts of the range the total leaves out, because their accounts were not connected in it. */
async function earlier(reading, documents, accounts) {
  const without = accounts.filter((account) => !documents.some((one) => one.accountId === account.accountId)).map((account) => account.accountId);
  if (!without.length) return;
  const { data } = await reading.published();
  const found = data.filter((post) => without.includes(post.accountId) && dateOf(post.publishedAt) <= reading.range.to).length;
  if (found) $("earlier").replaceChildren(explained(`${count(found)} before the connection`, "posts of accounts that were not connected in this range: the lists below have them, the totals do not", "hint"));
}

/** Draw sparklines. Screen readers skip them, because the charts below have the same numbers as tables. */
function sparks({ overall }) {
  for (const place of document.querySelectorAll("[data-spark]")) {
    const { values, status } = overall.find(({ metric }) => metric === place.dataset.spark);
    const points = values.filter((_, i) => status[i] !== "open" && status[i] !== null);
    place.replaceChildren(...(points.filter((value) => value !== null).length > 2 ? [picture(points)] : []));
  }
}

function picture(points) {
  const known = points.filter((value) => value !== null), low = Math.min(...known), high = Math.max(...known);
  const x = (i) => (100 * i) / (points.length - 1), y = (v) => 26 - (24 * (v - low)) / (high - low || 1);
  let path = "", pen = "M";
  points.forEach((value, i) => {
    if (value === null) pen = "M"; // an unknown value interrupts the line
    else { path += `${pen}${x(i).toFixed(1)} ${y(value).toFixed(1)}`; pen = "L"; }
  });
  return s("svg", { viewBox: "0 0 100 28", preserveAspectRatio: "none", "aria-hidden": "true" }, s("path", { d: path }));
}
