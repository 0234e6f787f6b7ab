// The filter of platforms: a link for each, which limits everything on the page to that platform.

import { $, h, render } from "./dom.js";
import { platform as named } from "./format.js";
import { link } from "./links.js";
import { swatch } from "./palette.js";

export async function filter(reading, live) {
  const platforms = [...new Set((await reading.everyAccount()).map((account) => account.platform))].sort(), { view } = reading;
  $("filter").hidden = platforms.length < 2 && !view.platform;
  return render($("filter"), [option(view, "", "All platforms"), ...platforms.map((name) => option(view, name, [swatch(name), named(name)]))], live);
}

function option(view, platform, text) {
  const made = link(view, { platform }, text);
  made.id = `filter-${platform || "all"}`;
  made.className = "chip";
  if (view.platform === platform) made.setAttribute("aria-current", "true");
  return made;
}
