// An image whose launches die early is set aside, and nothing is written for those that do not.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcessByStdio, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';

import { native } from '../../launcher/engine/index.js';
import { apps, thawExec } from '../engine/support/paths.js';
import { until } from '../engine/support/process.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop } from './support.js';

const actor = join(apps, 'actor');
const daemon = 1;
const as = (uid: number): string[] => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

/** Other users have to reach the app and thaw-exec. */
const reachable = spawnSync('env', [
  ...as(daemon),
  'sh',
  '-c',
  `test -x '${thawExec}' && test -x '${actor}'`,
]);
const asRoot = process.geteuid?.() === 0 && reachable.status === 0 ? test : test.skip;

/** A profile of the app that does in each launch what the test wants. */
class Guarded {
  readonly workshop: Workshop;
  readonly folder: string;
  readonly #command: readonly string[];

  constructor(t: ExecutionContext, guard: string, user?: string) {
    this.workshop = new Workshop(t);
    t.teardown(() => this.workshop.thaw('remove', 'app'));
    this.folder = join(this.workshop.store, 'profiles', 'app');
    const scratch = join(this.workshop.folder, 'scratch');
    mkdirSync(scratch);
    chmodSync(this.workshop.folder, 0o755);
    chmodSync(scratch, 0o777);
    const args = [join(scratch, 'status'), join(this.workshop.folder, 'go'), scratch];
    const wrapper = user === undefined ? [] : ['env', ...as(daemon)];
    this.#command = [...wrapper, thawExec, '--store', this.workshop.store, '--', actor, ...args];
    const toml = [
      'name = "app"',
      `program = "${actor}"`,
      `args = ${JSON.stringify(args)}`,
      user === undefined ? '' : `user = "${user}"`,
      `[warmup]\nuntil = { file = "${args[0]}" }\nsettle = "300ms"`,
      `[launch]\nguard = ${guard}\n`,
    ].join('\n');
    this.thaw(t, 'build', this.workshop.write('app.toml', toml));
  }

  thaw(t: ExecutionContext, ...args: readonly string[]): string {
    const { status, stdout, stderr } = this.workshop.thaw(...args);
    t.is(status, 0, stderr);
    return stdout;
  }

  /** A launch of which nobody is left, the watcher included, long after the last good one. */
  launch(...does: readonly string[]): Promise<SpawnSyncReturns<string>> {
    for (const sign of this.signs) rmSync(sign, { force: true });
    return this.launchSoon(...does);
  }

  /** The signs of good launches that there can be. */
  get signs(): string[] {
    return readdirSync(this.folder)
      .filter((name) => /^[0-9a-f]+\.thaw$/.test(name))
      .map((name) => native.store.goodSign + name.replace('.thaw', ''));
  }

