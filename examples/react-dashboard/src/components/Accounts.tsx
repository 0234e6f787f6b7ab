// The accounts with their own figures. Reach stands here alone, because it cannot be added up.

import type { Account, Rollup } from "../api/types";
import { count, instant, percent, why } from "../format";
import { Change } from "./Change";

interface Props {
  rollups: Rollup[];
  /** Whether there are more accounts than the page shows. */
  more: boolean;
  accounts: Account[];
}

export function Accounts({ rollups, more, accounts }: Props) {
  return (
    <>
      <div className="wide" tabIndex={0} role="region" aria-label="Figures of each account">
        <table>
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col">State</th>
              <th scope="col">Followers</th>
              <th scope="col">Reach</th>
              <th scope="col">Engagement</th>
              <th scope="col">Rate</th>
              <th scope="col">Collected</th>
            </tr>
          </thead>
          <tbody>
            {rollups.map((rollup) => (
              <Row key={rollup.accountId} rollup={rollup} account={accounts.find((one) => one.accountId === rollup.accountId)} />
            ))}
          </tbody>
        </table>
      </div>
      {more && <p className="note">Only the first {rollups.length} accounts are shown.</p>}
    </>
  );
}

const STATES: Record<Account["state"], string> = {
  active: "active",
  paused: "paused",
  needs_reauth: "needs to be connected again",
  unreachable: "not reachable",
  disconnected: "disconnected",
};

function Row({ rollup, account }: { rollup: Rollup; account: Account | undefined }) {
  const { aggregatedMetrics: metrics, unavailable } = rollup;
  return (
    <tr>
      <th scope="row">
        {account?.handle ?? rollup.accountId} <span className="note">{rollup.platform}</span>
      </th>
      <td>
        {account ? STATES[account.state] : ""}
        {account?.lastError && <span className="note">last hour: {account.lastError.message}</span>}
      </td>
      <td>
        {count(metrics.followers)} <Change comparison={rollup.comparison} metric="followers" accounts={1} />
      </td>
      <td>
        {count(metrics.reach)} {metrics.reach === undefined && <span className="note">{why(unavailable.reach)}</span>}
      </td>
      <td>
        {count(metrics.totalEngagement)}{" "}
        {metrics.totalEngagement === undefined && <span className="note">{why(unavailable.totalEngagement)}</span>}
      </td>
      <td>{percent(metrics.engagementRate)}</td>
      <td>{instant(account?.lastCollectedAt)}</td>
    </tr>
  );
}
