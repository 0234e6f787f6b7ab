// Comparisons with the days before or with the year before. The API decides which accounts are compared, and computes deltas and percentages.

import { h } from "./dom.js";
import { account as named, change, changePercent, changePoints, plural } from "./format.js";
import { reachesToday } from "./state.js";
import { explained } from "./tips.js";

const LEFT_OUT = {
  connected_within: "connected within one of the two ranges",
  disconnected_within: "disconnected within one of the two ranges",
  not_expected: "not connected in one of the two ranges",
  no_observation: "not observed in one of the two ranges",
  partial: "not observed in every hour of both ranges",
};
const NOT_COMPARED = {
  no_such_period: "the year before has no such dates",
  not_kept: "the range to compare with is older than the data that is kept",
};

/**
 * Return why the comparison of a range does not cover all accounts, as a short text and an explanation; null if it
 * covers all. A range with today comes first: in the minutes after a full hour, no account is observed in every hour.
 */
export function doubt(comparison, accounts, range) {
  if (!comparison || comparison.comparable) return null;
  if (comparison.reason) return ["not comparable", NOT_COMPARED[comparison.reason] ?? comparison.reason];
  const { leftOut } = comparison, why = [...groups(leftOut, accounts)];
  if (!leftOut.length || reachesToday(range)) return ["not comparable", ["one of the two ranges reaches into today, which is not over", ...why].join("; ")];
  if (!Object.keys(comparison.changes).length) return ["not comparable", why.join("; ")];
  return [`without ${plural(leftOut.length, "account")}`, `the change covers only the other accounts; left out: ${why.join("; ")}`];
}

function* groups(leftOut, accounts) {
  const names = new Map(accounts.map((account) => [account.accountId, named(account)]));
  for (const [reason, text] of Object.entries(LEFT_OUT)) {
    const found = leftOut.filter((one) => one.reason === reason).map((one) => names.get(one.accountId) ?? one.accountId);
    if (found.length) yield `${found.join(", ")}: ${text}`;
  }
}

/** Return the line under a figure: delta, percentage and direction; grey, with the reason, if not all is compared. */
export function versus(name, comparison, why) {
  const moved = comparison?.changes?.[name];
  if (why && (moved?.delta !== undefined || why[0] === "not comparable")) {
    return h("div.delta.flat", {}, moved?.delta === undefined ? "" : `${delta(name, moved)} `, explained(...why));
  }
  if (moved?.delta === undefined) return h("div.delta.flat", {}, moved?.previous === undefined ? "no previous value to compare with" : "");
  const tone = moved.delta > 0 ? "up" : moved.delta < 0 ? "down" : "flat";
  return h(`div.delta.${tone}`, {}, h("span", { "aria-hidden": "true" }, { up: "▲ ", down: "▼ ", flat: "" }[tone]), delta(name, moved),
    h("span.sr", {}, ` against ${against(comparison)}`));
}

function against({ compare, previous }) {
  return `${plural(previous.days, "day")} ${compare === "yoy" ? "of the year before" : "before"}`;
}

/** Return a change as text, `+16 (+3.2 %)`; changes of rates are percentage points. */
export function delta(name, moved) {
  const by = name === "engagementRate" ? changePoints(moved.delta) : change(moved.delta);
  return moved.deltaPercent === undefined ? by : `${by} (${changePercent(moved.deltaPercent)})`;
}
