// Apps whose inputs lie on a read-only file system that is replaced as a whole, as the root of a device is by an update.
import test from 'ava';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { built, expectLaunch, mount, mountBeneath } from './read_only_root.js';

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
