// The heading of the page of one account: its name, state, last collection and errors.

import { collected, stateOf, trouble } from "./accounts.js";
import { $, h, render } from "./dom.js";
import { date, platform as named } from "./format.js";
import { link } from "./links.js";
import { swatch } from "./palette.js";
import { reconnect } from "./reconnect.js";

/** Show the heading of the account that the view is limited to, or say that the workspace has no such account. */
export async function subject(reading, live) {
  const [account] = await reading.accounts(), { view } = reading;
  const back = link(view, { account: "" }, `← All of ${view.workspace}`);
  if (!account) return render($("subject"), [back, h("p.empty", {}, `The workspace ${view.workspace} has no account with the id ${view.account}.`)], live);
  return render($("subject"), [
    back,
    h("div.head", {}, h("h2.name", { id: "subject-title" }, swatch(account.platform), h("bdi", {}, account.handle)), h("span.soft", {}, named(account.platform)), stateOf(account), reconnect(account, view.workspace)),
    h("dl.strip", {},
      fact("Connected", date(account.connectedAt)), account.disconnectedAt ? fact("Disconnected", date(account.disconnectedAt)) : null,
      fact("Last collection", collected(account)), fact("Last error", trouble(account)), fact("Id on the platform", h("code", {}, account.platformAccountId))),
  ], live);
}

const fact = (title, ...shown) => h("div", {}, h("dt", {}, title), h("dd.fact", {}, shown));
