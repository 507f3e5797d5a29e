// THAW_LOG: what thaw does, as JSON lines on stderr.
import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';

import { Workshop, python } from './support.js';

/** pino's numbers. */
const LEVELS = { debug: 20, info: 30 } as const;

type Fields = Readonly<Record<string, unknown>>;

/** Among them are the lines of the progress, for people. */
function recordsOf(stderr: string): Fields[] {
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Fields);
}

function only(t: ExecutionContext, records: readonly Fields[], wanted: Fields): Fields {
  const found = records.filter((record) =>
    Object.entries(wanted).every(([key, value]) => record[key] === value),
  );
  t.is(found.length, 1, `${JSON.stringify(wanted)} in ${JSON.stringify(records, undefined, 1)}`);
  return found[0] ?? {};
}

test('a build tells of processes, the checkpoint and the store; its result stands alone on stdout', (t) => {
  const workshop = new Workshop(t);
  const profile = workshop.profile('app', 'until = { log = "warm$" }\nsettle = "20ms"\nrun = ["true"]');
  const { status, stdout, stderr } = workshop.thawWith({ THAW_LOG: 'debug' }, 'build', profile);
  t.is(status, 0, stderr);
  const records = recordsOf(stderr);
  const image = stdout.trimEnd();
  t.true(image.startsWith(join(workshop.store, 'profiles', 'app')) && image.endsWith('.thaw'), stdout);

  const spawned = only(t, records, {
    part: 'app',
    msg: 'spawned',
    program: python,
    output: join(workshop.store, 'profiles/app/warmup.log'),
  });
  t.like(spawned, { level: LEVELS.debug, args: ['app.py'], cwd: workshop.folder });
  const { pid } = spawned;
  t.is(typeof pid, 'number');
  // While it warms up, in its training and in its trial.
  const exercised = records.filter(({ msg }) => msg === 'exercised');
  t.is(exercised.length, 4); // In the warm-up, training and the trial with its cold start.
  for (const record of exercised) t.like(record, { level: LEVELS.debug, command: 'true', code: 0 });
  t.like(only(t, records, { part: 'app', msg: 'warm' }), { level: LEVELS.info, pid, profile: 'app' });

  const checkpointed = only(t, records, { part: 'checkpoint', msg: 'checkpointed' });
  t.like(checkpointed, { level: LEVELS.info, pid, threads: 1 });
  t.true(Number(checkpointed['bytes']) > 0 && Number(checkpointed['ms']) > 0, JSON.stringify(checkpointed));
  t.like(only(t, records, { part: 'training', msg: 'trained' }), { level: LEVELS.info });
  t.like(only(t, records, { part: 'proving', msg: 'proved' }), { level: LEVELS.info });

  const installed = only(t, records, { part: 'store', msg: 'installed' });
  t.like(installed, { level: LEVELS.info, profile: 'app', image });
  t.true(Number(installed['bytes']) > 0, JSON.stringify(installed));
  t.like(only(t, records, { part: 'store', msg: 'indexed' }), { level: LEVELS.debug, profile: 'app' });

  const again = workshop.thawWith({ THAW_LOG: 'info' }, 'build', profile);
  const levels = recordsOf(again.stderr).map(({ level }) => Number(level));
  t.true(levels.length > 0 && levels.every((level) => level >= LEVELS.info), again.stderr);
  t.like(only(t, recordsOf(again.stderr), { part: 'store', msg: 'removed' }), { path: image });

  const silent = workshop.thaw('remove', 'app');
  t.deepEqual([silent.status, silent.stderr], [0, '']);
});
