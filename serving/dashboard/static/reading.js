// The API reads of one redraw of the page; each read is requested once, however many sections use it.

import { breathe } from "./dom.js";
import { older } from "./stream.js";
import { dates, days, later, today } from "./state.js";

const POST_PAGES = 5;
const EVERY_PAGE = Infinity;
const PAGE = 1000;
const HOURS_DAYS = 90;
const MOST_DAYS = 400;
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

  /** Return the accounts that the view covers: all, those of one platform, or one. */
  async accounts() {
    const { account, platform } = this.view;
    return (await this.everyAccount()).filter((one) => (account ? one.accountId === account : !platform || one.platform === platform));
  }

  /** Return the platforms of the accounts that the view covers, always in the same order. */
  async platforms() {
    return [...new Set((await this.accounts()).map((account) => account.platform))].sort();
  }

  /** Return the parameters that limit a read of rollups to what the view covers, or to one platform of it. */
  async _scope(platform) {
    if (this.view.account) return { accountId: this.view.account };
    if (this.view.platform) return { platform: this.view.platform };
    return platform && (await this.platforms()).length > 1 ? { platform } : {};
  }

  /** Read one document per account over the range, the totals, and their comparison. */
  async sums(platform = "") {
    const [document] = await this._rollupsOf(platform, () => this.sums());
    if (document?.coverage.expectedSlots) return { data: [document], totals: [asTotal(document)] };
    const { from, to } = this.range;
    return this._get("aggregated", { period: "custom", compare: this.view.against, startDate: from, endDate: to, ...await this._scope(platform) }, EVERY_PAGE);
  }

  /** Read the totals of every day, week or month. */
  async series(platform = "") {
    const { from, chartTo, period } = this.range, params = { period, startDate: from, endDate: chartTo };
    if (!(await this._eachAlone())) return this._get("aggregated", { ...params, limit: 1, ...await this._scope(platform) });
    if (!platform) return this._get("aggregated", { ...params, ...await this._scope("") }, EVERY_PAGE);
    return { totals: (await this._rollupsOf(platform, () => this.series())).map(asTotal) };
  }

  /** Tell whether each platform has one account, and few enough rollups that one read of them all is the cheapest. */
  async _eachAlone() {
    const accounts = await this.accounts(), platforms = await this.platforms();
    return accounts.length === platforms.length && accounts.length * (days(this.range.from, this.range.chartTo) + 1) <= PAGE;
  }

  /** Return a platform's rollups out of a read of all accounts, if it has one account: then they are the platform's totals. */
  async _rollupsOf(platform, read) {
    const found = platform ? (await this.accounts()).filter((one) => one.platform === platform) : [];
    if (found.length !== 1) return [];
    return (await read()).data.filter((one) => one.accountId === found[0].accountId);
  }

  /** Read the present day: a document per account and the totals, and the totals of the previous day. */
  async today() {
    const [from, to] = [later(today(), -1), today()], { range } = this;
    const within = range.period === "daily" && range.from <= from && range.chartTo === to && await this._eachAlone();
    const params = { period: "daily", startDate: from, endDate: to, ...await this._scope("") };
    const { data, totals } = await (within ? this.series() : this._get("aggregated", params, EVERY_PAGE));
    const of = (rows, date) => rows.filter((row) => row.periodStart.startsWith(date));
    return { data: of(data, to), total: of(totals, to)[0], yesterday: of(totals, from)[0] };
  }

  async _posts(from, to) {
    const { account, platform } = this.view;
    const { data, more } = await this._get("posts", { ...EVERY_POST, startDate: from, endDate: to, ...(!account && platform && { platform }) }, POST_PAGES);
    return { data: account ? data.filter((post) => post.accountId === account) : data, more };
  }

  /** Read the posts published in the range, today included if it follows; `more` is true if there are too many to read all. */
  async published() {
    const { from, chartTo } = this.range;
    if (from < this._latelyFrom()) return this._posts(from, chartTo);
    const { data, more } = await this.lately();
    return { data: data.filter((post) => post.publishedAt.slice(0, 10) >= from), more };
  }

  /** Read the posts of the last 90 days; `more` is true if there are too many to read all. */
  lately() {
    return this._posts(this._latelyFrom(), this.range.chartTo);
  }

  _latelyFrom() {
    return later(this.range.to, 1 - HOURS_DAYS);
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

/** Return the rollup of a platform's only account in the form of the platform's total. */
function asTotal({ aggregatedMetrics: metrics, periodStart, periodEnd, unavailable, coverage, status, comparison }) {
  return { metrics, periodStart, periodEnd, unavailable, coverage, status, comparison, missing: {} };
}

export { HOURS_DAYS };
