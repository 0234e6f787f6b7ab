// Posts that do far better than the account's earlier posts did at the same age: a mark that leads to the evidence.

import { h } from "./dom.js";
import { count, plural } from "./format.js";
import { link } from "./links.js";

/** Return the breakouts by post; those that are withdrawn or muted are left out. */
export const breakoutsOf = (anomalies) => new Map(anomalies.filter((one) => one.kind === "breakout" && one.status !== "withdrawn" && !one.muted).map((one) => [one.postId, one]));

/** Say how many times the usual a post has: `4.2 times`. */
export const times = ({ multiple }) => `${multiple >= 10 ? count(Math.round(multiple)) : (Math.round(10 * multiple) / 10).toLocaleString("en-GB")} times`;

/** Say at which age a post is a breakout: `6 hours`. */
export const aged = ({ age }) => plural(Math.round(age), "hour");

/** Make the mark of a post that breaks out; null if it does not. */
export function breakout(view, one) {
  if (!one) return null;
  const said = one.status === "open" ? "not confirmed yet" : "confirmed";
  const words = ["Breakout", h("span.sr", {}, `: ${times(one)} the usual engagement after ${aged(one)}, ${said}`)];
  return h("span.badge.ok", { "data-tip": `${times(one)} the usual engagement after ${aged(one)}, ${said}` }, link(view, { page: "happened", anomaly: one.anomalyId, post: "" }, words));
}
