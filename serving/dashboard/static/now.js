// The time of day, by the clock of the server's stack: it may live at another time than this browser.

const ahead = Number(document.body.dataset.aheadMs);

/** The present instant in milliseconds since 1970. Durations are measured with Date.now, which is the browser's. */
export const now = () => Date.now() + ahead;
