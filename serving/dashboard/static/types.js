// The card of content types: per account, the number of posts of each type and the median of their rates.

import { $, h, render, scrolling } from "./dom.js";
import { capital, count, percent, platform as named, plural } from "./format.js";
import { median } from "./median.js";
import { swatch } from "./palette.js";
import { explained } from "./tips.js";
import { dateOf } from "./zone.js";

/** Draw the card from the posts themselves, as the top posts are: rollups have none from before an account's connection. */
export async function types(reading, live) {
  const [accounts, published] = await Promise.all([reading.accounts(), reading.published()]);
  const posts = published.data.filter((post) => dateOf(post.publishedAt) <= reading.range.to);
  const owners = accounts.filter((account) => posts.some((post) => post.accountId === account.accountId))
    .toSorted((a, b) => a.platform.localeCompare(b.platform) || a.handle.localeCompare(b.handle));
  const kinds = [...new Set(posts.map((post) => post.contentType))].sort(), groups = Map.groupBy(posts, keyOf);
  const most = Math.max(1, ...[...groups.values()].map((group) => group.length));
  const head = h("tr", {}, h("td", {}), owners.map((one) => h("th", { scope: "col" }, swatch(one.platform), named(one.platform), h("span.small", {}, h("bdi", {}, one.handle)))));
  const rows = kinds.map((kind) => h("tr", {}, h("th", { scope: "row" }, capital(kind)), owners.map((one) => cell(groups.get(keyOf({ accountId: one.accountId, contentType: kind })) ?? [], one, most))));
  return render($("types"), [
    h("h2", { id: "types-title" }, "Content types"),
    rows.length ? scrolling("Content types", h("table.types", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p.empty", {}, "No post was published in this range."),
    rows.length ? h("p.small", {}, `Posts published in the range, the median of their engagement rates, and the number of posts in that median; stories are left out of the rates.${before(posts, accounts)}${published.more ? " The newest 5,000 posts only." : ""}`) : null,
  ], live);
}

const keyOf = ({ accountId, contentType }) => `${accountId}|${contentType}`;

/** Say how many of the posts are from before their account was connected. */
function before(posts, accounts) {
  const since = new Map(accounts.map((account) => [account.accountId, account.connectedAt]));
  const found = posts.filter((post) => post.publishedAt < since.get(post.accountId)).length;
  return found ? ` ${plural(found, "of them was", "of them were")} published before the account was connected.` : "";
}

function cell(posts, { platform }, most) {
  if (!posts.length) return h("td", {}, h("span.soft", {}, "0"));
  const rates = posts.filter((post) => post.metricType !== "story").map((post) => post.metrics.engagementRate).filter((rate) => rate !== undefined);
  return h("td", {}, h("span.bar", { "--part": posts.length / most }, h(`span.fill.platform-${platform}`, { "aria-hidden": "true" }), h("b", {}, count(posts.length))),
    h("span.small", {}, rates.length ? [percent(median(rates)), " ", explained(`n ${rates.length}`, `median of ${plural(rates.length, "post")} whose rate is known, of ${posts[0].engagementRateBasis}`, "hint")] : "no rate"));
}
