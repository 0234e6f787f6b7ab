// How a number stands to the period before, and what that leaves out. All of it is the API's: which accounts are
// compared, the deltas and the percentages.

import { h } from "./dom.js";
import { change, changePercent, changePoints, platform, plural } from "./format.js";
import { explained } from "./tips.js";

const LEFT_OUT = {
  connected_within: "connected within one of the two ranges",
  disconnected_within: "disconnected within one of the two ranges",
  not_expected: "not connected in one of the two ranges",
  no_observation: "not observed in one of the two ranges",
  partial: "not observed in every hour of both ranges",
};

/** Return why a comparison is not one of the whole, as a short word and its explanation; null where it is. */
export function doubt(comparison, accounts) {
  if (!comparison || comparison.comparable) return null;
  const { leftOut } = comparison, why = [...groups(leftOut, accounts)];
  if (!leftOut.length) return ["not comparable", "one of the two ranges reaches into today, which is not over"];
  if (!Object.keys(comparison.changes).length) return ["not comparable", why.join("; ")];
  return [`without ${plural(leftOut.length, "account")}`, `the change is that of the other accounts; left out: ${why.join("; ")}`];
}

function* groups(leftOut, accounts) {
  const names = new Map(accounts.map((account) => [account.accountId, `${account.handle} (${platform(account.platform)})`]));
  for (const [reason, text] of Object.entries(LEFT_OUT)) {
    const found = leftOut.filter((one) => one.reason === reason).map((one) => names.get(one.accountId) ?? one.accountId);
    if (found.length) yield `${found.join(", ")}: ${text}`;
  }
}

/** The line under a figure: delta, percent, direction in words and colour; grey with the reason where it says little. */
export function versus(name, comparison, why, length) {
  const moved = comparison?.changes?.[name];
  if (why && (moved?.delta !== undefined || why[0] === "not comparable")) {
    return h("div.delta.flat", {}, moved?.delta === undefined ? "" : `${delta(name, moved)} `, explained(...why));
  }
  if (moved?.delta === undefined) return h("div.delta.flat", {}, moved?.previous === undefined ? "no value before to compare with" : "");
  const tone = moved.delta > 0 ? "up" : moved.delta < 0 ? "down" : "flat";
  return h(`div.delta.${tone}`, {}, h("span", { "aria-hidden": "true" }, { up: "▲ ", down: "▼ ", flat: "" }[tone]), delta(name, moved),
    h("span.sr", {}, ` against the ${plural(length, "day")} before`));
}

/** `+16 (+3.2 %)`; rates move by percentage points. */
export function delta(name, moved) {
  const by = name === "engagementRate" ? changePoints(moved.delta) : change(moved.delta);
  return moved.deltaPercent === undefined ? by : `${by} (${changePercent(moved.deltaPercent)})`;
}
