// One figure of the workspace: its value or a dash with the reason, the accounts it lacks, and its comparison.

import type { Account, Totals } from "../api/types";
import { UNKNOWN, count, why } from "../format";
import { Change } from "./Change";

interface Props {
  label: string;
  metric: "followers" | "reach" | "totalEngagement";
  total: Totals;
  accounts: Account[];
}

export function Figure({ label, metric, total, accounts }: Props) {
  // Totals have no `reach`: people who follow two accounts would count twice.
  const value = metric === "reach" ? undefined : total.metrics[metric];
  const missing = total.missing[metric] ?? [];
  const nameOf = (id: string) => accounts.find((account) => account.accountId === id)?.handle ?? id;
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        <span className="value">{count(value)}</span>
        {value === undefined ? (
          <span className="note">
            {metric === "reach" && total.unavailable.reach === "not_additive"
              ? "People cannot be added up: see each account."
              : `Unknown: ${why(total.unavailable[metric])}.`}
          </span>
        ) : (
          <Change comparison={total.comparison} metric={metric} accounts={total.expectedAccounts} />
        )}
        {value !== undefined && missing.length > 0 && (
          <span className="note">without {missing.map(nameOf).join(", ") || UNKNOWN}</span>
        )}
      </dd>
    </div>
  );
}
