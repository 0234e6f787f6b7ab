// The line of coverage: how many of the expected hours of the range were observed.

import { $, h, render } from "./dom.js";
import { count, date, plural } from "./format.js";
import { reachesToday } from "./state.js";
import { dateOf } from "./zone.js";

/** Show how complete the range is. Only the hours in which an account was connected count. */
export async function coverage(reading) {
  const [sums, accounts] = await Promise.all([reading.sums(), reading.accounts()]);
  // Sections that could only show dashes are hidden: the sentence below says why.
  $("page").classList.toggle("blank", !sums.data.length);
  $("page").classList.toggle("bare", isNew(sums, accounts));
  const afterwards = accounts.length > 0 && accounts.every((one) => dateOf(one.connectedAt) > reading.range.to);
  const text = afterwards ? h("p", {}, later(accounts)) : line(sums.meta.coverage, reading.range, sums.totals[0]?.expectedAccounts ?? 0);
  return render($("coverage"), [text, ...(afterwards && !isNew(sums, accounts) ? [] : emptiness(sums, accounts))]);
}

/** Say that there can be nothing in the range, and where the numbers are. */
function later(accounts) {
  const first = accounts.map((one) => one.connectedAt).sort()[0];
  return `The accounts were connected after this range, the first on ${date(first)}. The range “Dates …” may include today.`;
}

function line({ expectedSlots: expected, observedSlots: observed }, range, accounts) {
  const open = reachesToday(range) ? " Today is not over." : "";
  if (!accounts) return h("p", {}, `No account was connected in this range.${open}`);
  if (!expected) return h("p", {}, `${plural(accounts, "account")} in this range; the first hour is not over yet.${open}`);
  const of = `${count(Math.min(observed, expected))} of ${count(expected)} hours of ${plural(accounts, "account")}`;
  if (observed >= expected) return h("p", {}, h("b.ok", {}, "Complete"), ` · ${of} observed.${open}`);
  return h("p", {}, h("b.warn", {}, "Partial"), ` · ${of} observed (${percentOf(observed, expected)}): the numbers below may be too low.${open}`);
}

export const percentOf = (part, whole) => `${(Math.floor((1000 * part) / whole) / 10).toFixed(1)} %`;

/** Tell whether nothing was ever collected. */
const isNew = (sums, accounts) => !sums.data.length && !accounts.some((account) => account.lastCollectedAt);

function emptiness(sums, accounts) {
  if (isNew(sums, accounts)) {
    const tried = accounts.some((account) => account.lastError || account.state !== "active");
    return [h("p.empty", {}, tried ? "Nothing was collected yet, because of the problems above." : "Nothing was collected yet. The first collection runs at the next full hour; “Collect now” runs one at once.")];
  }
  return sums.data.length ? [] : [h("p.empty", {}, "Nothing was observed in this range. Choose a later or a longer one.")];
}
