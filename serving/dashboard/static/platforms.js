// The card of platforms: the API's totals of each platform, side by side.

import { delta, doubt } from "./comparison.js";
import { $, h, kept, render, scrolling } from "./dom.js";
import { absence, lacking, WRITE } from "./figures.js";
import { count, platform as named } from "./format.js";
import { swatch } from "./palette.js";
import { explained, unknown } from "./tips.js";

const ROWS = [
  ["followers", "Followers"], ["followerGrowth", "Follower growth"], ["totalEngagement", "Engagement"], ["engagementRate", "Engagement rate"],
  ["totalImpressions", "Impressions"], ["totalViews", "Views"], ["totalVideoViews", "Video views"], ["totalLikes", "Likes"],
  ["totalComments", "Comments"], ["totalShares", "Shares"], ["totalSaves", "Saves"], ["totalClicks", "Clicks"], ["reach", "Reach"], ["postCount", "Posts published"],
];

export async function platforms(reading, live) {
  const [names, accounts] = await Promise.all([reading.platforms(), reading.accounts()]);
  const columns = await Promise.all(names.map(async (name) => ({ name, answer: await reading.sums(name), accounts: accounts.filter((a) => a.platform === name) })));
  for (const one of columns) one.doubt = doubt(one.answer.totals[0]?.comparison, one.accounts);
  const head = h("tr", {}, h("td", {}), columns.map(({ name }) => h("th.n", { scope: "col" }, swatch(name), named(name))));
  const table = h("table.sided", {}, h("thead", {}, head), h("tbody", {}, ROWS.map((row) => line(row, columns))));
  return render($("platforms"), [
    h("h2", { id: "platforms-title" }, "Platforms side by side"), scrolling("Platforms side by side", table),
    h("p.small", {}, "Each platform's rate has its own basis: compare rates over time, not between platforms."),
  ], live);
}

function line([name, title], columns) {
  return h("tr", {}, h("th", { scope: "row" }, title), columns.map((one) => h("td.n", {}, cell(name, title, one))));
}

function cell(name, title, { name: platform, answer, accounts, doubt: why }) {
  const total = answer.totals[0], value = total?.metrics[name];
  if (value === undefined) return unknown(...absence(name, total, answer.data, accounts));
  const basis = name === "engagementRate" ? h("span.small", {}, `of ${total.metrics.engagementRateBasis}`) : null;
  return [kept("span", `platform-${platform}-${name}`, `${named(platform)}, ${title}`, (WRITE[name] ?? count)(value)), moved(name, total, why), lacking(name, total, accounts), basis];
}

function moved(name, total, why) {
  const change = total.comparison?.changes?.[name];
  if (change?.delta === undefined) return null;
  const text = delta(name, change);
  if (why) return h("span.small.flat", {}, explained(text, why.join(": "), "hint"));
  return h(`span.small.${change.delta > 0 ? "up" : change.delta < 0 ? "down" : "flat"}`, {}, text);
}
