// The day under way: what a collection changes is seen here first. Nothing is compared: the day is not over.

import { $, h, kept, render } from "./dom.js";
import { ago, change, clock, count, percent } from "./format.js";
import { absence } from "./figures.js";
import { explained, unknown } from "./tips.js";

const TODAY = [
  ["followers", "Followers now", count], ["followerGrowth", "Since midnight", change], ["totalEngagement", "Engagement", count],
  ["engagementRate", "Engagement rate", percent], ["totalImpressions", "Impressions", count], ["totalViews", "Views", count], ["postCount", "Posts", count],
];

export async function today(reading, live) {
  const [answer, accounts] = await Promise.all([reading.today(), reading.accounts()]);
  const total = answer.totals[0];
  const newest = accounts.map((a) => a.lastCollectedAt).filter(Boolean).sort().at(-1);
  return render($("today"), [
    h("div.head", {}, h("h2", { id: "today-title" }, "Today so far"),
      h("span.soft", {}, newest ? explained(`collected ${ago(newest)}`, `last collection ${clock(newest)}`, "hint") : "nothing collected yet")),
    h("dl.strip", {}, TODAY.map((item) => cell(item, total, answer.data, accounts))),
  ], live);
}

function cell([name, title, write], total, documents, accounts) {
  const value = total?.metrics[name], yesterday = total?.comparison?.changes?.[name]?.previous;
  const shown = value === undefined ? unknown(...absence(name, total, documents, accounts)) : write(value);
  return h("div", {}, h("dt", {}, title), h("dd", {}, kept("span", `today-${name}`, `Today, ${title}`, shown),
    yesterday === undefined ? null : h("span.small", {}, `yesterday ${write(yesterday)}`)));
}
