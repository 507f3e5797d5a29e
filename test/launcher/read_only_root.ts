// An app whose inputs lie on a read-only file system that is replaced as a whole, as the root of a device is by an update.
import type { ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { rmSync, truncateSync } from 'node:fs';

import { Fixture } from './fixture.js';
import { python } from './support.js';

const reader = `import os, time; print('warming', flush=True)
os.chdir('root')
state = [open('config.txt').read(), open('link.txt').read(), os.readlink('link.txt'), os.listdir('conf.d')]
os.chdir('..')
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.001)
print('done', flush=True)
`;

/** Versions of the file system, all with one time, and files of one size. */
const versions = {
  first: {},
  forgotten: { config: 'new\n' },
  named: { config: 'two\n', id: '2\n' },
  same: { id: '3\n' },
  large: { filler: 33 << 20 },
  library: { library: 2 },
  config: { config: 'two\n' },
  link: { target: 'b.txt' },
  folder: { name: 'y' },
} satisfies Readonly<Record<string, Parameters<typeof pack>[2]>>;

export function run(t: ExecutionContext, ...[program, ...args]: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
}

export type Version = keyof typeof versions;

/** As builds that can be repeated do it: with a fixed time in the file system itself, too. */
function pack(
  t: ExecutionContext,
  fixture: Fixture,
  { config = 'one\n', target = 'a.txt', name = 'x', id = '1\n', filler = 0, library = 1 },
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
  const source = fixture.write('library.c', `int version = ${library};\n`);
  run(t, 'cc', '-shared', `-Wl,--build-id=0x0${library}`, '-o', `${tree}/library.so`, source);
  run(t, 'ln', '-s', 'library.so', `${tree}/link.so`);
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

export function mountFirst(t: ExecutionContext, fixture: Fixture): void {
  mount(t, fixture, 'first');
}

/** An app that reads all of the first version (and does `also`, in Python), and its image; undefined where that cannot be. */
export function built(
  t: ExecutionContext,
  more: string,
  put: (t: ExecutionContext, fixture: Fixture) => void = mountFirst,
  also = '',
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
  fixture.write('app.py', also + reader);
  put(t, fixture);
  const toml = `name = "reader"\nprogram = "${python}"\nargs = ["app.py"]\n${more.replace('FOLDER', fixture.folder)}`;
  const { stderr } = fixture.build(
    t,
    'reader',
    `${toml}\n[warmup]\nuntil = { log = "warm$" }\nsettle = "300ms"\n`,
  );
  fixture.write('build.log', stderr);
  return fixture;
}

export function mount(t: ExecutionContext, fixture: Fixture, version: Version, at = 'root'): void {
  spawnSync('umount', [fixture.path(at)]);
  run(t, 'mount', '-o', 'loop,ro', fixture.path(`${version}.squashfs`), fixture.path(at));
}

/** As a device has it whose root can be written to. */
export function mountBeneath(t: ExecutionContext, fixture: Fixture, version: Version): void {
  spawnSync('umount', [fixture.path('root')]);
  mount(t, fixture, version, 'lower');
  const layers = `lowerdir=${fixture.path('layer')}:${fixture.path('lower')}`;
  run(t, 'mount', '-t', 'overlay', '-o', layers, 'overlay', fixture.path('root'));
}

/** Made as builds that can be repeated make it: with fixed times of change, too. */
function packExt4(t: ExecutionContext, fixture: Fixture, version: Version): string {
  const image = fixture.path(`${version}.ext4`);
  pack(t, fixture, versions[version], fixture.path('unused.squashfs'));
  run(t, 'find', fixture.path('tree'), '-exec', 'touch', '-h', '-d', '@1700000000', '{}', '+');
  run(t, 'mke2fs', '-q', '-F', '-t', 'ext4', '-d', fixture.path('tree'), image, '4M');
  for (const name of ['config.txt', 'build-id', 'a.txt', 'link.txt', 'conf.d'])
    run(t, 'debugfs', '-w', '-R', `set_inode_field /${name} ctime @1700000000`, image);
  return image;
}

/** On a device that nobody can write to. */
export function mountExt4(t: ExecutionContext, fixture: Fixture, version: Version, options = 'ro'): void {
  spawnSync('umount', [fixture.path('root')]);
  const image = packExt4(t, fixture, version);
  run(t, 'mount', '-o', `loop,${options}`, image, fixture.path('root'));
}

/** Read-only, on a device that can be written to. */
export function mountExt4OnDisk(t: ExecutionContext, fixture: Fixture, version: Version): void {
  spawnSync('umount', [fixture.path('root')]);
  const image = packExt4(t, fixture, version);
  const { stdout } = spawnSync('losetup', ['--find', '--show', image], { encoding: 'utf8' });
  run(t, 'mount', '-o', 'ro', stdout.trim(), fixture.path('root'));
  run(t, 'losetup', '--detach', stdout.trim()); // Once it is not mounted any more.
}

/** By hand: mounted to be written to, and mounted as before. */
export function editExt4(t: ExecutionContext, fixture: Fixture, version: Version, config: string): void {
  spawnSync('umount', [fixture.path('root')]);
  run(t, 'mount', '-o', 'loop,rw', fixture.path(`${version}.ext4`), fixture.path('root'));
  fixture.write('root/config.txt', config);
  run(t, 'umount', fixture.path('root'));
  run(t, 'mount', '-o', 'loop,ro', fixture.path(`${version}.ext4`), fixture.path('root'));
}

/** @param changed what a cold start names; undefined: the launch is warm */
export function expectLaunch(
  t: ExecutionContext,
  fixture: Fixture,
  what: string,
  changed: string | undefined,
): void {
  const { warm, stderr } = fixture.launch(python, 'app.py');
  t.is(warm, changed === undefined, `${what}: ${stderr}`);
  if (changed !== undefined) t.true(stderr.includes(`${fixture.path(changed)} `), `${what}: ${stderr}`);
}
