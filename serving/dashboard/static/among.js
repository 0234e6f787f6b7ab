// The section that compares own accounts with watched ones by public numbers: what to compare, and what is not comparable.

import { frame, label } from "./charts.js";
import { $, choice, h, render } from "./dom.js";
import { isolate, platform as named, plural } from "./format.js";
import { METRICS, ranking } from "./ranking.js";
import { library } from "./plot.js";
import { rhythm, typesOfPosts } from "./rhythm.js";
import { sharesOfEngagement } from "./shares.js";

const CHARTS = [{ id: "among-shares", title: "Share of engagement" }, { id: "among-rhythm", title: "Posting rhythm" }];
const INTERVALS = [["weekly", "Weeks"], ["monthly", "Months"]];
const LIST = new Intl.ListFormat("en");
const STATUS = { open: ", not over", partial: ", partly read" };
/** By which metric accounts are ranked until a person chooses one: the first of these that somebody has. */
const USUAL = ["engagementPer1000Followers", "engagementPerPost", "followers"];

/** What a person chose; empty until then. A choice that the data does not have is passed over, and remembered. */
const chosen = { group: "", interval: "weekly", period: "", metric: "" };
let latest = null, drawings = 0;

/** Draw the section from the watched accounts of the platforms that the view covers. */
export async function among(reading, live) {
  const drawing = drawings += 1;
  latest = reading;
  const { data, meta } = await reading.watched(), { view } = reading;
  const watched = data.filter(({ platform }) => (!view.platform || platform === view.platform) && !meta.platformsOff.includes(platform));
  const off = meta.platformsOff.filter((name) => !view.platform || name === view.platform);
  if (!watched.length) return without(nobody(view, data, (await reading.platforms())[0] ?? "PLATFORM"), live);
  const groups = groupsOf(watched), group = groups.find(({ key }) => key === chosen.group) ?? groups.toSorted((a, b) => b.weight - a.weight)[0];
  const [series] = await Promise.all([reading.benchmarkSeries(group.platform, chosen.interval), library()]);
  const columns = columnsOf(series, group), known = columns ? knownPeriods(series.periods, columns) : [];
  if (drawing !== drawings) return []; // a newer choice is being drawn
  if (!series.periods.length) return without(h("p.empty", {}, "Nothing of this time has begun."), live);
  const at = known.find((i) => series.periods[i].start === chosen.period) ?? usual(columns, known) ?? series.periods.length - 1, period = series.periods[at];
  const found = (await reading.benchmarks(group.platform, chosen.interval, period)).find((one) => (one.group ?? "") === group.name);
  if (reading.overtaken || drawing !== drawings || !found) return []; // without the group, a newer list of groups follows
  if (!$("among-ranking")) render($("among"), skeleton());
  choices(groups, group, series.periods, known, columns, at);
  const metric = metricOf(found);
  metrics(metric);
  const said = render($("among-ranking"), [known.length ? null : waiting(watched, group), ranking(found, metric), found.accounts.some(({ own }) => own) ? null : strangers(group, view)], live);
  for (const { id } of CHARTS) $(`plot-${id}`).closest("section").hidden = !known.length;
  $("among-types").hidden = !known.length;
  if (known.length) {
    sharesOfEngagement(series.periods, known, columns, found);
    rhythm(series.periods, known, columns, found);
    render($("among-types"), typesOfPosts(found, label(period)));
  }
  render($("among-notes"), notes(found, off));
  return said;
}

/** Draw the section again with another choice, from what is read already where that has it. */
async function choose(fields) {
  Object.assign(chosen, fields);
  if (latest.overtaken) return; // the page is being drawn, and this section with it
  try {
    render($("among-fault"), []);
    await among(latest, false);
  } catch (error) {
    if (!latest.overtaken) render($("among-fault"), h("p.bad", {}, error.message));
  }
}

const title = () => h("h2", { id: "among-title" }, "Compared with others");

function skeleton() {
  return [
    h("div.head", {}, title(), h("span.grow", {}), h("div.pair", { id: "among-choices" })),
    h("div", { id: "among-fault", role: "alert" }),
    h("div.pair", { id: "among-metric" }),
    h("div", { id: "among-ranking" }),
    h("div.halves", {}, CHARTS.map(frame)),
    h("div", { id: "among-types" }),
    h("div", { id: "among-notes" }),
  ];
}

/** Show the section without numbers. */
function without(nodes, live) {
  return render($("among"), [title(), nodes], live);
}

/** Say that nobody is watched, or only on platforms that are off, and how that is changed, with a platform as an example. */
function nobody({ workspace, platform }, data, example) {
  const off = [...new Set(data.map((one) => one.platform))].filter((name) => !platform || name === platform);
  if (off.length) return h("p.empty", {}, `The workspace switched ${LIST.format(off.map(named))} off for watching. `, h("code", {}, `tidemark watch on ${workspace} ${off[0]}`), " ends that.");
  if (data.length) return h("p.empty", {}, `No account on ${named(platform)} is watched.`);
  return h("div.empty", {},
    h("p", {}, "No account is watched yet. Watch accounts of others, such as competitors, and this section shows where your own accounts stand among them, by what everybody sees of both."),
    h("p", {}, "At the command line: ", h("code", {}, `tidemark watch add ${workspace} ${example} @their.handle --group competitors`)),
    h("p", {}, "Over HTTP, with a key of the scope “admin”: ", h("code", {}, `PUT /analytics/workspace/${workspace}/watched/${example}/their.handle`), " with ", h("code", {}, '{"group": "competitors"}')));
}

