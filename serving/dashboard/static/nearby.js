// Draws sections below the first view when they come near it. The attribute `data-later` marks places that wait for that.

const MARGIN = "300px";
const waiting = new Map(); // of each place that waits: how it is drawn
const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) arrive(target);
}, { rootMargin: MARGIN });

/** Draw a place by calling `drawing()`: at once if it was drawn before, else as soon as it comes near the view. */
export async function whenNear(place, drawing) {
  if (!("later" in place.dataset)) { await drawing(); return; }
  waiting.set(place, drawing);
  observer.observe(place);
}

async function arrive(place) {
  const drawing = waiting.get(place);
  if (!drawing) return;
  waiting.delete(place);
  observer.unobserve(place);
  await drawing();
  if (!waiting.has(place)) delete place.dataset.later;
}
