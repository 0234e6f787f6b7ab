// The line of coverage: how many of the expected hours of the range were observed.

import { $, h, render } from "./dom.js";
import { count, plural } from "./format.js";
import { reachesToday } from "./state.js";

/** Show how complete the range is. Only the hours in which an account was connected count. */
export async function coverage(reading) {
  const [sums, accounts] = await Promise.all([reading.sums(), reading.accounts()]);
  return render($("coverage"), [line(sums.meta.coverage, reading.range, sums.totals[0]?.expectedAccounts ?? 0), ...emptiness(sums, accounts)]);
}

function line({ expectedSlots: expected, observedSlots: observed }, range, accounts) {
  const open = reachesToday(range) ? " Today is not over." : "";
  if (!accounts) return h("p", {}, `No account was connected in this range.${open}`);
  if (!expected) return h("p", {}, `${plural(accounts, "account")} in this range; the first hour is not over yet.${open}`);
  const of = `${count(observed)} of ${count(expected)} hours of ${plural(accounts, "account")}`;
  if (observed >= expected) return h("p", {}, h("b.ok", {}, "Complete"), ` · ${of} observed.${open}`);
  return h("p", {}, h("b.warn", {}, "Partial"), ` · ${of} observed (${percentOf(observed, expected)}): the numbers below may be too low.${open}`);
}

export const percentOf = (part, whole) => `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)} %`;

function emptiness(sums, accounts) {
  if (!sums.data.length && !accounts.some((account) => account.lastCollectedAt)) {
    return [h("p.empty", {}, "Nothing was collected yet. The first collection runs at the next full hour; “Collect now” runs one at once.")];
  }
  return sums.data.length ? [] : [h("p.empty", {}, "Nothing was observed in this range. Choose a later or a longer one.")];
}
