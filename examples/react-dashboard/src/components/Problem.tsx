// An error in words: what the API said, and what the reader can do.

import { ApiError } from "../api/client";

interface Props {
  error: Error;
  /** Repeats the request; absent while it is repeated automatically. */
  onRetry?: () => void;
  /** Whether earlier data are shown below the error. */
  isOutdated?: boolean;
}

export function Problem({ error, onRetry, isOutdated = false }: Props) {
  const status = error instanceof ApiError ? error.status : null;
  const seconds = error instanceof ApiError ? error.retryAfter : null;
  return (
    <div className="problem" role={onRetry ? "alert" : "status"}>
      <p>
        {TITLES[status ?? -1] ?? "This could not be read."} {error.message}
      </p>
      {!onRetry && <p>The page tries again by itself{seconds === null ? "" : ` after ${seconds} s`}.</p>}
      {isOutdated && <p>The numbers below are those of the last successful read.</p>}
      {onRetry && status !== 403 && <button onClick={onRetry}>Try again</button>}
    </div>
  );
}

const TITLES: Record<number, string> = {
  0: "No connection.",
  401: "The key is not valid.",
  403: "This key may not read metrics.",
  404: "Not found.",
  429: "Too many requests.",
  502: "The service does not answer.",
  503: "The service is interrupted.",
};
