// inputs.root_identity: one name for all that lies on a read-only file system.
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Fixture } from './fixture.js';
import { built, editExt4, expectLaunch, mount, mountExt4, mountExt4OnDisk, run } from './read_only_root.js';
import { python } from './support.js';

const byFile = 'inputs = { root_identity = "FOLDER/root/build-id" }';
const byFolder = 'inputs = { root_identity = "FOLDER/root" }';

function buildLog(fixture: Fixture): string {
  return readFileSync(fixture.path('build.log'), 'utf8');
}

function show(fixture: Fixture): string {
  return fixture.thaw('show', 'reader').stdout;
}

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

test('on a read-only device it stands for an ext4, as long as nobody has written to that', (t) => {
  const fixture = built(t, byFile, (_, made) => {
    mountExt4(t, made, 'first');
  });
  if (fixture === undefined) return void t.pass();
  t.regex(show(fixture), /config\.txt +\S+\/build-id stands for it$/m);
  t.regex(
    show(fixture),
    /build-id stands for its file system: a read-only device, on which writes are counted$/m,
  );
  expectLaunch(t, fixture, 'the same', undefined);
  mountExt4(t, fixture, 'named');
  expectLaunch(t, fixture, 'another, which says so', 'root/build-id');
  mountExt4(t, fixture, 'first');
  expectLaunch(t, fixture, 'the first one, made again', undefined);
  mountExt4(t, fixture, 'first', 'ro,noload');
  expectLaunch(t, fixture, 'without its journal, but with the same in it', undefined);
  t.regex(show(fixture), /not here, where it lies on a file system without its journal$/m);
  mountExt4(t, fixture, 'first');
  editExt4(t, fixture, 'first', 'two\n');
  expectLaunch(t, fixture, 'changed by hand, and read-only again', 'root/config.txt');
});

test('on a device that can be written to, each launch reads it: nothing else tells another version', (t) => {
  const fixture = built(t, byFile, (_, made) => {
    mountExt4OnDisk(t, made, 'first');
  });
  if (fixture === undefined) return void t.pass();
  t.regex(
    buildLog(fixture),
    /build-id stands for no other file, for it lies on a device that can be written to/,
  );
  expectLaunch(t, fixture, 'the same', undefined);
  mountExt4OnDisk(t, fixture, 'named');
  expectLaunch(t, fixture, 'another, which says so', 'root/build-id');
  mountExt4OnDisk(t, fixture, 'first');
  expectLaunch(t, fixture, 'the first one, made again', undefined);
});

/** What the kernel says of a device with dm-verity, for what runs in a mount namespace of its own. */
const asVerity = `set -e; device=$(mountpoint -d "$0"); mount -t tmpfs tmpfs /sys/dev/block
mkdir -p /sys/dev/block/$device/dm; echo 1 >/sys/dev/block/$device/ro
echo CRYPT-VERITY-0123456789abcdef-root >/sys/dev/block/$device/dm/uuid; echo ready; exec cat`;

async function enterVerity(t: ExecutionContext, fixture: Fixture): Promise<readonly string[]> {
  const holder = spawn('unshare', ['--mount', 'sh', '-c', asVerity, fixture.path('root')]);
  t.teardown(() => holder.stdin.end());
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  return ['nsenter', '--mount', `--target=${holder.pid}`, `--wdns=${fixture.folder}`, '--'];
}

test('on dm-verity it stands for any file system, until the device is another one', async (t) => {
  const fixture = built(t, '', (_, made) => {
    mountExt4(t, made, 'first');
  });
  if (fixture === undefined) return void t.pass();
  fixture.under = await enterVerity(t, fixture);
  fixture.build(
    t,
    'reader',
    readFileSync(fixture.path('reader.toml'), 'utf8')
      .replace(/^env = .*\n/, '')
      .replace(/\[launch\][^]*/, '')
      .replace('[warmup]', `${byFile.replace('FOLDER', fixture.folder)}\n[warmup]`),
  );
  t.regex(show(fixture), /build-id stands for its file system: dm-verity$/m);
  t.regex(show(fixture), /config\.txt +\S+\/build-id stands for it$/m);
  expectLaunch(t, fixture, 'the same', undefined);
  const bind = ['mount', '--bind', fixture.path('app.py'), fixture.path('root/config.txt')];
  spawnSync('nsenter', [...fixture.under.slice(1), ...bind]);
  expectLaunch(t, fixture, 'a file is mounted on one of its', 'root/config.txt');
});

