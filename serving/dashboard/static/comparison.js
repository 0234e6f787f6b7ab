// How a number stands to the period before, and why it may not be compared. Deltas and percentages are the API's.

import { h } from "./dom.js";
import { change, changePercent, changePoints, plural, shortDate } from "./format.js";
import { reachesToday } from "./state.js";
import { explained } from "./tips.js";

const covered = (total) => total && `${total.coverage.observedSlots} of ${total.coverage.expectedSlots} account hours were observed`;

/** Return why two ranges are not comparable; empty where they are. */
export function doubts(range, now, before, accounts) {
  const found = [];
  if (now?.status === "open" || reachesToday(range)) found.push("the range reaches into today, which is not over");
  if (now?.status === "partial") found.push(`in this range ${covered(now)}`);
  if (before?.status === "partial") found.push(`in the range before ${covered(before)}`);
  const late = accounts.filter((account) => account.connectedAt > `${range.beforeFrom}T00:00:00Z`);
  if (late.length) {
    const first = late.map((account) => account.connectedAt).sort().at(-1);
    found.push(`${plural(late.length, "account")} of ${accounts.length} ${late.length === 1 ? "was" : "were"} connected after the range before had begun (the last on ${shortDate(first)})`);
  }
  return found;
}

/** The line under a figure: delta, percent, direction in words and colour; grey with the reasons where it says little. */
export function versus(name, comparison, why, length) {
  const moved = comparison?.changes?.[name];
  if (moved?.delta === undefined) return h("div.delta.flat", {}, moved?.previous === undefined ? "no value before to compare with" : "");
  const text = delta(name, moved);
  if (!comparison.comparable || why.length) {
    const reasons = why.length ? why.join("; ") : "one of the two is partial or open";
    return h("div.delta.flat", {}, `${text} `, explained("not comparable", reasons));
  }
  const tone = moved.delta > 0 ? "up" : moved.delta < 0 ? "down" : "flat";
  return h(`div.delta.${tone}`, {}, h("span", { "aria-hidden": "true" }, { up: "▲ ", down: "▼ ", flat: "" }[tone]), text,
    h("span.sr", {}, ` against the ${plural(length, "day")} before`));
}

/** `+16 (+3.2 %)`; rates move by percentage points. */
export function delta(name, moved) {
  const by = name === "engagementRate" ? changePoints(moved.delta) : change(moved.delta);
  return moved.deltaPercent === undefined ? by : `${by} (${changePercent(moved.deltaPercent)})`;
}
