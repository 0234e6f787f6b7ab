// The card of best hours: the median rate of the posts published in each hour of the week, and the number of posts.

import { $, choice, h, render, scrolling } from "./dom.js";
import { count, percent, platform as named, plural } from "./format.js";
import { HOURS_DAYS } from "./reading.js";
import { median } from "./median.js";
import { hourOf, zoneName } from "./zone.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const ENOUGH = 3; // posts in an hour
const ENOUGH_POSTS = 30; // posts in all: below that, the best hours are chance
const STEPS = 5;

let platform = "";

export async function hours(reading, live, change) {
  const [answer, platforms] = await Promise.all([reading.lately(), reading.platforms()]);
  if (!platforms.includes(platform)) platform = platforms[0] ?? "";
  const local = reading.view.hours === "local";
  const known = answer.data.filter((post) => post.platform === platform && post.metricType !== "story" && post.metrics.engagementRate !== undefined);
  const cells = week(known, local);
  const again = () => change({});
  return render($("hours"), [
    h("div.head", {}, h("h2", { id: "hours-title" }, "Best hours"), h("span.grow", {}),
      platforms.length > 1 ? choice("hours-platform", "Platform", platforms.map((p) => [p, named(p)]), platform, (value) => { platform = value; again(); }) : null,
      choice("hours-zone", "Time zone", [["utc", zoneName()], ["local", `Local (${zone()})`]], reading.view.hours, (value) => change({ hours: value }))),
    known.length ? [best(cells, known), grid(cells)] : h("p.empty", {}, "No post with a known rate in these days."),
    h("p.small", {}, !known.length ? "" : `Median engagement rate over life of ${plural(known.length, "post")} on ${named(platform)} published in the last ${HOURS_DAYS} days, by hour of publishing (${local ? zone() : zoneName()}); stories are left out; hours with fewer than ${ENOUGH} posts are small.${answer.more ? " The newest 5,000 posts only." : ""}`),
  ], live);
}

const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

function localHour(instant) {
  const at = new Date(instant);
  return [WEEKDAYS[(at.getDay() + 6) % 7], at.getHours()];
}

/** Return seven days of 24 cells: `{day, hour, n, rate}`. */
function week(posts, local) {
  const rates = WEEKDAYS.map(() => Array.from({ length: 24 }, () => []));
  for (const post of posts) {
    const [day, hour] = local ? localHour(post.publishedAt) : hourOf(post.publishedAt);
    rates[WEEKDAYS.findIndex((weekday) => weekday.startsWith(day))][hour].push(post.metrics.engagementRate);
  }
  return rates.map((row, day) => row.map((found, hour) => ({ day, hour, n: found.length, rate: found.length ? median(found) : null })));
}

/** Name the best hours: those with enough posts whose median is above the one of all posts. */
function best(cells, known) {
  const usual = median(known.map((post) => post.metrics.engagementRate));
  const sure = cells.flat().filter((cell) => cell.n >= ENOUGH && cell.rate > usual).toSorted((a, b) => b.rate - a.rate).slice(0, 3);
  if (known.length < ENOUGH_POSTS) return h("p.soft.best", {}, `Too few posts to name the best hours: ${count(known.length)}, of ${ENOUGH_POSTS} that it takes.`);
  if (!sure.length) return h("p.soft.best", {}, `Too few posts to name the best hours: no hour with ${ENOUGH} posts is above the median of all, ${percent(usual)}.`);
  return h("p.best", {}, sure.map((cell) => h("span.chip", {}, h("b", {}, `${WEEKDAYS[cell.day].slice(0, 3)} ${two(cell.hour)}:00`), ` ${percent(cell.rate)}, n ${cell.n}`)), h("span.soft", {}, `median of all ${percent(usual)}`));
}

const two = (hour) => String(hour).padStart(2, "0");

function grid(cells) {
  const sorted = cells.flat().filter((cell) => cell.n).map((cell) => cell.rate).toSorted((a, b) => a - b);
  const step = (rate) => Math.min(STEPS, 1 + Math.floor((STEPS * sorted.filter((other) => other < rate).length) / sorted.length));
  const head = h("tr", {}, h("td", {}), cells[0].map((_, hour) => h("th", { scope: "col" }, h("span", { class: hour % 3 ? "sr" : null }, two(hour)))));
  const rows = cells.map((row, day) => h("tr", {}, h("th", { scope: "row" }, h("abbr", { title: WEEKDAYS[day] }, WEEKDAYS[day].slice(0, 3))), row.map((cell) => shade(cell, step))));
  return [
    scrolling("Best hours, by weekday and hour", h("table.heat", {}, h("thead", {}, head), h("tbody", {}, rows))),
    h("p.key", { "aria-hidden": "true" }, "lower ", Array.from({ length: STEPS }, (_, i) => h(`span.heat-${i + 1}`)), " higher"),
  ];
}

function shade(cell, step) {
  if (!cell.n) return h("td", {}, h("span.sr", {}, "no post"));
  const text = `${WEEKDAYS[cell.day]} ${two(cell.hour)}:00, median ${percent(cell.rate)} of ${plural(cell.n, "post")}`;
  return h(`td.heat-${step(cell.rate)}${cell.n < ENOUGH ? ".few" : ""}`, { "data-tip": text }, h("span.sr", {}, `${percent(cell.rate)}, ${count(cell.n)} posts`));
}
