// The card of top posts, which the API sorts and filters; deleted posts stay in the list and are marked.

import { $, choice, h, kept, render, scrolling } from "./dom.js";
import { capital, count, date, percent, platform as named } from "./format.js";
import { swatch } from "./palette.js";
import { explained, unknown } from "./tips.js";

const STEP = 10;
const COLUMNS = [
  ["publishedAt", "Published"], ["engagement", "Engagement"], ["engagementRate", "Rate"], ["views", "Views"], ["impressions", "Impressions"],
  ["likes", "Likes"], ["comments", "Comments"], ["shares", "Shares"], ["saves", "Saves"],
];
const TYPES = ["image", "video", "carousel", "text", "link", "document", "other"];

let shown = STEP;

/** Draw the card; `change(fields)` switches to another view. */
export async function posts(reading, live, change) {
  const [answer, accounts, platforms] = await Promise.all([reading.top(shown), reading.accounts(), reading.platforms()]);
  const handles = new Map(accounts.map((account) => [account.accountId, account.handle]));
  const { view } = reading;
  const head = h("tr", {}, h("th", { scope: "col" }, "Post"), COLUMNS.map(([name, title]) => heading(name, title, view.sort, change)));
  const rows = answer.data.map((post) => line(post, handles));
  return render($("posts"), [
    h("div.head", {}, h("h2", { id: "posts-title" }, "Top posts"), h("span.grow", {}),
      choice("posts-type", "Type", [["", "All types"], ...TYPES.map((t) => [t, capital(t)])], view.type, (type) => change({ type })),
      choice("posts-platform", "Platform", [["", "All platforms"], ...platforms.map((p) => [p, named(p)])], view.platform, (platform) => change({ platform }))),
    rows.length ? scrolling("Top posts", h("table.tops", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p.empty", {}, "No such post was published in this range."),
    h("div.foot-row", {}, h("p.small", {}, "Published in the range; values over each post’s life, as last collected. Rates are percentages of views or impressions, depending on the platform."),
      answer.page.hasMore ? h("button", { type: "button", id: "posts-more", onclick: () => { shown += STEP; change({}); } }, `Show ${STEP} more`) : null),
  ], live);
}

/** Show only the first posts again. */
export const fewer = () => { shown = STEP; };

function heading(name, title, sort, change) {
  const on = name === sort;
  return h("th.n", { scope: "col", "aria-sort": on ? "descending" : null },
    h("button.sort", { type: "button", id: `sort-${name}`, onclick: () => change({ sort: name }) }, title, h("span", { "aria-hidden": "true" }, on ? " ↓" : "")));
}

function line(post, handles) {
  const kind = { reel: "reel", story: `story, ${post.contentType}` }[post.metricType] ?? post.contentType;
  return h("tr", {}, h("th", { scope: "row" },
    h("span.who", {}, swatch(post.platform), `${named(post.platform)} · ${capital(kind)}`, post.deletedAt ? explained("deleted", `deleted on the platform, noticed on ${date(post.deletedAt)}; its numbers are the last ones known`, "badge") : null),
    h("span.small", {}, handles.get(post.accountId) ?? "", " · ", h("code", {}, post.platformPostId))),
    COLUMNS.map(([name, title]) => h("td.n", {}, cell(post, name, title))));
}

function cell(post, name, title) {
  if (name === "publishedAt") return h("time", { datetime: post.publishedAt }, date(post.publishedAt), h("span.small", {}, `${post.publishedAt.slice(11, 16)} UTC`));
  const value = post.metrics[name];
  if (value === undefined) return unknown(post.unavailable[name] ?? (name.startsWith("engagement") ? lack(post, name) : "not_supported"));
  const text = name === "engagementRate" ? percent(value) : count(value);
  return [kept("span", `post-${post.postId}-${name}`, `${title} of ${post.platformPostId}`, text), name === "engagementRate" ? h("span.small", {}, `of ${post.engagementRateBasis}`) : null];
}

/** Return why a derived number is missing: nothing was observed at all, or a part of it is unknown. */
function lack(post, name) {
  if (!post.timestamp) return "no_observation";
  return name === "engagement" ? "a part of it is unknown" : `its ${post.engagementRateBasis} are unknown or 0`;
}
