// What becomes of a young post: the engagement to expect when it is a week old.

import { h } from "./dom.js";
import { count } from "./format.js";
import { explained } from "./tips.js";

/** Return the outlooks by post that have a value. */
export const outlooksOf = (said) => new Map(said.filter((one) => one.value !== undefined).map((one) => [one.postId, one]));

/** Say what to expect of a post; null if nothing is said of it. */
export function outlook(one) {
  if (!one) return null;
  const { value, lo80, hi80, age, percentileOfAccount, probabilityTop10, backtest } = one;
  const rank = percentileOfAccount === undefined ? "" : ` More than ${Math.round(percentileOfAccount)} % of the account's last posts had${probabilityTop10 === undefined ? "" : `; a chance of ${Math.round(100 * probabilityTop10)} % to be among its best tenth`}.`;
  const record = backtest ? ` At this age, half of the newer posts of the history missed by less than ${Math.round(100 * backtest.error)} %.` : "";
  return h("span.small", {}, explained(`about ${count(value)} after a week (${count(lo80)} to ${count(hi80)})`, `Said ${Math.round(age)} hours after publishing; between the two numbers with a chance of 4 in 5.${rank}${record}`, "hint"));
}
