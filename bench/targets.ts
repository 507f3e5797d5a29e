// The speed to reach, and what a run of the bench has reached. Each is a ratio of things measured side by side.
import { FORMATS } from '../launcher/packing/formats/index.js';
import { median } from '../launcher/statistics.js';
import { sealedVariant } from './measures/instances.js';
import { sealedRoot } from './measures/sealed.js';
import { STORAGE_RATES_MB } from './measures/storage.js';
import { find, type Key, type Results } from './results.js';

export interface Row {
  readonly what: string;
  readonly subject: string;
  readonly target: string;
  readonly figure: string;
  readonly reached: boolean;
}

interface Target {
  readonly what: string;
  /** All that the results say of it; none if it was not measured. */
  readonly rows: (results: Results) => readonly Omit<Row, 'what'>[];
}

const FULL_SECOND_MS = 1000;

/** The kernel lets reads through by slices of this time (DFL_THROTL_SLICE of block/blk-throttle.c): what is shorter measures where a slice ends. */
const LIMITER_SLICE_MS = 100;

const targets: readonly Target[] = [
  {
    what: 'first answer, in page cache, against CRIU',
    rows: (results) =>
      perSubject(results, 'first-answer', 'criu', (subject) =>
        atLeast(
          8,
          ratio(results, key('first-answer', subject, 'criu'), key('first-answer', subject, 'warm')),
          15,
        ),
      ),
  },
  {
    what: 'first answer against a cold start of 1 s or more',
    rows: (results) =>
      perSubject(results, 'first-answer', 'cold', (subject) => {
        const cold = key('first-answer', subject, 'cold');
        if ((value(results, cold) ?? 0) < FULL_SECOND_MS) return undefined;
        return atLeast(50, ratio(results, cold, key('first-answer', subject, 'warm')));
      }),
  },
  {
    what: 'resume against as many mmap, clone, open calls',
    rows: (results) =>
      perSubject(results, 'resume', 'floor', (subject) =>
        atMost(1.5, ratio(results, key('resume', subject, 'resume'), key('resume', subject, 'floor'))),
      ),
  },
  sizes('resume, 2 GB image against 100 MB', 'image-size', 2000, 100, 1.2),
  sizes('resume of 8 small processes against one', 'tree', 8, 1, 3),
  {
    what: 'first answer, page cache dropped, against reading the working set',
    rows: (results) =>
      perSubject(results, 'dropped', 'read', (subject) =>
        atMost(1.5, ratio(results, key('dropped', subject, 'warm'), key('dropped', subject, 'read'))),
      ),
  },
  ...STORAGE_RATES_MB.map(storage),
  sealed(20, 0.25),
  sealed(50, 0.4),
  sealed(undefined, 1.3),
  memory('memory of 8 instances against 8 cold ones', 'warm', 1 / 3),
  ...FORMATS.map(({ name }) => memory(`the same, launched from ${name}`, sealedVariant(name), 0.2)),
  {
    what: 'first answer with 2,000 more inputs against without',
    rows: (results) =>
      perSubject(results, 'inputs', '2000-more', (subject) =>
        atMost(1.1, ratio(results, key('inputs', subject, '2000-more'), key('inputs', subject, 'plain'))),
      ),
  },
  {
    what: 'resume with 2,000 more inputs on a root with an identity',
    rows: (results) =>
      perSubject(results, 'inputs-cost', 'root-identity', (subject) =>
        atMostMore(
          0.1,
          results,
          key('inputs-cost', subject, 'plain'),
          key('inputs-cost', subject, 'root-identity'),
        ),
      ),
  },
  {
    what: 'first picture of a window against a cold start',
    rows: (results) =>
      perSubject(results, 'windows', 'warm', (subject) =>
        atLeast(15, ratio(results, key('windows', subject, 'cold'), key('windows', subject, 'warm'))),
      ),
  },
  {
    what: 'first picture of a window after exec',
    rows: (results) =>
      perSubject(results, 'windows', 'warm', (subject) =>
        atMostMs(15, value(results, key('windows', subject, 'warm'))),
      ),
  },
  fallback('no image', 'no-image'),
  fallback('stale image', 'stale-image'),
];

