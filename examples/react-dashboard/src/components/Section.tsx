// A part of the page that shows one read, in each of its states: loading, waiting, failed, read, outdated.

import type { UseQueryResult } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { Problem } from "./Problem";

interface Props<T> {
  title: string;
  query: UseQueryResult<T>;
  children: (data: T) => ReactNode;
}

export function Section<T>({ title, query, children }: Props<T>) {
  const id = useId();
  const { data, error, failureReason, isPending } = query;
  return (
    <section aria-labelledby={id} aria-busy={isPending && !error}>
      <h2 id={id}>{title}</h2>
      {/* `failureReason` is the newest failed attempt while further attempts follow; `error` is set after the last one. */}
      {error ? (
        <Problem error={error} onRetry={() => void query.refetch()} isOutdated={data !== undefined} />
      ) : (
        failureReason && <Problem error={failureReason} isOutdated={data !== undefined} />
      )}
      {data !== undefined && children(data)}
      {isPending && !failureReason && (
        <p className="loading" role="status">
          Loading…
        </p>
      )}
    </section>
  );
}
