// The API reads of one redraw of the page; each read is requested once, however many sections use it.

import { breathe } from "./dom.js";
import { older } from "./stream.js";
import { dates, iso, later, today } from "./state.js";
import { dateOf } from "./zone.js";

const POST_PAGES = 5;
const EVERY_PAGE = Infinity;
const MOST_DAYS = 400;
const CHARTED = ["followers", "followerGrowth", "totalEngagement", "engagementRate", "totalImpressions", "totalViews", "totalClicks", "postCount"];
const BENCHMARKED = ["followers", "posts", "shareOfEngagement"];
const PERIODS = 12; // of the history of benchmarks
const EVERY_POST = { sort: "publishedAt" };

export class Reading {
  constructor(api, view) {
    this._api = api;
    this._asked = new Map();
    this.view = view;
    this.range = dates(view);
    this.base = `/analytics/workspace/${encodeURIComponent(view.workspace)}`;
    /** The stream position of the oldest answer: a stream that resumes here misses no event. */
    this.position = null;
    /** Set when a newer redraw has begun: the answers that arrive after that are not shown. */
    this.overtaken = false;
    /** Set when a section could not be drawn. */
    this.failed = false;
  }

  _once(key, ask) {
    if (!this._asked.has(key)) this._asked.set(key, ask());
    return this._asked.get(key);
  }

  _get(what, params, pages = 0) {
    return this._read(`${this.base}/${what}`, params, pages);
  }

  /** Each section goes on in a task of its own: all that wait for one answer would else be one long task. */
  async _read(path, params, pages) {
    const body = await this._once(`${path}?${new URLSearchParams(params)}`, async () => {
      const { body: answered, position } = await (pages ? this._api.all(path, params, pages) : this._api.get(path, params));
      this.position = older(this.position, position);
      return answered;
    });
    await breathe();
    if (this.overtaken) throw new Error("A newer redraw has begun.");
    return body;
  }

  /** Read the accounts of the workspace. */
  async everyAccount() {
    return (await this._get("accounts", {})).data;
  }

  /** Read the alerts by thresholds of the workspace; those over accounts that the view does not cover are left out. */
  async thresholds() {
    const covered = new Set((await this.accounts()).map((one) => one.accountId));
    return (await this._get("alerts", {})).data.filter((one) => !one.accountIds || one.accountIds.some((id) => covered.has(id)));
  }

  /** Read which anomalies of the workspace are told, and where to; undefined if nobody is told of any. */
  async told() {
    return (await this._get("alerts", {})).anomalies;
  }

  /** Return the accounts that the view covers: all, those of one platform, or one. */
  async accounts() {
    const { account, platform } = this.view;
    return (await this.everyAccount()).filter((one) => (account ? one.accountId === account : !platform || one.platform === platform));
  }

  /** Return the platforms of the accounts that the view covers, always in the same order. */
  async platforms() {
    return [...new Set((await this.accounts()).map((account) => account.platform))].sort();
  }

  /** Return the parameters that limit a read of rollups to what the view covers. */
  _scope() {
    if (this.view.account) return { accountId: this.view.account };
    return this.view.platform ? { platform: this.view.platform } : {};
  }

  /** Read one document per account over the range, the totals, and their comparison: of all accounts, or of a platform. */
  async sums(platform = "") {
    const { from, to } = this.range;
    const answer = await this._get("aggregated", { period: "custom", compare: this.view.against, groupBy: "platform", startDate: from, endDate: to, ...this._scope() }, EVERY_PAGE);
    const of = (rows) => rows.filter((row) => row.platform === platform);
    return platform ? { ...answer, data: of(answer.data), totals: of(answer.groups) } : answer;
  }

  /** Read the values of every day, week or month: `{periods, overall, series}`, where `series` are those of each platform. */
  async series() {
    const { from, chartTo, interval } = this.range;
    return (await this._get("series", { metrics: CHARTED.join(), interval, groupBy: "platform", startDate: from, endDate: chartTo, ...this._scope() })).data;
  }

  /** Read what was out of the ordinary in the range, today included if it follows, newest first; the newest thousand at most. */
  async anomalies() {
    const { view: { account, platform }, range: { from, chartTo } } = this;
    const { data } = await this._get("anomalies", { startDate: from, endDate: chartTo, limit: 1000, ...(account && { accountId: account }) });
    return platform ? data.filter((one) => one.platform === platform) : data;
  }

  /** Read the breakouts of a post, however old it is. */
  async breakouts(post) {
    const last = today();
    return (await this._get("anomalies", { postId: post, startDate: later(last, 1 - MOST_DAYS), endDate: last })).data;
  }

  /** Read what is forecast of a metric of the account of the view, or of the sum of the workspace; undefined if there is nothing. */
  async forecast(metric, horizon) {
    const { account } = this.view, { data } = await this._get("forecasts", { metric, horizon, ...(account && { accountId: account }) });
    return account ? data.forecasts[0] : data.workspace;
  }

  /** Read what is forecast of a metric in the next two days, by hour, of the account of the view or of the sum of the workspace. */
  async hoursAhead(metric) {
    const { account } = this.view, { data } = await this._get("forecasts/hours", { metric, ...this._account() });
    return account ? data.forecasts[0] : data.workspace;
  }

  /** Read metrics by hour, from the beginning of the day before yesterday on. */
  async lastHours(metrics) {
    const last = today();
    return (await this._get("series", { metrics: metrics.join(), interval: "hourly", startDate: later(last, -2), endDate: last, ...this._account() })).data;
  }

