// The stream position of the oldest answer about a workspace: a stream that resumes there misses no event.

const oldest = new Map<string, string>();

/** Tell whether the position `a` comes before `b`. A position is two numbers, `milliseconds-sequence`. */
function isBefore(a: string, b: string): boolean {
  const [before, after] = [a, b].map((position) => position.split("-").map(Number)) as [number[], number[]];
  return before[0]! < after[0]! || (before[0] === after[0] && before[1]! < after[1]!);
}

/** Keep the header `Stream-Cursor` of a read, if it is the oldest one. */
export function keepCursor(workspace: string, answer: Response): void {
  const cursor = answer.headers.get("Stream-Cursor");
  const kept = oldest.get(workspace);
  if (cursor && (!kept || isBefore(cursor, kept))) oldest.set(workspace, cursor);
}

export function oldestCursor(workspace: string): string | undefined {
  return oldest.get(workspace);
}
