// Apps whose inputs lie on a read-only file system that is replaced as a whole, as the root of a device is by an update.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';

import { Fixture } from './fixture.js';
import { python } from './support.js';

const reader = `import os, time; print('warming', flush=True)
os.chdir('root')
state = [open('config.txt').read(), open('link.txt').read(), os.readlink('link.txt'), os.listdir('conf.d')]
os.chdir('..')
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.01)
print('done', flush=True)
`;

/** Versions of the file system, all with one time, and files of one size. */
const versions = {
  first: {},
  forgotten: { config: 'new\n' },
  named: { config: 'two\n', id: '2\n' },
  same: { id: '3\n' },
  large: { filler: 33 << 20 },
  config: { config: 'two\n' },
  link: { target: 'b.txt' },
  folder: { name: 'y' },
} satisfies Readonly<Record<string, Parameters<typeof pack>[2]>>;

function run(t: ExecutionContext, ...[program, ...args]: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
}

type Version = keyof typeof versions;

/** As builds that can be repeated do it: with a fixed time in the file system itself, too. */
function pack(
  t: ExecutionContext,
  fixture: Fixture,
  { config = 'one\n', target = 'a.txt', name = 'x', id = '1\n', filler = 0 },
  image: string,
): void {
  const tree = fixture.path('tree');
  rmSync(tree, { recursive: true, force: true });
  fixture.write('tree/config.txt', config);
  fixture.write('tree/build-id', id);
  for (const file of ['a.txt', 'b.txt']) fixture.write(`tree/${file}`, 'one\n');
  fixture.write(`tree/conf.d/${name}`, '');
  truncateSync(fixture.write('tree/filler', ''), filler);
  run(t, 'ln', '-s', target, `${tree}/link.txt`);
  const time = '1700000000';
  run(
    t,
    'mksquashfs',
    tree,
    image,
    '-quiet',
    '-no-progress',
    '-noappend',
    '-all-time',
    time,
    '-mkfs-time',
    time,
  );
}

/** Why it cannot be tried here. */
function lacking(): string | undefined {
  if (process.geteuid?.() !== 0) return 'only root may mount';
  if (spawnSync('mksquashfs', ['-version']).error !== undefined) return 'there is no mksquashfs';
  const probe = spawnSync('losetup', ['--find']);
  return probe.status === 0 ? undefined : 'there are no loop devices';
}

/** An app that reads all of the first version, and its image; undefined where that cannot be. */
function built(
  t: ExecutionContext,
  more: string,
  put: (t: ExecutionContext, fixture: Fixture) => void = (_, fixture) => {
    mount(t, fixture, 'first');
  },
): Fixture | undefined {
  const reason = lacking();
  if (reason !== undefined) {
    t.log(`not tried: ${reason}`);
    return undefined;
  }
  const fixture = new Fixture();
  t.teardown(() => {
    spawnSync('umount', ['--recursive', '--lazy', fixture.path('root')]);
    spawnSync('umount', ['--lazy', fixture.path('root')]); // Below an overlay.
    spawnSync('umount', ['--lazy', fixture.path('lower')]);
    fixture.remove();
  });
  for (const [name, version] of Object.entries(versions))
    pack(t, fixture, version, fixture.path(`${name}.squashfs`));
  for (const folder of ['root', 'lower', 'layer']) fixture.write(`${folder}/.mounted`, '');
  fixture.write('app.py', reader);
  put(t, fixture);
  const toml = `name = "reader"\nprogram = "${python}"\nargs = ["app.py"]\n${more.replace('FOLDER', fixture.folder)}`;
  const { stderr } = fixture.build(
    t,
    'reader',
    `${toml}\n[warmup]\nuntil = { log = "warm$" }\nsettle = "150ms"\n`,
  );
  fixture.write('build.log', stderr);
  return fixture;
}

function mount(t: ExecutionContext, fixture: Fixture, version: Version, at = 'root'): void {
  spawnSync('umount', [fixture.path(at)]);
  run(t, 'mount', '-o', 'loop,ro', fixture.path(`${version}.squashfs`), fixture.path(at));
}

