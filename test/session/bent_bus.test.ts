// A bus that breaks off in the middle of a launch, at any byte: the app comes, cold, and works.
import test from 'ava';
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Workshop } from '../launcher/support.js';
import { endChild } from '../../bench/end_child.js';
import { until } from '../../bench/until.js';
import { Bus, compiled, speakerProfile } from './bus.js';

/** A launch is told of some 400 bytes by the bus, the first 37 of them a line of text; what comes later is the app's own. */
const LINE = 37;
const MOST = 450;
const EACH = 5;
const STEP = 16;
/** Of it, 2 s are the launch's, and half a second the app's. */
const LIMIT_MS = 6000;

const random = (most: number): number[] =>
  Array.from({ length: EACH }, () => 1 + Math.floor(Math.random() * most));
const begin = 1 + Math.floor(Math.random() * STEP);
const steps = Array.from({ length: Math.ceil(MOST / STEP) }, (_, i) => begin + i * STEP);
/** Silence costs each launch all of its 2 s: a few of it. */
const ways: Readonly<Record<string, readonly number[]>> = {
  close: steps,
  garbage: steps,
  twice: steps,
  silence: [...random(LINE), ...random(MOST)],
};

test('whatever the bus breaks off with, and wherever', async (t) => {
  t.timeout(900_000);
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const bent = compiled(workshop, 'bent');
  const door = join(workshop.folder, 'run', 'bent-bus');
  const standing = async (bytes: number, way: string) => {
    rmSync(door, { force: true });
    const between = spawn(bent, [door, bus.path, String(bytes), way], { stdio: 'inherit' });
    t.teardown(() => between.kill('SIGKILL'));
    await until(() => existsSync(door), 'bent');
    return between;
  };
  const whole = await standing(1 << 30, 'close');
  const built = workshop.thaw('build', speakerProfile(workshop, door));
  t.is(built.status, 0, built.stderr);
  const warm = workshop.launch('app', { BUS: door });
  t.is(warm.stdout, 'done\n', warm.stderr);
  await endChild(whole);
  let cold = 0;
  for (const [way, cuts] of Object.entries(ways))
    for (const bytes of cuts) {
      const where = `${way} after ${bytes} bytes`;
      const between = await standing(bytes, way);
      const start = performance.now();
      const { stdout, stderr } = workshop.launch('app', { BUS: door });
      t.true(performance.now() - start < LIMIT_MS, where);
      const isCold = stderr.includes('starting cold');
      if (isCold) ++cold;
      // Cold, it has a connection of its own, of which all is passed on.
      const says = isCold ? /^warming\n(without a bus\n)?warm\ndone\n$/ : /^done\n$/;
      t.regex(stdout, says, `${where}: ${stderr}`);
      if (way !== 'twice' && bytes < LINE) t.true(isCold, where);
      await endChild(between);
    }
  t.log(`${cold} of ${Object.values(ways).flat().length} within the launch`);
});
