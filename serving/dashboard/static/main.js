// The page: opens a workspace with a key, draws the sections of the view, and redraws them as events arrive.

import { access as readAccess } from "./access.js";
import { accounts } from "./accounts.js";
import { Activity } from "./activity.js";
import { alerts, thresholds as withThresholds } from "./alerts.js";
import { among } from "./among.js";
import { Api } from "./api.js";
import { bestTimes } from "./besttimes.js";
import { charts, complete } from "./charts.js";
import { Collect } from "./collect.js";
import { coverage } from "./coverage.js";
import { download } from "./csv.js";
import { decay } from "./decay.js";
import { $, announce, h, render } from "./dom.js";
import { figures } from "./figures.js";
import { filter } from "./filter.js";
import { gate } from "./gate.js";
import { happened, happenedChanges, happenedWith } from "./happened.js";
import { histories } from "./history.js";
import { hours } from "./hours.js";
import { listenToLinks } from "./links.js";
import { whenNear } from "./nearby.js";
import { own, ownWith } from "./own.js";
import { platforms } from "./platforms.js";
import { post } from "./post.js";
import { fewer, posts } from "./posts.js";
import { Reading } from "./reading.js";
import { reconnectWith, returning } from "./reconnect.js";
import * as session from "./session.js";
import { connect } from "./sharing.js";
import { read, write } from "./state.js";
import { subject } from "./subject.js";
import { telling, tellingWith } from "./telling.js";
import { listen } from "./tips.js";
import { today } from "./today.js";
import { toggle } from "./toggle.js";
import { reflect, tools } from "./tools.js";
import { types } from "./types.js";
import { enter as enterZone } from "./zone.js";

const warnings = (reading) => alerts(reading, access);
/**
 * Per kind of page: what is at the top and shown first, the rest, and, by the ids of their places, what is drawn when it comes near
 * the view: charts, own metrics, top posts, watched accounts and accounts, and what changes little: the next hours, and what many posts are read for.
 */
const SECTIONS = {
  workspace: { top: [warnings, filter, histories, figures, coverage, today], rest: [platforms], later: { charts, own, posts, among, accounts }, slow: { hours, types, "best-times": bestTimes, decay } },
  account: { top: [warnings, subject, histories, figures, coverage, today], rest: [], later: { charts, posts }, slow: { hours, types, "best-times": bestTimes, decay } },
  post: { top: [warnings, post], rest: [], later: {}, slow: {} },
  happened: { top: [warnings, happened], rest: [], later: {}, slow: {} },
};
const thresholds = (reading) => withThresholds(reading, access);
/** Per kind of page: what is read when the view is whole, because it is whole without it. */
const LAST = { workspace: [thresholds, telling, complete], account: [thresholds, complete], post: [thresholds], happened: [thresholds] };
const SLOW_MS = 60000;
const LATER_MS = 1000; // after the first view is whole: what it can be read without
const CALM_MS = 700; // events come in bursts: redraw once after each burst
const PATIENCE_MS = 4000; // and at least this often within a long burst

let api = null, access = null, view = read(), stream = null, wasDown = false, shown = null, known = new Map(), position = null;
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
  const kind = arrange();
  $("page").setAttribute("aria-busy", "true");
  await draw(reading, SECTIONS[kind].top, live);
  $("page").classList.remove("pending");
  await draw(reading, SECTIONS[kind].rest, live);
  await drawNear(SECTIONS[kind].later, live);
  if (reading.overtaken) return;
  known = new Map((await reading.everyAccount().catch(() => [])).map((account) => [account.accountId, account]));
  position = reading.position ?? position;
  stream?.resume(position);
  finish(reading, kind, live);
}

/** Draw the sections that many posts are read for. The page follows its stream before: an answer is never older than its request. */
async function finish(reading, kind, live) {
  if (!live || Date.now() - slowAt >= SLOW_MS) {
    slowAt = Date.now();
    await drawNear(SECTIONS[kind].slow, live);
  }
  if (reading.overtaken) return;
  busy = false;
  $("page").setAttribute("aria-busy", "false");
  if (wanted) { soon(); return; }
  setTimeout(() => { if (!reading.overtaken) draw(reading, LAST[kind], live); }, live ? 0 : LATER_MS);
}

/** Draw sections, by the ids of their places, when they come near the view: from the reading that is shown then. */
async function drawNear(sections, live) {
  await Promise.all(Object.entries(sections).map(([id, section]) => whenNear($(id), () => draw(shown, [section], live))));
}

