// Numbers and instants as text. An unknown number is a dash and never 0.

export const UNKNOWN = "–";

const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const SIGNED = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
const RATE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const INSTANT = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

export const count = (value: number | undefined): string => (value === undefined ? UNKNOWN : WHOLE.format(value));
export const percent = (value: number | undefined): string => (value === undefined ? UNKNOWN : `${RATE.format(value)} %`);
export const change = (value: number | undefined): string => (value === undefined ? UNKNOWN : `${SIGNED.format(value)} %`);
export const instant = (value: string | undefined): string => (value === undefined ? UNKNOWN : INSTANT.format(new Date(value)));

const REASONS: Record<string, string> = {
  not_additive: "people cannot be added up over days or accounts",
  not_supported: "the platform does not offer it",
  not_yet_available: "the platform has not published it yet",
  no_observation: "nothing was observed",
};

/** Say why a number is absent. */
export const why = (reason: string | undefined): string =>
  reason === undefined ? "unknown" : (REASONS[reason] ?? reason.replaceAll("_", " "));
