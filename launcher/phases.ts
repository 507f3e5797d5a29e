// The phases of a launch, as THAW_LOG=trace makes thaw-exec print them: "thaw-exec: map 812 us".

/** In the order of a launch. Their sum is the time from thaw-exec's main() until every thread runs again. */
export const PHASES = ['open', 'unmap', 'map', 'threads', 'feed', 'commit'] as const;
export type Phase = (typeof PHASES)[number];

/** Microseconds of each phase. */
export type Phases = Readonly<Record<Phase, number>>;

/** The phases of the last launch in what thaw-exec wrote; undefined if it did not resume. */
export function parsePhases(log: string): Phases | undefined {
  const found: Partial<Record<Phase, number>> = {};
  for (const [, name, microseconds] of log.matchAll(/^thaw-exec: (\w+) (\d+) us$/gm)) {
    const phase = PHASES.find((one) => one === name);
    if (phase !== undefined) found[phase] = Number(microseconds);
  }
  const { open, unmap, map, feed, threads, commit } = found;
  if (open === undefined || unmap === undefined || map === undefined) return undefined;
  if (feed === undefined || threads === undefined || commit === undefined) return undefined;
  return { open, unmap, map, threads, feed, commit };
}

/** Microseconds from thaw-exec's main() until every thread of the app runs again. */
export function untilResume(phases: Phases): number {
  return PHASES.reduce((sum, phase) => sum + phases[phase], 0);
}