/** As a device has it whose root can be written to. */
function mountBeneath(t: ExecutionContext, fixture: Fixture, version: Version): void {
  spawnSync('umount', [fixture.path('root')]);
  mount(t, fixture, version, 'lower');
  const layers = `lowerdir=${fixture.path('layer')}:${fixture.path('lower')}`;
  run(t, 'mount', '-t', 'overlay', '-o', layers, 'overlay', fixture.path('root'));
}

/** Made as builds that can be repeated make it: with fixed times of change, too. */
function mountExt4(t: ExecutionContext, fixture: Fixture, version: Version): void {
  spawnSync('umount', [fixture.path('root')]);
  const image = fixture.path(`${version}.ext4`);
  pack(t, fixture, versions[version], fixture.path('unused.squashfs'));
  run(t, 'find', fixture.path('tree'), '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+');
  run(t, 'mke2fs', '-q', '-F', '-t', 'ext4', '-d', fixture.path('tree'), image, '4M');
  for (const name of ['config.txt', 'build-id', 'a.txt', 'link.txt', 'conf.d'])
    run(t, 'debugfs', '-w', '-R', `set_inode_field /${name} ctime @1700000000`, image);
  run(t, 'mount', '-o', 'loop,ro', image, fixture.path('root'));
}

/** @param changed what a cold start names; undefined: the launch is warm */
function expectLaunch(
  t: ExecutionContext,
  fixture: Fixture,
  what: string,
  changed: string | undefined,
): void {
  const { warm, stderr } = fixture.launch(python, 'app.py');
  t.is(warm, changed === undefined, `${what}: ${stderr}`);
  if (changed !== undefined) t.true(stderr.includes(`${fixture.path(changed)} `), `${what}: ${stderr}`);
}

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

test('inputs.root_identity on an ext4 is read by each launch: nothing else tells another version', (t) => {
  const fixture = built(t, 'inputs = { root_identity = "FOLDER/root/build-id" }', (_, made) => {
    mountExt4(t, made, 'first');
  });
  if (fixture === undefined) return void t.pass();
  t.regex(
    readFileSync(fixture.path('build.log'), 'utf8'),
    /build-id stands for no other file.*each launch reads it/,
  );
  expectLaunch(t, fixture, 'the same', undefined);
  mountExt4(t, fixture, 'named');
  expectLaunch(t, fixture, 'another, which says so', 'root/build-id');
  mountExt4(t, fixture, 'first');
  expectLaunch(t, fixture, 'the first one, made again', undefined);
});

test('inputs.root_identity stands for all of its file system, and for nothing that is mounted on it', (t) => {
  const fixture = built(t, 'inputs = { root_identity = "FOLDER/root/build-id" }');
  if (fixture === undefined) return void t.pass();
  t.regex(fixture.thaw('show', 'reader').stdout, /config\.txt +\S+\/build-id stands for it$/m);
  expectLaunch(t, fixture, 'the same', undefined);
  mount(t, fixture, 'forgotten');
  expectLaunch(t, fixture, 'another, which says that it is the same', undefined);
  mount(t, fixture, 'same');
  expectLaunch(t, fixture, 'another, in which nothing that counts has changed', undefined);
  mount(t, fixture, 'named');
  expectLaunch(t, fixture, 'another, which says so', 'root/config.txt');
  mount(t, fixture, 'first');
  run(t, 'mount', '--bind', fixture.path('tree/a.txt'), fixture.path('root/link.txt'));
  run(t, 'mount', '--bind', fixture.path('app.py'), fixture.path('root/config.txt'));
  expectLaunch(t, fixture, 'a file is mounted on one of its', 'root/config.txt');
  spawnSync('umount', [fixture.path('root/config.txt'), fixture.path('root/link.txt')]);
  expectLaunch(t, fixture, 'no more', undefined);
  const layers = `lowerdir=${fixture.path('layer')}:${fixture.path('root')}`;
  fixture.write('layer/config.txt', 'over\n');
  run(t, 'mount', '-t', 'overlay', '-o', layers, 'overlay', fixture.path('root'));
  expectLaunch(t, fixture, 'an overlay on top', 'root/config.txt');
  spawnSync('umount', [fixture.path('root')]);
  expectLaunch(t, fixture, 'no more', undefined);
});
