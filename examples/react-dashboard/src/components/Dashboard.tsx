// The page of a workspace: four reads, a stream that keeps them up to date, and what is shown of them.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Client } from "../api/client";
import { useLive } from "../api/live";
import { accounts, daily, overview, topPosts } from "../api/queries";
import type { Session } from "../session";
import { Accounts } from "./Accounts";
import { DailyChart } from "./DailyChart";
import { Download } from "./Download";
import { LiveBadge } from "./LiveBadge";
import { Overview } from "./Overview";
import { Section } from "./Section";
import { TopPosts } from "./TopPosts";

interface Props {
  client: Client;
  session: Session;
  onLeave: () => void;
}

export function Dashboard({ client, session, onLeave }: Props) {
  const [days, setDays] = useState(30);
  const view = { workspace: session.workspace, days };
  const accountsQuery = useQuery(accounts(client, view));
  const overviewQuery = useQuery(overview(client, view));
  const dailyQuery = useQuery(daily(client, view));
  const postsQuery = useQuery(topPosts(client, view));
  const [isRead, setRead] = useState(false);
  if (!isRead && [accountsQuery, overviewQuery, dailyQuery, postsQuery].every((query) => query.isSuccess)) setRead(true);
  const live = useLive(session.key, session.workspace, isRead);

  const known = accountsQuery.data ?? [];
  const noAccount = accountsQuery.data?.length === 0;

  return (
    <>
      <header>
        <h1>{session.workspace}</h1>
        <LiveBadge state={live} />
        <label>
          Range{" "}
          <select value={days} onChange={(event) => setDays(Number(event.target.value))}>
            <option value={7}>7 days</option>
            <option value={30}>30 days</option>
            <option value={90}>90 days</option>
          </select>
        </label>
        <Download client={client} view={view} />
        <button onClick={onLeave}>Sign out</button>
      </header>
      <main>
        {noAccount ? (
          <p className="empty">No account is connected to this workspace yet.</p>
        ) : (
          <>
            <Section title="Overview" query={overviewQuery}>
              {({ total }) => <Overview total={total} daily={dailyQuery.data} accounts={known} />}
            </Section>
            <Section title="Followers by day" query={dailyQuery}>
              {(totals) => <DailyChart totals={totals} />}
            </Section>
            <Section title="Top posts" query={postsQuery}>
              {(posts) => <TopPosts posts={posts} accounts={known} />}
            </Section>
            <Section title="Accounts" query={overviewQuery}>
              {(read) => <Accounts rollups={read.accounts} more={read.more} accounts={known} />}
            </Section>
          </>
        )}
      </main>
    </>
  );
}
