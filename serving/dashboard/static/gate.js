// The card that stands in place of a workspace which the key does not open.

import { $, h, render } from "./dom.js";
import { link } from "./links.js";
import { read } from "./state.js";

/** Say that the key does not open the workspace of the address, or none at all, and link to those that it opens. */
export function gate(view, workspaces) {
  render($("gate"), [
    h("h2", {}, view.workspace ? "This key does not open this workspace" : "This key opens no workspace yet"),
    h("p", {}, view.workspace
      ? ["The address is that of the workspace ", h("b", {}, h("bdi", {}, view.workspace)), ", which is not among those of your key, or has no account yet. Sign out to enter another key."]
      : "A workspace appears here as soon as an account is connected to it. Whoever gave you the key connects accounts, with tidemark accounts connect."),
    workspaces.length ? [h("p", {}, "Your key opens:"), h("ul", {}, workspaces.map(({ id, name }) => h("li", {}, link(read(""), { workspace: id }, h("bdi", {}, name || id)))))] : null,
  ]);
}
