// The theme button: light, dark, or the system's theme.

import { $ } from "./dom.js";
import { forgetTokens } from "./palette.js";

const ORDER = ["system", "light", "dark"];
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

const current = () => document.documentElement.dataset.theme ?? "system";

function apply(theme) {
  if (theme === "system") { delete document.documentElement.dataset.theme; localStorage.removeItem("theme"); }
  else { document.documentElement.dataset.theme = theme; localStorage.setItem("theme", theme); }
}

/** Set up the button; `redraw()` is called whenever the colours change. */
export function toggle(redraw) {
  const changed = () => { forgetTokens(); redraw(); };
  const button = $("theme");
  const show = () => {
    button.textContent = SIGNS[current()];
    button.setAttribute("aria-label", `Theme: ${current()}. Change it`);
    button.title = `Theme: ${current()}`;
  };
  button.addEventListener("click", () => { apply(ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]); show(); changed(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  show();
}
