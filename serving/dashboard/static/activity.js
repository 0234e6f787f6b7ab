// The card of activity: the events of the stream, summed up per account instead of per post.

import { aged, times } from "./breakout.js";
import { $, h } from "./dom.js";
import { capital, count, isolate, platform as named, plural } from "./format.js";
import { kindOf, titleOf } from "./happened.js";
import { now } from "./now.js";

const TOGETHER_MS = 10000;
const MOST = 12;

/** A list of the latest events, one line per account or operation; `account(id)` returns an account of the workspace. */
export class Activity {
  constructor(account) {
    this._account = account;
    this._lines = new Map();
  }

  note(name, data) {
    if (name === "collection:status") this._add(`status-${data.operationId ?? data.accountId}`, () => this._status(data));
    else if (name === "alert:fired") this._add(data.firingId, () => `Alert: ${isolate(data.title)} (${data.periodLabel})`);
    else if (name === "post:breakout") this._add(data.anomalyId, () => this._breakout(data));
    else if (data.kind === "breakout") return; // `post:breakout` tells it
    else if (name === "anomaly:updated") return; // a person or a later hour changed it: the page shows it
    else if (name.startsWith("anomaly:")) this._add(data.anomalyId, () => `${name === "anomaly:opened" ? "Out of the ordinary" : "Over"}: ${titleOf(data).toLowerCase()}${data.accountId ? ` of ${this._name(data.accountId)}` : ` on ${named(data.platform)}`} (${kindOf(data).toLowerCase()})`);
    else if (data.accountId) this._add(data.accountId, (line) => this._gathered(line, name));
  }

  _add(key, write) {
    const at = Date.now();
    let line = this._lines.get(key);
    if (!line || at - line.at > TOGETHER_MS) {
      line = { key, node: h("li"), posts: 0, rolled: new Set(), account: false };
      this._lines.set(key, line);
      const list = $("activity");
      if (list.querySelector(".soft:only-child")) list.replaceChildren();
      list.prepend(line.node);
      while (list.childElementCount > MOST) list.lastElementChild.remove();
    }
    line.at = at;
    line.node.replaceChildren(h("time", {}, new Date(now()).toLocaleTimeString("en-GB")), ` ${write(line)}`);
  }

  _gathered(line, name) {
    if (name === "metrics:post") line.posts += 1;
    if (name === "metrics:update") line.account = true;
    const parts = [line.account && "account", line.posts && plural(line.posts, "post")].filter(Boolean);
    if (name === "metrics:aggregated") line.rolled.add("numbers");
    const what = parts.length ? `${parts.join(" and ")} collected` : "";
    return `${this._name(line.key)}: ${[what, line.rolled.size && "totals renewed"].filter(Boolean).join(", ")}`;
  }

  _breakout({ accountId, metricType, status, ...one }) {
    const said = { open: "Breakout", ended: "Breakout confirmed", withdrawn: "Breakout withdrawn" }[status] ?? status;
    return `${said}: a ${metricType} of ${this._name(accountId)}, ${times(one)} the usual after ${aged(one)}`;
  }

  _status({ operationId, accountId, state, reason, accounts, kind, progress }) {
    if (kind === "history") return `History of ${accountId ? this._name(accountId) : "accounts"} ${state}${progress ? `: ${plural(progress.done, "post or day", "posts and days")} of ${count(progress.expected)}` : ""}`;
    if (!operationId) return `${this._name(accountId)}: ${capital(state).toLowerCase()}${reason ? `, ${reason}` : ""}`;
    const counts = Object.entries(accounts ?? {}).filter(([, n]) => n).map(([name, n]) => `${n} ${name}`).join(", ");
    return `Collection ${state}${counts ? ` (accounts: ${counts})` : ""}`;
  }

  _name(accountId) {
    const account = this._account(accountId);
    return account ? `${isolate(account.handle)} on ${named(account.platform)}` : accountId;
  }
}
