// The content of a post: its thumbnail, its caption as text, and the link to it on its platform.

import { h } from "./dom.js";
import { platform as named } from "./format.js";

const LONGEST_ALT = 60;

/** Return a URL that may become a link or a picture, else null: the text comes from a platform. */
function checked(text, protocols) {
  try {
    const url = new URL(text);
    return protocols.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Make the thumbnail of a post in a frame of a fixed size, which stays empty if there is no picture or if it cannot be
 * loaded. Plain HTTP is for the simulator; the page's policy allows its address alone.
 */
export function thumbnail(post, large = false) {
  const frame = h(`span.thumb${large ? ".large" : ""}`), source = checked(post.thumbnailUrl, ["https:", "http:"]);
  if (!source) return frame;
  const picture = h("img", {
    src: source, alt: alternative(post), width: large ? 96 : 44, height: large ? 96 : 44, loading: "lazy", decoding: "async",
    referrerpolicy: "no-referrer", onerror: () => picture.remove(),
  });
  frame.append(picture);
  return frame;
}

function alternative({ captionExcerpt, platform }) {
  const words = Array.from(captionExcerpt ?? ""), text = words.slice(0, LONGEST_ALT).join("");
  return text ? `Picture of the post: ${text}${words.length > LONGEST_ALT ? " …" : ""}` : `Picture of a post on ${named(platform)}`;
}

/** Make the caption of a post, isolated from the direction of the text around it; null if it has none. */
export function caption(post) {
  return post.captionExcerpt ? h("bdi.caption", { dir: "auto" }, post.captionExcerpt) : null;
}

/** Make the link to a post on its platform; null if there is none. */
export function permalink(post) {
  const address = checked(post.permalink, ["https:"]);
  return address ? h("a.out", { href: address, rel: "noopener noreferrer", target: "_blank" }, `on ${named(post.platform)}`, h("span", { "aria-hidden": "true" }, " ↗")) : null;
}
