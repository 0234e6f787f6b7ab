// The card of today, which shows changes by collections first. It compares nothing, because the day is not over.

import { $, h, kept, render } from "./dom.js";
import { ago, change, clock, count, percent } from "./format.js";
import { absence, lacking } from "./figures.js";
import { explained, unknown } from "./tips.js";

const TODAY = [
  ["followers", "Followers now", count], ["followerGrowth", "Since midnight", change], ["totalEngagement", "Engagement", count],
  ["engagementRate", "Engagement rate", percent], ["totalImpressions", "Impressions", count], ["totalViews", "Views", count], ["postCount", "Posts", count],
];

export async function today(reading, live) {
  const [day, accounts] = await Promise.all([reading.today(), reading.accounts()]);
  const newest = accounts.map((a) => a.lastCollectedAt).filter(Boolean).sort().at(-1);
  return render($("today"), [
    h("div.head", {}, h("h2", { id: "today-title" }, "Today so far"),
      h("span.soft", {}, newest ? explained(`accounts collected ${ago(newest)}`, `last collection ${clock(newest)}; accounts are read every hour, posts less often the older they are`, "hint") : "nothing collected yet")),
    day.total || day.yesterday ? h("dl.strip", {}, TODAY.map((item) => cell(item, day, accounts))) : h("p.empty", {}, "Nothing was observed today or yesterday."),
  ], live);
}

function cell([name, title, write], { total, yesterday: before }, accounts) {
  // Yesterday's total is not shown if values of accounts are missing from it, because it would mislead.
  const value = total?.metrics[name], yesterday = before?.missing[name] ? undefined : before?.metrics[name];
  const shown = value === undefined ? unknown(...absence(name, total, [], accounts)) : write(value);
  return h("div", {}, h("dt", {}, title), h("dd", {}, kept("span", `today-${name}`, `Today, ${title}`, shown), lacking(name, total, accounts),
    yesterday === undefined ? null : h("span.small", {}, `yesterday ${write(yesterday)}`)));
}
