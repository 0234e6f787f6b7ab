// The time zone of the workspace that is shown: its days begin at midnight there, and the page shows times of it.

const OF_DATE = { year: "numeric", month: "2-digit", day: "2-digit" };
const OF_TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

let name = "", days = null, times = null, names = null;
enter("UTC");

/** Show times of an IANA zone from now on; UTC if the browser does not know the zone. */
export function enter(zone) {
  try {
    const options = { timeZone: zone };
    days = new Intl.DateTimeFormat("en-CA", { ...options, ...OF_DATE });
    times = new Intl.DateTimeFormat("en-GB", { ...options, ...OF_TIME });
    names = new Intl.DateTimeFormat("en-US", { ...options, timeZoneName: "short" });
    name = zone;
  } catch {
    enter("UTC");
  }
}

export const zoneName = () => name;
/** Return the date of an instant: `2026-11-28`. */
export const dateOf = (instant) => days.format(new Date(instant));
/** Return the time of an instant: `14:05`, or `14:05:30` with seconds. */
export const timeOf = (instant, seconds = false) => times.format(new Date(instant)).slice(-8, seconds ? undefined : -3);
/** Return the short name of the zone at an instant: `UTC`, `EST`, `GMT+5:45`. */
export const shortName = (instant) => names.formatToParts(new Date(instant)).find(({ type }) => type === "timeZoneName").value;
