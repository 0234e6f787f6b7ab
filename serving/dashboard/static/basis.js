// How far a rate can be trusted: the number of views or impressions under it, and the share of the engagement in it.

import { h } from "./dom.js";
import { count } from "./format.js";
import { explained } from "./tips.js";

/** A rate on fewer views or impressions is marked: one reaction more or less changes it by over a percentage point. */
const SMALL = 100;

export const isSmall = (basis) => basis !== undefined && basis < SMALL;

/** Return `of 9 impressions` marked as a small basis, or `of impressions`. */
export function basisNote(name, basis) {
  const text = name.replaceAll("+", " + ");
  if (!isSmall(basis)) return h("span.small", {}, `of ${text}`);
  return h("span.small.warn", {}, explained(`of ${count(basis)} ${text}`, `a rate on fewer than ${SMALL} ${text} says little: a single reaction changes it much`, "hint"));
}

/**
 * Return the parts of the pooled rate of some rollups, `{engagement, basis}`; undefined if none of them has a rate. `pooled` is the
 * basis of the total, such as `impressions+views`: a rate with another basis is not in the total.
 */
export function partsOf(documents, pooled = "") {
  const bases = pooled.split("+"), rated = documents.map((one) => one.aggregatedMetrics).filter((one) => bases.includes(one.engagementRateBasis));
  const parts = rated.map((one) => one.engagementRateParts).filter(Boolean);
  if (!parts.length) return undefined;
  return { engagement: parts.reduce((sum, one) => sum + one.engagement, 0), basis: parts.reduce((sum, one) => sum + one.basis, 0) };
}