/**
 * Return the groups by name and platform; the one with own accounts and the most others has the most weight. As in the API, an own
 * account without a group that is read stands in every group of its platform, and makes none of its own where there are groups.
 */
function groupsOf(watched) {
  const key = ({ platform, group = "" }) => `${platform}|${group}`;
  const grouped = new Set(watched.filter(({ group }) => group).map(({ platform }) => platform));
  const everywhere = (platform) => watched.filter((one) => one.platform === platform && one.own && !one.group && one.state !== "off");
  const found = [...Map.groupBy(watched, key)].filter(([, some]) => some[0].group || !grouped.has(some[0].platform) || some.some(({ own }) => !own));
  return found.map(([of, members]) => {
    const { platform, group: name = "" } = members[0], some = name ? [...members, ...everywhere(platform)] : members;
    const own = some.some((one) => one.own), active = some.filter((one) => one.state === "active").length;
    return { key: of, platform, name, weight: 1000 * Math.min(active, 1) + 500 * own + some.length, text: `${name ? isolate(name) : "Without a group"} on ${named(platform)}` };
  }).toSorted((a, b) => a.text.localeCompare(b.text));
}

/** Return the series of a group by metric, with its status by period; undefined if it is not among them. */
function columnsOf({ benchmarks }, { name }) {
  const of = benchmarks.filter((one) => (one.group ?? "") === name);
  return of.length ? { status: of[0].status, ...Object.fromEntries(of.map((one) => [one.metric, one])) } : undefined;
}

/** Return the places of the periods from the first one on in which anything is known of an account. */
function knownPeriods(periods, columns) {
  const all = periods.map((_, i) => i), first = all.find((i) => isKnown(columns, i));
  return first === undefined ? [] : all.slice(first);
}

const isKnown = (columns, i) => ["followers", "posts", "shareOfEngagement"].some((name) => columns[name].accounts.some(({ values }) => values[i] !== null));

const isCompared = (columns, i) => columns.followers.accounts.some(({ values, leftOut }) => values[i] !== null && !leftOut[i]);

/**
 * Return the place of the newest period with accounts that can be compared or, without any, with numbers at all. Of
 * those, one that is over has precedence.
 */
function usual(columns, known) {
  const newest = (is) => {
    const found = known.filter((i) => is(columns, i));
    return found.findLast((i) => columns.status[i] !== "open") ?? found.at(-1);
  };
  return newest(isCompared) ?? newest(isKnown);
}

function choices(groups, group, periods, known, columns, at) {
  render($("among-choices"), [
    groups.length > 1 ? choice("among-group", "Group and platform", groups.map(({ key, text }) => [key, text]), group.key, (key) => choose({ group: key })) : h("span.soft", {}, group.text),
    choice("among-interval", "Weeks or months", INTERVALS, chosen.interval, (interval) => choose({ interval, period: "" })),
    known.length ? choice("among-period", "Period of the ranking", known.toReversed().map((i) => [periods[i].start, label(periods[i]) + (STATUS[columns.status[i]] ?? "")]), periods[at].start, (period) => choose({ period })) : null,
  ]);
}

function metricOf({ accounts }) {
  return chosen.metric || (USUAL.find((name) => accounts.some(({ numbers }) => numbers[name] !== undefined)) ?? USUAL.at(-1));
}

function metrics(metric) {
  render($("among-metric"), h("label.choice", { for: "among-by" }, "Ranked by ", choiceOf(metric)));
}

function choiceOf(metric) {
  return h("select", { id: "among-by", onchange: (event) => choose({ metric: event.target.value }) }, Object.entries(METRICS).map(([name, { title: text }]) => h("option", { value: name, selected: name === metric }, text)));
}

/** Say why nothing is known of a group yet. */
function waiting(watched, { platform, name }) {
  const some = watched.filter((one) => one.platform === platform && (one.group ?? "") === name), pending = some.filter(({ state }) => state === "pending");
  if (pending.length) return h("p.empty", {}, `${plural(pending.length, "account waits", "accounts wait")} for the first reading: public numbers are read once a day.`);
  return h("p.empty", {}, "No number of these accounts is known in this time. History begins on the first day of watching.");
}

/** Say that no own account is in a group, and how one comes into it. */
function strangers({ platform, name }, { workspace }) {
  const into = name ? ` --group ${/^[\w.-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`}` : "";
  return h("p.small", {}, "No account of yours is in this group. ", h("code", {}, `tidemark watch add ${workspace} ${platform} HANDLE${into} --own ACCOUNT_ID`), " puts one there.");
}

/** Say what is compared, and what is not comparable. */
function notes({ platform, engagementParts, notes: said, accounts }, off) {
  const hidden = accounts.reduce((sum, one) => sum + one.hiddenPosts, 0);
  return [
    h("h3", {}, "What is not comparable"),
    h("p", {}, "Own accounts are compared by what everybody sees of them, as the others are: their insights are in no number here, so numbers differ from those above.",
      engagementParts.length ? ` Engagement on ${named(platform)} is the sum of ${LIST.format(engagementParts)}.` : ""),
    h("ul", {}, said.map((note) => h("li", {}, note)),
      hidden ? h("li", {}, `${plural(hidden, "post has", "posts have")} hidden likes in the period of the ranking, and are in no engagement.`) : null,
      off.length ? h("li", {}, `Switched off for watching: ${off.map(named).join(", ")}.`) : null),
  ];
}
