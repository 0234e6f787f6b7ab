// Ranges of days, both included, as the API takes them. The example takes the days of UTC; a page for workspaces in other
// time zones begins with the `timeZone` of `GET /analytics/me`.

const DAY = 86_400_000;

function dayBefore(count: number): string {
  return new Date(Date.now() - count * DAY).toISOString().slice(0, 10);
}

export function today(): string {
  return dayBefore(0);
}

/** The last whole days: today is not over, so it would not be comparable with a whole day. */
export function lastDays(count: number): { startDate: string; endDate: string } {
  return { startDate: dayBefore(count), endDate: dayBefore(1) };
}
