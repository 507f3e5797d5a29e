// What a build leaves is for the builder and the profile's user alone; and the builder follows no link that somebody else has put there.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { apps, cli, thawExec } from '../engine/support/paths.js';
import { Workshop, spawnSleeper } from './support.js';

const warm = 'until = { log = "warm$" }\nsettle = "100ms"';
const nobody = 65534;
const daemon = 1;

const as = (uid: number): string[] => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];

function can(uid: number, ...command: readonly string[]): boolean {
  return spawnSync('env', [...as(uid), ...command], { stdio: 'ignore' }).status === 0;
}

const actor = join(apps, 'actor');
/** Other users have to reach the app and thaw-exec. */
const asRoot =
  process.geteuid?.() === 0 && can(nobody, 'sh', '-c', `test -x '${thawExec}' && test -x '${actor}'`)
    ? test
    : test.skip;

function mode(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

/** What root has built of the app `actor` for another user. */
class ForUser {
  readonly workshop: Workshop;
  readonly folder: string;
  readonly image: string;
  readonly #args: readonly string[];

  constructor(t: ExecutionContext, user: string) {
    this.workshop = new Workshop(t);
    this.folder = join(this.workshop.store, 'profiles', 'app');
    this.image = join(this.folder, 'current.thaw');
    const scratch = join(this.workshop.folder, 'scratch');
    mkdirSync(scratch);
    for (const [path, mode] of [
      [this.workshop.folder, 0o755],
      [scratch, 0o777],
    ] as const)
      chmodSync(path, mode);
    const status = join(scratch, 'status');
    this.#args = [status, join(this.workshop.folder, 'go'), scratch];
    const toml = [
      'name = "app"',
      `program = "${actor}"`,
      `args = ${JSON.stringify(this.#args)}`,
      `user = "${user}"`,
      `[warmup]\nuntil = { file = "${status}" }\nsettle = "300ms"\n`,
    ].join('\n');
    const build = this.workshop.thaw('build', this.workshop.write('app.toml', toml));
    t.is(build.status, 0, build.stderr);
  }

  /** What the app says of itself in a launch by that user, who has to find the image: "warm". */
  launch(uid: number): string {
    this.workshop.write('go', 'origin\n');
    const command = [thawExec, '--store', this.workshop.store, '--no-fallback', '--', actor, ...this.#args];
    const { stdout, stderr } = spawnSync('env', [...as(uid), ...command], {
      encoding: 'utf8',
      cwd: this.workshop.folder,
    });
    return stdout + stderr;
  }
}

test('images, definitions, logs and folders are for the builder alone', (t) => {
  const workshop = new Workshop(t);
  t.is(workshop.thaw('build', workshop.profile('app', warm)).status, 0);
  const folder = join(workshop.store, 'profiles', 'app');
  t.is(mode(folder), '700');
  const modes = Object.fromEntries(readdirSync(folder).map((name) => [name, mode(join(folder, name))]));
  const { 'current.thaw': image, deaths, ...others } = modes;
  t.deepEqual([image, deaths], ['400', '700']);
  for (const [name, is] of Object.entries(others)) t.is(is, name.endsWith('.thaw') ? '400' : '600', name);
  for (const part of ['', 'profiles', 'index'])
    t.is(statSync(join(workshop.store, part)).mode & 0o066, 0, `others look into ${part}`);
  t.is(workshop.thaw('train', 'app').status, 0);
  t.is(mode(join(folder, 'current.thaw')), '400', 'after another training');
});

test('an image made by hand is for the builder alone', async (t) => {
  const workshop = new Workshop(t);
  const pid = spawnSleeper(['sleep', '60']);
  const image = join(workshop.folder, 'app.thaw');
  const { status, stderr } = spawnSync(
    process.execPath,
    [cli, 'checkpoint', '--pid', String(pid), '--image', image],
    { encoding: 'utf8' },
  );
  t.is(status, 0, stderr);
  t.deepEqual(await native.wait(pid), { code: null, signal: 9 });
  t.is(mode(image), '400');
});

asRoot('what root builds for a user is launched by that user, and read by no third', (t) => {
  const built = new ForUser(t, 'daemon');
  const { folder, image } = built;
  t.is(mode(folder), '750');
  t.is(mode(image), '440');
  t.is(statSync(image).uid, 0, 'an image that its app cannot change');
  t.is(statSync(join(folder, 'definition.json')).uid, 0);
  t.true(can(daemon, 'head', '-c1', join(folder, 'definition.json')), 'for thaw run');
  for (const name of readdirSync(folder)) t.false(can(nobody, 'head', '-c1', join(folder, name)), name);
  t.is(built.launch(daemon), 'warm\n');
});

asRoot("where the user's group is others' too, the group reads nothing", (t) => {
  const built = new ForUser(t, 'nobody');
  const { folder, image } = built;
  t.is(mode(image), '400');
  t.is(statSync(image).uid, nobody);
  t.is(mode(folder), '711');
  t.is(mode(join(folder, 'definition.json')), '600');
  t.is(statSync(join(folder, 'definition.json')).uid, 0, 'whoever could write it would have root run it');
  t.is(built.launch(nobody), 'warm\n');
});

asRoot('a store that another user can write to is refused, and no link in it followed', (t) => {
  const workshop = new Workshop(t);
  const precious = workshop.write('precious', 'of root');
  const folder = join(workshop.store, 'profiles', 'app');
  mkdirSync(folder, { recursive: true });
  symlinkSync(precious, join(folder, 'trial.log'));
  chownSync(workshop.store, nobody, nobody);
  const refused = (why: RegExp): void => {
    const build = workshop.thaw('build', workshop.profile('app', warm));
    t.is(build.status, 1, build.stderr);
    t.regex(build.stderr, why);
    t.is(readFileSync(precious, 'utf8'), 'of root');
  };
  refused(/is not the builder's alone: .*store belongs to user 65534/);
  chownSync(workshop.store, 0, 0);
  chmodSync(join(workshop.store, 'profiles'), 0o1777);
  refused(/profiles can be written by others \(mode 1777\)/);
});

test('a link in the place of a log is not followed', (t) => {
  const workshop = new Workshop(t);
  const precious = workshop.write('precious', 'of root');
  const folder = join(workshop.store, 'profiles', 'app');
  mkdirSync(folder, { recursive: true });
  symlinkSync(precious, join(folder, 'trial.log'));
  const build = workshop.thaw('build', workshop.profile('app', warm));
  t.is(readFileSync(precious, 'utf8'), 'of root', build.stderr);
});

test('launches of one profile are not taken over by another', (t) => {
  const workshop = new Workshop(t);
  const first = workshop.profile('app', warm);
  t.is(workshop.thaw('build', first).status, 0);
  const second = workshop.write('second.toml', readFileSync(first, 'utf8').replace('"app"', '"second"'));
  const build = workshop.thaw('build', second);
  t.is(build.status, 1);
  t.regex(build.stderr, /are those of the profile app\n {2}remove it first \(thaw remove app\)/);
  t.is(workshop.launch('app').stdout, 'done\n');
  t.is(workshop.thaw('remove', 'app').status, 0);
  t.is(workshop.thaw('build', second).status, 0);
});
