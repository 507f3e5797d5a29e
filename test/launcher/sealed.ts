// A store that was built, sealed and mounted: what tests of sealed stores launch from.
import type { ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

/** Why it cannot be tried here. */
export function lacking(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root may mount';
  for (const tool of ['mkfs.erofs', 'mksquashfs'])
    if (spawnSync(tool, ['--help']).error !== undefined) return `there is no ${tool}`;
  return spawnSync('losetup', ['--find']).status === 0 ? undefined : 'there are no loop devices';
}

/** A store that was built, sealed and mounted. */
export class Sealed {
  readonly workshop: Workshop;
  readonly at: string;
  readonly second: string;

  constructor(t: ExecutionContext, work = '', more = '') {
    this.workshop = new Workshop(t);
    this.at = join(this.workshop.folder, 'sealed');
    this.second = join(this.workshop.folder, 'second');
    // Before the build: names in the folder of a Python program are inputs.
    mkdirSync(this.at);
    mkdirSync(this.second, { mode: 0o700 });
    t.teardown(() => spawnSync('umount', ['--lazy', this.at]));
    this.workshop.write('state', 'one\n');
    const toml = this.workshop.profile('app', 'until = { log = "warm$" }\nsettle = "300ms"', work, more);
    expectDone(t, this.workshop.thaw('build', toml));
  }

  /** The folder of the profile in the store that was built. */
  get folder(): string {
    return join(this.workshop.store, 'profiles', 'app');
  }

  seal(t: ExecutionContext, format: string, ...options: readonly string[]): string {
    const output = join(this.workshop.folder, `store.${format}`);
    const packed = this.workshop.thaw('pack', '-o', output, ...options);
    expectDone(t, packed);
    this.mount(t, output);
    return packed.stdout;
  }

  /** In the place of what was mounted. */
  mount(t: ExecutionContext, output: string): void {
    spawnSync('umount', ['--lazy', this.at]);
    const mounted = spawnSync('mount', ['-o', 'loop,ro,nosuid,nodev,noexec', output, this.at], {
      encoding: 'utf8',
    });
    t.is(mounted.status, 0, mounted.stderr);
  }

  launch(stores: string, does = '', options: readonly string[] = [], log = 'info'): SpawnSyncReturns<string> {
    this.workshop.write('go', does);
    const result = spawnSync(thawExec, ['--store', stores, ...options, '--', python, 'app.py'], {
      cwd: this.workshop.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, THAW_LOG: log },
    });
    rmSync(join(this.workshop.folder, 'go'));
    return result;
  }

  /** As the command line of thaw has it. */
  thaw(stores: string, command: string, ...args: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync(process.execPath, [cli, command, '--store', stores, ...args], {
      cwd: this.workshop.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
    });
  }
}

export function expectDone(t: ExecutionContext, { status, stderr }: SpawnSyncReturns<string>): void {
  t.is(status, 0, stderr);
}

export function expectWarm(t: ExecutionContext, { stdout, stderr }: SpawnSyncReturns<string>): void {
  t.is(stdout, 'done\n', stderr);
}

export function expectCold(
  t: ExecutionContext,
  { stdout, stderr }: SpawnSyncReturns<string>,
  why: RegExp,
): void {
  t.regex(stdout, /^warming\n[^]*done\n$/, stderr);
  t.regex(stderr, why);
}
