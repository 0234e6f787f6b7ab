// One colour per platform, the same everywhere and distinguishable with every kind of colour blindness (after Okabe and
// Ito), and one symbol per platform for lines.

import { h } from "./dom.js";

const KNOWN = ["facebook", "instagram", "linkedin", "twitter", "youtube"];
export const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "triangle-down", "cross"];

const place = (name) => (KNOWN.includes(name) ? KNOWN.indexOf(name) : KNOWN.length);

/** Return the custom property of `tokens.css` that holds a platform's colour. */
const property = (name) => `--platform-${KNOWN.includes(name) ? name : "other"}`;

export const colour = (name) => token(property(name));
export const symbol = (name) => SYMBOLS[place(name)];
const tokens = new Map();

/** Return a custom property of `tokens.css`. It is read once per theme, because each read makes the browser compute all styles. */
export function token(name) {
  if (!tokens.has(name)) tokens.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim());
  return tokens.get(name);
}

/** Read the properties again, because the theme has changed. */
export const forgetTokens = () => tokens.clear();

export const swatch = (name) => h(`span.swatch.${property(name).slice(2)}`, { "aria-hidden": "true" });
