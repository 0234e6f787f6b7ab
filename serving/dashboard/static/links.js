// Links between the views of the page: real addresses, which main.js follows without loading the page again.

import { h } from "./dom.js";
import { address } from "./state.js";

/** Make a link to a view that differs from the present one in some fields. */
export function link(view, fields, ...children) {
  return h("a", { href: address({ ...view, ...fields }), "data-view": "" }, ...children);
}

/** Make a link to the page of an account. */
export const accountLink = (view, { accountId, handle }) => link(view, { account: accountId, post: "" }, h("bdi", {}, handle));

/** Call `go(search)` when a link to a view is followed in this tab. */
export function listenToLinks(go) {
  document.addEventListener("click", (event) => {
    const target = event.target.closest("a[data-view]");
    if (!target || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(new URL(target.href).search);
  });
}
