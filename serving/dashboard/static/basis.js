// How far a rate can be trusted: the number of views or impressions under it, and the share of the engagement in it.

import { h } from "./dom.js";
import { count } from "./format.js";
import { explained } from "./tips.js";

/** A rate on fewer views or impressions is marked: one reaction more or less changes it by over a percentage point. */
const SMALL = 100;
const TOTALS = { views: "totalViews", impressions: "totalImpressions", followers: "followers" };

/**
 * Return the views or impressions under the rate of a rollup or a total; undefined if there is no rate. A total does not
 * have the basis itself: then it is the sum of these views or impressions, which may also hold those of posts without a
 * known engagement.
 */
export function basisOf(metrics) {
  if (metrics?.engagementRate === undefined) return undefined;
  if (metrics.engagementRateParts) return metrics.engagementRateParts.basis;
  return metrics.engagementRateBasis.split("+").reduce((sum, name) => sum + (metrics[TOTALS[name]] ?? 0), 0);
}

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
