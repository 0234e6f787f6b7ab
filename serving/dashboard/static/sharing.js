// One stream for all tabs of this browser that show the same workspace with the same key. Over HTTP/1.1 a browser has six
// connections to a server, so a stream in each tab would leave none for the seventh.
//
// Leader election with a Web Lock: the tab that holds the lock has the stream, and passes its events on over a
// BroadcastChannel. When that tab closes, the browser gives the lock to another tab, which resumes after the last event
// that it has seen.

import { ApiError } from "./api.js";
import { isAfter, Stream } from "./stream.js";

const MOST_KEPT = 500; // events that a tab keeps for tabs that open later
const SILENCE_SECONDS = 100; // a leader passes on the server's ping, which comes every 30 s

/**
 * Follow a workspace from a position on; `handlers` are those of a `Stream`. If the browser lacks the needed APIs, as
 * outside a secure context, the tab opens a stream of its own.
 */
export function connect(api, workspace, position, handlers) {
  const able = navigator.locks && "BroadcastChannel" in globalThis && crypto.subtle;
  return able ? new SharedStream(api, workspace, position, handlers) : new OwnStream(api, workspace, position, handlers);
}

/** A stream of one tab, which is closed while the tab is hidden. */
class OwnStream {
  constructor(api, workspace, position, handlers) {
    Object.assign(this, { _args: [api, workspace], _seen: position, _on: handlers, _stream: null });
    this._look = () => (document.visibilityState === "hidden" ? this._pause() : this._go());
    document.addEventListener("visibilitychange", this._look);
    this._look();
  }

  close() {
    document.removeEventListener("visibilitychange", this._look);
    this._pause();
  }

  resume(position) {
    this._seen ??= position;
    this._stream?.resume(position);
  }

  _go() {
    this._stream ??= new Stream(...this._args, this._seen, this._on);
  }

  _pause() {
    this._seen = this._stream?.position ?? this._seen;
    this._stream?.close();
    this._stream = null;
  }
}

/** A tab's part in a shared stream: it is the leader, which has the stream, or a follower of the leader. */
class SharedStream {
  constructor(api, workspace, position, handlers) {
    Object.assign(this, { _api: api, _workspace: workspace, _on: handlers, _tab: crypto.randomUUID(), _closed: false });
    // The events after `_from` up to `_seen` are kept, so that a tab that opens later gets them.
    Object.assign(this, { _seen: position, _from: position, _kept: [] });
    // Events wait in `_waiting` until the leader has sent the earlier ones in its `welcome`.
    Object.assign(this, { _own: null, _state: { state: "connecting" }, _welcome: false, _waiting: [], _heardAt: 0, _timer: 0 });
    this._check = () => this._checkLeader();
    this._on.onState(this._state);
    this._begin();
  }

  close() {
    this._closed = true;
    document.removeEventListener("visibilitychange", this._check);
    clearTimeout(this._timer);
    this._own?.close();
    this._request?.abort();
    this._release?.();
    this._channel?.close();
  }

  /** Set the position after a reset, from a redraw of the page that began later than the reset. */
  resume(position) {
    if (this._seen || !position) return;
    this._seen = this._from = position;
    this._own?.resume(position);
  }

  async _begin() {
    // The name contains only a digest of the key; tabs with another key or workspace have another name.
    this._name = await this._api.digest(`stream of ${this._workspace}`);
    if (this._closed) return;
    this._channel = new BroadcastChannel(this._name);
    this._channel.addEventListener("message", ({ data }) => this._heard(data));
    document.addEventListener("visibilitychange", this._check);
    this._wait();
    this._join();
  }

  _post(message) {
    if (!this._closed) this._channel.postMessage(message);
  }

  /** Wait for the lock, or steal it from a silent leader. */
  async _wait(steal = false) {
    this._request?.abort();
    const request = this._request = new AbortController();
    try {
      await navigator.locks.request(this._name, steal ? { steal } : { signal: request.signal }, () => this._lead());
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
    // Reached when another tab stole the lock, or when a newer request of this tab replaced this one.
    if (this._closed || this._request !== request) return;
    this._own?.close();
    this._own = null;
    this._wait();
    this._join();
  }

  _lead() {
    if (this._closed) return null;
    clearTimeout(this._timer);
    this._waiting = []; // the server replays them
    this._own = new Stream(this._api, this._workspace, this._seen, {
      onEvent: (name, data, id) => { this._take({ name, data, id }); this._post({ type: "event", name, data, id }); },
      onReset: () => { this._post({ type: "reset" }); this._lose(); },
      onState: (state) => { this._state = state; this._post({ type: "state", state }); this._on.onState(state); },
      onRefused: (error) => { this._post({ type: "refused", status: error.status, detail: error.message }); this._on.onRefused(error); },
    });
    this._post({ type: "lead" });
    return new Promise((resolve) => { this._release = resolve; });
  }

  _join() {
    this._welcome = false;
    this._post({ type: "join", tab: this._tab, seen: this._seen });
    this._listen();
  }

  _heard(message) {
    if (message.type === "join") {
      if (this._own) this._answer(message);
      return;
    }
    if (this._own) return; // from a former leader that does not know yet that it lost the lock
    this._listen();
    if (message.type === "lead") this._join();
    else if (message.type === "welcome") this._enter(message);
    else if (message.type === "event") this._welcome ? this._take(message) : this._waiting.push(message);
    else if (message.type === "reset") this._lose();
    else if (message.type === "state") this._on.onState(message.state);
    else if (message.type === "refused") this._on.onRefused(new ApiError(message.status, message.detail));
  }

  /** Send a tab the events after the last one that it has seen, or tell it that they are no longer kept. */
  _answer({ tab, seen }) {
    const lost = seen && (!this._from || isAfter(this._from, seen));
    const events = seen && !lost ? this._kept.filter((one) => isAfter(one.id, seen)) : [];
    this._post({ type: "welcome", tab, lost, events, seen: this._seen, state: this._state });
  }

  _enter({ tab, lost, events, seen, state }) {
    if (tab !== this._tab || this._welcome) return;
    this._welcome = true;
    if (lost) Object.assign(this, { _seen: seen, _from: seen, _kept: [] });
    for (const event of [...events, ...this._waiting.splice(0)]) this._take(event);
    this._on.onState(state);
    if (lost) this._on.onReset();
  }

  /** Deliver an event to the page, unless it was delivered before. */
  _take({ name, data, id }) {
    if (this._seen && !isAfter(id, this._seen)) return;
    this._from ??= id;
    this._seen = id;
    this._kept.push({ name, data, id });
    if (this._kept.length > MOST_KEPT) this._from = this._kept.shift().id;
    this._on.onEvent(name, data);
  }

  _lose() {
    Object.assign(this, { _seen: null, _from: null, _kept: [] });
    this._on.onReset();
  }

  _listen() {
    this._heardAt = Date.now();
    clearTimeout(this._timer);
    this._timer = setTimeout(this._check, 1000 * SILENCE_SECONDS);
  }

  /** Take over from a silent leader: some browsers freeze a hidden tab, which then keeps the lock. */
  _checkLeader() {
    if (this._closed || this._own || document.visibilityState === "hidden" || Date.now() - this._heardAt < 1000 * SILENCE_SECONDS) return;
    this._listen();
    this._wait(true);
  }
}
