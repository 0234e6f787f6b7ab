// The form for the key and the workspace.

import type { FormEvent } from "react";
import type { Session } from "../session";

export function SignIn({ message, onEnter }: { message: string; onEnter: (session: Session) => void }) {
  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const entered = new FormData(event.currentTarget);
    onEnter({ key: String(entered.get("key")).trim(), workspace: String(entered.get("workspace")).trim() });
  }

  return (
    <main className="sign-in">
      <h1>Metrics</h1>
      {message && (
        <p className="problem" role="alert">
          {message}
        </p>
      )}
      <form onSubmit={submit}>
        <label>
          Workspace <input name="workspace" required defaultValue="demo-north" autoComplete="off" />
        </label>
        <label>
          API key <input name="key" type="password" required placeholder="tm_live_…" autoComplete="off" />
        </label>
        <button>Show</button>
      </form>
    </main>
  );
}
