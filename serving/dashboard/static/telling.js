// The card of messages about anomalies: from which severity on and where they are sent, how the newest ones stand, and the form that changes it.

import { $, choice, h, render } from "./dom.js";
import { capital, clock, date, plural } from "./format.js";
import { link } from "./links.js";

const SEVERITIES = Array.from({ length: 10 }, (_, i) => String(i + 1));
const USUAL = "7";
const MOST = 5; // messages

let api = null, mayChange = false, base = "", shown = null, rule = null, wanted = USUAL;

/** Use a key that has these scopes; null means that they are unknown, and then the server decides. */
export function tellingWith(client, scopes) {
  api = client;
  mayChange = scopes === null || scopes.includes("admin");
  base = "";
}

/** Show the card; a form that somebody is filling in stays as it is. */
export async function telling(reading) {
  const told = await reading.told();
  if (base !== reading.base) {
    base = reading.base;
    render($("telling"), skeleton());
  }
  shown = reading.view;
  show(told);
  return [];
}

function skeleton() {
  return [
    h("div.head", {}, h("h2", { id: "telling-head" }, "Messages about anomalies"), h("span.grow", {}),
      mayChange ? h("button", { type: "button", id: "telling-change", "aria-expanded": "false", "aria-controls": "telling-form", onclick: open }, "Change") : h("span.soft", {}, "Changing them needs a key with the scope “admin”.")),
    h("div", { id: "telling-rule" }),
    h("p.soft", { id: "telling-said", role: "status", hidden: true }),
    mayChange ? form() : null,
  ];
}

function form() {
  return h("form.formula", { id: "telling-form", hidden: true, "aria-labelledby": "telling-form-title", novalidate: true, onsubmit: (event) => { event.preventDefault(); store(); } },
    h("h3", { id: "telling-form-title", tabindex: "-1" }, "Whom to tell of anomalies"),
    h("p", {}, "From severity ", choice("telling-severity", "Severity", SEVERITIES.map((one) => [one, one]), USUAL, (value) => { wanted = value; }), " of 10 on."),
    h("p.small", {}, "5 is one in ten thousand hours or days by the series’ own past, 10 one in ten million."),
    h("label", { for: "telling-channels" }, "Channels", h("textarea", { id: "telling-channels", rows: "3", spellcheck: "false", autocomplete: "off", "aria-describedby": "telling-help telling-fault", placeholder: "slack://…" })),
    h("p.small", { id: "telling-help" }, "One address a line, as apprise writes them: mailto://…, slack://…, json://…. They replace those that are set, and are never shown again. Left empty, those that are set stay."),
    h("label.pair", { for: "telling-none" }, h("input", { id: "telling-none", type: "checkbox" }), " Remove all channels"),
    h("div", { id: "telling-fault", role: "alert" }),
    h("p.pair", {}, h("button.primary", { type: "submit", id: "telling-save" }, "Save"), h("button", { type: "button", id: "telling-cancel", onclick: close }, "Cancel"),
      h("button", { type: "button", id: "telling-remove", onclick: (event) => remove(event.target) }, "Tell nobody")));
}

function show(told) {
  rule = told ?? null;
  render($("telling-rule"), rule ? [sentence(rule), ...failing(rule), messages(rule)] : h("p.empty", {}, `Nobody is told of anomalies.${mayChange ? " “Change” says from which severity on, and where messages go." : ""}`));
}

function sentence({ minSeverity, channels }) {
  const where = channels.length ? `told by ${channels.map(({ scheme }) => scheme).join(", ")}` : "told to nobody, because no channel is set";
  return h("p", {}, "Anomalies of ", h("b", {}, `severity ${minSeverity} of 10`), ` or more are ${where}.`);
}

/** Return a line per channel that did not take its newest message. */
function failing({ channels }) {
  return channels.filter(({ failures }) => failures).map(({ scheme, failures, failedAt, error }) => h("p.warn", {}, `${scheme} has not taken its messages: ${plural(failures, "attempt")}${failedAt ? `, the last one on ${date(failedAt)} at ${clock(failedAt)}` : ""}${error ? `: ${error}` : ""}.`));
}

function messages({ messages: sent }) {
  if (!sent.length) return h("p.small", {}, "No message was made yet.");
  return h("ul.small", { "aria-label": "Newest messages" }, sent.slice(0, MOST).map(({ madeAt, anomalyIds, deliveries }) => h("li", {}, `${date(madeAt)} ${clock(madeAt)}: `, link(shown, { page: "happened", account: "", post: "", anomaly: anomalyIds[0] }, plural(anomalyIds.length, "anomaly", "anomalies")), `, ${standing(deliveries)}`)));
}

function standing(deliveries) {
  const of = (state) => deliveries.filter((one) => one.state === state).length, all = deliveries.length;
  if (of("given_up")) return `given up for ${of("given_up")} of ${plural(all, "channel")}`;
  return of("pending") ? `waiting for ${of("pending")} of ${plural(all, "channel")}` : "sent";
}

function open() {
  fault();
  hear("");
  wanted = String(rule?.minSeverity ?? USUAL);
  $("telling-severity").value = wanted;
  Object.assign($("telling-channels"), { value: "" });
  $("telling-none").checked = false;
  $("telling-remove").hidden = !rule;
  $("telling-form").hidden = false;
  $("telling-change").setAttribute("aria-expanded", "true");
  $("telling-form-title").focus();
}

function close() {
  $("telling-channels").value = "";
  $("telling-form").hidden = true;
  $("telling-change").setAttribute("aria-expanded", "false");
  $("telling-change").focus();
}

async function store() {
  const lines = $("telling-channels").value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (lines.length && $("telling-none").checked) { fault("Either give channels or remove them all."); return; }
  const channels = lines.length ? { channels: lines } : $("telling-none").checked ? { channels: [] } : {};
  await change("PUT", { minSeverity: Number(wanted), ...channels }, "It was saved.");
}

/** The first click asks, the second one removes. */
async function remove(button) {
  if (button.dataset.sure !== "yes") {
    button.dataset.sure = "yes";
    button.textContent = "Really tell nobody?";
    button.onblur = () => { button.dataset.sure = ""; button.textContent = "Tell nobody"; };
    return;
  }
  await change("DELETE", undefined, "Nobody is told any more.");
}

async function change(method, body, done) {
  const place = base;
  $("telling-save").disabled = true;
  try {
    const { data } = await api.send(method, `${place}/anomaly-alerts`, body);
    if (place !== base) return;
    show(method === "DELETE" ? undefined : data);
    close();
    hear(done);
  } catch (error) {
    const [wrong] = error.errors ?? [];
    fault(wrong ? `${capital(wrong.parameter)}: ${wrong.message}` : error.message);
  } finally {
    if ($("telling-save")) $("telling-save").disabled = false;
  }
}

/** Show an error in words, or none. */
function fault(message = "") {
  render($("telling-fault"), message ? h("p.bad", {}, message) : []);
  if (message) $("telling-channels").setAttribute("aria-invalid", "true");
  else $("telling-channels").removeAttribute("aria-invalid");
}

function hear(text) {
  Object.assign($("telling-said"), { textContent: text, hidden: !text });
}
