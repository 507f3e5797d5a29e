// Damaged images of ARM programs: the readers of both ARM CPUs, built with checks for undefined behaviour, never crash or hang.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { corrupt } from '../engine/support/corrupt.js';
import { root } from '../engine/support/paths.js';
import { newSeed, Random } from '../engine/support/random.js';
import { type GuestCpu, guestCpus } from '../system/support/guest.js';
import { imageApps, makeImages } from './support/images.js';

const runs = 100;
const emulators = { aarch64: 'qemu-aarch64-static', armv7: 'qemu-arm-static' } as const;

/** Null when the reader ended as it should (0: accepted, 1: rejected), else what it said. */
function check(cpu: GuestCpu, image: string, ...options: readonly string[]): string | null {
  const reader = join(root, 'build', cpu, 'image-check', 'image-check');
  const { status, signal, stderr } = spawnSync(emulators[cpu], [reader, ...options, image], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return status === 0 || status === 1 ? null : `${signal ?? `exit ${status ?? '?'}`}\n${stderr}`;
}

for (const cpu of guestCpus)
  test(`${cpu}: ${runs} damaged images`, async (t) => {
    t.timeout(600_000);
    const images = await makeImages(cpu);
    const folder = mkdtempSync(join(tmpdir(), 'thaw-corruption-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const random = new Random(newSeed());
    t.log(`THAW_TEST_SEED=${random.seed}`);
    for (const app of imageApps) {
      const whole = join(images, `${app}.thaw`);
      t.is(check(cpu, whole), null, 'the undamaged image');
      const image = readFileSync(whole);
      for (let i = 0; i < runs / imageApps.length; i++) {
        const damage = corrupt(image, random);
        const file = join(folder, 'damaged.thaw');
        writeFileSync(file, damage.bytes);
        const problem = check(cpu, file, ...(i % 8 === 0 ? [] : ['--any-hash']));
        if (problem !== null) t.fail(`${app}: ${damage.what}\n${problem}`);
      }
    }
  });
