// thaw-exec needs nothing but a kernel: a static program, without a loader and without libraries, on each CPU.
import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../engine/support/paths.js';
import { CPUS, elfMachine, hostCpu, isGuest } from '../../launcher/cpus.js';

/** Types of program headers that a dynamically linked program has (elf(5)). */
const dynamicTypes = { 2: 'PT_DYNAMIC', 3: 'PT_INTERP' } as const;

function programHeaderTypes(elf: Buffer): number[] {
  const wide = elf[4] === 2;
  const offset = wide ? Number(elf.readBigUInt64LE(32)) : elf.readUInt32LE(28);
  const [size, count] = [elf.readUInt16LE(wide ? 54 : 42), elf.readUInt16LE(wide ? 56 : 44)];
  return Array.from({ length: count }, (_, i) => elf.readUInt32LE(offset + i * size));
}

const built = CPUS.filter((cpu) => cpu === hostCpu || isGuest(cpu));

for (const cpu of built)
  test(`thaw-exec for ${cpu} is static`, (t) => {
    const elf = readFileSync(join(root, 'build', cpu, 'thaw-exec'));
    t.is(elf.subarray(0, 4).toString('latin1'), '\x7fELF');
    t.is(elf.readUInt16LE(18), elfMachine(cpu));
    const types = programHeaderTypes(elf);
    t.true(types.includes(1), 'it has PT_LOAD');
    for (const [type, name] of Object.entries(dynamicTypes)) t.false(types.includes(Number(type)), name);
    t.log(`${(elf.length / 1e6).toFixed(2)} MB`);
  });
