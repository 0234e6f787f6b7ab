// Whether the page is kept up to date.

import type { LiveState } from "../api/live";

const TEXTS: Record<LiveState, string> = {
  waiting: "Connecting…",
  live: "Live",
  reconnecting: "Live updates are down; reconnecting…",
  refused: "Live updates were refused",
};

export function LiveBadge({ state }: { state: LiveState }) {
  return (
    <span className={`badge ${state}`} role="status">
      {TEXTS[state]}
    </span>
  );
}