  /** Read what is said of the posts of each account: their best times, how they age, and what becomes of the young ones. */
  async bestTimes() {
    return (await this._get("best-times", this._account())).data;
  }

  async decay() {
    return (await this._get("decay", this._account())).data;
  }

  async outlooks(post = "") {
    return (await this._get("outlooks", post ? { postId: post } : this._account())).data;
  }

  _account() {
    return this.view.account ? { accountId: this.view.account } : {};
  }

  /** Read the definitions of the workspace's own metrics, with all versions; retired ones are left out. */
  async definitions() {
    return (await this._get("definitions", {})).data.filter((one) => !one.retiredAt);
  }

  /** Read own metrics by their names: over the range as a whole, or one of them by day, week or month and platform. */
  async ownTotals(names) {
    const { from, to } = this.range;
    return (await this._get("series", { metrics: names.join(), interval: "custom", startDate: from, endDate: to, ...this._scope() })).data;
  }

  async ownSeries(name) {
    const { from, chartTo, interval } = this.range;
    return (await this._get("series", { metrics: name, interval, groupBy: "platform", startDate: from, endDate: chartTo, ...this._scope() })).data;
  }

  /** Read the watched accounts of the workspace: `{data, meta}`. */
  watched() {
    return this._get("watched", {});
  }

  /** Read what watched accounts of a platform had in each week or month: those of nearly a year that ends with the range. */
  async benchmarkSeries(platform, interval) {
    const { chartTo } = this.range;
    return (await this._get("series", { scope: "benchmarks", metrics: BENCHMARKED.join(), interval, platform, startDate: firstOf(chartTo, interval), endDate: chartTo })).data;
  }

  /** Read the comparison of the groups of a platform in one period. */
  async benchmarks(platform, period, { start, end }) {
    return (await this._get("benchmarks", { period, platform, startDate: dateOf(start), endDate: dateOf(Date.parse(end) - 1) }, EVERY_PAGE)).data;
  }

  /** Read the totals of the present day and of the previous day: out of the charts' values, if those are of these days. */
  async today() {
    const [from, to] = yesterdayAndToday(), { range } = this;
    if (range.interval !== "daily" || range.from > from || range.chartTo !== to) {
      const { totals } = await this._latestDays(), of = (date) => totals.find((row) => row.periodLabel === date);
      return { total: of(to), yesterday: of(from) };
    }
    const series = await this.series();
    return { total: totalOf(series, to), yesterday: totalOf(series, from) };
  }

  /** Read the rollups of the accounts on the present day. */
  async accountsToday() {
    return (await this._latestDays()).data.filter((row) => row.periodLabel === today());
  }

  _latestDays() {
    const [from, to] = yesterdayAndToday();
    return this._get("aggregated", { period: "daily", startDate: from, endDate: to, ...this._scope() }, EVERY_PAGE);
  }

  async _posts(from, to) {
    const { account, platform } = this.view;
    const { data, more } = await this._get("posts", { ...EVERY_POST, startDate: from, endDate: to, ...(!account && platform && { platform }) }, POST_PAGES);
    return { data: account ? data.filter((post) => post.accountId === account) : data, more };
  }

  /** Read the posts published in the range, today included if it follows; `more` is true if there are too many to read all. */
  published() {
    return this._posts(this.range.from, this.range.chartTo);
  }

  /** Read one page of the best posts of the range. */
  async top(limit) {
    const { sort, type, platform, account, q } = this.view;
    if (account && !q) return this._topOfAccount(sort, type, limit);
    const subject = account ? { accountId: account } : platform && { platform };
    return this._get("posts", { sort, limit, startDate: this.range.from, endDate: this.range.chartTo, ...(type && { contentType: type }), ...subject, ...(q && { q }) });
  }

  /** Sort the posts of one account here, out of those that the page reads anyway; the API searches their captions. */
  async _topOfAccount(sort, type, limit) {
    const value = (post) => (sort === "publishedAt" ? Date.parse(post.publishedAt) : post.metrics[sort] ?? -Infinity);
    const found = (await this.published()).data.filter((post) => !type || post.contentType === type).toSorted((a, b) => value(b) - value(a));
    return { data: found.slice(0, limit), page: { hasMore: found.length > limit } };
  }

  /** Read a post with its observations, as far back as the API allows. */
  async post() {
    const path = `/analytics/post/${encodeURIComponent(this.view.post)}/metrics`;
    return (await this._read(path, { startDate: later(today(), 1 - MOST_DAYS), endDate: today(), limit: 1000 })).data;
  }
}

/** Return a day of the first one of the weeks or months whose last one holds a date. */
function firstOf(date, interval) {
  if (interval === "weekly") return later(date, 7 * (1 - PERIODS));
  const [year, month] = date.split("-").map(Number);
  return iso(Date.UTC(year, month - PERIODS, 1));
}

const yesterdayAndToday = () => [later(today(), -1), today()];

/** Return the values of one day in the form of a total; undefined if no account was expected on it. */
function totalOf({ periods, overall }, date) {
  const i = periods.findIndex(({ label }) => label === date);
  if (i < 0 || overall[0].status[i] === null) return undefined;
  const byMetric = (value) => Object.fromEntries(overall.map((one) => [one.metric, value(one)]).filter(([, found]) => found !== undefined));
  return { metrics: byMetric(({ values }) => values[i] ?? undefined), unavailable: byMetric((one) => one.unavailable[i]), missing: byMetric((one) => one.missing[i]) };
}
