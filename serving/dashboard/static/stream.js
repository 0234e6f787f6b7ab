// A stream of server-sent events: opened with a ticket, resumed at the last event, and reported as down when it is.

import { ApiError } from "./api.js";

const EVENTS = ["metrics:update", "metrics:post", "metrics:aggregated", "collection:status", "alert:fired", "anomaly:opened", "anomaly:updated", "anomaly:closed", "post:breakout", "outlook:updated", "benchmark:updated"];
const FIRST_SECONDS = 1;
const MOST_SECONDS = 15;
const SILENCE_SECONDS = 75; // the server pings every 30 s

/** Tell whether a stream position comes after another one. */
export function isAfter(a, b) {
  const [x, y] = [a, b].map((id) => id.split("-").map(Number));
  return x[0] > y[0] || (x[0] === y[0] && x[1] > y[1]);
}

/** Return the older of two stream positions; null means no position. */
export function older(a, b) {
  if (!a || !b) return a ?? b;
  return isAfter(a, b) ? b : a;
}

export class Stream {
  /** `handlers`: onEvent(name, data, id), onReset(), onState({state, seconds}), onRefused(error). */
  constructor(api, workspace, position, handlers) {
    Object.assign(this, { _api: api, _workspace: workspace, _position: position, _on: handlers, _wait: FIRST_SECONDS, _source: null, _timer: 0, _closed: false });
    this._hurry = () => { if (this._timer) this._again(0); };
    addEventListener("online", this._hurry);
    this._open();
  }

  /** The id of the last event, or null if the stream lost its place. */
  get position() {
    return this._position;
  }

  /** Set the position to resume from, if the stream lost its place. */
  resume(position) {
    this._position ??= position;
  }

  close() {
    this._closed = true;
    this._drop();
    removeEventListener("online", this._hurry);
  }

  _drop() {
    clearTimeout(this._timer);
    clearTimeout(this._silence);
    this._timer = 0;
    this._source?.close();
  }

  async _open() {
    this._timer = 0;
    this._on.onState({ state: "connecting" });
    try {
      const ticket = await this._api.ticket();
      if (!this._closed) this._follow(ticket);
    } catch (error) {
      if (this._closed) return;
      if (error instanceof ApiError && [401, 403].includes(error.status)) this._on.onRefused(error);
      else this._down(error.retryAfter);
    }
  }

  _follow(ticket) {
    const query = new URLSearchParams({ workspaceId: this._workspace, ticket });
    if (this._position) query.set("lastEventId", this._position);
    const source = this._source = new EventSource(`/analytics/stream?${query}`);
    source.addEventListener("ping", () => this._alive());
    for (const name of EVENTS) source.addEventListener(name, (event) => this._event(name, event));
    source.addEventListener("reset", () => { this._position = null; this._on.onReset(); });
    // A ticket is valid once, so the browser's own reconnection would be refused.
    source.onerror = () => this._down();
    this._listen();
  }

  _event(name, event) {
    if (event.lastEventId) this._position = event.lastEventId;
    this._alive();
    this._on.onEvent(name, JSON.parse(event.data), event.lastEventId);
  }

  _alive() {
    this._wait = FIRST_SECONDS;
    this._on.onState({ state: "live" });
    this._listen();
  }

  /** Restart the time-out that detects a connection that broke without an error. */
  _listen() {
    clearTimeout(this._silence);
    this._silence = setTimeout(() => this._down(), 1000 * SILENCE_SECONDS);
  }

  _down(least = 0) {
    if (this._closed) return;
    const seconds = Math.max(this._wait, least || 0);
    this._wait = Math.min(2 * seconds, MOST_SECONDS);
    this._on.onState({ state: "down", seconds });
    this._again(seconds * (0.8 + 0.4 * Math.random()));
  }

  _again(seconds) {
    this._drop();
    this._timer = setTimeout(() => this._open(), 1000 * seconds);
  }
}
