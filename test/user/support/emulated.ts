// Tests that run under user emulation only: what thaw says there, what it can do with images there, and that apps start.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cli, thawExec } from '../../engine/support/paths.js';
import type { GuestCpu } from '../../../launcher/cpus.js';
import { PATIENCE_MS } from '../../patience.js';
import { imageApps, imageFolder } from './images.js';

const emulation = /this is QEMU user emulation, which has no ptrace/;
const remedy = /cross\/guest\.sh run/;

function thaw(...args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 600_000 });
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'thaw-emulated-'));
  t.teardown(() => {
    rmSync(path, { recursive: true, force: true });
  });
  return path;
}

/** A cold start that can be told from anything else. */
function launch(image: string): SpawnSyncReturns<string> {
  const command = [thawExec, '--image', image, '--', '/bin/sh', '-c', 'echo cold; exit 7'];
  return spawnSync(command[0] ?? '', command.slice(1), {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { PATH: process.env['PATH'], THAW_LOG: 'info' },
  });
}

function expectCold(t: ExecutionContext, launched: SpawnSyncReturns<string>, reason: RegExp): void {
  t.deepEqual([launched.status, launched.stdout], [7, 'cold\n'], launched.stderr);
  t.regex(launched.stderr, reason);
  t.regex(launched.stderr, /starting cold/);
}

export function declareTests(cpu: GuestCpu): void {
  const image = (app: string): string => join(imageFolder(cpu), `${app}.thaw`);

  test('doctor, checkpoint and build name user emulation and the way out', (t) => {
    const doctor = thaw('doctor');
    t.is(doctor.status, 0, doctor.stderr);
    t.regex(doctor.stdout, emulation);
    const where = folder(t);
    const profile = join(where, 'app.toml');
    writeFileSync(
      profile,
      'name = "app"\nprogram = "/bin/sleep"\nargs = ["60"]\n[warmup]\nuntil = { delay = "1s" }\n',
    );
    for (const command of [
      ['checkpoint', '--pid', String(process.pid), '--image', join(where, 'app.thaw')],
      ['build', '--store', join(where, 'store'), profile],
    ]) {
      const refused = thaw(...command);
      t.is(refused.status, 1, command[0]);
      t.regex(refused.stderr, emulation);
      t.regex(refused.stderr, remedy);
    }
  });

  for (const app of imageApps)
    test(`show and verify of an image of ${app}`, (t) => {
      const shown = thaw('show', '--json', image(app));
      t.is(shown.status, 0, shown.stderr);
      t.true(
        shown.stdout.includes(`"cpu":"${cpu}"`) || shown.stdout.includes(`"cpu": "${cpu}"`),
        shown.stdout,
      );
      t.regex(shown.stdout, new RegExp(`build/${cpu}/apps/${app}"`));
      const verified = thaw('verify', image(app));
      t.is(verified.status, 1);
      t.regex(verified.stdout, emulation);
      t.notRegex(verified.stdout, /checksum|damaged/);
    });

  test('a launch falls back to a cold start and says why', (t) => {
    expectCold(t, launch(join(folder(t), 'none.thaw')), /none\.thaw/);
    expectCold(t, launch(image('actor')), emulation);
  });

  test('a damaged image is not launched', (t) => {
    const copy = join(folder(t), 'damaged.thaw');
    copyFileSync(image('actor'), copy);
    const bytes = readFileSync(copy);
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 0x41;
    writeFileSync(copy, bytes, { mode: 0o644 });
    expectCold(t, launch(copy), /checksum|damaged|corrupt/);
    writeFileSync(copy, bytes.subarray(0, 5000));
    expectCold(t, launch(copy), /damaged\.thaw/);
  });
}
