// The card of histories: the progress of reading the metrics from before the accounts' connection, and what failed.

import { $, h, render } from "./dom.js";
import { clock, count, date, isolate, platform as named, plural, reason } from "./format.js";
import { now } from "./now.js";

const UNDER_WAY = ["waiting", "running"];
const IN_VAIN = ["failed", "partial"];
const SHOWN_MS = 7 * 86400000; // after that, only the card of accounts shows it

/** Show the histories that are being read, and those that were not read completely; hidden if there are none. */
export async function histories(reading, live) {
  const found = (await reading.accounts()).filter((account) => account.history);
  const open = found.filter((account) => UNDER_WAY.includes(account.history.state));
  const lacking = found.filter(({ history }) => IN_VAIN.includes(history.state) && now() - Date.parse(history.finishedAt) < SHOWN_MS);
  $("history").hidden = !open.length && !lacking.length;
  return render($("history"), [open.length ? strip(open) : null, ...lacking.map(lack)], live);
}

function strip(accounts) {
  const [done, expected] = ["done", "expected"].map((what) => accounts.reduce((sum, { history }) => sum + history.posts[what] + history.days[what], 0));
  const so = expected ? `${count(done)} of ${count(expected)} posts and days` : "beginning";
  return [
    h("p.history-line", {}, h("b", {}, "Reading history"), h("progress", { max: Math.max(expected, 1), value: done, "aria-label": "history read" }), h("span", {}, `${so} of ${plural(accounts.length, "account")}`)),
    h("details", { id: "history-accounts" }, h("summary", {}, "By account"), h("ul.history-accounts", {}, accounts.map((account) => h("li", {}, told(account))))),
  ];
}

function told({ handle, platform, history }) {
  const { posts, days, resumesAt, state } = history;
  const pause = resumesAt && Date.parse(resumesAt) > now() ? `; continues at ${date(resumesAt)} ${clock(resumesAt)} (${reason(history.reason)})` : state === "waiting" ? "; waiting for its turn" : "";
  return `${isolate(handle)} on ${named(platform)}: ${count(posts.done)} of ${count(posts.expected)} posts, ${count(days.done)} of ${count(days.expected)} days${pause}`;
}

function lack({ handle, platform, history }) {
  const how = history.state === "failed" ? "was not read" : "was not read completely";
  const why = history.reason ? `: ${reason(history.reason)}` : "";
  const then = history.reason === "needs_reauth" ? "Connect the account again." : "`tidemark accounts history --start` requests it again.";
  return h("p.history-line", {}, h("span.warn", {}, `The history of ${isolate(handle)} on ${named(platform)} ${how}${why}.`), h("span.small", {}, `${history.message ?? ""} ${then}`));
}
