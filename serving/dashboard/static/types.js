// The card of content types: per account, the API's count of posts of each type and the median of their rates.

import { $, h, render, scrolling } from "./dom.js";
import { capital, count, percent, platform as named } from "./format.js";
import { median } from "./median.js";
import { swatch } from "./palette.js";
import { explained } from "./tips.js";

export async function types(reading, live) {
  const [sums, accounts, published] = await Promise.all([reading.sums(), reading.accounts(), reading.published()]);
  const documents = sums.data.toSorted((a, b) => (a.platform + a.accountId < b.platform + b.accountId ? -1 : 1));
  const kinds = [...new Set(documents.flatMap((one) => Object.keys(one.aggregatedMetrics.postCountByType ?? {})))].sort();
  const handles = new Map(accounts.map((account) => [account.accountId, account.handle]));
  const most = Math.max(1, ...documents.flatMap((one) => Object.values(one.aggregatedMetrics.postCountByType ?? {})));
  const rates = byTypeOf(published.data, reading.range.to);
  const head = h("tr", {}, h("td", {}), documents.map((one) => h("th", { scope: "col" }, swatch(one.platform), named(one.platform), h("span.small", {}, handles.get(one.accountId)))));
  const rows = kinds.map((kind) => h("tr", {}, h("th", { scope: "row" }, capital(kind)), documents.map((one) => cell(one, kind, most, rates))));
  return render($("types"), [
    h("h2", { id: "types-title" }, "Content types"),
    rows.length ? scrolling("Content types", h("table.types", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p.empty", {}, "No post was published in this range."),
    h("p.small", {}, `Posts published in the range, the median of their engagement rates, and the number of posts in that median; stories are left out of the rates.${published.more ? " Rates: the newest 5,000 posts." : ""}`),
  ], live);
}

function cell(document, kind, most, rates) {
  const found = document.aggregatedMetrics.postCountByType?.[kind];
  if (!found) return h("td", {}, document.aggregatedMetrics.postCountByType ? h("span.soft", {}, "0") : "–");
  const known = rates.get(`${document.accountId}|${kind}`) ?? [];
  return h("td", {}, h("span.bar", { "--part": found / most }, h(`span.fill.platform-${document.platform}`, { "aria-hidden": "true" }), h("b", {}, count(found))),
    h("span.small", {}, known.length ? [percent(median(known)), " ", explained(`n ${known.length}`, `median of ${known.length} posts whose rate is known, of ${document.aggregatedMetrics.engagementRateBasis ?? "their basis"}`, "hint")] : "no rate"));
}

function byTypeOf(posts, to) {
  const found = new Map();
  for (const post of posts) {
    if (post.metrics.engagementRate === undefined || post.metricType === "story" || post.publishedAt.slice(0, 10) > to) continue;
    const key = `${post.accountId}|${post.contentType}`;
    found.set(key, [...(found.get(key) ?? []), post.metrics.engagementRate]);
  }
  return found;
}
