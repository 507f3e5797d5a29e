// Runs in an ARM guest: real apps, whose images are built and launched there by the public commands. Prints a line for each:
//   ok PROFILE TIMES | bad PROFILE REASON
// Usage: real_apps.js WORK_FOLDER
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Instance } from '../../../bench/instance.js';
import { definitionPath, root } from '../../../bench/paths.js';
import { warmStart } from '../../../bench/start.js';
import {
  type Subject,
  checkOwnKeys,
  checkOwnState,
  get,
  json,
  redis,
  subject,
} from '../../../bench/subjects.js';
import { Thaw } from '../../../bench/thaw.js';

const inARow = 2;
const atOnce = 4;

const squares = (n: number): number => (n * (n + 1) * (2 * n + 1)) / 6;

/** A small server: ts-server takes a minute to start on an emulated CPU. */
const node: Subject = {
  profile: 'node',
  definition: join(root, 'test/system/apps/node.toml'),
  port: 8206,
  first: (n) => ({ send: get(`/sum?n=${n}`), expect: `squares ${squares(n)}` }),
  check: async (instance, n) => {
    const ticks = async (): Promise<number> => Number(json(await instance.ask(get('/sum?n=1')))['ticks']);
    const before = await ticks();
    await sleep(200);
    assert.ok((await ticks()) > before, 'the timer goes on');
    await checkOwnState(instance, n);
  },
};
/** Without the catalogue that profiles/redis loads. */
const smallRedis: Subject = {
  profile: 'redis',
  definition: join(root, 'test/system/apps/redis.toml'),
  port: 8207,
  first: (n) => ({ send: redis(`GET item:${n}`), expect: `title-${n}\r\n` }),
  check: async (instance, n) => {
    assert.equal(await instance.ask(redis('DBSIZE')), ':1000\r\n+OK\r\n');
    await checkOwnKeys(instance, n);
  },
};
const subjects: readonly Subject[] = [smallRedis, subject('python'), node];

const [, , work = ''] = process.argv;
mkdirSync(work, { recursive: true });
const thaw = new Thaw(join(work, 'store'));

const launch = (one: Subject, n: number): Promise<Instance> =>
  Instance.start(warmStart(one, thaw.store, join(work, `${one.profile}-${n}.log`)), one.first(n));

/** Launches that follow each other. @returns how long each took until its first answer, in ms */
async function launchInARow(one: Subject): Promise<number[]> {
  const times: number[] = [];
  for (let n = 1; n <= inARow; n++) {
    const instance = await launch(one, n);
    try {
      await one.check(instance, n);
      times.push(Math.round(instance.first.microseconds / 1000));
    } finally {
      await instance.end();
    }
  }
  return times;
}

/** Instances of one image that run side by side, each with a state of its own. */
async function launchAtOnce(one: Subject): Promise<void> {
  const started = await Promise.allSettled(Array.from({ length: atOnce }, (_, i) => launch(one, i + 1)));
  const instances = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  try {
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await Promise.all(instances.map((instance, i) => one.check(instance, i + 1)));
  } finally {
    await Promise.all(instances.map((instance) => instance.end()));
  }
}

await thaw.buildFrom(...subjects.map(({ profile, definition }) => definition ?? definitionPath(profile)));
for (const one of subjects)
  try {
    const times = await launchInARow(one);
    await launchAtOnce(one);
    console.log(`ok ${one.profile} first answers after ${times.join(', ')} ms`);
  } catch (error) {
    console.log(`bad ${one.profile} ${String(error).replaceAll('\n', ' | ')}`);
  }
