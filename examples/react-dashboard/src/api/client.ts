// The typed HTTP client, and errors that keep what the API says: the status, one sentence, and how long to wait.

import createClient from "openapi-fetch";
import type { paths } from "./schema";
import type { Problem } from "./types";

/** The API's origin. Empty: the page's own, as with Vite's proxy. */
export const BASE: string = import.meta.env.VITE_TIDEMARK_URL ?? "";

export class ApiError extends Error {
  constructor(
    /** The HTTP status; 0 if no answer arrived. */
    readonly status: number,
    detail: string,
    /** Seconds to wait before the next attempt, from `Retry-After`. */
    readonly retryAfter: number | null = null,
    /** The id to quote in a report. */
    readonly requestId: string | null = null,
  ) {
    super(detail);
  }

  /** Tell whether the same request may succeed later: after a limit, an outage, or a broken connection. */
  get isTemporary(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

/** Turn an answer that is not 2xx into an error. Proxies answer without a problem document. */
export async function errorOf(answer: Response): Promise<ApiError> {
  const wait = Number(answer.headers.get("Retry-After")) || null;
  const text = await answer.text();
  try {
    const problem = JSON.parse(text) as Problem;
    return new ApiError(answer.status, problem.detail, wait, problem.requestId);
  } catch {
    return new ApiError(answer.status, `The server answered with status ${answer.status}.`, wait);
  }
}

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request); // The browser stores the ETag and sends If-None-Match by itself.
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new ApiError(0, "The server does not answer.");
  }
}

export function clientFor(key: string) {
  const client = createClient<paths>({ baseUrl: BASE, fetch: send, headers: { Authorization: `Bearer ${key}` } });
  client.use({
    async onResponse({ response }) {
      if (!response.ok) throw await errorOf(response);
    },
  });
  return client;
}

export type Client = ReturnType<typeof clientFor>;
