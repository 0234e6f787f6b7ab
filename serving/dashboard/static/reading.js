// The API reads of one redraw of the page; each read is requested once, however many sections use it.

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
    /** The stream position of the oldest answer: a stream that resumes here misses no event. */
    this.position = null;
    /** Set when a newer redraw has begun: the answers that arrive after that are not shown. */
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
      if (this.overtaken) throw new Error("A newer redraw has begun.");
      this.position = older(this.position, position);
      return body;
    });
  }

  async accounts() {
    return (await this._get("accounts", {})).data;
  }

  /** Return the platforms that have an account in the workspace, always in the same order. */
  async platforms() {
    return [...new Set((await this.accounts()).map((account) => account.platform))].sort();
  }

  /** Read one document per account over the range, the workspace's totals, and their comparison. */
  sums(platform = "") {
    const { from, to } = this.range;
    return this._get("aggregated", { period: "custom", compare: this.view.against, startDate: from, endDate: to, ...(platform && { platform }) }, EVERY_PAGE);
  }

  /** Read the workspace's or a platform's totals of every day, week or month. */
  series(platform = "") {
    const { from, chartTo, period } = this.range;
    return this._get("aggregated", { period, startDate: from, endDate: chartTo, limit: 1, ...(platform && { platform }) });
  }

  /** Read the present day: a document per account and the totals, and the totals of the previous day. */
  async today() {
    const [from, to] = [later(today(), -1), today()];
    const { data, totals } = await this._get("aggregated", { period: "daily", startDate: from, endDate: to }, EVERY_PAGE);
    const of = (rows, date) => rows.filter((row) => row.periodStart.startsWith(date));
    return { data: of(data, to), total: of(totals, to)[0], yesterday: of(totals, from)[0] };
  }

  /** Read the posts published in the range; `more` is true if there are too many to read all. */
  published() {
    return this._get("posts", { ...EVERY_POST, startDate: this.range.from, endDate: this.range.chartTo }, POST_PAGES);
  }

  /** Read the posts of the last 90 days; `more` is true if there are too many to read all. */
  lately() {
    const { to } = this.range;
    const from = new Date(Date.parse(to) - (HOURS_DAYS - 1) * 86400000).toISOString().slice(0, 10);
    return this._get("posts", { ...EVERY_POST, startDate: from, endDate: to }, POST_PAGES);
  }

  /** Read one page of the best posts of the range. */
  top(limit) {
    const { sort, type, platform } = this.view;
    return this._get("posts", { sort, limit, startDate: this.range.from, endDate: this.range.chartTo, ...(type && { contentType: type }), ...(platform && { platform }) });
  }
}

export { HOURS_DAYS };
