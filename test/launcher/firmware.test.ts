// What `thaw build --target` does on this machine, without a guest: putting a store into each kind of root; and `thaw verify --root`.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { type Root, openRoot } from '../../launcher/firmware/roots/index.js';
import { Workshop } from './support.js';

const someGroup = 12;
const root = process.geteuid?.() === 0;
const asRoot = root ? test : test.skip;

class Fixture {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-target-'));
  readonly tree = join(this.folder, 'tree');
  readonly additions = join(this.folder, 'additions');

  /** A root with an older store, and what is to be added to it. */
  constructor(t: ExecutionContext) {
    t.teardown(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    this.write('tree/usr/bin/app', 'the app');
    symlinkSync('usr/bin', join(this.tree, 'bin'));
    this.write('tree/var/lib/thaw/profiles/old/aa.thaw', 'an older image');
    this.write('tree/var/lib/other/file', 'kept');
    this.write('additions/usr/bin/thaw-exec', 'thaw-exec');
    chmodSync(join(this.additions, 'usr/bin/thaw-exec'), 0o755);
    this.write('additions/var/lib/thaw/profiles/web/bb.thaw', 'the image');
    truncateSync(join(this.additions, 'var/lib/thaw/profiles/web/bb.thaw'), 8 << 20);
    chmodSync(join(this.additions, 'var/lib/thaw/profiles/web/bb.thaw'), 0o440);
    chmodSync(join(this.additions, 'var/lib/thaw/profiles/web'), 0o750);
    // As a guest leaves what it has built for another user.
    if (root)
      for (const name of ['', 'bb.thaw'])
        chownSync(join(this.additions, 'var/lib/thaw/profiles/web', name), 0, someGroup);
    symlinkSync('bb.thaw', join(this.additions, 'var/lib/thaw/profiles/web/current.thaw'));
    mkdirSync(join(this.additions, 'var/lib/thaw/index'));
    symlinkSync('../profiles/web/current.thaw', join(this.additions, 'var/lib/thaw/index/0123'));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  expectAdded(t: ExecutionContext, tree: string): void {
    const store = join(tree, 'var/lib/thaw');
    t.is(readlinkSync(join(store, 'index/0123')), '../profiles/web/current.thaw');
    t.is(readFileSync(join(store, 'index/0123'), 'latin1').slice(0, 9), 'the image');
    const image = statSync(join(store, 'profiles/web/bb.thaw'));
    t.deepEqual([image.size, image.uid, image.gid, image.mode & 0o777], [8 << 20, 0, someGroup, 0o440]);
    const profile = statSync(join(store, 'profiles/web'));
    t.deepEqual([profile.uid, profile.gid, profile.mode & 0o777], [0, someGroup, 0o750]);
    t.false(existsSync(join(store, 'profiles/old')), 'the older store is gone');
    t.false(existsSync(`${store}.old`) || existsSync(`${store}.new`), 'nothing is left of the switch');
    t.is(readFileSync(join(tree, 'bin/thaw-exec'), 'utf8'), 'thaw-exec');
    t.is(statSync(join(tree, 'bin/thaw-exec')).mode & 0o777, 0o755);
    t.is(readFileSync(join(tree, 'bin/app'), 'utf8'), 'the app');
    t.is(readFileSync(join(tree, 'var/lib/other/file'), 'utf8'), 'kept');
  }
}

asRoot('a folder', async (t) => {
  const fixture = new Fixture(t);
  await openRoot(fixture.tree).add(fixture.additions, undefined);
  fixture.expectAdded(t, fixture.tree);
});

interface Format {
  readonly name: string;
  readonly make: (tree: string, image: string) => void;
  readonly unpack: (image: string, tree: string) => void;
}

const quiet = { stdio: 'pipe' } as const;
const formats: readonly Format[] = [
  {
    name: 'squashfs',
    make: (tree, image) => execFileSync('mksquashfs', [tree, image, '-comp', 'xz', '-b', '65536'], quiet),
    unpack: (image, tree) => execFileSync('unsquashfs', ['-d', tree, image], quiet),
  },
  {
    name: 'erofs',
    make: (tree, image) => execFileSync('mkfs.erofs', ['-zlz4hc', image, tree], quiet),
    unpack: (image, tree) => execFileSync('fsck.erofs', [`--extract=${tree}`, '--preserve', image], quiet),
  },
  {
    name: 'ext4',
    make: (tree, image) => execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', tree, image, '32M'], quiet),
    unpack: (image, tree) => {
      mkdirSync(tree);
      execFileSync('debugfs', ['-R', `rdump / ${tree}`, image], quiet);
    },
  },
];

function has(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], quiet);
    return true;
  } catch {
    return false;
  }
}

