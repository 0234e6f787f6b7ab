// The marks of charts by day: the days that were out of the ordinary, each of which leads to its evidence.

import { $ } from "./dom.js";
import { account, count, shortDate } from "./format.js";
import { ARROWS, kindOf } from "./happened.js";
import { link } from "./links.js";
import { dateOf } from "./zone.js";

const METRICS = { followers: "followers", growth: "followers", engagement: "totalEngagement" }; // by the ids of the charts
const MOST = 6;

let found = { subject: "", anomalies: [], accounts: new Map() }; // those of the view that is shown, as last read

const subjectOf = ({ base, view, range }) => [base, view.account, view.platform, range.from, range.chartTo].join(" ");

/** Read what was out of the ordinary in the range of a view. The view is whole without it. */
export async function readMarks(reading) {
  const [anomalies, accounts] = await Promise.all([reading.anomalies(), reading.everyAccount()]);
  found = { subject: subjectOf(reading), anomalies, accounts: new Map(accounts.map((one) => [one.accountId, one])) };
  const open = anomalies.filter((one) => !one.acknowledgedBy && !one.muted && !one.mutedBy && one.status === "open").length;
  $("happened-open").textContent = open ? ` (${count(open)} under way)` : "";
}

/** Return what belongs to a chart, oldest first; nothing unless the view is by day. */
export function marksOf(reading, { id }) {
  if (reading.view.by !== "day" || found.subject !== subjectOf(reading)) return [];
  return found.anomalies.filter((one) => (one.metric === METRICS[id] || (id === "engagement" && one.kind === "breakout")) && one.status !== "withdrawn" && !one.muted && !one.mutedBy).toReversed();
}

/** Return a text per date that was out of the ordinary. */
export function textsOf(marks, dates) {
  // A post breaks out on the day on which it is published, however long it takes.
  const last = ({ kind, from, to }) => (kind === "breakout" ? dateOf(from) : dateOf(Date.parse(to) - 1));
  return dates.map((date) => marks.filter((one) => dateOf(one.from) <= date && date <= last(one)).map(told).join("; "));
}

function told(one) {
  const who = found.accounts.get(one.accountId);
  return `${kindOf(one)}${who ? ` of ${account(who)}` : ""}`;
}

/** Say below a chart which days were out of the ordinary; each leads to its evidence. */
export function list(reading, marks) {
  if (!marks.length) return [];
  const shown = marks.slice(-MOST), rest = marks.length - shown.length;
  return ["Out of the ordinary: ", shown.map((one, i) => [i ? ", " : "", link(reading.view, { page: "happened", anomaly: one.anomalyId }, `${ARROWS[one.direction] ?? ""} ${shortDate(one.from)}, ${told(one)}`)]),
    rest ? [", ", link(reading.view, { page: "happened" }, `${count(rest)} more`)] : null, "."].filter(Boolean);
}
