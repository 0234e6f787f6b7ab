// Roving tab stops: a container may have a hundred explanations, so only one is a tab stop, and arrow keys reach the others.

const WHAT = "[data-tip]";
const all = (container) => [...container.querySelectorAll(WHAT)];

/** Return the index of the explanation that is a container's tab stop, and whether it has the focus. */
export function stopOf(container) {
  const found = all(container), place = found.findIndex((node) => node.tabIndex === 0);
  return { place: Math.max(0, place), focused: place >= 0 && found[place] === document.activeElement };
}

/** Make the explanation at an index the tab stop of a redrawn container; restore the focus if it had it. */
export function rove(container, { place, focused }) {
  container.dataset.roving = "";
  const found = all(container), stop = found[Math.min(place, found.length - 1)];
  for (const node of found) node.tabIndex = node === stop ? 0 : -1;
  if (focused) stop?.focus({ preventScroll: true });
}

/** Return the explanation that a key leads to from another one; undefined if the key leads nowhere. */
function next(found, from, key) {
  const at = found.indexOf(from);
  const along = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: found.length - 1 };
  if (key in along) return found[along[key]];
  if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
  const here = from.getBoundingClientRect(), middle = (box) => box.left + box.width / 2;
  const far = (box) => 4 * Math.abs(box.top - here.top) + Math.abs(middle(box) - middle(here));
  return found.map((node) => ({ node, box: node.getBoundingClientRect() }))
    .filter(({ box }) => box.width && (key === "ArrowUp" ? box.bottom <= here.top + 1 : box.top >= here.bottom - 1))
    .toSorted((a, b) => far(a.box) - far(b.box))[0]?.node;
}

/** Install the listeners, once for the whole page. */
export function listenToArrows() {
  document.addEventListener("keydown", (event) => {
    const container = event.target.matches?.(WHAT) && event.target.closest("[data-roving]");
    const node = container && next(all(container), event.target, event.key);
    if (!node) return;
    event.preventDefault();
    node.focus();
  });
  document.addEventListener("focusin", ({ target }) => {
    const container = target.matches?.(WHAT) && target.closest("[data-roving]");
    if (container) for (const node of all(container)) node.tabIndex = node === target ? 0 : -1;
  });
}
