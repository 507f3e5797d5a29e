// thaw doctor on broken set-ups: each is named with a remedy, which is applied here as it is written, and helps. What only a boot
// can mend (Yama) is in test/system/doctor.slow.test.ts.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { join } from 'node:path';

import type { Check } from '../../launcher/engine/index.js';
import { apps, cli } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop } from './support.js';

interface SetUp {
  /** Shell commands, in a mount namespace of their own; $store is the store's path. */
  readonly breaks: string;
  /** What names it. */
  readonly check: string;
  readonly detail: RegExp;
  /** Its first group is a command for the shell. */
  readonly remedy: RegExp;
  /** Where the remedy has no command that could be copied. */
  readonly apply?: string;
  /** What a build, a launch says that fails for it; default: it does not. */
  readonly build?: RegExp;
  readonly launch?: RegExp;
}

const SET_UPS: Readonly<Record<string, SetUp>> = {
  'no /proc': {
    breaks: 'umount -l /proc',
    check: '/proc',
    detail: /not mounted/,
    remedy: /^(mount -t proc proc \/proc)$/,
    build: /\/proc is not mounted/,
    // No image is found, which is no reason to say anything.
    launch: /^$/,
  },
  'a store that is mounted noexec': {
    breaks: 'mount --bind "$store" "$store"; mount -o remount,bind,noexec "$store"',
    check: 'store: noexec',
    detail: /is mounted noexec/,
    remedy: /^(mount -o remount,\S+ \S+),/,
  },
  'a store that is read-only': {
    breaks: 'mount --bind "$store" "$store"; mount -o remount,bind,ro "$store"',
    check: 'store: read-only',
    detail: /read-only file system: launches work/,
    remedy: /^(mount -o remount,\S+ \S+),/,
    build: /read-only/i,
  },
  'a store of the wrong owner': {
    breaks: 'chown -R 4711 "$store"',
    check: 'store',
    detail: /belongs to user 4711/,
    remedy: /^(chown -R 0 \S+),/,
    build: /belongs to user 4711/,
    launch: /belongs to user 4711/,
  },
  'an image of the wrong owner': {
    breaks: 'chown 4711 "$store"/profiles/app/*.thaw',
    check: 'store: images',
    detail: /the image of app belongs to user 4711: each launch is cold/,
    remedy: /: (chown 0 \S+)$/,
    launch: /belongs to user 4711/,
  },
  'no space in the store': {
    breaks: `cp -a "$store" "$store.kept"; mount -t tmpfs -o size=48m,mode=711 none "$store"; cp -a "$store.kept/." "$store"
      head -c 60M /dev/zero > "$store/ballast" 2> /dev/null || true`,
    check: 'store: room',
    detail: /^0 B free in .*: an image of a small app takes up to 16 MiB/,
    remedy: /; or (make room in \S+), or/,
    apply: 'rm "$store/ballast"',
    build: /no space left|ENOSPC/i,
  },
};

/** The words before a command that is run in the broken set-up, after `remedy`. */
function inside({ store }: Workshop, { breaks }: SetUp, remedy = ''): readonly string[] {
  const script = `store=$1; shift; { ${breaks}; ${remedy}\n} >&2 || exit 99; exec "$@"`;
  return ['unshare', '--mount', 'sh', '-ec', script, 'sh', store];
}

function thaw(
  { store, folder }: Workshop,
  wrapper: readonly string[],
  ...args: string[]
): SpawnSyncReturns<string> {
  const [program, ...words] = [...wrapper, process.execPath, cli, ...args, '--store', store];
  return spawnSync(program, words, { cwd: folder, encoding: 'utf8', timeout: PATIENCE_MS });
}

function doctor(t: ExecutionContext, workshop: Workshop, wrapper: readonly string[]): readonly Check[] {
  const { status, stdout, stderr } = thaw(workshop, wrapper, 'doctor', '--json');
  t.is(status, 0, stderr);
  return (JSON.parse(stdout) as { checks: readonly Check[] }).checks.filter(({ ok }) => !ok);
}

/** What a build and a launch say. */
function expectWork(
  t: ExecutionContext,
  workshop: Workshop,
  wrapper: readonly string[],
  { build, launch }: Pick<SetUp, 'build' | 'launch'>,
): void {
  const launched = workshop.launch('app', {}, wrapper);
  t.is(launched.stdout, launch === undefined ? 'done\n' : 'warming\nwarm\ndone\n', launched.stderr);
  t.regex(launched.stderr, launch ?? /^$/);
  const built = thaw(workshop, wrapper, 'build', 'app.toml');
  t.is(built.status, build === undefined ? 0 : 1, built.stderr);
  t.regex(built.stderr, build ?? /./);
}

const mayMount = process.geteuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;

for (const [name, setUp] of Object.entries(SET_UPS))
  (mayMount ? test.serial : test.skip)(name, (t) => {
    const workshop = new Workshop(t);
    const built = workshop.thaw(
      'build',
      workshop.profile('app', 'until = { log = "^warm$" }\nsettle = "20ms"'),
    );
    t.is(built.status, 0, built.stderr);
    t.deepEqual(doctor(t, workshop, []), []);
    const broken = inside(workshop, setUp);
    const found = doctor(t, workshop, broken).find(({ name: check }) => check === setUp.check);
    t.regex(found?.detail ?? '', setUp.detail);
    t.regex(found?.remedy ?? '', setUp.remedy);
    expectWork(t, workshop, broken, setUp);
    const command = setUp.remedy.exec(found?.remedy ?? '')?.[1] ?? '';
    const mended = inside(workshop, setUp, setUp.apply ?? command);
    t.deepEqual(doctor(t, workshop, mended), []);
    expectWork(t, workshop, mended, {});
  });

test('an old kernel: what it lacks is named with what brings it', (t) => {
  const workshop = new Workshop(t);
  const lacking = (wrapper: readonly string[]): ReadonlyMap<string, Check> =>
    new Map(doctor(t, workshop, wrapper).map((check) => [check.name, check]));
  const whole = lacking([]);
  const without = (call: string): Check | undefined =>
    lacking([join(apps, 'call_filtered'), '--without', call]).get(call);
  for (const [call, config] of [
    ['kcmp', 'CONFIG_KCMP=y'],
    ['memfd_create', 'CONFIG_MEMFD_CREATE=y'],
    ['pidfd_open', 'Linux 5.3'],
  ] as const) {
    // The remedy is this kernel, which has it.
    t.false(whole.has(call));
    t.like(without(call), { detail: 'the kernel does not have it', remedy: config });
  }
  const version = 'kernel 5.10 or newer';
  t.false(whole.has(version));
  const old = lacking(['setarch', '--uname-2.6']).get(version);
  t.regex(old?.detail ?? '', /^2\.6\./);
  t.is(old?.remedy, 'use a newer kernel');
});
