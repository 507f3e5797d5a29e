// Profiles built into a device's root on this machine, and launched there: the new root is booted afresh, with another disk under
// it, and has nothing of thaw but thaw-exec and the store.
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { GuestCpu } from '../../launcher/cpus.js';
import { cli, root as project } from '../engine/support/paths.js';
import { runGuest, said } from './support/guest.js';
import { redis } from './support/redis.js';

const server = '/usr/bin/thaw-exec --no-fallback -- /usr/bin/redis-server --port 7379 --save ""';
const ask = `
cd /
THAW_LOG=info ${server} &
for i in 1 2 3 4 5 6 7 8 9 10; do answer=$(redis-cli -p 7379 get color 2>/dev/null) && break; sleep 1; done
echo "answer: $answer"
kill $!
exit 0
`;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-test-target-'));
  readonly tree = join(this.folder, 'root');

  constructor(
    t: ExecutionContext,
    readonly cpu: GuestCpu,
  ) {
    t.teardown(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    execFileSync(join(project, 'cross/root.sh'), [cpu, this.tree, 'redis-server'], { stdio: 'pipe' });
    rmSync(join(this.tree, 'usr/share'), { recursive: true });
    rmSync(join(this.tree, 'usr/bin/perl'), { force: true });
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  profile(text = redis): string {
    writeFileSync(this.path('profile.toml'), text);
    return this.path('profile.toml');
  }

  async build(root: string, profile: string, ...more: readonly string[]): Promise<Outcome> {
    return thaw(['build', '--target', this.cpu, '--root', root, ...more, profile]);
  }

  /** Options with a kernel as a device's maker has it: its file and its modules. */
  deviceKernel(flavour: string): string[] {
    const tree = this.path('kernel');
    execFileSync(join(project, 'cross/kernel.sh'), [this.cpu, flavour, tree], { stdio: 'pipe' });
    const [version = ''] = readdirSync(join(tree, 'lib/modules'));
    const files = {
      kernel: join(tree, 'boot', `vmlinuz-${version}`),
      modules: join(tree, 'lib/modules', version),
    };
    return ['--kernel', files.kernel, '--modules', files.modules];
  }
}

async function thaw(args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

function paths(image: string): string[] {
  return execFileSync('unsquashfs', ['-l', image], { encoding: 'utf8' }).split('\n');
}

async function expectWarm(t: ExecutionContext, cpu: GuestCpu, root: string): Promise<void> {
  // Without time namespaces, an image is good once the device's clocks have passed those of its build, which on a busy machine
  // had got further than a guest that has just booted.
  const clocks = cpu === 'armv7' ? 'sleep 15; ' : '';
  const launched = await runGuest({ cpu, command: clocks + ask, root, share: null, timeout: 180 });
  t.regex(launched.stdout, /answer: blue/, said(launched));
}

test('a squashfs root for aarch64, made again and launched', async (t) => {
  const bench = new Workbench(t, 'aarch64');
  const image = bench.path('root.squashfs');
  execFileSync('mksquashfs', [bench.tree, image, '-comp', 'zstd', '-quiet', '-no-progress']);
  const before = paths(image);
  const built = await bench.build(image, bench.profile());
  t.is(built.status, 0, built.stderr);
  t.regex(built.stdout, /redis +built/);
  t.regex(execFileSync('unsquashfs', ['-s', image], { encoding: 'utf8' }), /Compression zstd/);
  const listing = execFileSync('unsquashfs', ['-lln', image], { encoding: 'utf8' });
  t.regex(listing, /-r-------- 0\/0 .*\/var\/lib\/thaw\/profiles\/redis\/[0-9a-f]+\.thaw/);
  const added = paths(image).filter((path) => !before.includes(path));
  t.deepEqual(
    added.filter((path) => !/^squashfs-root\/(usr\/bin\/thaw-exec|var\/lib\/thaw)(\/|$)/.test(path)),
    [],
    'nothing of the guest is left in the root',
  );
  await expectWarm(t, 'aarch64', image);
});

test('an erofs root for armv7, made again and launched', async (t) => {
  const bench = new Workbench(t, 'armv7');
  const image = bench.path('root.erofs');
  execFileSync('mkfs.erofs', ['-zlz4hc', image, bench.tree], { stdio: 'pipe' });
  const built = await bench.build(image, bench.profile());
  t.is(built.status, 0, built.stderr);
  await expectWarm(t, 'armv7', image);
});

test('a folder: a profile that fails leaves it as it was; the store is written and checked against it', async (t) => {
  const bench = new Workbench(t, 'aarch64');
  const before = execFileSync('find', [bench.tree, '-printf', '%p %s %T@ %m\n'], { encoding: 'utf8' });
  const failed = await bench.build(
    bench.tree,
    bench.profile(redis.replace('redis-cli -p 7379 set color blue', 'test -e /no-such-file')),
  );
  t.is(failed.status, 1);
  t.regex(failed.stderr, /test -e \/no-such-file/);
  t.is(execFileSync('find', [bench.tree, '-printf', '%p %s %T@ %m\n'], { encoding: 'utf8' }), before);

  const kernel = bench.deviceKernel('cloud-arm64');
  const built = await bench.build(bench.tree, bench.profile(), ...kernel, '--model', 'cortex-a72');
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /Linux 6\.\d+\.\d+-\d+-cloud-arm64/);
  t.true(existsSync(join(bench.tree, 'usr/bin/thaw-exec')));
  t.is((await thaw(['verify', '--root', bench.tree])).status, 0);

  const library = execFileSync('sh', ['-c', `ls ${bench.tree}/usr/lib/*/libssl.so.3`], {
    encoding: 'utf8',
  }).trim();
  // Another build of it has another build-id.
  cpSync(library.replace('libssl', 'libcrypto'), library);
  const changed = await thaw(['verify', '--root', bench.tree]);
  t.is(changed.status, 1);
  t.regex(changed.stdout, /libssl\.so\.3 has changed/);
  rmSync(library);
  t.regex((await thaw(['verify', '--root', bench.tree, 'redis'])).stdout, /libssl\.so\.3 is not in the root/);
});
