// The key and the workspace of this tab. A real page would get its data from a backend that keeps the key.

export interface Session {
  key: string;
  workspace: string;
}

const NAME = "tidemark-session";

export function load(): Session | null {
  const kept = sessionStorage.getItem(NAME);
  return kept === null ? null : (JSON.parse(kept) as Session);
}

export function save(session: Session | null): void {
  if (session === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, JSON.stringify(session));
}