function storage(rate: number): Target {
  return {
    what: `the same, storage of ${rate} MB/s`,
    rows: (results) =>
      perSubject(results, 'storage', 'read', (subject) => {
        const of = (variant: string): Key => ({ ...key('storage', subject, variant), x: rate });
        if ((value(results, of('read')) ?? 0) < LIMITER_SLICE_MS) return undefined;
        return atMost(1.5, ratio(results, of('warm'), of('read')));
      }),
  };
}

/** From the better one of the formats, where the libraries are on such a file system, too. */
function sealed(rate: number | undefined, limit: number): Target {
  return {
    what: `sealed store and root, ${rate === undefined ? "the machine's disk" : `${rate} MB/s`}, against reading the working set`,
    rows: (results) =>
      perSubject(results, 'sealed', 'read', (subject) => {
        const of = (variant: string): Key => ({ ...key('sealed', subject, variant), x: rate });
        const reached = FORMATS.flatMap(({ name }) => ratio(results, of(sealedRoot(name)), of('read')) ?? []);
        return reached.length === 0 ? undefined : atMost(limit, Math.min(...reached));
      }),
  };
}

function memory(what: string, variant: string, limit: number): Target {
  return {
    what,
    rows: (results) =>
      perSubject(results, 'instances', variant, (subject) => {
        const of = (variant: string): Key => ({ ...key('instances', subject, variant), x: 8 });
        return atMost(limit, ratio(results, of(variant), of('cold')));
      }),
  };
}

/** What `large` costs until resume, against `small`. */
function sizes(what: string, measure: string, large: number, small: number, limit: number): Target {
  return {
    what,
    rows: (results) =>
      perSubject(results, measure, 'resume', (subject) => {
        const of = (x: number): Key => ({ ...key(measure, subject, 'resume'), x });
        return atMost(limit, ratio(results, of(large), of(small)));
      }),
  };
}

function fallback(why: string, variant: string): Target {
  return {
    what: `fallback against exec: ${why}`,
    rows: (results) =>
      perSubject(results, 'fallback', variant, (subject) =>
        atMostMore(1, results, key('fallback', subject, 'exec'), key('fallback', subject, variant)),
      ),
  };
}

/** One row for each target and each subject that it was measured with. */
export function speedToReach(results: Results): readonly Row[] {
  return targets.flatMap(({ what, rows }) => rows(results).map((row) => ({ what, ...row })));
}

type Verdict = Omit<Row, 'what' | 'subject'>;

function key(measure: string, subject: string, variant: string): Key {
  return { measure, subject, variant };
}

function value(results: Results, one: Key): number | undefined {
  const series = find(results, one);
  return series === undefined ? undefined : median(series.values);
}

function ratio(results: Results, above: Key, below: Key): number | undefined {
  const [a, b] = [value(results, above), value(results, below)];
  return a === undefined || b === undefined ? undefined : a / b;
}

function perSubject(
  { series }: Results,
  measure: string,
  variant: string,
  verdict: (subject: string) => Verdict | undefined,
): Omit<Row, 'what'>[] {
  const subjects = new Set(
    series.filter((one) => one.measure === measure && one.variant === variant).map(({ subject }) => subject),
  );
  return [...subjects].flatMap((subject) => {
    const found = verdict(subject);
    return found === undefined ? [] : [{ subject, ...found }];
  });
}

function atLeast(limit: number, figure: number | undefined, then?: number): Verdict | undefined {
  if (figure === undefined) return undefined;
  const target = `at least ${limit} x${then === undefined ? '' : `, then ${then}`}`;
  return { target, figure: `${figure.toFixed(1)} x`, reached: figure >= limit };
}

function atMost(limit: number, figure: number | undefined): Verdict | undefined {
  if (figure === undefined) return undefined;
  return {
    target: `at most ${limit.toFixed(2)} x`,
    figure: `${figure.toFixed(2)} x`,
    reached: figure <= limit,
  };
}

function atMostMs(limitMs: number, figure: number | undefined): Verdict | undefined {
  if (figure === undefined) return undefined;
  return { target: `at most ${limitMs} ms`, figure: `${figure.toFixed(1)} ms`, reached: figure <= limitMs };
}

function atMostMore(limitMs: number, results: Results, plain: Key, other: Key): Verdict | undefined {
  const [before, after] = [value(results, plain), value(results, other)];
  if (before === undefined || after === undefined) return undefined;
  const more = after - before;
  return {
    target: `at most ${limitMs} ms more`,
    figure: `${more.toFixed(2)} ms more`,
    reached: more <= limitMs,
  };
}
