// What the key may do: its scopes, its expiry, and the workspaces that it opens.

/** Return `{scopes, expiresAt, workspaces}`; `workspaces` is a list of `{id, name, timeZone}`. */
export async function access(api) {
  const { body } = await api.get("/analytics/me");
  return body.data;
}
