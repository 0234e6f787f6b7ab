// How TanStack Query repeats reads: only what may succeed later, and no sooner than the API asks for.

import type { Query, QueryClientConfig } from "@tanstack/react-query";
import { ApiError } from "./client";

const TRIES = 5;

function retry(failures: number, error: Error): boolean {
  return error instanceof ApiError && error.isTemporary && failures < TRIES;
}

/** Return the milliseconds until the next attempt: `Retry-After`, or else 1, 2, 4 … up to 30 s. */
export function retryDelay(failures: number, error: Error): number {
  const seconds = (error instanceof ApiError && error.retryAfter) || Math.min(2 ** failures, 30);
  return 1000 * seconds;
}

/** Read again every minute what still fails after all attempts, so that the page recovers by itself. */
function refetchInterval(query: Query): number | false {
  const { error } = query.state;
  return error instanceof ApiError && error.isTemporary ? 60_000 : false;
}

export const CONFIG: QueryClientConfig = {
  // Events make answers outdated, so time alone does not.
  defaultOptions: { queries: { retry, retryDelay, refetchInterval, staleTime: Infinity, refetchOnWindowFocus: false } },
};
