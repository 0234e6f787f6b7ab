// The button for the CSV file.

import { useMutation } from "@tanstack/react-query";
import type { Client } from "../api/client";
import { download } from "../api/download";
import type { View } from "../api/queries";
import { Problem } from "./Problem";

export function Download({ client, view }: { client: Client; view: View }) {
  const { mutate, isPending, error } = useMutation({ mutationFn: () => download(client, view) });
  return (
    <>
      <button onClick={() => mutate()} disabled={isPending}>
        Download CSV
      </button>
      {error && <Problem error={error} onRetry={() => mutate()} />}
    </>
  );
}
