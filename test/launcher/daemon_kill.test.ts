// thawd and its build are killed at random moments, as a power cut would: the store holds a whole image at each of them, and
// each launch is right.
import test from 'ava';
import { setTimeout as sleep } from 'node:timers/promises';

import { Watched } from './daemon_support.js';

const KILLS = 12;

interface Listed {
  readonly name: string;
  readonly image: string | null;
  readonly problem: string | null;
}

test(`${KILLS} times killed while it builds`, async (t) => {
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
    const what = `killed after ${moment.toFixed(0)} ms`;
    const [listed] = JSON.parse(app.workshop.thaw('list', '--json').stdout) as readonly Listed[];
    t.deepEqual([listed?.name, listed?.problem], ['app', null], what);
    images.add(listed?.image ?? '');
    // Read whole, against its checksums: all that may be wrong is that the input has changed since.
    const verified = app.workshop.thaw('verify', 'app');
    t.regex(verified.stdout, /^app: (good|input: .*config\.txt has changed)/, `${what}: ${verified.stdout}`);
    t.notRegex(verified.stdout, /page data|app: image/, what);
    const launched = app.launch();
    t.is(launched.level, level, `${what}: ${launched.stderr}`);
    t.is(launched.warm, verified.status === 0, `${what}: ${launched.stderr}`);
  }
  t.log(`${whole} ms for a rebuild; ${images.size} images in ${KILLS} kills`);
  app.set('last');
  await app.start('--limit', 'writes=off');
  await app.once('the rebuild after all', ({ counts, building }) => counts.rebuilt === 1 && !building);
  await app.stop();
  // The next look takes away what the killed ones left.
  await app.start();
  await app.once('a look', () => true);
  t.deepEqual(app.leftovers, []);
  t.deepEqual(app.launch(), { warm: true, level: 'last', stderr: '' });
});
