// The sign-in, or the page of the workspace. A key that the API refuses (401) leads back to the sign-in.

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { ApiError, clientFor } from "./api/client";
import { CONFIG } from "./api/retries";
import { Dashboard } from "./components/Dashboard";
import { SignIn } from "./components/SignIn";
import { type Session, load, save } from "./session";

export function App() {
  const [session, setSession] = useState(load);
  const [message, setMessage] = useState("");

  const enter = useCallback((entered: Session | null, why = "") => {
    save(entered);
    setSession(entered);
    setMessage(why);
  }, []);

  if (session === null) return <SignIn message={message} onEnter={enter} />;
  return <SignedIn key={session.key + session.workspace} session={session} onLeave={(why) => enter(null, why)} />;
}

function SignedIn({ session, onLeave }: { session: Session; onLeave: (why?: string) => void }) {
  const client = useMemo(() => clientFor(session.key), [session.key]);
  const [queries] = useState(() => {
    const onError = (error: Error) => {
      if (error instanceof ApiError && error.status === 401) onLeave(error.message);
    };
    return new QueryClient({ ...CONFIG, queryCache: new QueryCache({ onError }) });
  });
  return (
    <QueryClientProvider client={queries}>
      <Dashboard client={client} session={session} onLeave={() => onLeave()} />
    </QueryClientProvider>
  );
}
