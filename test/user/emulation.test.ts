// Both ARM CPUs under QEMU user emulation: AVA, in an emulated Node, runs this file and the others that need no ptrace. Each
// test there is one here. The image reader's answers to damaged images are corruption.test.ts.
import test from 'ava';

import { guestCpus } from '../system/support/guest.js';
import { declareTests } from './support/emulated.js';
import { makeImages } from './support/images.js';
import { emulatedCpu, runInside, testFile } from './support/inside.js';

const files = [
  'user/emulation.test.js',
  'launcher/definition.test.js',
  'launcher/store.test.js',
  'launcher/table.test.js',
].map(testFile);

if (emulatedCpu !== undefined) declareTests(emulatedCpu);
else
  for (const cpu of guestCpus) {
    await makeImages(cpu);
    for (const { title, passed, details } of await runInside(cpu, files))
      test(`${cpu}: ${title}`, (t) => {
        t.true(passed, details);
      });
  }