/** Where native/image/format.h has metadata_offset and tail_offset. */
const places = { metadata: 32, tail: 80 };

test('what it stands for is not even read, until it stands no more', (t) => {
  const fixture = built(t, byFile);
  if (fixture === undefined) return void t.pass();
  const path = join(fixture.store, 'profiles', 'reader', 'current.thaw');
  const image = readFileSync(path);
  const tail = Number(image.readBigUInt64LE(places.metadata) + image.readBigUInt64LE(places.tail));
  t.true(image.includes('config.txt', tail), 'its inputs stand at the end');
  image[tail] = (image[tail] ?? 0) ^ 1;
  const real = realpathSync(path);
  rmSync(real);
  writeFileSync(real, image, { mode: 0o400 });
  expectLaunch(t, fixture, 'it stands', undefined);
  mount(t, fixture, 'same');
  const { warm, stderr } = fixture.launch(python, 'app.py');
  t.false(warm);
  t.regex(stderr, /the image's list of inputs does not match its checksum; make the image again/);
  t.regex(fixture.thaw('verify', 'reader').stdout, /list of inputs does not match its checksum/);
});

const commits = { old: 'a'.repeat(64), new: 'b'.repeat(64) };

/** Mounts a deployment as ostree does at boot. */
function deploy(t: ExecutionContext, fixture: Fixture, name: string, config = 'one\n', options = 'ro'): void {
  const folder = `sysroot/ostree/deploy/os/deploy/${name}/usr`;
  for (let i = 0; i < 3; i++) spawnSync('umount', [fixture.path('root')]);
  cpSync(fixture.path('tree'), fixture.path(folder), { recursive: true, verbatimSymlinks: true });
  fixture.write(`${folder}/config.txt`, config);
  run(t, 'mount', '--bind', '-o', options, fixture.path(folder), fixture.path('root'));
}

test("a folder stands for the deployment of ostree that is mounted there, by its commit's name", (t) => {
  const fixture = built(t, byFolder, (_, made) => {
    deploy(t, made, `${commits.old}.0`);
  });
  if (fixture === undefined) return void t.pass();
  t.regex(show(fixture), /root stands for its file system: an ostree deployment$/m);
  t.regex(show(fixture), /config\.txt +\S+\/root stands for it$/m);
  t.notRegex(show(fixture), /app\.py.*stands for it/); // On the same file system, as /etc and /var are.
  expectLaunch(t, fixture, 'the same', undefined);
  deploy(t, fixture, `${commits.new}.0`);
  expectLaunch(t, fixture, 'another commit, in which nothing that counts has changed', undefined);
  deploy(t, fixture, `${commits.new}.0`, 'two\n');
  expectLaunch(t, fixture, 'another commit', 'root/config.txt');
  deploy(t, fixture, `${commits.old}.1`, 'two\n');
  expectLaunch(t, fixture, 'another deployment', 'root/config.txt');
  deploy(t, fixture, `${commits.old}.0`, 'two\n', 'rw');
  expectLaunch(t, fixture, 'one that can be written to', 'root/config.txt');
  deploy(t, fixture, `${commits.old}.0`);
  expectLaunch(t, fixture, 'the first one again', undefined);
  const layers = `lowerdir=${fixture.path('layer')}:${fixture.path('root')}`;
  fixture.write('layer/config.txt', 'over\n');
  run(t, 'mount', '-t', 'overlay', '-o', layers, 'overlay', fixture.path('root'));
  expectLaunch(t, fixture, 'unlocked: an overlay on top', 'root/config.txt');
});

test('a folder that is no deployment stands for nothing: the build says why', (t) => {
  const fixture = built(t, byFolder, (_, made) => {
    deploy(t, made, `${commits.old.slice(1)}.0`);
  });
  if (fixture === undefined) return void t.pass();
  t.regex(buildLog(fixture), /root stands for no other file, for it is a folder, .* no deployment of ostree/);
  expectLaunch(t, fixture, 'the same', undefined);
  deploy(t, fixture, `${commits.old.slice(1)}.0`, 'two\n');
  expectLaunch(t, fixture, 'another', 'root/config.txt');
});
