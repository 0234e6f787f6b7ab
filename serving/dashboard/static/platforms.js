// The card of platforms: the API's totals of each platform, side by side.

import { delta, doubt } from "./comparison.js";
import { $, h, kept, render, scrolling } from "./dom.js";
import { absence, lacking, WRITE } from "./figures.js";
import { basisNote, partsOf } from "./basis.js";
import { count, platform as named, reason } from "./format.js";
import { link } from "./links.js";
import { swatch } from "./palette.js";
import { explained, unknown } from "./tips.js";

const ROWS = [
  ["followers", "Followers"], ["followerGrowth", "Follower growth"], ["totalEngagement", "Engagement"], ["engagementRate", "Engagement rate"],
  ["totalImpressions", "Impressions"], ["totalViews", "Views"], ["totalVideoViews", "Video views"], ["totalLikes", "Likes"],
  ["totalComments", "Comments"], ["totalShares", "Shares"], ["totalSaves", "Saves"], ["totalClicks", "Clicks"], ["reach", "Reach"], ["postCount", "Posts published"],
];

const NEARLY_ALL = 0.95;

export async function platforms(reading, live) {
  const [names, accounts] = await Promise.all([reading.platforms(), reading.accounts()]);
  const columns = await Promise.all(names.map(async (name) => ({ name, answer: await reading.sums(name), accounts: accounts.filter((a) => a.platform === name) })));
  for (const one of columns) one.doubt = doubt(one.answer.totals[0]?.comparison, one.accounts, reading.range);
  const known = ([metric]) => columns.some(({ answer }) => answer.totals[0]?.metrics[metric] !== undefined);
  const rows = ROWS.filter(known), title = h("h2", { id: "platforms-title" }, "Platforms side by side");
  if (!rows.length) return render($("platforms"), [title, h("p.empty", {}, "Nothing was observed in this range.")], live);
  const head = h("tr", {}, h("td", {}), columns.map(({ name }) => h("th.n", { scope: "col" }, swatch(name), names.length > 1 ? link(reading.view, { platform: name }, named(name)) : named(name))));
  const table = h("table.sided", {}, h("thead", {}, head), h("tbody", {}, rows.map((row) => line(row, columns))));
  return render($("platforms"), [
    title, scrolling("Platforms side by side", table),
    h("p.small", {}, "Each platform's rate has its own basis: compare rates over time, not between platforms.", absent(ROWS.filter((row) => !known(row)), columns)),
  ], live);
}

/** Name the rows that no platform has, with the reason of each: that of a platform which offers it, if one does. */
function absent(rows, columns) {
  if (!rows.length) return null;
  const why = ([name]) => {
    const codes = columns.map(({ answer }) => answer.totals[0]?.unavailable[name] ?? "no_observation");
    return reason(codes.find((code) => code !== "not_supported") ?? codes[0]);
  };
  return [" Without ", rows.map((row, i) => [i ? ", " : "", explained(row[1].toLowerCase(), `Not available: ${why(row)}`, "hint")]), "."];
}

function line([name, title], columns) {
  return h("tr", {}, h("th", { scope: "row" }, title), columns.map((one) => h("td.n", {}, cell(name, title, one))));
}

function cell(name, title, { name: platform, answer, accounts, doubt: why }) {
  const total = answer.totals[0], value = total?.metrics[name];
  if (value === undefined) return unknown(...absence(name, total, answer.data, accounts));
  const basis = name === "engagementRate" ? [basisNote(total.metrics.engagementRateBasis, partsOf(answer.data, total.metrics.engagementRateBasis)?.basis), share(answer.data, total)] : null;
  return [kept("span", `platform-${platform}-${name}`, `${named(platform)}, ${title}`, (WRITE[name] ?? count)(value)), moved(name, total, why), lacking(name, total, accounts), basis];
}

/** Say how much of the engagement is in the rate, if a part is not: that of posts without known views or impressions. */
function share(documents, { metrics }) {
  const parts = partsOf(documents, metrics.engagementRateBasis);
  if (!parts || !(parts.engagement < NEARLY_ALL * metrics.totalEngagement)) return null;
  return h("span.small.warn", {}, explained(`${Math.max(0, Math.round((100 * parts.engagement) / metrics.totalEngagement))} % of the engagement`, `the rate covers ${count(parts.engagement)} of the engagement of ${count(metrics.totalEngagement)}: posts whose ${metrics.engagementRateBasis} are unknown or did not grow are not in it`, "hint"));
}

function moved(name, total, why) {
  const change = total.comparison?.changes?.[name];
  if (change?.delta === undefined) return null;
  const text = delta(name, change);
  if (why) return h("span.small.flat", {}, explained(text, why.join(": "), "hint"));
  return h(`span.small.${change.delta > 0 ? "up" : change.delta < 0 ? "down" : "flat"}`, {}, text);
}
