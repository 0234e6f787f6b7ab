// The card of best times: at which weekdays and hours posts of an account do better, or that no such time can be shown.

import { $, choice, h, render, scrolling } from "./dom.js";
import { account as full, capital, count, date, isolate, plural, reasonOfInsight } from "./format.js";

const WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const WINDOW = 3; // hours
const NAMED = 3;
const STEPS = 5;
const ENOUGH_P = 0.05;

let chosen = "";

/** Draw the card; `change(fields)` draws the page again. */
export async function bestTimes(reading, live, change) {
  const [said, accounts] = await Promise.all([reading.bestTimes(), reading.accounts()]);
  const owners = new Map(accounts.map((one) => [one.accountId, one])), known = said.filter((one) => owners.has(one.accountId));
  const one = known.find((each) => keyOf(each) === chosen) ?? known.find((each) => each.slots) ?? known[0];
  return render($("best-times"), [
    h("div.head", {}, h("h2", { id: "best-times-title" }, "Best times"), h("span.grow", {}),
      known.length > 1 ? choice("best-times-of", "Account and type of posts", known.map((each) => [keyOf(each), nameOf(each, owners)]), keyOf(one), (key) => { chosen = key; change({}); }) : null),
    one ? [known.length === 1 ? h("p.soft", {}, nameOf(one, owners)) : null, one.slots ? slots(one) : none(one)] : h("p.empty", {}, "No account has posts of which anything could be said."),
  ], live);
}

const keyOf = ({ accountId, metricType }) => `${accountId}|${metricType ?? ""}`;
const nameOf = ({ accountId, metricType }, owners) => `${full(owners.get(accountId))}${metricType ? `, ${isolate(capital(metricType).toLowerCase())}s` : ""}`;
const percentOf = (share) => `${share < 0 ? "\u2212" : "+"}${Math.round(Math.abs(100 * share))}\u00a0%`;
const two = (hour) => String(hour % 24).padStart(2, "0");
const hoursOf = (hour) => `${two(hour)}:00 to ${two(hour + WINDOW)}:00`;
const range = ({ lift, lo80, hi80, posts }) => `${percentOf(lift)} (${percentOf(lo80)} to ${percentOf(hi80)} with a chance of 4 in 5), ${plural(posts, "post")}`;

function slots({ slots: found, p, tried, timeZone, observed, trainedFrom, trainedTo, backtest }) {
  return [
    h("p.best", {}, found.slice(0, NAMED).map((one) => h("span.chip", {}, h("b", {}, `${WEEKDAYS[one.weekday]} ${hoursOf(one.hour)}`), ` ${range(one)}`))),
    grid(found),
    h("p.small", {}, `Engagement 48 hours after publishing, against the account's usual, of ${plural(observed, "post")} from ${date(trainedFrom)} to ${date(trainedTo)}; times are those of ${timeZone}. `
      + `Of ${count(tried)} windows and weekdays the best stands out as much in ${Math.max(1, Math.round(1000 * p))} of 1,000 shuffled histories.`
      + (backtest ? ` The best window of the older posts promised ${percentOf(backtest.claimed)}; ${plural(backtest.posts, "newer post")} in it had ${percentOf(backtest.realised)}.` : "")),
  ];
}

/** Say that no time can be shown, and what all accounts of the platform together show. */
function none({ unavailable, p, pooled, observed, timeZone }) {
  const why = unavailable.reason === "no_effect"
    ? h("p.best", {}, h("b", {}, "No best time can be shown."), ` Over ${plural(observed, "post")}, no hour and no weekday stands out more than in ${Math.round(1000 * p)} of 1,000 shuffled histories. Post when it suits you.`)
    : h("p.soft.best", {}, `No best time can be shown: ${reasonOfInsight(unavailable.reason)}.`);
  if (!pooled?.windows.length) return why;
  const sure = pooled.p <= ENOUGH_P, best = pooled.windows.toSorted((a, b) => b.lift - a.lift).slice(0, NAMED);
  return [why, h("p.small", {}, `${capital(plural(pooled.accounts, "account"))} of the platform in this workspace together (${plural(pooled.posts, "post")})${sure ? "" : ", which may be chance"}: `,
    best.map((one, i) => [i ? "; " : "", `${hoursOf(one.hour)} ${range(one)}`]), timeZone ? `; times of ${timeZone}.` : ".")];
}

/** Make a table of weekdays and hours, each as good as the best slot that covers it. */
function grid(found) {
  const most = Math.max(...found.map(({ lift }) => lift)), head = h("tr", {}, h("td", {}), Array.from({ length: 24 }, (_, hour) => h("th", { scope: "col" }, h("span", { class: hour % WINDOW ? "sr" : null }, two(hour)))));
  const rows = WEEKDAYS.map((day, weekday) => h("tr", {}, h("th", { scope: "row" }, h("abbr", { title: day }, day.slice(0, 3))), Array.from({ length: 24 }, (_, hour) => cell(found, weekday, hour, most))));
  return [
    scrolling("Best times, by weekday and hour", h("table.heat", {}, h("thead", {}, head), h("tbody", {}, rows))),
    h("p.key", { "aria-hidden": "true" }, "as usual ", Array.from({ length: STEPS }, (_, i) => h(`span.heat-${i + 1}`)), " better"),
  ];
}

function cell(found, weekday, hour, most) {
  const best = found.filter((one) => one.weekday === weekday && (hour - one.hour + 24) % 24 < WINDOW).toSorted((a, b) => b.lift - a.lift)[0];
  if (!best || best.lift <= 0) return h("td", {}, h("span.sr", {}, best ? "not better than usual" : "too few posts"));
  const step = Math.max(1, Math.ceil((STEPS * best.lift) / most));
  return h(`td.heat-${step}`, { "data-tip": `${WEEKDAYS[weekday]} ${hoursOf(best.hour)}: ${range(best)}` }, h("span.sr", {}, range(best)));
}
