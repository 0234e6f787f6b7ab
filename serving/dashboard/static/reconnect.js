// "Reconnect": makes a link for a login at the platform of an account whose token no longer works, and opens it in a new tab.

import { $, h } from "./dom.js";
import { platform as named } from "./format.js";
import { LOGINS } from "./platforms-list.js";
import { explained } from "./tips.js";

const STATES = ["needs_reauth", "unreachable"];
const LINK_MS = 300000; // so long the link of a login can be opened

let api = null, allowed = false, complain = () => {}, again = () => {};
const links = new Map();

/** Install what happens when the page is seen again after a login in another tab, and when a link cannot be made. */
export function returning(redraw, failed) {
  [again, complain] = [redraw, failed];
  document.addEventListener("visibilitychange", () => { if (!document.hidden && links.size) again(); });
}

/** Use a key that has these scopes: only one with `admin` can make links. */
export function reconnectWith(client, scopes) {
  [api, allowed] = [client, scopes.includes("admin")];
  links.clear();
}

/** Make what lets a person connect an account again: a button, the link that it made, or the command; null if it needs nothing. */
export function reconnect(account, workspace) {
  const { accountId, platform, platformAccountId, state } = account;
  if (!STATES.includes(state)) { links.delete(accountId); return null; }
  if (!LOGINS.includes(platform)) return null;
  if (!allowed) return explained("How to reconnect", `run: tidemark accounts authorize --workspace ${workspace} --platform ${platform} --account=${platformAccountId}`, "hint");
  const link = links.get(accountId), id = `reconnect-${accountId}`;
  if (link && Date.now() < link.ends) return h("a.again", { id, href: link.url, target: "_blank", rel: "noopener noreferrer" }, `Log in at ${named(platform)}`);
  return h("button.again", { type: "button", id, onclick: () => begin(account, workspace) }, "Reconnect");
}

async function begin({ accountId, platform, platformAccountId }, workspace) {
  const button = $(`reconnect-${accountId}`);
  button.disabled = true;
  try {
    const { body } = await api.post(`/analytics/workspace/${encodeURIComponent(workspace)}/connect/${platform}?${new URLSearchParams({ platformAccountId })}`);
    links.set(accountId, { url: body.url, ends: Date.now() + LINK_MS });
    window.open(body.url, "_blank", "noopener");
    again();
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
  }
}
