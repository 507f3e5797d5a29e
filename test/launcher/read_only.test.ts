// Apps whose inputs lie on a read-only file system that is replaced as a whole, as the root of a device is by an update.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';

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
  config: { config: 'two\n' },
  link: { target: 'b.txt' },
  folder: { name: 'y' },
} satisfies Readonly<Record<string, Parameters<typeof pack>[2]>>;

function run(t: ExecutionContext, ...[program, ...args]: readonly [string, ...string[]]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  t.is(status, 0, stderr);
}

/** As builds that can be repeated do it: with a fixed time in the file system itself, too. */
function pack(
  t: ExecutionContext,
  fixture: Fixture,
  { config = 'one\n', target = 'a.txt', name = 'x' },
  image: string,
): void {
  const tree = fixture.path('tree');
  rmSync(tree, { recursive: true, force: true });
  fixture.write('tree/config.txt', config);
  for (const file of ['a.txt', 'b.txt']) fixture.write(`tree/${file}`, 'one\n');
  fixture.write(`tree/conf.d/${name}`, '');
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

test('another version of a squashfs is seen, though inodes, sizes, times and superblock are equal', (t) => {
  const reason = lacking();
  if (reason !== undefined) {
    t.log(`not tried: ${reason}`);
    t.pass();
    return;
  }
  const fixture = new Fixture();
  const mount = (version: string): void => {
    run(t, 'mount', '-o', 'loop,ro', fixture.path(`${version}.squashfs`), fixture.path('root'));
  };
  const unmount = (): void => {
    spawnSync('umount', [fixture.path('root')]);
  };
  t.teardown(() => {
    unmount();
    fixture.remove();
  });
  for (const [name, version] of Object.entries(versions))
    pack(t, fixture, version, fixture.path(`${name}.squashfs`));
  fixture.write('root/.mounted', '');
  fixture.write('app.py', reader);
  mount('first');
  fixture.build(
    t,
    'reader',
    `name = "reader"\nprogram = "${python}"\nargs = ["app.py"]\n[warmup]\nuntil = { log = "warm$" }\nsettle = "50ms"\n`,
  );
  const changed = {
    first: undefined,
    config: 'root/config.txt',
    link: 'root/link.txt',
    folder: 'root/conf.d',
  };
  for (const [version, path] of [...Object.entries(changed), ['first', undefined] as const]) {
    unmount();
    mount(version);
    const { warm, stderr } = fixture.launch(python, 'app.py');
    t.is(warm, path === undefined, `${version}: ${stderr}`);
    if (path !== undefined) t.true(stderr.includes(`${fixture.path(path)} `), `${version}: ${stderr}`);
  }
});
