// Other CPUs under QEMU user emulation: AVA, in an emulated Node, runs this file and the others that need no ptrace. Each
// test there is one here. The image reader's answers to damaged images are corruption.slow.test.ts.
import test from 'ava';

import { withCores } from '../engine/support/cores.js';
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { declareTests } from './support/emulated.js';
import { makeImages } from './support/images.js';
import { emulatedCpu, runInside, testFile } from './support/inside.js';

const files = [
  'user/emulation.test.js',
  'launcher/definition.test.js',
  'launcher/store.test.js',
  'launcher/columns.test.js',
].map(testFile);

if (emulatedCpu !== undefined) declareTests(emulatedCpu);
else {
  // All first: AVA takes no test that is declared after it has begun.
  const ran = await Promise.all(
    GUEST_CPUS.map(async (cpu) => {
      await makeImages(cpu);
      return { cpu, results: await withCores(1, () => runInside(cpu, files)) };
    }),
  );
  for (const { cpu, results } of ran)
    for (const { title, passed, details } of results)
      test(`${cpu}: ${title}`, (t) => {
        t.true(passed, details);
      });
}
