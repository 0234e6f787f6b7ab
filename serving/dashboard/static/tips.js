// Reasons: on hover, on focus, and in the text that a screen reader reads.

import { $, h } from "./dom.js";
import { reason } from "./format.js";

/** Something short with an explanation. */
export function explained(shown, why, kind = "why") {
  return h(`span.${kind}`, { tabindex: "0", "data-tip": why }, shown, h("span.sr", {}, `: ${why}`));
}

/** The dash that stands for an unknown number. */
export function unknown(code, text = reason(code)) {
  return h("span.why", { tabindex: "0", "data-tip": `Not available: ${text}` },
    h("span", { "aria-hidden": "true" }, "–"), h("span.sr", {}, `not available: ${text}`));
}

function show(target) {
  const tip = $("tip"), box = target.getBoundingClientRect();
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const width = tip.offsetWidth, height = tip.offsetHeight;
  const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), document.documentElement.clientWidth - width - 8);
  const above = box.top - height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
}

const hide = () => { $("tip").hidden = true; };

/** Listen once for the whole page. */
export function listen() {
  const on = (event) => { const target = event.target.closest?.("[data-tip]"); if (target) show(target); };
  document.addEventListener("mouseover", on);
  document.addEventListener("focusin", on);
  document.addEventListener("mouseout", (event) => { if (event.target.closest?.("[data-tip]")) hide(); });
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
}
