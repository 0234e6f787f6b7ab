// Storage of the key: in this tab alone, never in the URL or where another tab or a later visit could find it.

const NAME = "tidemark-key";

/** Take the key out of the link that `tidemark up` prints, and remove it from the address bar at once. */
export function take() {
  const given = new URLSearchParams(location.hash.slice(1)).get("key");
  if (given) history.replaceState(null, "", location.pathname + location.search);
  return given ?? sessionStorage.getItem(NAME) ?? "";
}

export const keep = (key) => sessionStorage.setItem(NAME, key);
export const forget = () => sessionStorage.removeItem(NAME);
