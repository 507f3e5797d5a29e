// A compositor that breaks off in the middle of a launch, at any byte: the app comes, cold, and works.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { root } from '../engine/support/paths.js';
import { Workshop } from '../launcher/support.js';
import { Place } from '../../bench/windows/place.js';
import { endChild } from '../../bench/end_child.js';
import { until } from '../../bench/until.js';
import { compiled } from './bus.js';
import { Display, compiledWindow } from './display.js';

const KEY_A = 30;
const WAYS = ['close', 'silence', 'garbage', 'twice'];
/** A launch of the profile is told some 1.5 KB; what comes later is the app's own. */
const MOST = 2000;
const EACH = 6;

test('whatever the compositor breaks off with, and wherever', async (t) => {
  t.timeout(600_000);
  const place = new Place('qtquick', 'real');
  const bent = join(place.folder, 'bent');
  execFileSync('cc', ['-O1', '-Wall', '-o', bent, join(root, 'test', 'session', 'bent.c')]);
  const door = join(place.compositor.folder, 'wayland-0');
  let between: ChildProcess | undefined;
  const stop = async () => {
    if (between === undefined) return;
    await endChild(between);
    rmSync(door, { force: true });
  };
  const stand = async (bytes: number, way: string) => {
    await stop();
    between = spawn(bent, [door, place.compositor.path, String(bytes), way], { stdio: 'inherit' });
    await until(() => existsSync(door), 'bent');
  };
  t.teardown(async () => {
    await stop();
    await place.end();
  });
  await place.compositor.startSeated();
  await stand(1 << 30, 'close');
  await place.build();
  let cold = 0;
  for (const way of WAYS)
    for (let i = 0; i < EACH; ++i) {
      const bytes = 1 + Math.floor(Math.random() * MOST);
      const where = `${way} after ${bytes} bytes`;
      await stand(bytes, way);
      const window = place.start('or cold');
      const deadline = Date.now() + 20_000;
      const isCold = () => window.output.includes('starting cold');
      const isWell = () => /^key a/m.test(window.output);
      // What comes after the launch is the app's own affair, warm or cold.
      while (!isWell() && window.process.exitCode === null && Date.now() < deadline) {
        await place.compositor.command(`key ${KEY_A}`);
        await setTimeout(100);
        if (!isCold() && Date.now() > deadline - 15_000) break;
      }
      if (isCold()) ++cold;
      t.true(isWell() || !isCold(), `${where}: ${window.output}`);
      window.process.kill('SIGKILL');
      await window.ended;
    }
  t.log(`${cold} of ${WAYS.length * EACH} within the launch`);
  t.true(cold > 0);
  // What another window brings about, such as a change of the focus, may be over when the launch asks again.
  await stand(1, 'stray');
  const window = place.start('warm');
  await window.answers(`key ${KEY_A}`, /^key a/m);
  t.regex(window.output, /^key a/m);
  t.notRegex(window.output, /thaw-exec:/);
  window.process.kill('SIGKILL');
  await window.ended;
});

test('asked in the middle of a launch whether it answers, it does', async (t) => {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const bent = compiled(workshop, 'bent');
  const door = join(compositor.folder, 'wayland-8');
  const command = [compiledWindow(workshop), 'close'];
  const toml = compositor.profile(command);
  workshop.write('window.toml', readFileSync(toml, 'utf8').replaceAll('wayland-7', 'wayland-8'));
  for (const way of ['close', 'ping']) {
    const between = spawn(bent, [door, compositor.path, way === 'ping' ? '1' : String(1 << 30), way]);
    t.teardown(() => between.kill('SIGKILL'));
    await until(() => existsSync(door), 'bent');
    if (way === 'close') {
      const built = workshop.thaw('build', toml);
      t.is(built.status, 0, built.stderr);
    } else {
      const { stdout, stderr } = compositor.launch(command, { WAYLAND_DISPLAY: 'wayland-8' });
      t.is(stdout, 'frames 8\n', stderr); // Cold, it says that it is shown, too.
      t.notRegex(stderr, /thaw-exec:/);
    }
    await endChild(between);
    rmSync(door, { force: true });
  }
});

/** What a build of weston's client says, whose compositor is bent that way for all but its warm-up. */
async function builtOn(t: ExecutionContext, way: string) {
  const workshop = new Workshop(t);
  const compositor = new Display(t, workshop);
  await compositor.start();
  const door = join(compositor.folder, 'wayland-8');
  const between = spawn(compiled(workshop, 'bent'), [door, compositor.path, '1', way]);
  t.teardown(() => between.kill('SIGKILL'));
  await until(() => existsSync(door), 'bent');
  return workshop.thaw('build', compositor.drawingProfile(door));
}

test('a launch that takes its time is trained and proved when it is over', async (t) => {
  const { status, stderr } = await builtOn(t, 'late');
  t.is(status, 0, stderr);
  t.regex(stderr, /train: \d/);
  t.notRegex(stderr, /train: 0 B/);
});

test('an image whose launches come to nothing is not installed, however late they tell', async (t) => {
  const { status, stderr } = await builtOn(t, 'mute');
  t.is(status, 1, stderr);
  t.regex(stderr, /trial launch: the app ended/);
});