/** The test's own tools are installed with those for ARM (cross/setup.sh). */
const tools = ['mksquashfs', 'mkfs.erofs', 'debugfs'].every(has);

for (const { name, make, unpack } of formats)
  (tools ? asRoot : test.skip)(`an image: ${name}`, async (t) => {
    const fixture = new Fixture(t);
    const image = fixture.path(`root.${name}`);
    make(fixture.tree, image);
    const before = readFileSync(image);
    const opened: Root = openRoot(image);
    t.regex(opened.what, new RegExp(name));
    await opened.add(fixture.additions, fixture.path('new'));
    t.true(readFileSync(image).equals(before), 'with an output, the old image stays');
    await opened.add(fixture.additions, undefined);
    for (const [result, tree] of [
      ['new', 'unpacked-new'],
      [`root.${name}`, 'unpacked'],
    ] as const) {
      unpack(fixture.path(result), fixture.path(tree));
      fixture.expectAdded(t, fixture.path(tree));
    }
    if (name === 'squashfs')
      t.regex(execFileSync('unsquashfs', ['-s', image], { encoding: 'utf8' }), /xz[\s\S]*Block size 65536/);
  });

(tools ? test : test.skip)('an ext4 image without room stays what it was', async (t) => {
  const fixture = new Fixture(t);
  writeFileSync(fixture.path('additions/var/lib/thaw/profiles/web/cc.thaw'), Buffer.alloc(24 << 20, 'x'));
  const image = fixture.path('root.ext4');
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', fixture.tree, image, '16M'], quiet);
  const before = readFileSync(image);
  const error = await t.throwsAsync(openRoot(image).add(fixture.additions, undefined));
  t.regex(error.message, /no room|cannot be written/);
  t.true(readFileSync(image).equals(before));
});

test('what is no root', (t) => {
  const fixture = new Fixture(t);
  const error = t.throws(() => openRoot(fixture.path('tree/usr/bin/app')));
  t.regex(error.message, /no root file system/);
  t.regex(t.throws(() => openRoot(fixture.path('nowhere'))).message, /there is no root/);
});

test('verify --root names the file that is missing or another one', (t) => {
  const workshop = new Workshop(t);
  const unwatched = 'inputs = { watch = false }'; // The files that are mapped are enough of a root.
  const built = workshop.thaw('build', workshop.profile('app', 'until = { log = "warm$" }', '', unwatched));
  t.is(built.status, 0, built.stderr);
  const shown = JSON.parse(workshop.thaw('show', '--json', 'app').stdout) as {
    files: { path: string; mapped: boolean; program: boolean; buildId: string }[];
  };
  const copyRoot = workshop.write('root', '');
  rmSync(copyRoot);
  const files = shown.files.filter(({ mapped, program }) => mapped || program);
  const inRoot = (path: string): string => join(copyRoot, path);
  for (const { path } of files) {
    mkdirSync(dirname(inRoot(path)), { recursive: true });
    copyFileSync(path, inRoot(path));
    const { mtimeMs } = statSync(path);
    utimesSync(inRoot(path), mtimeMs / 1000, Math.floor(mtimeMs / 1000)); // As squashfs keeps it.
  }
  const verify = (): [number | null, string] => {
    const { status, stdout } = workshop.thaw('verify', '--root', copyRoot, 'app');
    return [status, stdout];
  };
  const [status, text] = verify();
  t.is(status, 0, text);
  t.regex(text, /app: good\n +cpu +\S+ with .*\n +kernel +Linux 5\.10 .*\n +user .*\n +files /);

  const library = files.find(({ program, buildId }) => !program && buildId !== '');
  t.truthy(library);
  const { path = '' } = library ?? {};
  appendFileSync(inRoot(path), 'x');
  t.true(verify()[1].includes(`app: file: ${path} has changed`), verify()[1]);
  rmSync(inRoot(path));
  const [failed, why] = verify();
  t.is(failed, 1);
  t.true(why.includes(`app: file: ${path} is not in the root`), why);
});

test('verify --root without a store there', (t) => {
  const workshop = new Workshop(t);
  mkdirSync(join(workshop.folder, 'empty'));
  const { status, stderr } = workshop.thaw('verify', '--root', join(workshop.folder, 'empty'));
  t.is(status, 1);
  t.regex(stderr, /there are no profiles/);
});
