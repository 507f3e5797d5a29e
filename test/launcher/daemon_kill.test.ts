// thawd and its build are killed, as a power cut would: at random moments, and before each change of a name in the store. It
// holds a whole image at each of them, and each launch is right.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { cli } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Watched } from './daemon_support.js';

const KILLS = 12;

interface Listed {
  readonly name: string;
  readonly image: string | null;
  readonly problem: string | null;
}

/** What config.txt holds is what a launch says, be it warm or cold. @returns the id of the image */
function expectWhole(t: ExecutionContext, app: Watched, level: string, what: string): string {
  const [listed] = JSON.parse(app.workshop.thaw('list', '--json').stdout) as readonly Listed[];
  t.deepEqual([listed?.name, listed?.problem], ['app', null], what);
  // Read whole, against its checksums: all that may be wrong is that the input has changed since.
  const verified = app.workshop.thaw('verify', 'app');
  t.regex(verified.stdout, /^app: (good|input: .*config\.txt has changed)/, `${what}: ${verified.stdout}`);
  t.notRegex(verified.stdout, /page data|app: image/, what);
  const launched = app.launch();
  t.is(launched.level, level, `${what}: ${launched.stderr}`);
  t.is(launched.warm, verified.status === 0, `${what}: ${launched.stderr}`);
  return listed?.image ?? '';
}

/** A daemon that is let be builds, and takes away what the killed ones have left. */
async function expectRecovery(t: ExecutionContext, app: Watched): Promise<void> {
  app.set('last');
  await app.start('--limit', 'writes=off');
  await app.once('the rebuild after all', ({ counts, building }) => counts.rebuilt === 1 && !building);
  await app.stop();
  await app.start();
  await app.once('a look', () => true);
  t.deepEqual(app.leftovers, []);
  t.deepEqual(app.launch(), { warm: true, level: 'last', stderr: '' });
}

// One after the other: the second one waits for its processes where it stands.
test.serial(`${KILLS} times killed at a random moment`, async (t) => {
  t.timeout(20 * 60_000);
  const app = new Watched(t);
  const begin = Date.now();
  app.set('first');
  await app.start();
  await app.once('a whole rebuild', ({ counts }) => counts.rebuilt === 1);
  await app.stop();
  const whole = Date.now() - begin;
  const images = new Set<string>();
  for (let kill = 1; kill <= KILLS; kill++) {
    const level = `level${kill}`;
    app.set(level);
    // Every second one late, where images are put in place, or just after that.
    const moment = (kill % 2 === 0 ? Math.random() : 0.6 + 0.7 * Math.random()) * whole;
    await Promise.all([app.start('--limit', 'writes=off'), sleep(moment)]);
    await app.kill();
    images.add(expectWhole(t, app, level, `killed after ${moment.toFixed(0)} ms`));
  }
  t.log(`${whole} ms for a rebuild; ${images.size} images in ${KILLS} kills`);
  await expectRecovery(t, app);
});

/** How often a rebuild makes this call, each time with a kill before it. */
function killAtEach(t: ExecutionContext, app: Watched, name: string): number {
  for (let call = 1; ; call++) {
    const level = `${name}${call}`;
    app.set(level);
    // Node.js makes these calls on its first thread, which alone is traced: the app and its checkpoint are not.
    const inject = ['-e', `inject=${name}:signal=KILL:when=${call}`];
    const rebuild = [process.execPath, cli, 'rebuild', '--store', app.workshop.store, 'app'];
    const { signal, error } = spawnSync('strace', ['-o', '/dev/null', ...inject, ...rebuild], {
      cwd: app.workshop.folder,
      stdio: 'ignore',
      timeout: PATIENCE_MS,
    });
    t.is(error, undefined);
    expectWhole(t, app, level, `killed before ${name} ${call}`);
    if (signal !== 'SIGKILL') return call - 1;
  }
}

test.serial('killed before each change of a name', async (t) => {
  t.timeout(20 * 60_000);
  const app = new Watched(t);
  // Image, both definitions, link, index and history get their names so; link and index are made as links before.
  t.true(killAtEach(t, app, 'rename') >= 6);
  t.true(killAtEach(t, app, 'symlink') >= 2);
  await expectRecovery(t, app);
});
