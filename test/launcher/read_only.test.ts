// Apps whose inputs lie on a read-only file system that is replaced as a whole, as the root of a device is by an update.
import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Image } from '../../launcher/engine/index.js';
import type { Fixture } from './fixture.js';
import { built, expectLaunch, mount, mountBeneath, mountFirst } from './read_only_root.js';

test('another version of a squashfs is seen, though inodes, sizes, times and superblock are equal', (t) => {
  const fixture = built(t, '');
  if (fixture === undefined) return void t.pass();
  const changed = {
    first: undefined,
    config: 'root/config.txt',
    link: 'root/link.txt',
    folder: 'root/conf.d',
    same: undefined,
  } as const;
  for (const version of ['first', 'config', 'link', 'folder', 'same'] as const) {
    mount(t, fixture, version);
    expectLaunch(t, fixture, version, changed[version]);
  }
});

test('another version beneath an overlay is seen', (t) => {
  const fixture = built(t, '', (_, made) => {
    mountBeneath(t, made, 'first');
  });
  if (fixture === undefined) return void t.pass();
  mountBeneath(t, fixture, 'config');
  expectLaunch(t, fixture, 'config', 'root/config.txt');
  mountBeneath(t, fixture, 'same');
  expectLaunch(t, fixture, 'same', undefined);
});

test('what a launch opens is known by its build-id under each of its names, and is not read', (t) => {
  const also = "import ctypes\nlibrary = ctypes.CDLL('root/link.so'); open('root/library.so', 'rb').read()\n";
  const fixture = built(t, '', mountFirst, also);
  if (fixture === undefined) return void t.pass();
  const { inputs } = JSON.parse(fixture.thaw('show', 'reader', '--json').stdout) as Image;
  const read = (name: string): readonly boolean[] =>
    inputs
      .filter(({ path, kind }) => path === fixture.path(`root/${name}`) && kind === 'file')
      .map((input) => input.read);
  t.deepEqual(['link.so', 'library.so', 'config.txt'].map(read), [[false], [false], [true]]);
  mount(t, fixture, 'same');
  expectLaunch(t, fixture, 'same', undefined);
  mount(t, fixture, 'library');
  expectLaunch(t, fixture, 'another library', 'root/library.so');
});

test('what is too large to be read is named by the build, and asks for no other one', (t) => {
  const fixture = built(t, 'inputs = { add = ["FOLDER/root/filler"] }', (_, made) => {
    mount(t, made, 'large');
  });
  if (fixture === undefined) return void t.pass();
  t.true(
    readFileSync(fixture.path('build.log'), 'utf8').includes(
      `${fixture.path('root/filler')}, which has 33 MiB`,
    ),
  );
  expectLaunch(t, fixture, 'large', 'root/filler');
  t.false(existsSync(join(fixture.store, 'profiles/reader/rebuild')));
});

test('of a large file that the app has mapped and the profile ignores, size and time are compared', (t) => {
  const also =
    "import mmap; filler = open('root/filler', 'rb')\nmapped = mmap.mmap(filler.fileno(), 0, prot=mmap.PROT_READ)\n";
  const put = (_: unknown, made: Fixture): void => {
    mount(t, made, 'large');
  };
  const fixture = built(t, 'inputs = { ignore = ["FOLDER/root/filler"] }', put, also);
  if (fixture === undefined) return void t.pass();
  expectLaunch(t, fixture, 'large', undefined);
  mount(t, fixture, 'first');
  expectLaunch(t, fixture, 'another size', 'root/filler');
});
