// Client of the public API for one key. It retries after the time that the server asks for, reports such waits, and
// turns every error into one line of text.

const TRIES = 5;
const MOST_SECONDS = 60;
const PAGE = 1000;

export class ApiError extends Error {
  constructor(status, detail, retryAfter = 0, errors = []) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
    /** The wrong parameters: a list of `{parameter, message}`. */
    this.errors = errors;
  }
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

export class Api {
  /** `onWait({detail, seconds})` is called before a wait, `onWait(null)` after it. */
  constructor(key, onWait = () => {}) {
    this._key = key;
    this._onWait = onWait;
  }

  get(path, params = {}) {
    const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== ""));
    return this._call("GET", query.size ? `${path}?${query}` : path);
  }

  /** Download a file: `{blob, name}`. */
  file(path, params) {
    return this._call("GET", `${path}?${new URLSearchParams(params)}`, {}, TRIES, async (answer) => {
      const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
      const blob = await answer.blob().catch(() => { throw new ApiError(0, "The file broke off; nothing was saved. Try again."); });
      return { blob, name: name ?? "tidemark.csv" };
    });
  }

  post(path) {
    // A retry after a wait has the same idempotency key, so it requests the same operation.
    return this._call("POST", path, { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` });
  }

  /** Send a request with a body, once; without one, `body` is left out. */
  async send(method, path, body) {
    const extra = body === undefined ? {} : { "Content-Type": "application/json" };
    return (await this._call(method, path, extra, 1, parsed, body === undefined ? undefined : JSON.stringify(body))).body;
  }

  /** Return a ticket for one stream, without retries: the stream has retries of its own. */
  async ticket() {
    return (await this._call("POST", "/analytics/stream/tickets", {}, 1)).body.ticket;
  }

  /** Return a digest of a text and the key, as a name that belongs to this key and does not reveal it. */
  async digest(text) {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${text}\n${this._key}`)));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Read at most `pages` pages; `more` is true if further pages were not read. */
  async all(path, params, pages) {
    const data = [];
    let cursor = null, first = null;
    for (let page = 0; page < pages; page += 1) {
      const { body, position } = await this.get(path, { ...params, limit: PAGE, cursor });
      first ??= { body, position };
      data.push(...body.data);
      cursor = body.page.nextCursor;
      if (!cursor) break;
    }
    return { body: { ...first.body, data, more: cursor !== null }, position: first.position };
  }

  async _call(method, path, extra = {}, tries = TRIES, parse = parsed, content = undefined) {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this._fetch(method, path, extra, content);
      if (answer.ok) return parse(answer);
      const { detail, errors } = await told(answer), seconds = Number(answer.headers.get("Retry-After")) || 2 ** attempt;
      if (![429, 503].includes(answer.status) || attempt === tries) throw new ApiError(answer.status, detail, seconds, errors);
      await this._wait(detail, seconds);
    }
  }

  async _fetch(method, path, extra, content) {
    try {
      return await fetch(path, { method, headers: { Authorization: `Bearer ${this._key}`, ...extra }, body: content });
    } catch {
      throw new ApiError(0, "The server does not answer.");
    }
  }

  async _wait(detail, seconds) {
    const bounded = Math.min(seconds, MOST_SECONDS);
    this._onWait({ detail, seconds: bounded });
    await pause(bounded);
    this._onWait(null);
  }
}

async function parsed(answer) {
  return { body: await answer.json(), position: answer.headers.get("Stream-Cursor") };
}

async function told(answer) {
  try {
    const { detail, title, errors = [] } = await answer.json();
    return { detail: detail || title || `The server answered with status ${answer.status}.`, errors };
  } catch {
    return { detail: `The server answered with status ${answer.status}.`, errors: [] };
  }
}
