// How values of own metrics are written, by their unit.

import { count, percent } from "./format.js";

const fine = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

/** Return the function that writes the values of a unit. */
export function writer(unit) {
  if (unit === "percent") return percent;
  if (unit === "count" || unit === "people") return (value) => (Number.isInteger(value) ? count(value) : fine.format(value));
  return (value) => fine.format(value);
}
