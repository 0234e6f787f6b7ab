// The page: opens a workspace with a key, draws the sections of the view, and redraws them as events arrive.

import { accounts } from "./accounts.js";
import { Activity } from "./activity.js";
import { Api } from "./api.js";
import { charts } from "./charts.js";
import { Collect } from "./collect.js";
import { coverage } from "./coverage.js";
import { $, announce, h, render } from "./dom.js";
import { figures } from "./figures.js";
import { histories } from "./history.js";
import { hours } from "./hours.js";
import { platforms } from "./platforms.js";
import { fewer, posts } from "./posts.js";
import { Reading } from "./reading.js";
import * as session from "./session.js";
import { connect } from "./sharing.js";
import { read, write } from "./state.js";
import { listen } from "./tips.js";
import { today } from "./today.js";
import { toggle } from "./toggle.js";
import { reflect, tools } from "./tools.js";
import { types } from "./types.js";

const SECTIONS = [histories, figures, coverage, today, platforms, posts, accounts, charts];
const SLOW_SECTIONS = [types, hours]; // they read hundreds of posts, and a collection changes them little
const SLOW_MS = 60000;
const CALM_MS = 700; // events come in bursts: redraw once after each burst
const PATIENCE_MS = 4000; // and at least this often within a long burst

let api = null, view = read(), stream = null, wasDown = false, shown = null, known = new Map(), position = null;
let timer = 0, waitingSince = 0, slowAt = 0, busy = false, wanted = false;
const activity = new Activity((id) => known.get(id));
const collect = new Collect(soon, complain);

/** Show an error in one line, or hide the line if there is none. */
function complain(error) {
  const text = typeof error === "string" ? error : error.message;
  $("problem").textContent = text;
  $("problem").hidden = !text;
}

/** Read and draw the view; with `live`, mark the changes. A newer call makes the reads of an older one void. */
async function look(live = false) {
  const reading = begun(new Reading(api, view));
  clearTimeout(timer);
  waitingSince = 0;
  busy = true;
  wanted = false;
  reflect(view);
  $("page").setAttribute("aria-busy", "true");
  const said = [], errors = [];
  await Promise.all(due(live).map(async (section) => {
    try {
      said.push(...await section(reading, live, change));
    } catch (error) {
      errors.push(error);
    }
  }));
  if (reading.overtaken) return;
  busy = false;
  $("page").setAttribute("aria-busy", "false");
  const refused = errors.find((error) => error.status === 401);
  if (refused) { leave(refused.message); return; }
  complain(errors[0] ?? "");
  known = new Map((await reading.accounts().catch(() => [])).map((account) => [account.accountId, account]));
  position = reading.position ?? position;
  stream?.resume(position);
  announce(said);
  if (wanted) soon();
}

function due(live) {
  if (live && Date.now() - slowAt < SLOW_MS) return SECTIONS;
  slowAt = Date.now();
  return [...SECTIONS, ...SLOW_SECTIONS];
}

/** Make this reading the one whose answers are shown. */
function begun(reading) {
  if (shown) shown.overtaken = true;
  shown = reading;
  return reading;
}

function change(fields) {
  const range = "range" in fields || "by" in fields;
  if (range || "sort" in fields || "type" in fields || "platform" in fields) fewer();
  view = { ...view, ...fields };
  write(view, !range);
  look();
}

/** Redraw when the burst of events is over or has lasted long, but never while another redraw is under way. */
function soon() {
  wanted = busy;
  if (busy) return;
  waitingSince ||= Date.now();
  clearTimeout(timer);
  timer = setTimeout(() => look(true), Math.min(CALM_MS, Math.max(0, waitingSince + PATIENCE_MS - Date.now())));
}

function onEvent(name, data) {
  activity.note(name, data);
  if (name === "collection:status") collect.event(data);
  soon();
}

function onState({ state, seconds }) {
  const pill = $("stream");
  const text = { live: "Live", connecting: wasDown ? "Reconnecting …" : "Connecting …", down: `Live updates are down; trying again in ${Math.round(seconds)} s` }[state];
  if (pill.textContent !== text) pill.textContent = text;
  pill.className = `pill ${state}`;
  if (state === "live" && wasDown) { wasDown = false; announce(["live updates are back"]); soon(); }
  if (state === "down") wasDown = true;
}

function follow() {
  stream?.close();
  stream = connect(api, view.workspace, position, { onEvent, onState, onReset: soon, onRefused: (error) => leave(error.message) });
}

async function enter(workspace) {
  collect.stop();
  stream?.close();
  position = null;
  view = { ...view, workspace };
  write(view, true);
  await look();
  if (api) follow();
}

/** Choose a workspace of the key: the one in the URL, or else the first. */
async function open(key) {
  api = new Api(key, waiting);
  try {
    const { body } = await api.get("/analytics/workspaces");
    session.keep(key);
    const names = body.data.map((one) => one.workspaceId);
    render($("workspace"), names.map((name) => h("option", { value: name }, name)));
    if (view.workspace && !names.includes(view.workspace)) complain(`This key may not see the workspace ${view.workspace}.`);
    show(names);
    if (names.length) await enter(names.includes(view.workspace) ? view.workspace : names[0]);
  } catch (error) {
    if ([401, 403].includes(error.status)) leave(error.message);
    else { complain(error); setTimeout(() => open(key), 5000); }
  }
}

function show(names) {
  $("login").hidden = true;
  for (const id of ["leave", "workspace-label", "collect", "stream", "page"]) $(id).hidden = !names.length && id !== "leave";
  if (!names.length) complain("This key may see no workspace that has an account. Connect an account: tidemark accounts connect --workspace ID --platform …");
  $("workspace").value = names.includes(view.workspace) ? view.workspace : names[0];
}

function leave(reason = "") {
  stream?.close();
  collect.stop();
  session.forget();
  api = null;
  if (shown) shown.overtaken = true;
  for (const id of ["page", "workspace-label", "collect", "stream", "leave"]) $(id).hidden = true;
  complain("");
  $("refused").textContent = reason;
  $("key").value = "";
  $("login").hidden = false;
  $("key").focus();
}

function waiting(wait) {
  complain(wait ? `${wait.detail} Trying again in ${Math.ceil(wait.seconds)} s.` : "");
}

function begin() {
  listen();
  tools(change, complain);
  toggle(() => { if (api) look(); });
  $("login").addEventListener("submit", (event) => { event.preventDefault(); $("refused").textContent = ""; open($("key").value.trim()).then(() => { if (api) $("content").focus(); }); });
  $("workspace").addEventListener("change", () => enter($("workspace").value));
  $("collect").addEventListener("click", () => collect.start(api, new Reading(api, view).base));
  $("leave").addEventListener("click", () => leave());
  addEventListener("popstate", () => { view = { ...read(), workspace: read().workspace || view.workspace }; if (api) look(); });
  const key = session.take();
  if (key) open(key);
  else leave();
}

begin();
