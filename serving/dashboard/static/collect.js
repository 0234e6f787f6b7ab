// "Collect now": requests a collection and shows its progress, from events and, in case the stream is down, by polling.
// A collection that someone else requested is shown as well.

import { $ } from "./dom.js";
import { count } from "./format.js";

const ASK_MS = 2000;
const SLOW_MS = 30000;
const GIVE_UP_MS = 600000;
const RUNNING = ["queued", "running"];
const DENIED = "This key may read, but it may not collect: it lacks the scope “collect”.";

export class Collect {
  /** `done()` is called when an operation has ended, `failed(error)` when it could not be requested. */
  constructor(done, failed) {
    Object.assign(this, { _done: done, _failed: failed, _operation: null, _began: 0, _timer: 0 });
  }

  /** Use a key that has these scopes; null means that they are unknown, and then the server decides. */
  use(api, scopes) {
    this._api = api;
    this._deny(scopes !== null && !scopes.includes("collect"));
  }

  _deny(denied) {
    const button = $("collect");
    // Not `disabled`: a disabled button cannot be focused, so its reason could not be read.
    button.toggleAttribute("aria-disabled", denied);
    if (!denied) { button.removeAttribute("data-tip"); $("collect-why").textContent = ""; return; }
    button.setAttribute("aria-disabled", "true");
    button.dataset.tip = DENIED;
    $("collect-why").textContent = DENIED;
  }

  async start(base) {
    if ($("collect").getAttribute("aria-disabled") === "true") return;
    this._show("Requesting a collection …", true);
    try {
      const { body } = await this._api.post(`${base}/collect`);
      this._began = Date.now();
      this._heard(body.data);
    } catch (error) {
      this._show("", false);
      if (error.status === 403) this._deny(true);
      this._failed(error.status === 403 ? new Error(DENIED) : error);
    }
  }

  /** Take note of a `collection:status` event of the stream. */
  event({ operationId, kind, state, accounts, error }) {
    if (!operationId) return;
    if (!this._operation && kind === "collect" && RUNNING.includes(state)) this._began = Date.now();
    else if (this._operation !== operationId) return;
    this._heard({ operationId, state, accounts, error });
  }

  stop() {
    clearTimeout(this._timer);
    this._operation = null;
    this._show("", false);
  }

  _heard(operation) {
    clearTimeout(this._timer);
    this._operation = operation.operationId;
    if (!RUNNING.includes(operation.state)) { this._end(operation); return; }
    const spent = Date.now() - this._began;
    const slow = operation.state === "queued" && spent > SLOW_MS ? " The pipeline has not started it yet; is it running?" : "";
    this._show(`Collecting: ${operation.state}${told(operation.accounts)} …${slow}`, true);
    if (spent < GIVE_UP_MS) this._timer = setTimeout(() => this._ask(), ASK_MS);
    else this._end({ state: "still waiting; it will run when the pipeline does" });
  }

  async _ask() {
    const asked = this._operation;
    try {
      const { body } = await this._api.get(`/analytics/operations/${asked}`);
      if (this._operation === asked) this._heard(body.data);
    } catch {
      if (this._operation === asked) this._timer = setTimeout(() => this._ask(), 2 * ASK_MS); // the stream shows that the server is down
    }
  }

  _end({ state, accounts, error }) {
    this._operation = null;
    this._show(`Collection ${state}${told(accounts)}${error ? `: ${error}` : ""}.`, false);
    this._timer = setTimeout(() => this._show("", false), 12000);
    this._done();
  }

  _show(text, busy) {
    $("work").textContent = text;
    $("work").hidden = !text;
    $("collect").disabled = busy;
    $("collect").setAttribute("aria-busy", busy);
  }
}

/** Return the counts of accounts as text: ` (accounts: 3 ok, 1 failed)`. */
function told(accounts) {
  const counts = Object.entries(accounts ?? {}).filter(([, n]) => n);
  return counts.length ? ` (accounts: ${counts.map(([name, n]) => `${count(n)} ${name}`).join(", ")})` : "";
}
