// The four reads of the page, as options of TanStack Query. All keys begin with the workspace.

import { queryOptions } from "@tanstack/react-query";
import { lastDays, today } from "../dates";
import type { Client } from "./client";
import { keepCursor } from "./cursor";
import type { Account, Post, Rollup, Totals } from "./types";

export interface View {
  workspace: string;
  /** The number of whole days that the page is about. */
  days: number;
}

/** The range in one figure per account and for the whole workspace, each compared with the range before it. */
export const overview = (client: Client, { workspace, days }: View) =>
  queryOptions({
    queryKey: [workspace, "overview", days],
    queryFn: async ({ signal }): Promise<{ accounts: Rollup[]; total: Totals | undefined; more: boolean }> => {
      const { data, response } = await client.GET("/analytics/workspace/{workspaceId}/aggregated", {
        params: {
          path: { workspaceId: workspace },
          query: {
            period: "custom",
            compare: "previous",
            fields: "followers,reach,totalEngagement,engagementRate",
            ...lastDays(days),
          },
        },
        signal,
      });
      keepCursor(workspace, response);
      return { accounts: data!.data, total: data!.totals[0], more: data!.page.hasMore };
    },
  });

/** The totals of each day, with the present day, which is not over. `limit=1` leaves almost all documents out. */
export const daily = (client: Client, { workspace, days }: View) =>
  queryOptions({
    queryKey: [workspace, "daily", days],
    queryFn: async ({ signal }): Promise<Totals[]> => {
      const { data, response } = await client.GET("/analytics/workspace/{workspaceId}/aggregated", {
        params: {
          path: { workspaceId: workspace },
          query: { period: "daily", fields: "followers,totalEngagement", limit: 1, ...lastDays(days), endDate: today() },
        },
        signal,
      });
      keepCursor(workspace, response);
      return data!.totals;
    },
  });

/** The ten posts of the range with the greatest engagement. */
export const topPosts = (client: Client, { workspace, days }: View) =>
  queryOptions({
    queryKey: [workspace, "posts", days],
    queryFn: async ({ signal }): Promise<Post[]> => {
      const { data, response } = await client.GET("/analytics/workspace/{workspaceId}/posts", {
        params: {
          path: { workspaceId: workspace },
          query: { sort: "engagement", limit: 10, ...lastDays(days), endDate: today() },
        },
        signal,
      });
      keepCursor(workspace, response);
      return data!.data;
    },
  });

/** The accounts, for their names and states. */
export const accounts = (client: Client, { workspace }: View) =>
  queryOptions({
    queryKey: [workspace, "accounts"],
    queryFn: async ({ signal }): Promise<Account[]> => {
      const { data, response } = await client.GET("/analytics/workspace/{workspaceId}/accounts", {
        params: { path: { workspaceId: workspace } },
        signal,
      });
      keepCursor(workspace, response);
      return data!.data;
    },
  });
