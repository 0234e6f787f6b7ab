// The editor of a metric of one's own: what is written is checked and evaluated over the last eight weeks while it is typed.

import { $, h, render, scrolling } from "./dom.js";
import { shortDate } from "./format.js";
import { unknown } from "./tips.js";
import { writer } from "./units.js";

const CALM_MS = 350; // preview when the typing rests
const AROUND = 36; // characters of the formula that are shown on each side of a fault
const FIELDS = [
  ["name", "Name", "letters, digits and underscores, as save_rate"],
  ["title", "Title", "what people read"],
  ["description", "Description", "optional"],
];

/** Make the editor; `saved()` is called after a metric was stored. It is shown in `place`, which is hidden until `open`. */
export function editor(api, base, saved) {
  const form = h("form.formula", { id: "own-form", hidden: true, "aria-labelledby": "own-form-title", novalidate: true, onsubmit: (event) => { event.preventDefault(); store(); } },
    h("h3", { id: "own-form-title", tabindex: "-1" }, "New metric"),
    h("div.fields", {}, FIELDS.map(([name, label, hint]) => h("label", { for: `own-${name}` }, label, h("input", { id: `own-${name}`, autocomplete: "off", spellcheck: "false", placeholder: hint })))),
    h("label", { for: "own-expression" }, "Formula", h("textarea", { id: "own-expression", rows: "3", maxlength: "1000", spellcheck: "false", autocomplete: "off", "aria-describedby": "own-fault own-help", oninput: () => later() })),
    h("p.small", { id: "own-help" }, "A sum of metrics, or one sum over another: percent(saves, views), likes + 2 * comments, views{metricType=reel} / postCount."),
    h("div", { id: "own-fault", role: "alert" }),
    h("div", { id: "own-preview", role: "status" }),
    h("p.pair", {}, h("button.primary", { type: "submit", id: "own-save" }, "Save"), h("button", { type: "button", id: "own-cancel", onclick: () => close() }, "Cancel")));
  const said = h("p.soft", { id: "own-said", role: "status", hidden: true });
  let timer = 0, newest = 0, returnTo = "own-new";

  function later() {
    clearTimeout(timer);
    timer = setTimeout(preview, CALM_MS);
  }

  /** Evaluate what is written; an answer that something newer was typed after is not shown. */
  async function preview() {
    const expression = $("own-expression").value, mine = newest += 1;
    if (!expression.trim()) { fault(); render($("own-preview"), []); return; }
    try {
      const { data } = await api.send("POST", `${base}/definitions/preview`, { expression });
      if (mine !== newest) return;
      fault();
      render($("own-preview"), weeks(data));
    } catch (error) {
      if (mine !== newest) return;
      fault(error);
      render($("own-preview"), []);
    }
  }

  async function store() {
    clearTimeout(timer);
    newest += 1;
    const [name, title, description] = FIELDS.map(([field]) => $(`own-${field}`).value.trim()), expression = $("own-expression").value;
    $("own-save").disabled = true;
    try {
      if (!/^[A-Za-z]\w{0,63}$/.test(name)) throw Object.assign(new Error("Name: write 1 to 64 letters, digits and underscores, beginning with a letter, as save_rate."), { field: "name" });
      await api.send("PUT", `${base}/definitions/${name}`, { title: title || name, expression, ...(description && { description }) });
      close();
      say(`${title || name} was saved.`);
      await saved();
    } catch (error) {
      fault(error);
    } finally {
      $("own-save").disabled = false;
    }
  }

  /** Show an error: one in the formula under its place. */
  function fault(error) {
    const parameter = error?.field ?? error?.errors?.[0]?.parameter, message = error?.errors?.[0]?.message ?? error?.message ?? "";
    for (const field of [...FIELDS.map(([one]) => one), "expression"]) $(`own-${field}`).toggleAttribute("aria-invalid", false);
    if (error && parameter && $(`own-${parameter}`)) $(`own-${parameter}`).setAttribute("aria-invalid", "true");
    const found = /character (\d+): (.*)$/s.exec(message);
    if (!found || parameter !== "expression") { render($("own-fault"), message ? h("p.bad", {}, message) : []); return; }
    render($("own-fault"), pointed($("own-expression").value, Number(found[1]), found[2]));
  }

  function open(name = "", version = null) {
    returnTo = name ? `own-edit-${name}` : "own-new";
    $("own-form-title").textContent = version ? `Change ${version.title}` : "New metric";
    $("own-name").value = name;
    $("own-name").readOnly = Boolean(version);
    $("own-title").value = version?.title ?? "";
    $("own-description").value = version?.description ?? "";
    $("own-expression").value = version?.expression ?? "";
    form.hidden = false;
    say("");
    fault();
    preview();
    $(version ? "own-expression" : "own-name").focus();
  }

  function close() {
    clearTimeout(timer);
    newest += 1;
    form.hidden = true;
    $(returnTo)?.focus();
  }

  function say(text, bad = false) {
    said.className = bad ? "bad" : "soft";
    said.textContent = text;
    said.hidden = !text;
  }

  form.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  return { place: [said, form], open, say, use: (path) => { base = path; } };
}

/** Show the part of a formula around a position, counted from 1, with a caret under it, and the message. */
function pointed(expression, at, message) {
  const text = Array.from(expression.replaceAll(/\s/g, " ")), from = Math.max(0, at - 1 - AROUND), to = at - 1 + AROUND;
  const shown = `${from ? "…" : ""}${text.slice(from, to).join("")}${to < text.length ? "…" : ""}`;
  return [
    h("pre.caret", { "aria-hidden": "true" }, `${shown}\n${" ".repeat(at - 1 - from + (from ? 1 : 0))}^`),
    h("p.bad", {}, h("span.sr", {}, `At character ${at}: `), message.charAt(0).toUpperCase() + message.slice(1)),
  ];
}

function weeks({ unit, normalForm, weeks: each, total }) {
  const write = writer(unit), cell = (one) => (one.value === undefined ? unknown(one.reason) : write(one.value));
  const heads = [...each.map((one) => shortDate(one.start)), "All weeks"], values = [...each, total];
  return [
    h("p.small", {}, `In ${unit}, by week from the day named. It is read as `, h("code", {}, normalForm)),
    scrolling("Preview of the last eight weeks", h("table.preview", {}, h("thead", {}, h("tr", {}, heads.map((text) => h("th.n", { scope: "col" }, text)))), h("tbody", {}, h("tr", {}, values.map((one) => h("td.n", {}, cell(one))))))),
  ];
}
