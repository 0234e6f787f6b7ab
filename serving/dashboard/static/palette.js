// One colour per platform, the same everywhere, and one symbol per platform for lines. The server writes `platforms-list.js`
// and the styles of the colours from the facts of the platforms.

import { h } from "./dom.js";
import { TITLES } from "./platforms-list.js";

const KNOWN = Object.keys(TITLES);
export const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "triangle-down", "plus", "triangle-right", "hourglass", "pentagon", "triangle-left"];

/** Return the custom property that holds a platform's colour. */
const property = (name) => `--platform-${KNOWN.includes(name) ? name : "other"}`;

export const colour = (name) => token(property(name));
export const symbol = (name) => SYMBOLS[(KNOWN.includes(name) ? KNOWN.indexOf(name) : KNOWN.length) % SYMBOLS.length];
const tokens = new Map();

/** Return a custom property of `tokens.css`. It is read once per theme, because each read makes the browser compute all styles. */
export function token(name) {
  if (!tokens.has(name)) tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return tokens.get(name);
}

/** Read the properties again, because the theme has changed. */
export const forgetTokens = () => tokens.clear();

export const swatch = (name) => h(`span.swatch.${property(name).slice(2)}`, { "aria-hidden": "true" });
