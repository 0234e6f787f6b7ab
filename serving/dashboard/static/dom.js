// Creation of DOM elements without innerHTML, so that text from the API is never parsed as HTML.

import { rove, stopOf } from "./roving.js";

const SVG = "http://www.w3.org/2000/svg";
const MARK_MS = 6000;
const SAID_MS = 15000;
const marks = new Map();

export const $ = (id) => document.getElementById(id);

/** Make an element: h("td.n", { title: "x", onclick: f }, "text", other, [more]). Null children are left out. */
export function h(what, props = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  return fill(document.createElement(tag), classes, props, children);
}

/** Make an SVG element. */
export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), [], props, children);
}

function fill(node, classes, props, children) {
  if (classes.length) node.classList.add(...classes);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name.startsWith("--")) node.style.setProperty(name, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Make a value that is marked when it changes; `key` identifies it, and `label` names it in announcements. */
export function kept(what, key, label, ...children) {
  return h(what, { "data-key": key, "data-label": label }, ...children);
}

/**
 * Replace the content of a container; the focus stays where it was. With `live`, mark the values that changed, and
 * return them as sentences.
 */
export function render(container, nodes, live = false) {
  const before = new Map([...container.querySelectorAll("[data-key]")].map((node) => [node.dataset.key, node.textContent]));
  const focused = container.contains(document.activeElement) ? document.activeElement.id : null;
  const caret = focused ? document.activeElement.selectionStart : null;
  const stop = stopOf(container);
  const open = new Set([...container.querySelectorAll("details[open]")].map((node) => node.id));
  container.replaceChildren(...[nodes].flat(Infinity).filter(Boolean));
  for (const node of container.querySelectorAll("details")) node.open = open.has(node.id);
  rove(container, stop);
  if (focused) {
    document.getElementById(focused)?.focus({ preventScroll: true });
    if (caret !== null && caret !== undefined) document.activeElement.setSelectionRange?.(caret, caret);
  }
  return live ? marked(container, before) : [];
}

function marked(container, before) {
  const said = [];
  for (const node of container.querySelectorAll("[data-key]")) {
    const { key, label } = node.dataset, old = before.get(key);
    if (old !== undefined && old !== node.textContent) {
      marks.set(key, Date.now());
      said.push(`${label}: ${node.textContent}, was ${old}`);
    }
    mark(node, Date.now() - (marks.get(key) ?? 0));
  }
  return said;
}

/** Mark a changed value for some seconds in total, however often its section is drawn again meanwhile. */
function mark(node, age) {
  if (age >= MARK_MS) return;
  node.classList.add("changed");
  node.style.animationDelay = `${-age}ms`;
  setTimeout(() => node.classList.remove("changed"), MARK_MS - age);
}

/** Announce changes to screen readers (politely); earlier announcements stay long enough to be read out. */
export function announce(sentences) {
  if (!sentences.length) return;
  const more = sentences.length > 3 ? ` and ${sentences.length - 3} more` : "";
  const said = h("p", {}, `Updated: ${sentences.slice(0, 3).join("; ")}${more}.`);
  $("announce").append(said);
  setTimeout(() => said.remove(), SAID_MS);
}

/** Let the browser answer the person before the next piece of work. */
export const breathe = () => globalThis.scheduler?.yield?.() ?? new Promise((resolve) => setTimeout(resolve));

/** Make a labelled select box; `options` are pairs of value and text, and `pick` is called with the chosen value. */
export function choice(id, label, options, chosen, pick) {
  return h("label.choice", { for: id }, h("span.sr", {}, label), h("select", { id, onchange: (event) => pick(event.target.value) },
    options.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
}

/** Make a table that scrolls sideways, also by keyboard. */
export function scrolling(label, table) {
  return h("div.scroll", { role: "group", "aria-label": label, tabindex: "0" }, table);
}
