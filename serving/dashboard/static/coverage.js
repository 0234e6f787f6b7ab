// How much was looked at: beside every number that is not of the whole range.

import { $, h, render } from "./dom.js";
import { count, plural } from "./format.js";
import { reachesToday } from "./state.js";

/** Tell how complete the range is; hours are those of accounts while they were connected. */
export async function coverage(reading) {
  const [sums, accounts] = await Promise.all([reading.sums(), reading.accounts()]);
  return render($("coverage"), [line(sums.meta.coverage, reading.range, sums.totals[0]?.expectedAccounts ?? 0), ...emptiness(sums, accounts)]);
}

function line({ expectedSlots: expected, observedSlots: observed }, range, accounts) {
  const open = reachesToday(range) ? " Today is not over." : "";
  if (!accounts) return h("p", {}, `No account was connected in this range.${open}`);
  if (!expected) return h("p", {}, `${plural(accounts, "account")} in this range, whose first hour is not over.${open}`);
  const of = `${count(observed)} of ${count(expected)} hours of ${plural(accounts, "account")}`;
  if (observed >= expected) return h("p", {}, h("b.ok", {}, "Complete"), ` · ${of} observed.${open}`);
  return h("p", {}, h("b.warn", {}, "Partial"), ` · ${of} observed (${percentOf(observed, expected)}): numbers below may be less than the truth.${open}`);
}

export const percentOf = (part, whole) => `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)} %`;

function emptiness(sums, accounts) {
  if (!sums.data.length && !accounts.some((account) => account.lastCollectedAt)) {
    return [h("p.empty", {}, "Nothing was collected yet. The first collection comes at the full hour; “Collect now” does not wait for it.")];
  }
  return sums.data.length ? [] : [h("p.empty", {}, "Nothing was observed in this range. Choose a later or a longer one.")];
}
