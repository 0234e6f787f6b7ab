// Live updates: a stream of server-sent events that makes the workspace's answers outdated, and reconnects.

import { fetchEventSource } from "@microsoft/fetch-event-source";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiError, BASE, errorOf } from "./client";
import { oldestCursor } from "./cursor";
import type { StreamEvent } from "./types";

export type LiveState = "waiting" | "live" | "reconnecting" | "refused";

const CALM = 1000;
const RECONNECT = 3000;
const SILENCE = 75_000;

/** The events after which a read has another answer. `reset` says that events were missed. */
const OUTDATING: StreamEvent["event"][] = ["metrics:update", "metrics:post", "metrics:aggregated", "collection:status", "reset"];

/** Follow the workspace once its first answers are there (`ready`), from the oldest of them on. */
export function useLive(key: string, workspace: string, ready: boolean): LiveState {
  const queries = useQueryClient();
  const [state, setState] = useState<LiveState>("waiting");

  useEffect(() => {
    if (!ready) return;
    let position = oldestCursor(workspace);
    let stopped = new AbortController();
    let silence: number | undefined;
    let timer: number | undefined;

    /** A collection sends hundreds of events: read again once, a second after the first of them. */
    function outdate(): void {
      timer ??= window.setTimeout(() => {
        timer = undefined;
        void queries.invalidateQueries({ queryKey: [workspace] });
      }, CALM);
    }

    /** A connection can break without an error. The server pings every 30 s: after a longer silence, connect again. */
    function listen(delay = 0): void {
      window.clearTimeout(silence);
      silence = window.setTimeout(() => {
        stopped.abort();
        setState("reconnecting");
        connect();
      }, SILENCE + delay);
    }

    function connect(): void {
      stopped = new AbortController();
      listen();
      const query = new URLSearchParams({ workspaceId: workspace, ...(position && { lastEventId: position }) });
      fetchEventSource(`${BASE}/analytics/stream?${query}`, {
        headers: { Authorization: `Bearer ${key}` },
        signal: stopped.signal,
        async onopen(answer) {
          if (!answer.ok) throw await errorOf(answer);
          setState("live");
        },
        onmessage({ event, id }) {
          listen();
          if (id) position = id;
          if ((OUTDATING as string[]).includes(event)) outdate();
        },
        onclose() {
          throw new ApiError(0, "The server ended the stream."); // It restarts. Without an error, the library would stop.
        },
        onerror(error: unknown) {
          if (error instanceof ApiError && !error.isTemporary) throw error; // Thrown from here, it ends the stream.
          const delay = error instanceof ApiError && error.retryAfter ? 1000 * error.retryAfter : RECONNECT;
          setState("reconnecting");
          listen(delay);
          return delay; // The library connects again, with the header Last-Event-ID.
        },
      }).catch(() => {
        window.clearTimeout(silence);
        setState("refused");
      });
    }

    connect();
    return () => {
      stopped.abort();
      window.clearTimeout(silence);
      window.clearTimeout(timer);
    };
  }, [key, workspace, ready, queries]);

  return state;
}
