// A change against the previous range. It is one of the whole workspace only if the comparison says so.

import type { Comparison } from "../api/types";
import { change } from "../format";

interface Props {
  comparison: Comparison | undefined;
  metric: string;
  /** How many accounts the number is about. */
  accounts: number;
}

export function Change({ comparison, metric, accounts }: Props) {
  if (comparison === undefined) return null;
  if (comparison.reason) return <span className="note">not compared: {comparison.reason.replaceAll("_", " ")}</span>;
  const percent = comparison.changes[metric]?.deltaPercent;
  if (percent === undefined) return <span className="note">not comparable with the range before</span>;
  const compared = accounts - comparison.leftOut.length;
  return (
    <span className="note">
      {change(percent)}
      {!comparison.comparable && accounts > 1 && ` over ${compared} of ${accounts} accounts`}
    </span>
  );
}