  async launchSoon(...does: readonly string[]): Promise<SpawnSyncReturns<string>> {
    this.workshop.write('go', does.map((line) => `${line}\n`).join(''));
    const [program = '', ...args] = this.#command;
    const result = spawnSync(program, args, { ...this.#setting, encoding: 'utf8', timeout: PATIENCE_MS });
    rmSync(join(this.workshop.folder, 'go')); // For a build, the app has to wait.
    await until('the watcher to end', () => watchersOf(this.workshop.store).length === 0);
    return result;
  }

  start(): ChildProcessByStdio<null, Readable, null> {
    const [program = '', ...args] = this.#command;
    return spawn(program, args, { ...this.#setting, stdio: ['ignore', 'pipe', 'ignore'] });
  }

  get #setting(): { readonly cwd: string; readonly env: NodeJS.ProcessEnv } {
    return { cwd: this.workshop.folder, env: { PATH: process.env['PATH'], THAW_LOG: 'info' } };
  }

  /** What the records say, all of them. */
  get deaths(): string {
    const folder = join(this.folder, 'deaths');
    return readdirSync(folder)
      .map((id) => readFileSync(join(folder, id), 'utf8'))
      .join('---\n');
  }
}

/** The processes that watch launches from this store. */
function watchersOf(store: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/comm`, 'utf8') === 'thaw-guard\n' &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(store)
        );
      } catch {
        return false;
      }
    });
}

/** Of all that lies in a folder: when it was changed. */
function changes(folder: string): string[] {
  return [
    folder,
    ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ].map((path) => `${path} ${lstatSync(path, { bigint: true }).ctimeNs}`);
}

test('an image whose launches die early is set aside until the next build', async (t) => {
  const app = new Guarded(t, '{ within = "20s", tries = 2 }');
  const before = changes(app.workshop.store);
  t.is((await app.launch('origin')).stdout, 'warm\n');
  // Somebody has stopped these.
  t.is((await app.launch('raise 15')).signal, 'SIGTERM');
  t.is((await app.launch('raise 9')).signal, 'SIGKILL');
  t.is((await app.launch('exit 143')).status, 143);
  t.deepEqual(changes(app.workshop.store), before, 'a launch that was good has written something');

  for (const record of ['signal 11\n', 'signal 11\nsignal 11\n']) {
    t.is((await app.launch('raise 11')).signal, 'SIGSEGV');
    t.is(app.deaths, record);
  }
  const said = /set aside after 2 early deaths: signal 11/;
  t.regex(app.thaw(t, 'list'), said);
  t.regex(app.thaw(t, 'show', 'app'), said);
  for (const command of ['doctor', 'verify']) {
    const { status, stdout } = app.workshop.thaw(command, 'app');
    t.is(status, 1);
    t.regex(stdout, said);
    t.regex(stdout, /\n +thaw rebuild app\n/);
  }

  const reason =
    /the last 2 launches of this image died early \(signal 11\), so it is set aside; thaw rebuild app; starting cold/;
  for (let i = 0; i < 2; i++) {
    const cold = await app.launch('origin');
    t.is(cold.stdout, 'cold\n');
    t.regex(cold.stderr, reason);
    t.is(app.deaths, 'signal 11\nsignal 11\naside\n', 'the cold start has lived');
  }
  // The second of them knew that the image is at fault, and has asked for another one.
  app.thaw(t, 'rebuild');
  t.is((await app.launch('origin')).stdout, 'warm\n');
  t.is(app.deaths, '');
});

test('an app that dies without its image as well is launched from it again', async (t) => {
  const app = new Guarded(t, '{ tries = 2 }');
  await app.launch('exit 3');
  t.is(app.deaths, 'status 3\n');
  t.is((await app.launch('origin')).stdout, 'warm\n');
  t.is(app.deaths, '', 'only deaths in a row count');
  await app.launch('exit 3');
  await app.launch('abort');
  t.is(app.deaths, 'status 3\nsignal 6\n');
  t.is((await app.launch('origin', 'exit 3')).stdout, 'cold\n');
  t.is(app.deaths, 'status 3\nsignal 6\n', 'another death than the last one says nothing');
  t.is((await app.launch('origin', 'abort')).stdout, 'cold\n');
  t.is(app.deaths, '');
  t.is((await app.launch('origin')).stdout, 'warm\n');
});

test('a good launch stands for those of the next minute; a damaged record does no harm', async (t) => {
  const app = new Guarded(t, '{ tries = 1 }');
  const [sign = ''] = app.signs;
  const record = join(app.folder, 'deaths', basename(sign).replace(/^.*-/, ''));
  await app.launchSoon('origin');
  await app.launchSoon('raise 11');
  t.is(app.deaths, '');

  for (const bytes of ['\0'.repeat(100), 'signal -1\nsignal 99999999999\nstatus\nsig', '\n'.repeat(10_000)]) {
    writeFileSync(record, bytes);
    t.is((await app.launch('origin')).stdout, 'warm\n');
  }
  rmSync(record);

  const old = Date.now() / 1000 - 61;
  utimesSync(sign, old, old);
  await app.launchSoon('raise 11');
  t.is(app.deaths, 'signal 11\n');
  t.false(existsSync(sign));
  rmSync(record);

  if (process.geteuid?.() === 0) {
    writeFileSync(sign, '');
    chownSync(sign, daemon, daemon);
    await app.launchSoon('raise 11');
    t.is(app.deaths, 'signal 11\n', "another user's sign counts for nothing");
  }
  writeFileSync(record, '\0\0\nsignal 11');
  t.is((await app.launch('origin')).stdout, 'cold\n');
});

test('who watches is no instance of the app, and no child of anybody in particular', async (t) => {
  const app = new Guarded(t, '{ within = "60s" }');
  app.workshop.write('go', 'pause\n');
  const instance = app.start();
  await once(instance.stdout, 'data');
  const pids = watchersOf(app.workshop.store);
  const [entry] = JSON.parse(app.thaw(t, 'list', '--json')) as readonly {
    readonly pids: readonly number[];
  }[];
  t.deepEqual(entry?.pids, [instance.pid]);
  t.is(pids.length, 1);
  const status = readFileSync(`/proc/${pids[0]}/status`, 'utf8');
  t.false([process.pid, instance.pid].includes(Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])));
  instance.kill('SIGTERM');
  await once(instance, 'exit');
  await until('the watcher to end', () => watchersOf(app.workshop.store).length === 0);
});

test('without a guard nobody watches', async (t) => {
  const app = new Guarded(t, 'false');
  await app.launch('raise 11');
  t.is(app.deaths, '');
  t.regex(app.thaw(t, 'show', 'app'), /guard +none/);
});

asRoot("the user of root's profile has a folder for the record, and no more", async (t) => {
  const app = new Guarded(t, '{ tries = 1 }', 'daemon');
  const { uid, mode } = statSync(join(app.folder, 'deaths'));
  t.deepEqual([uid, mode & 0o777], [daemon, 0o700]);
  t.is((await app.launch('origin')).stdout, 'warm\n');
  await app.launch('raise 7');
  t.is(app.deaths, 'signal 7\n');
  t.is((await app.launch('origin')).stdout, 'cold\n');
  t.is(app.deaths, 'signal 7\naside\n');
});
