// The figures of the range and of the present day, each with its comparison or with the reason why there is none.

import type { Account, Totals } from "../api/types";
import { count } from "../format";
import { Figure } from "./Figure";

interface Props {
  /** The totals of the range; absent if no account was connected in it. */
  total: Totals | undefined;
  daily: Totals[] | undefined;
  accounts: Account[];
}

export function Overview({ total, daily, accounts }: Props) {
  if (total === undefined) return <p className="empty">No account was connected in this range.</p>;
  const { observedSlots, expectedSlots } = total.coverage;
  const newest = daily?.at(-1);
  return (
    <>
      <dl className="figures">
        <Figure label="Followers" metric="followers" total={total} accounts={accounts} />
        <Figure label="Reach" metric="reach" total={total} accounts={accounts} />
        <Figure label="Engagement" metric="totalEngagement" total={total} accounts={accounts} />
      </dl>
      {total.status === "partial" && (
        <p className="note">
          Partial: {count(observedSlots)} of {count(expectedSlots)} hours were observed.
        </p>
      )}
      {newest && (
        <p className="note" data-testid="newest">
          {newest.status === "open" ? "Today so far" : "Newest day"}: {count(newest.metrics.followers)} followers,{" "}
          {count(newest.metrics.totalEngagement)} engagement.
        </p>
      )}
    </>
  );
}
