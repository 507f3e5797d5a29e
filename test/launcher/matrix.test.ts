// thaw build --matrix: the stores of a fleet, built once.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { keyOf } from '../../launcher/matrix/key.js';
import { makefile } from '../../launcher/matrix/makefile.js';
import { type Matrix, readMatrix } from '../../launcher/matrix/read.js';
import { cli } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop } from './support.js';

const MATRIX = `
profiles = ["app.toml"]
[[models]]
name = "gate"
target = "armv7"
cpu = "cortex-a7"
[[models]]
name = "hub"
target = "aarch64"
roots = ["new"]
[[models]]
name = "pc"
[[roots]]
name = "old"
target = "armv7"
path = "old.squashfs"
[[roots]]
name = "new"
target = "armv7"
path = "roots/new $1"
profiles = ["other.toml"]
[[roots]]
name = "new"
target = "aarch64"
path = "new.squashfs"
`;

/** With all files that it names. */
function matrixIn(workshop: Workshop): Matrix {
  for (const file of ['app.toml', 'other.toml', 'old.squashfs', 'new.squashfs']) workshop.write(file, file);
  mkdirSync(join(workshop.folder, 'roots/new $1'), { recursive: true });
  return readMatrix(workshop.write('matrix.toml', MATRIX));
}

test('the cells of a matrix', (t) => {
  const workshop = new Workshop(t);
  t.deepEqual(
    matrixIn(workshop).cells.map(({ name, profiles, device }) => [
      name,
      profiles[0]?.split('/').at(-1),
      device?.cpu,
    ]),
    [
      ['gate-old', 'app.toml', 'cortex-a7'],
      ['gate-new', 'other.toml', 'cortex-a7'],
      ['hub-new', 'app.toml', undefined],
      ['pc', 'app.toml', undefined],
    ],
  );
  const wrong = (text: string): string =>
    t.throws(() => readMatrix(workshop.write('wrong.toml', text))).message;
  const profiles = 'profiles = ["a.toml"]\n';
  t.regex(wrong('[[models]]\nname = "a"\n'), /a has no profiles/);
  t.regex(wrong(`${profiles}[[models]]\nname = "a"\ntarget = "z80"\n`), /models\.0\.target: /);
  t.regex(wrong(`${profiles}[[models]]\nname = "a"\ntarget = "armv7"\n`), /model a has no root/);
  t.regex(wrong(`${profiles}[[models]]\nname = "a"\n[[models]]\nname = "a"\n`), /a is there twice/);
});

test('what a store is made of names it', async (t) => {
  const workshop = new Workshop(t);
  const matrix = matrixIn(workshop);
  const keys = (): Promise<readonly string[]> => Promise.all(matrix.cells.map((cell) => keyOf(matrix, cell)));
  const first = await keys();
  t.is(new Set(first).size, 4);
  t.deepEqual(await keys(), first);
  utimesSync(join(workshop.folder, 'old.squashfs'), 1, 1);
  t.deepEqual(await keys(), first);
  const changed = async (): Promise<readonly boolean[]> => (await keys()).map((key, i) => key !== first[i]);
  workshop.write('old.squashfs', 'another');
  t.deepEqual(await changed(), [true, false, false, false]);
  workshop.write('other.toml', 'another');
  t.deepEqual(await changed(), [true, true, false, false]);
});

test('make shares the work out', (t) => {
  const workshop = new Workshop(t);
  const matrix = matrixIn(workshop);
  const stub = workshop.write('stub', '#!/bin/sh\necho "$5" >>said\n');
  chmodSync(stub, 0o755);
  const made = spawnSync('make', ['-j4', '-f', '-'], {
    ...{ input: makefile(matrix, stub), cwd: workshop.folder, encoding: 'utf8' },
  });
  t.is(made.status, 0, made.stderr);
  const said = readFileSync(join(workshop.folder, 'said'), 'utf8').trim().split('\n');
  t.deepEqual(said.sort(), ['gate-new', 'gate-old', 'hub-new', 'pc']);
});

function build(t: ExecutionContext, workshop: Workshop, ...args: readonly string[]): [string, string][] {
  const done = spawnSync(process.execPath, [cli, 'build', '--matrix', 'matrix.toml', '--json', ...args], {
    ...{ cwd: workshop.folder, encoding: 'utf8', timeout: PATIENCE_MS },
  });
  t.not(done.stdout, '', done.stderr);
  const rows = JSON.parse(done.stdout) as { readonly name: string; readonly result: string }[];
  return rows.map(({ name, result }) => [name, result]);
}

test.serial('what is built stays built, until something that it is made of changes', (t) => {
  const workshop = new Workshop(t);
  workshop.profile('app', 'until = { log = "warm$" }\nsettle = "300ms"');
  const models = ['one', 'two'].map((name) => `[[models]]\nname = "${name}"\n`).join('');
  workshop.write('matrix.toml', `profiles = ["app.toml"]\nformat = "squashfs"\n${models}`);
  const stores = join(workshop.folder, 'stores');
  mkdirSync(stores); // Names in the folder of a Python program are inputs.
  t.deepEqual(build(t, workshop, '--only', 'two'), [['two', 'built']]);
  t.false(existsSync(join(stores, 'one.squashfs')));
  const all = build(t, workshop, '--jobs', '2');
  t.deepEqual(all, [
    ['one', 'built'],
    ['two', 'kept'],
  ]);
  t.deepEqual(
    readdirSync(stores).filter((name) => name.endsWith('.squashfs')),
    ['one.squashfs', 'two.squashfs'],
  );
  // The app itself has changed: of that, the image tells.
  writeFileSync(
    join(workshop.folder, 'app.py'),
    `${readFileSync(join(workshop.folder, 'app.py'), 'utf8')}\n`,
  );
  t.deepEqual(build(t, workshop, '--only', 'two'), [['two', 'built']]);
});
