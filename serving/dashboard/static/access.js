// What the key may do: its scopes, its expiry, and the workspaces that it opens.

/**
 * Return `{scopes, expiresAt, workspaces}`; `workspaces` is a list of `{id, name}`. `scopes` is null if the server does not
 * tell them, which servers before `GET /analytics/me` do not.
 */
export async function access(api) {
  const me = await tell(api);
  if (me?.workspaces) return { expiresAt: null, ...me };
  const { body } = await api.get("/analytics/workspaces");
  return { scopes: null, expiresAt: null, ...me, workspaces: body.data.map((one) => ({ id: one.workspaceId, name: one.workspaceId })) };
}

async function tell(api) {
  try {
    const { body } = await api.get("/analytics/me");
    return body.data ?? body;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}
