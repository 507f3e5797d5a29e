// Damaged images of programs for other CPUs: the readers of each CPU that guests can have, built with checks for undefined behaviour, never crash or hang.
import test from 'ava';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { read, readDamaged } from '../engine/support/damaged.js';
import { root } from '../engine/support/paths.js';
import { newSeed, Random } from '../engine/support/random.js';
import { GUEST_CPUS, guestOf } from '../../launcher/cpus.js';
import { imageApps, makeImages } from './support/images.js';

const runs = 100;

for (const cpu of GUEST_CPUS)
  test(`${cpu}: ${runs} damaged images`, async (t) => {
    const images = await makeImages(cpu);
    t.timeout(600_000);
    const folder = mkdtempSync(join(tmpdir(), 'thaw-corruption-'));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const random = new Random(newSeed());
    t.log(`THAW_TEST_SEED=${random.seed}`);
    const reader = [guestOf(cpu).emulator, join(root, 'build', cpu, 'image-check', 'image-check')] as const;
    for (const app of imageApps) {
      const whole = join(images, `${app}.thaw`);
      t.is(await read(reader, [whole]), null, 'the undamaged image');
      const damaged = { count: runs / imageApps.length, folder };
      t.deepEqual(await readDamaged(reader, readFileSync(whole), random, damaged), [], app);
    }
  });
