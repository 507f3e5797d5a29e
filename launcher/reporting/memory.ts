// Each page of the app's memory: whether the image holds it, and whether a launch uses it.
import type { Image, ImageMapping, StoredRun, WorkingSetRun } from '../engine/index.js';
import type { Region, State } from './data.js';

/** A range of addresses. */
interface Span {
  readonly begin: number;
  readonly end: number;
  readonly state: State;
}

/** The mappings that hold something; what is only reserved is left out. By address. */
export function regionsOf(image: Image, stored: readonly StoredRun[]): Region[] {
  const { pageSize } = image.header;
  const spans = [
    ...stored.map((run) => spanOf(run, 'stored', pageSize)),
    ...image.workingSet.runs.map((run) => spanOf(run, run.written ? 'written' : 'read', pageSize)),
  ].sort((a, b) => a.begin - b.begin);
  return image.processes
    .flatMap(({ mappings }) => mappings)
    .map((mapping) => regionOf(mapping, spans))
    .filter(({ prot, runs }) => !prot.startsWith('---') || runs.some(([state]) => state !== 'empty'));
}

/** Addresses of apps are below 2^53 on all CPUs that thaw knows. */
function address(hex: string): number {
  return parseInt(hex, 16);
}

function spanOf({ address: at, pages }: StoredRun | WorkingSetRun, state: State, pageSize: number): Span {
  const begin = address(at);
  return { begin, end: begin + pages * pageSize, state };
}

function regionOf(mapping: ImageMapping, spans: readonly Span[]): Region {
  const [begin, end] = [address(mapping.start), address(mapping.end)];
  // Of a file's pages those that the image does not hold come from the file.
  const base: State = mapping.kind === 'file' && !mapping.prot.startsWith('---') ? 'file' : 'empty';
  const own = spans
    .filter((span) => span.begin < end && span.end > begin)
    .map(({ state, ...span }) => ({
      begin: Math.max(begin, span.begin),
      end: Math.min(end, span.end),
      state,
    }));
  return {
    start: mapping.start,
    bytes: end - begin,
    prot: mapping.prot,
    name: nameOf(mapping),
    runs: flattened({ begin, end, state: base }, own),
  };
}

function nameOf({ name, kind }: ImageMapping): string {
  return name === '' ? kind : name;
}

/** The hottest state wins where spans overlap. */
function flattened(base: Span, spans: readonly Span[]): [State, number][] {
  const cuts = [...new Set([base.begin, base.end, ...spans.flatMap(({ begin, end }) => [begin, end])])].sort(
    (a, b) => a - b,
  );
  const runs: [State, number][] = [];
  let open: Span[] = [];
  let next = 0;
  for (const [i, cut] of cuts.slice(0, -1).entries()) {
    open = open.filter(({ end }) => end > cut);
    for (let span = spans[next]; span !== undefined && span.begin <= cut; span = spans[++next])
      open.push(span);
    const state = open.reduce<State>(
      (best, one) => (heat(one.state) > heat(best) ? one.state : best),
      base.state,
    );
    const bytes = (cuts[i + 1] ?? cut) - cut;
    const last = runs.at(-1);
    if (last?.[0] === state) last[1] += bytes;
    else runs.push([state, bytes]);
  }
  return runs;
}

function heat(state: State): number {
  return { empty: 0, file: 1, stored: 2, read: 3, written: 4 }[state];
}

/** Bytes of each state. */
export function totals(regions: readonly Region[]): Readonly<Record<State, number>> {
  const sums: Record<State, number> = { empty: 0, file: 0, stored: 0, read: 0, written: 0 };
  for (const { runs } of regions) for (const [state, bytes] of runs) sums[state] += bytes;
  return sums;
}
