// The calls that docs/filter.md names are those that the engine tries.
import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/addon.js';
import { native } from '../../launcher/engine/index.js';
import { ARMV7_NAMES } from '../../launcher/store/calls.js';

test('the calls that a unit must allow', (t) => {
  const page = readFileSync(join(projectFolder, 'docs/filter.md'), 'utf8');
  const written = [...page.matchAll(/^- (.*?):\s([a-z0-9_,\s]+)[;.]$/gms)].map(
    ([, when = '', names = '']) => [when, names.split(/,\s+/)] as const,
  );
  const { calls } = native.vocabulary();
  const lists = calls.map(({ when }) => [
    when,
    calls
      .filter((call) => call.when === when)
      .map(({ name }) => name)
      .sort(),
  ]);
  t.deepEqual(Object.fromEntries(written), Object.fromEntries(lists));
  t.true(written.length > 5);
});

test('each of these calls is forbidden once by a test', (t) => {
  const source = readFileSync(join(projectFolder, 'test/apps/filtered.c'), 'utf8');
  const forbidden = [...source.matchAll(/\bCALL\((\w+)\)/g)].map(([, name]) => name);
  // Without these, the libc of a static program does not come to main().
  const left = ['getrandom', 'readlink'];
  const names = native.vocabulary().calls.map(({ name }) => name);
  t.deepEqual(
    names.filter((name) => !forbidden.includes(name) && !left.includes(name)),
    [],
  );
});

test('the other names that 32-bit ARM has for calls are told for its units', (t) => {
  const numbers = readFileSync(join(projectFolder, 'native/arch/call_numbers.h'), 'utf8');
  const others = [...numbers.matchAll(/#ifdef __NR_(\w+)\n([^#]*)#else/g)].flatMap(([, , calls = '']) =>
    [...calls.matchAll(/__NR_(\w+)/g)].map(([, name = '']) => name),
  );
  // Those that the plain name stands for on every CPU.
  const plain = new Set(['futex', 'newfstatat']);
  // Made for apps of several processes alone, which start cold under a filter.
  const ofTrees = new Set(['setgroups32', 'setresuid32', 'setresgid32', 'setfsuid32', 'setfsgid32']);
  t.deepEqual(
    others.filter((name) => !plain.has(name) && !ofTrees.has(name) && !ARMV7_NAMES.includes(name)),
    [],
  );
  t.true(others.length > 10);
});
