// The card of top posts, which the API sorts and filters; deleted posts stay in the list and are marked.

import { basisNote } from "./basis.js";
import { breakout, breakoutsOf } from "./breakout.js";
import { caption, permalink, thumbnail } from "./content.js";
import { $, choice, h, kept, render, scrolling } from "./dom.js";
import { capital, clock, count, date, percent, platform as named, shortDate } from "./format.js";
import { link } from "./links.js";
import { outlook, outlooksOf } from "./outlook.js";
import { swatch } from "./palette.js";
import { today } from "./state.js";
import { explained, unknown } from "./tips.js";
import { dateOf } from "./zone.js";

const STEP = 10;
const COLUMNS = [
  ["publishedAt", "Published"], ["engagement", "Engagement"], ["engagementRate", "Rate"], ["views", "Views"], ["impressions", "Impressions"],
  ["likes", "Likes"], ["comments", "Comments"], ["shares", "Shares"], ["saves", "Saves"],
];
const TYPES = ["image", "video", "carousel", "text", "link", "document", "other"];
const LADDER = "Posts are read by their age: every hour for 2 days, every 6 hours for a week, every day for 30 days, then every week until they are 90 days old. “Collect now” does not read the others either.";
const narrow = matchMedia("(max-width: 560px)");

const TYPING_MS = 350;
const LONGEST = 100; // characters of a search, the limit of the API

let shown = STEP, typing = 0;

/** Draw the card; `change(fields)` switches to another view. */
export async function posts(reading, live, change) {
  const [answer, accounts, said, anomalies] = await Promise.all([reading.top(shown), reading.accounts(), reading.outlooks(), reading.anomalies()]), outlooks = outlooksOf(said), breakouts = breakoutsOf(anomalies);
  const owners = new Map(accounts.map((account) => [account.accountId, account]));
  const { view } = reading, columns = ordered(view.sort);
  const head = h("tr", {}, h("th", { scope: "col" }, "Post"), columns.map(([name, title]) => heading(name, title, view.sort, change)));
  const rows = answer.data.map((post) => line(post, owners.get(post.accountId), columns, view, outlooks, breakouts));
  return render($("posts"), [
    h("div.head", {}, h("h2", { id: "posts-title" }, "Top posts"), h("span.grow", {}),
      search(view.q, change),
      choice("posts-type", "Type", [["", "All types"], ...TYPES.map((t) => [t, capital(t)])], view.type, (type) => change({ type }))),
    rows.length ? scrolling("Top posts", h("table.tops", {}, h("thead", {}, head), h("tbody", {}, rows))) : h("p.empty", {}, view.q ? ["No post of this range has “", h("bdi", {}, view.q), "” in its caption."] : "No such post was published in this range."),
    h("div.foot-row", {}, h("p.small", {}, "Published in the range or today; values over each post’s life, ", explained("as last read", LADDER, "hint"), "."),
      answer.page.hasMore ? h("button", { type: "button", id: "posts-more", onclick: () => { shown += STEP; change({}); } }, `Show ${STEP} more`) : null),
  ], live);
}

/** Make the search of captions. It waits for a pause in typing, and a redraw leaves alone what is being typed. */
function search(q, change) {
  const find = ({ target }) => {
    clearTimeout(typing);
    const text = target.value.trim();
    // The API refuses a text of one character.
    if (text !== q && Array.from(text).length !== 1) typing = setTimeout(() => change({ q: text }), TYPING_MS);
  };
  const present = $("posts-q"), value = present && present === document.activeElement ? present.value : q;
  return h("label.choice", { for: "posts-q" }, h("span.sr", {}, "Search captions"),
    h("input", { id: "posts-q", type: "search", value, placeholder: "Search captions", maxlength: LONGEST, autocomplete: "off", oninput: find }));
}

/** Show only the first posts again. */
export const fewer = () => { shown = STEP; };

/** Return the columns; on a narrow screen the sorted one is first, because the others are beyond its edge. */
function ordered(sort) {
  return narrow.matches ? COLUMNS.toSorted((a, b) => (b[0] === sort) - (a[0] === sort)) : COLUMNS;
}

function heading(name, title, sort, change) {
  const on = name === sort;
  return h("th.n", { scope: "col", "aria-sort": on ? "descending" : null },
    h("button.sort", { type: "button", id: `sort-${name}`, onclick: () => change({ sort: name }) }, title, h("span", { "aria-hidden": "true" }, on ? " ↓" : "")));
}

/** Return a post's kind: its content type, or that it is a reel or a story. */
export function kindOf({ metricType, contentType }) {
  return capital({ reel: "reel", story: `story, ${contentType}` }[metricType] ?? contentType);
}

function line(post, owner, columns, view, outlooks, breakouts) {
  return h("tr", {}, h("th", { scope: "row" }, h("div.posted", {}, thumbnail(post), h("div.about", {},
    h("span.who", {}, swatch(post.platform), link(view, { post: post.postId, account: "" }, `${named(post.platform)} · ${kindOf(post)}`), breakout(view, breakouts.get(post.postId)), badges(post, owner)),
    caption(post),
    h("span.small", {}, h("bdi", {}, owner?.handle ?? ""), h("span.at", {}, permalink(post) ?? h("code", {}, post.platformPostId)), asOf(post, owner))))),
    columns.map(([name, title]) => h("td.n", {}, cell(post, name, title), name === "engagement" ? outlook(outlooks.get(post.postId)) : null)));
}

/** Make the marks of a post that is deleted, or that was published before its account was connected. */
export function badges(post, owner) {
  return [
    post.deletedAt ? explained("deleted", `deleted on the platform, noticed on ${date(post.deletedAt)}; its numbers are the last ones known`, "badge") : null,
    owner && post.publishedAt < owner.connectedAt ? explained("earlier", `published before the account was connected on ${date(owner.connectedAt)}`, "badge.plain") : null,
  ];
}

/** Say when a post was last read, if that is longer ago than the newest hour of its account. */
export function asOf(post, owner) {
  if (!post.timestamp) return h("span.asof.warn", {}, explained("not read yet", LADDER, "hint"));
  if (!owner?.lastCollectedSlot || post.timestamp >= owner.lastCollectedSlot) return null;
  const day = dateOf(post.collectedAt) === today() ? "" : `${shortDate(post.collectedAt)} `;
  return h("span.asof", {}, explained(`as of ${day}${clock(post.collectedAt)}`, LADDER, "hint"));
}

function cell(post, name, title) {
  if (name === "publishedAt") return h("time", { datetime: post.publishedAt }, date(post.publishedAt), h("span.small", {}, clock(post.publishedAt)));
  const value = post.metrics[name];
  if (value === undefined) return unknown(absence(post, name));
  const text = name === "engagementRate" ? percent(value) : count(value);
  return [kept("span", `post-${post.postId}-${name}`, `${title} of ${post.platformPostId}`, text), name === "engagementRate" ? basisNote(post.engagementRateBasis, post.metrics[post.engagementRateBasis]) : null];
}

/** Return why a value of a post is missing: what the platform said, or that nothing was observed, or that a part is unknown. */
export function absence(post, name) {
  if (post.unavailable[name]) return post.unavailable[name];
  if (!post.timestamp) return "no_observation";
  if (name === "engagement") return "a part of it is unknown";
  return name === "engagementRate" ? `its ${post.engagementRateBasis} are unknown or 0` : "not_supported";
}
