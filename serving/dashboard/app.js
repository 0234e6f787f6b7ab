"use strict";
const $ = (id) => document.getElementById(id);
const DAY = 86400000;
const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
let key = "", workspace = "", source = null, cursor = "", handles = {}, retry = 0;

function escape(text) {
  const node = document.createElement("span");
  node.textContent = text ?? "";
  return node.innerHTML;
}

function say(text, bad) {
  $("state").textContent = text;
  $("state").className = bad ? "bad" : "soft";
}

async function call(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${key}` } });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.detail), { status: answer.status });
  return { body, cursor: answer.headers.get("Stream-Cursor") };
}

async function all(path) {
  let data = [], next = null, first = null;
  do {
    const { body, cursor: place } = await call(path + (next ? `&cursor=${encodeURIComponent(next)}` : ""));
    first ??= { meta: body.meta, cursor: place };
    data = data.concat(body.data);
    next = body.page.nextCursor;
  } while (next);
  return { data, ...first };
}

const day = (back) => new Date(Date.now() - back * DAY).toISOString().slice(0, 10);
const range = (from, to) => `startDate=${day(from)}&endDate=${day(to)}`;
const base = () => `/analytics/workspace/${encodeURIComponent(workspace)}`;

function byDay(documents, pick) {
  const days = new Map();
  for (const one of documents) {
    const value = pick(one.aggregatedMetrics);
    if (value === undefined || value === null) continue;
    const at = one.periodStart.slice(0, 10);
    days.set(at, (days.get(at) ?? 0) + value);
  }
  return [...days].sort();
}

// Sums, pooled rates and comparisons are the API's: a page that adds up by itself adds what must not be added.
function figure(title, name, totals) {
  const value = totals?.metrics[name], change = totals?.comparison?.changes[name];
  const unit = name === "engagementRate" ? " %" : "";
  let text = "no previous period", tone = "soft";
  if (change?.delta !== undefined) {
    const percent = change.deltaPercent === undefined ? "" : ` (${number.format(change.deltaPercent)} %)`;
    text = `${change.delta >= 0 ? "+" : ""}${number.format(change.delta)}${percent}`;
    tone = change.delta >= 0 ? "up" : "down";
    if (!totals.comparison.comparable) { text += ", not comparable: a period is open or partial"; tone = "soft"; }
  }
  return `<section class="card"><h2>${title}</h2><div class="big">${value === undefined ? "–" : number.format(value) + unit}</div>
    <div class="${tone}">${text}</div></section>`;
}

function draw(id, points, kind) {
  const style = getComputedStyle(document.documentElement);
  const ink = style.getPropertyValue("--soft"), accent = style.getPropertyValue("--accent"), line = style.getPropertyValue("--line");
  const trace = { x: points.map((p) => p[0]), y: points.map((p) => p[1]), type: kind, mode: "lines", line: { color: accent, width: 2 }, marker: { color: accent } };
  const axis = { gridcolor: line, color: ink, zeroline: false };
  Plotly.react(id, [trace], { margin: { l: 48, r: 8, t: 8, b: 32 }, paper_bgcolor: "transparent", plot_bgcolor: "transparent", font: { color: ink }, xaxis: { ...axis, type: "date" }, yaxis: { ...axis, type: "linear" } }, { displayModeBar: false, responsive: true });
}

const followersOf = (m) => m.followers;
const engagementOf = (m) => m.totalEngagement;

async function load() {
  const [now, sums, accounts, posts] = await Promise.all([
    all(`${base()}/aggregated?period=daily&limit=1000&${range(29, 0)}`),
    call(`${base()}/aggregated?period=custom&compare=previous&limit=1&${range(29, 0)}`),
    call(`${base()}/accounts`),
    call(`${base()}/posts?limit=10&sort=engagement`),
  ]);
  cursor = now.cursor ?? "";
  handles = Object.fromEntries(accounts.body.data.map((a) => [a.accountId, a.handle]));
  const figures = [["Followers", "followers"], ["Engagement, 30 days", "totalEngagement"],
    ["Engagement rate", "engagementRate"], ["Posts, 30 days", "postCount"]];
  $("figures").innerHTML = figures.map((f) => figure(...f, sums.body.totals?.[0])).join("");
  draw("followers", byDay(now.data, followersOf), "scatter");
  draw("engagement", byDay(now.data, engagementOf), "bar");
  const { expectedSlots, observedSlots } = now.meta.coverage;
  $("coverage").textContent = observedSlots < expectedSlots ? `Partial: ${number.format(observedSlots)} of ${number.format(expectedSlots)} hours were observed.` : "Complete: every hour was observed.";
  $("posts").innerHTML = "<tr><th>Post<th>Type<th>Published<th>Engagement<th>Rate</tr>" + posts.body.data.map((p) =>
    `<tr><td>${escape(p.platformPostId)}<td>${escape(p.contentType)}<td>${escape(p.publishedAt.slice(0, 10))}<td class="n">${p.metrics.engagement === undefined ? "–" : number.format(p.metrics.engagement)}<td class="n">${p.metrics.engagementRate === undefined ? "–" : number.format(p.metrics.engagementRate) + " %"}</tr>`).join("");
  $("accounts").innerHTML = "<tr><th>Account<th>Platform<th>State<th>Last collection</tr>" + accounts.body.data.map((a) =>
    `<tr id="account-${escape(a.accountId)}"><td>${escape(a.handle)}<td>${escape(a.platform)}<td class="${a.state === "active" ? "up" : "bad"}">${escape(a.state)}<td>${escape(a.lastCollectedAt?.slice(0, 16).replace("T", " ") ?? "never")}</tr>`).join("");
}

function note(event) {
  const data = JSON.parse(event.data);
  const list = $("live");
  if (!list.dataset.used) { list.innerHTML = ""; list.dataset.used = "1"; }
  const item = document.createElement("li");
  const values = Object.entries(data.metrics ?? {}).filter(([, v]) => typeof v === "number").slice(0, 4).map(([n, v]) => `${n} ${number.format(v)}`);
  item.textContent = `${new Date().toLocaleTimeString()}  ${event.type}  ${handles[data.accountId] ?? ""}  ${data.state ?? values.join(", ")}`;
  item.className = "marked";
  list.prepend(item);
  setTimeout(() => item.classList.remove("marked"), 2000);
  while (list.children.length > 50) list.lastChild.remove();
  const row = document.getElementById(`account-${data.accountId}`);
  row?.classList.add("marked");
  setTimeout(() => row?.classList.remove("marked"), 2000);
  cursor = event.lastEventId || cursor;
  if (event.type === "metrics:aggregated") { clearTimeout(retry); retry = setTimeout(() => load().catch(fail), 1000); }
  if (event.type === "collection:status" && data.operationId) progress(data.state);
}

async function follow() {
  source?.close();
  try {
    const { body } = await call("/analytics/stream/tickets", { method: "POST" });
    const query = new URLSearchParams({ workspaceId: workspace, ticket: body.ticket });
    if (cursor) query.set("lastEventId", cursor);
    source = new EventSource(`/analytics/stream?${query}`);
  } catch (error) {
    return again();
  }
  source.addEventListener("ping", () => say("Live"));
  for (const name of ["metrics:update", "metrics:post", "metrics:aggregated", "collection:status"]) source.addEventListener(name, note);
  source.addEventListener("reset", () => { cursor = ""; load().catch(fail); });
  // A ticket is good once: the browser's own reconnection would be refused.
  source.onerror = () => { source.close(); again(); };
}

function again() {
  say("Live updates are down; trying again", true);
  setTimeout(follow, 3000);
}

function progress(state) {
  const done = !["queued", "running"].includes(state);
  $("collect").disabled = !done;
  $("collect").textContent = done ? "Collect now" : `Collecting: ${state}`;
  if (done) load().catch(fail);
}

async function collect() {
  $("collect").disabled = true;
  try {
    const { body } = await call(`${base()}/collect`, { method: "POST" });
    let operation = body.data;
    while (["queued", "running"].includes(operation.state)) {
      $("collect").textContent = `Collecting: ${operation.state}`;
      await new Promise((resolve) => setTimeout(resolve, 1500));
      operation = (await call(`/analytics/operations/${operation.operationId}`)).body.data;
    }
    progress(operation.state);
    say(`Collection ${operation.state}`, operation.state === "failed");
  } catch (error) {
    $("collect").disabled = false;
    $("collect").textContent = "Collect now";
    fail(error);
  }
}

const fail = (error) => say(error.message, true);

async function open() {
  try {
    const { body } = await call("/analytics/workspaces");
    sessionStorage.setItem("key", key);
    $("workspace").innerHTML = body.data.map((w) => `<option>${escape(w.workspaceId)}</option>`).join("");
    workspace = body.data[0]?.workspaceId ?? "";
    $("login").hidden = true;
    for (const id of ["workspace", "collect", "page"]) $(id).hidden = false;
    await load();
    follow();
  } catch (error) {
    $("login").hidden = false;
    $("refused").textContent = key ? error.message : "";
    if (error.status === 401) sessionStorage.removeItem("key");
  }
}

$("login").addEventListener("submit", (event) => { event.preventDefault(); key = $("key").value.trim(); open(); });
$("workspace").addEventListener("change", () => { workspace = $("workspace").value; cursor = ""; load().then(follow).catch(fail); });
$("collect").addEventListener("click", collect);
const given = new URLSearchParams(location.hash.slice(1)).get("key");
if (given) history.replaceState(null, "", location.pathname);
key = given ?? sessionStorage.getItem("key") ?? "";
if (key) open(); else $("login").hidden = false;