/** Draw sections together; their errors are shown in one line. */
async function draw(reading, sections, live) {
  const said = [], errors = [];
  await Promise.all(sections.map(async (section) => {
    try {
      said.push(...await section(reading, live, change));
    } catch (error) {
      errors.push(error);
    }
  }));
  if (reading.overtaken) return;
  const refused = errors.find((error) => error.status === 401);
  if (refused) { leave(refused.message); return; }
  if (errors.length) reading.failed = true;
  if (errors.length || !reading.failed) complain(errors[0] ?? "");
  announce(said);
}

/** Show the controls and the places of the sections that the page of the view has; return its kind. */
function arrange() {
  const kind = pageOf(view);
  reflect(view);
  for (const part of document.querySelectorAll("[data-for]")) part.classList.toggle("elsewhere", !part.dataset.for.split(" ").includes(kind));
  return kind;
}

const pageOf = ({ account, post: id, page }) => (id ? "post" : page || (account ? "account" : "workspace"));

/** Make this reading the one whose answers are shown. */
function begun(reading) {
  if (shown) shown.overtaken = true;
  shown = reading;
  return reading;
}

function change(fields) {
  const range = "range" in fields || "by" in fields;
  if (range || "sort" in fields || "type" in fields || "q" in fields || "platform" in fields) fewer();
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

async function enter() {
  collect.stop();
  stream?.close();
  position = null;
  enterZone(access.workspaces.find(({ id }) => id === view.workspace)?.timeZone ?? "UTC");
  write(view, true);
  await look();
  if (api) follow();
}

/** Show the view of an address of this page. */
async function go(search, push = true) {
  const former = view;
  view = read(search);
  if (push) write(view);
  if (!api) return;
  if (view.workspace !== former.workspace || !$("gate").hidden) { await arrive(); return; }
  fewer();
  if (push && pageOf(view) !== pageOf(former)) scrollTo(0, 0);
  await look();
}

/** Enter the workspace of the view; without one, the first that the key opens. A workspace that it does not open stays shut. */
async function arrive() {
  const names = access.workspaces.map(({ id }) => id), opened = view.workspace ? names.includes(view.workspace) : names.length > 0;
  if (opened) view = { ...view, workspace: view.workspace || names[0] };
  render($("workspace"), access.workspaces.map(({ id, name }) => h("option", { value: id, selected: id === view.workspace }, name || id)));
  $("login").hidden = true;
  $("leave").hidden = false;
  $("gate").hidden = opened;
  for (const id of ["workspace-label", "collect", "stream", "page"]) $(id).hidden = !opened;
  if (opened) { await enter(); return; }
  shut();
  gate(view, access.workspaces);
}

/** Stop everything that belongs to the workspace that was shown. */
function shut() {
  stream?.close();
  collect.stop();
  if (shown) shown.overtaken = true;
  Object.assign($("alerts"), { hidden: true }).dataset.text = "";
  complain("");
}

/** Use a key: learn what it may do, and enter the workspace of the view. */
async function open(key) {
  api = new Api(key, waiting);
  try {
    access = await readAccess(api);
    session.keep(key);
    collect.use(api, access.scopes);
    reconnectWith(api, access.scopes);
    ownWith(api, access.scopes);
    happenedWith(api, access.scopes);
    tellingWith(api, access.scopes);
    await arrive();
  } catch (error) {
    if ([401, 403].includes(error.status)) leave(error.message);
    else { complain(error); setTimeout(() => open(key), 5000); }
  }
}

function leave(reason = "") {
  shut();
  session.forget();
  api = access = null;
  for (const id of ["page", "gate", "workspace-label", "collect", "stream", "leave"]) $(id).hidden = true;
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
  happenedChanges(change);
  returning(soon, complain);
  toggle(() => { if (api) look(); });
  $("login").addEventListener("submit", (event) => { event.preventDefault(); $("refused").textContent = ""; open($("key").value.trim()).then(() => { if (api) $("content").focus(); }); });
  $("workspace").addEventListener("change", () => { view = { ...view, workspace: $("workspace").value, account: "", post: "", platform: "" }; enter(); });
  $("collect").addEventListener("click", () => collect.start(new Reading(api, view).base));
  $("csv").addEventListener("click", () => download(api, new Reading(api, view), complain));
  listenToLinks(go);
  $("leave").addEventListener("click", () => leave());
  addEventListener("popstate", () => go(location.search, false));
  const key = session.take();
  if (!key) { leave(); return; }
  $("page").hidden = false; // the controls can be seen before the first answer
  arrange();
  open(key);
}

begin();
