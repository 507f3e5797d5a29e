// The power is cut while builds, the daemon, launches and training write to the store: whatever the disk keeps of what was not
// flushed, the store holds a whole image, the old or the new one, and each launch is right.
import test, { type ExecutionContext } from 'ava';

import { Watched } from './daemon_support.js';
import { RecordedDisk, lackingForDisks } from './power_cut.js';

const CUTS_EACH = 13;
/** Writes and flushes. */
const LATE = 60;
const MB = 1 << 20;

const LEVELS = ['one', 'two', 'three'] as const;
type Level = (typeof LEVELS)[number];

interface Phase {
  readonly name: string;
  /** Moments of the record. */
  readonly from: number;
  readonly to: number;
  /** What the image is of, before and after; undefined: there is none. */
  readonly before: Level | undefined;
  readonly after: Level;
}

/** All that writes to a store, once. */
async function work(
  t: ExecutionContext,
  app: Watched,
  disk: RecordedDisk,
  begin: number,
): Promise<readonly Phase[]> {
  const phases: Phase[] = [];
  const thaw = (...args: readonly string[]): void => {
    const { status, stderr } = app.workshop.thaw(...args);
    t.is(status, 0, stderr);
  };
  const done = (name: string, before: Level | undefined, after: Level): void => {
    phases.push({ name, from: phases.at(-1)?.to ?? begin, to: disk.now, before, after });
  };
  done('first build', undefined, 'one');
  app.set('two');
  // Asks for a new image.
  app.launch();
  thaw('rebuild', 'app');
  done('rebuild', 'one', 'two');
  app.set('three');
  await app.start('--limit', 'writes=off');
  await app.once('the rebuild', ({ counts, building }) => counts.rebuilt === 1 && !building);
  // What it has told is on the disk.
  done('daemon', 'two', 'three');
  await app.stop();
  thaw('train', 'app');
  thaw('gc');
  done('training', 'three', 'three');
  return phases;
}

/** @returns the level that is launched warm */
function expectWhole(t: ExecutionContext, app: Watched, what: string): Level | undefined {
  const warm = LEVELS.filter((level) => {
    app.set(level);
    const launched = app.launch();
    t.is(launched.level, level, `${what}: ${launched.stderr}`);
    return launched.warm;
  });
  t.true(warm.length <= 1, `${what}: warm for ${warm.join(' and ')}`);
  const [level] = warm;
  if (level === undefined) return undefined;
  app.set(level);
  const verified = app.workshop.thaw('verify', 'app');
  t.is(verified.status, 0, `${what}: ${verified.stdout}`);
  t.regex(app.workshop.thaw('list', '--json').stdout, /"problem": null/, what);
  return level;
}

/** Every second one where names are changed: most of what is written is the image's. */
function someOf(moments: readonly number[], { from, to }: Phase): readonly number[] {
  const within = moments.filter((moment) => moment > from && moment < to);
  const late = within.slice(-LATE);
  return Array.from({ length: CUTS_EACH }, (_, i) => {
    const some = i % 2 === 0 ? late : within;
    return some[Math.floor(Math.random() * some.length)] ?? to;
  });
}

const lacking = lackingForDisks();

(lacking === undefined ? test : test.skip)('the power is cut at any write', async (t) => {
  t.timeout(30 * 60_000);
  let disk: RecordedDisk | undefined;
  let begin = 0;
  const app = await Watched.on(t, async ({ store }) => {
    disk = await RecordedDisk.make(t, store, 96 * MB);
    begin = disk.now;
  });
  if (disk === undefined) throw new RangeError('there is no disk');
  const phases = await work(t, app, disk, begin);
  disk.close();
  const moments = disk.moments();
  const cuts = phases.flatMap((phase) => [...someOf(moments, phase), phase.to]);
  const found: Record<string, number> = {};
  disk.eachCut(cuts, (moment) => {
    const phase = phases.find(({ to }) => moment <= to);
    if (phase === undefined) throw new RangeError('a cut after the end');
    const { name, before, after, to } = phase;
    const what = `${name}, cut at ${moment} of ${phase.from} to ${to}`;
    const level = expectWhole(t, app, what);
    if (moment === to) t.is(level, after, what);
    else t.true(level === before || level === after, `${what}: ${level ?? 'none'}`);
    const key = `${name}: ${level === after ? 'new' : 'old'}`;
    found[key] = (found[key] ?? 0) + 1;
  });
  t.log(`${moments.length} writes and flushes; ${cuts.length} cuts: ${JSON.stringify(found)}`);
});
