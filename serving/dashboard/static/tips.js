// Explanations: shown on hover and on focus, and part of the text for screen readers.

import { $, h } from "./dom.js";
import { reason } from "./format.js";
import { listenToArrows } from "./roving.js";

/** Make a short text with an explanation. */
export function explained(shown, why, kind = "why") {
  return h(`span.${kind}`, { "data-tip": why }, shown, h("span.sr", {}, `: ${why}`));
}

/** Make the dash that stands for an unknown number, with the reason as its explanation. */
export function unknown(code, text = reason(code)) {
  return h("span.why", { "data-tip": `Not available: ${text}` },
    h("span", { "aria-hidden": "true" }, "–"), h("span.sr", {}, `not available: ${text}`));
}

let explaining = null;

function show(target) {
  const tip = $("tip"), box = target.getBoundingClientRect();
  explaining = target;
  tip.textContent = target.dataset.tip;
  tip.hidden = false;
  const width = tip.offsetWidth, height = tip.offsetHeight;
  const left = Math.min(Math.max(8, box.left + box.width / 2 - width / 2), document.documentElement.clientWidth - width - 8);
  const above = box.top - height - 8;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > 8 ? above : box.bottom + 8}px`;
}

function hide() {
  explaining = null;
  $("tip").hidden = true;
}

/** Install the listeners, once for the whole page. */
export function listen() {
  const at = (node) => node?.closest?.("[data-tip]");
  const on = (event) => { const target = at(event.target); if (target) show(target); };
  document.addEventListener("mouseover", on);
  document.addEventListener("focusin", on);
  // The explanation stays while the pointer moves from the text onto it, to read or to copy it.
  document.addEventListener("mouseout", ({ target, relatedTarget: to }) => {
    if ((at(target) || target === $("tip")) && to !== $("tip") && at(to) !== explaining) hide();
  });
  document.addEventListener("focusout", hide);
  // Answers that come late scroll the page too, because the browser keeps what is in the view in its place.
  document.addEventListener("scroll", () => {
    const pointed = explaining?.matches(":focus, :hover") || $("tip").matches(":hover");
    if (explaining && pointed) show(explaining);
    else hide();
  }, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  listenToArrows();
}
