// A download by the browser itself: a ticket replaces the key, which must not be in a URL.

import { lastDays } from "../dates";
import { BASE, type Client } from "./client";
import type { View } from "./queries";

/** Save the daily rollups of the range as CSV; the browser writes the file while it arrives. */
export async function download(client: Client, { workspace, days }: View): Promise<void> {
  const { data } = await client.POST("/analytics/stream/tickets");
  const query = new URLSearchParams({ dataset: "aggregated", format: "csv", ...lastDays(days), ticket: data!.ticket });
  const link = document.createElement("a");
  link.href = `${BASE}/analytics/workspace/${encodeURIComponent(workspace)}/export?${query}`;
  link.download = ""; // The answer names the file.
  link.click();
}
