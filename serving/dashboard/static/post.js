// The page of one post: its latest values, how they grew with its age, and its observations as a table.

import { basisNote } from "./basis.js";
import { caption, permalink, thumbnail } from "./content.js";
import { $, h, kept, render, scrolling } from "./dom.js";
import { clock, count, date, percent, platform as named, shortDate } from "./format.js";
import { accountLink, link } from "./links.js";
import { breakout, breakoutsOf } from "./breakout.js";
import { outlook, outlooksOf } from "./outlook.js";
import { swatch, SYMBOLS, token } from "./palette.js";
import { draw, erase, library } from "./plot.js";
import { absence, asOf, badges, kindOf } from "./posts.js";
import { unknown } from "./tips.js";

const DAY = 86400000;
const VALUES = [
  ["engagement", "Engagement"], ["engagementRate", "Engagement rate"], ["views", "Views"], ["impressions", "Impressions"], ["likes", "Likes"],
  ["comments", "Comments"], ["shares", "Shares"], ["saves", "Saves"], ["clicks", "Clicks"], ["reach", "Reach"],
];
const CHARTS = [
  { id: "reactions", title: "Reactions", names: [["likes", "Likes"], ["comments", "Comments"], ["shares", "Shares"], ["saves", "Saves"]] },
  { id: "seen", title: "Views and impressions", names: [["views", "Views"], ["impressions", "Impressions"], ["videoViews", "Video views"], ["reach", "Reach"]] },
];
const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];

export async function post(reading, live) {
  const { view } = reading, back = link(view, { post: "" }, `← All of ${view.workspace}`);
  const [answer, accounts, said, breakouts] = await Promise.all([reading.post().catch((error) => { if (error.status === 404) return null; throw error; }), reading.everyAccount(), reading.outlooks(view.post).catch((error) => { if (error.status === 404) return []; throw error; }), reading.breakouts(view.post), library()]);
  if (!answer || answer.workspaceId !== view.workspace) {
    for (const id of ["post-charts", "post-table"]) $(id).replaceChildren();
    return render($("post-head"), [back, h("p.empty", {}, `The workspace ${view.workspace} has no post with the id ${view.post}.`)], live);
  }
  const owner = accounts.find((one) => one.accountId === answer.accountId);
  const changed = render($("post-head"), heading(back, answer, owner, view, outlooksOf(said).get(view.post), breakoutsOf(breakouts).get(view.post)), live);
  if (!$("plot-reactions")) render($("post-charts"), CHARTS.map(frame));
  for (const chart of CHARTS) picture(chart, answer);
  render($("post-table"), table(answer.observations));
  return changed;
}

function heading(back, answer, owner, view, expected, broken) {
  return [
    back,
    h("div.head", {}, h("h2.name", {}, swatch(answer.platform), `${named(answer.platform)} · ${kindOf(answer)}`), breakout(view, broken), badges(answer, owner),
      h("span.soft", {}, owner ? ["by ", accountLink(view, owner), " · "] : null, `published ${date(answer.publishedAt)} ${clock(answer.publishedAt)} · `, h("code", {}, answer.platformPostId)), asOf(answer, owner)),
    content(answer),
    h("dl.strip", {}, VALUES.map(([name, title]) => h("div", {}, h("dt", {}, title), h("dd", {}, shown(answer, name, title), name === "engagement" ? outlook(expected) : null)))),
  ];
}

/** Make the row with the thumbnail, the caption and the link of the post; null if none of them is known. */
function content(answer) {
  const known = answer.captionExcerpt || answer.thumbnailUrl || answer.permalink;
  return known ? h("div.posted.whole", {}, thumbnail(answer, true), h("div.about", {}, caption(answer), permalink(answer))) : null;
}

function shown(answer, name, title) {
  const value = answer.metrics[name];
  if (value === undefined) return unknown(absence(answer, name));
  const text = name === "engagementRate" ? percent(value) : count(value);
  return [kept("span", `post-page-${name}`, title, text), name === "engagementRate" ? basisNote(answer.engagementRateBasis, answer.metrics[answer.engagementRateBasis]) : null];
}

function frame({ id, title }) {
  return h("section.card", { "aria-labelledby": `chart-${id}` }, h("h2", { id: `chart-${id}` }, title),
    h("div.plot", { id: `plot-${id}`, role: "img", tabindex: "0", "aria-label": `Chart: ${title} by age of the post; the table of observations below has the same numbers` }));
}

/** Draw lifetime values against the age in days at which they were read. */
function picture({ id, names }, { observations, publishedAt }) {
  const place = $(`plot-${id}`), known = names.filter(([name]) => observations.some((one) => one.metrics[name] !== undefined));
  if (!known.length) { erase(place, "No value is known of this post."); return; }
  const blank = observations.map(() => false);
  const traces = known.map(([name, title], i) => {
    const values = observations.map((one) => one.metrics[name] ?? null);
    return { name: title, colour: token(COLOURS[i]), shape: SYMBOLS[i], values, texts: values.map((value) => (value === null ? "" : count(value))), pale: blank, small: blank };
  });
  const x = observations.map((one) => (Date.parse(one.collectedAt) - Date.parse(publishedAt)) / DAY);
  draw(place, {
    kind: "line", x, traces, whole: true, axis: count, low: 0, high: Math.max(1, ...traces.flatMap(({ values }) => values)), sync: "age",
    label: observations.map((one) => `${shortDate(one.collectedAt)} ${clock(one.collectedAt)}`), tick: (value) => `${value} d`,
  });
}

function table(observations) {
  const names = VALUES.filter(([name]) => observations.some((one) => one.metrics[name] !== undefined));
  if (!observations.length) return h("p.empty", {}, "This post was not read yet.");
  const head = h("tr", {}, h("th", { scope: "col" }, "Read at"), names.map(([, title]) => h("th.n", { scope: "col" }, title)));
  const rows = observations.toReversed().map((one) => h("tr", {}, h("th", { scope: "row" }, `${date(one.collectedAt)} ${clock(one.collectedAt)}`),
    names.map(([name]) => h("td.n", {}, one.metrics[name] === undefined ? unknown(one.unavailable[name] ?? "no_observation") : count(one.metrics[name])))));
  return scrolling("Observations", h("table", {}, h("thead", {}, head), h("tbody", {}, rows)));
}
