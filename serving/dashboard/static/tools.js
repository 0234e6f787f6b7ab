// The controls above the figures: range, dates, granularity.

import { $, h } from "./dom.js";
import { plural, span } from "./format.js";
import { address, AGAINST, BY, dates, RANGES, today, wrong } from "./state.js";
import { zoneName } from "./zone.js";

/** Set up the controls; `change(fields)` switches to another view, and `complain(text)` shows an error. */
export function tools(change, complain) {
  $("range").append(...RANGES.map(([value, text]) => h("option", { value }, text)));
  $("range").addEventListener("change", () => {
    if ($("range").value !== "custom") { change({ range: $("range").value }); return; }
    $("dates").hidden = false;
    $("from").focus();
  });
  $("against").append(...AGAINST.map(([value, text]) => h("option", { value }, text)));
  $("against").addEventListener("change", () => change({ against: $("against").value }));
  $("apply").addEventListener("click", () => {
    const [from, to] = [$("from").value, $("to").value], error = wrong(from, to);
    complain(error ?? "");
    if (!error) change({ range: "custom", from, to });
  });
  $("by").append(...BY.map((by) => h("label", {}, h("input", { type: "radio", name: "by", value: by, onchange: () => change({ by }) }), h("span", {}, by === "day" ? "Day" : by === "week" ? "Week" : "Month"))));
}

/** Show the values of a view in the controls. */
export function reflect(view) {
  const range = dates(view);
  $("range").value = view.range;
  $("against").value = view.against;
  $("dates").hidden = view.range !== "custom";
  for (const [id, value] of [["from", range.from], ["to", range.to]]) { $(id).value = value; $(id).max = today(); }
  for (const radio of document.querySelectorAll("#by input")) radio.checked = radio.value === view.by;
  $("happened-link").href = address({ ...view, page: "happened", anomaly: "" });
  $("zone").textContent = zoneName();
  $("span").textContent = `${span(range.from, range.to)}, ${plural(range.length, view.range === "custom" ? "day" : "whole day")} in ${zoneName()}, compared with ${view.against === "yoy" ? "the same dates a year before" : span(range.beforeFrom, range.beforeTo)}`;
}
