// The reads of one look at the page: each is asked for once, however many sections show it.

import { older } from "./stream.js";
import { dates, later, today } from "./state.js";

const POST_PAGES = 5;
const EVERY_PAGE = Infinity;
const HOURS_DAYS = 90;
const EVERY_POST = { sort: "publishedAt" };

export class Reading {
  constructor(api, view) {
    this._api = api;
    this._asked = new Map();
    this.view = view;
    this.range = dates(view);
    this.base = `/analytics/workspace/${encodeURIComponent(view.workspace)}`;
    /** Where the oldest of the answers stood: a stream that resumes here leaves no gap. */
    this.position = null;
    /** Set by whoever has begun a newer look: what arrives now is not shown any more. */
    this.overtaken = false;
  }

  _once(key, ask) {
    if (!this._asked.has(key)) this._asked.set(key, ask());
    return this._asked.get(key);
  }

  _get(what, params, pages = 0) {
    const path = `${this.base}/${what}`;
    return this._once(`${what}?${new URLSearchParams(params)}`, async () => {
      const { body, position } = await (pages ? this._api.all(path, params, pages) : this._api.get(path, params));
      if (this.overtaken) throw new Error("A newer look has begun.");
      this.position = older(this.position, position);
      return body;
    });
  }

  async accounts() {
    return (await this._get("accounts", {})).data;
  }

  /** The platforms that have an account here, in the same order everywhere. */
  async platforms() {
    return [...new Set((await this.accounts()).map((account) => account.platform))].sort();
  }

  /** One document per account over the range, the workspace's totals, and their comparison. */
  sums(platform = "") {
    const { from, to } = this.range;
    return this._get("aggregated", { period: "custom", compare: "previous", startDate: from, endDate: to, ...(platform && { platform }) }, EVERY_PAGE);
  }

  /** The workspace's or a platform's totals of every day, week or month. */
  series(platform = "") {
    const { from, chartTo, period } = this.range;
    return this._get("aggregated", { period, startDate: from, endDate: chartTo, limit: 1, ...(platform && { platform }) });
  }

  /** The day under way: a document per account and the totals, with those of the day before beside them. */
  async today() {
    const [from, to] = [later(today(), -1), today()];
    const { data, totals } = await this._get("aggregated", { period: "daily", startDate: from, endDate: to }, EVERY_PAGE);
    const of = (rows, date) => rows.filter((row) => row.periodStart.startsWith(date));
    return { data: of(data, to), total: of(totals, to)[0], yesterday: of(totals, from)[0] };
  }

  /** All posts published in the range; `more` where there are too many to read. */
  published() {
    return this._get("posts", { ...EVERY_POST, startDate: this.range.from, endDate: this.range.chartTo }, POST_PAGES);
  }

  /** All posts of the last 90 days. */
  lately() {
    const { to } = this.range;
    const from = new Date(Date.parse(to) - (HOURS_DAYS - 1) * 86400000).toISOString().slice(0, 10);
    return this._get("posts", { ...EVERY_POST, startDate: from, endDate: to }, POST_PAGES);
  }

  /** The best posts of the range, one page of them. */
  top(limit) {
    const { sort, type, platform } = this.view;
    return this._get("posts", { sort, limit, startDate: this.range.from, endDate: this.range.chartTo, ...(type && { contentType: type }), ...(platform && { platform }) });
  }
}

export { HOURS_DAYS };
