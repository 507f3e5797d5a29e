// The store: where it is, what it finds, and what goes when.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ThawError } from '../../launcher/errors.js';
import { imagePath } from '../../launcher/store/image.js';
import {
  removeDangling,
  removeLeftovers,
  removeProfile,
  removeUnused,
} from '../../launcher/store/install.js';
import { expectOwn } from '../../launcher/store/own.js';
import { resolvedToml } from '../../launcher/store/resolved.js';
import { Store, indexTarget } from '../../launcher/store/store.js';
import { cli } from '../engine/support/paths.js';

interface Fixture {
  readonly store: Store;
  readonly touch: (name: string) => void;
}

/** A store with the profile `web`: an old image, the current one, and its entry in the index. */
function fixture(teardown: (end: () => void) => void): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'thaw-store-'));
  teardown(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const store = new Store(root);
  store.make('web');
  const touch = (name: string): void => {
    writeFileSync(join(store.folder('web'), name), '');
  };
  for (const name of ['definition.json', 'aa.thaw', 'bb.thaw']) touch(name);
  symlinkSync('bb.thaw', store.current('web'));
  symlinkSync(indexTarget('web'), join(store.indexFolder, '0123'));
  return { store, touch };
}

test('where it is', (t) => {
  const told = (env: Readonly<Record<string, string>>): string | undefined => {
    const { stderr } = spawnSync(process.execPath, [cli, 'show', 'none'], { env, encoding: 'utf8' });
    return /there is no profile none in (.*)$/m.exec(stderr)?.[1];
  };
  const user = { XDG_STATE_HOME: '/state', HOME: '/home/someone' };
  t.is(told({ ...user, THAW_STORE: '/store' }), '/store');
  const isRoot = process.geteuid?.() === 0;
  t.is(told(user), isRoot ? '/var/lib/thaw' : '/state/thaw');
  t.is(told({ HOME: user.HOME }), isRoot ? '/var/lib/thaw' : '/home/someone/.local/state/thaw');
});

test('names, images, the current one and its keys', (t) => {
  const { store } = fixture((end) => {
    t.teardown(end);
  });
  t.deepEqual(store.names(), ['web']);
  t.deepEqual(store.images('web'), ['aa.thaw', 'bb.thaw']);
  t.deepEqual(store.currentImages('web'), ['bb.thaw']);
  t.deepEqual(store.keys('web'), ['0123']);
  t.is(imagePath(store, 'web'), store.current('web'));
});

test('names that are none, or lead out of the store, are refused', (t) => {
  const { store } = fixture((end) => {
    t.teardown(end);
  });
  for (const name of ['shop', '..', '../web', '', 'Web'])
    t.throws(
      () => {
        store.expect(name);
      },
      { message: /there is no profile/ },
    );
});

test('old images stay while a process has them mapped', (t) => {
  const { store } = fixture((end) => {
    t.teardown(end);
  });
  t.deepEqual(removeUnused(store, 'web', new Map([['aa.thaw', [1]]])), []);
  const removed = removeUnused(store, 'web', new Map());
  t.deepEqual(
    removed.map(({ path }) => path),
    [join(store.folder('web'), 'aa.thaw')],
  );
  t.true(existsSync(store.current('web')));
});

test('what a killed build left goes, what a running one writes stays', (t) => {
  const { store, touch } = fixture((end) => {
    t.teardown(end);
  });
  const [mine, gone] = [`.new-${process.pid}.thaw`, '.new-4194305.thaw']; // Above the kernel's limit for pids.
  for (const name of [mine, gone]) touch(name);
  t.is(removeLeftovers(store, 'web').length, 1);
  t.true(existsSync(join(store.folder('web'), mine)));
  t.false(existsSync(join(store.folder('web'), gone)));
});

test('a removed profile leaves nothing; index entries without a profile go', (t) => {
  const { store } = fixture((end) => {
    t.teardown(end);
  });
  symlinkSync(indexTarget('gone'), join(store.indexFolder, '4567'));
  t.is(removeDangling(store).length, 1);
  t.deepEqual(readdirSync(store.indexFolder), ['0123']);
  removeProfile(store, 'web');
  t.deepEqual(readdirSync(store.indexFolder), []);
  t.deepEqual(store.names(), []);
});

test('the copy of a definition has absolute paths, and keeps its comments', (t) => {
  const text = 'name = "web"\nprogram = "node" # 20\n\n[warmup]\ncwd = "not this one"\n';
  t.is(
    resolvedToml(text, { program: '/usr/bin/node', cwd: '/srv/web' }),
    'cwd = "/srv/web"\nname = "web"\nprogram = "/usr/bin/node" # 20\n\n[warmup]\ncwd = "not this one"\n',
  );
});

test("the group's right to write is no danger where the group is the builder's alone", (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thaw-store-')));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const refusal = (mode: number, ownGroup?: number): ThawError | undefined => {
    chmodSync(folder, mode);
    try {
      expectOwn(folder, ownGroup);
      return undefined;
    } catch (error) {
      return error as ThawError;
    }
  };
  const { gid } = statSync(folder);
  t.is(refusal(0o775, gid), undefined);
  t.is(refusal(0o755), undefined);
  t.regex(refusal(0o775)?.remedy ?? '', new RegExp(`^chmod g-w ${folder}\n`));
  t.regex(refusal(0o777, gid)?.remedy ?? '', new RegExp(`^chmod o-w ${folder}\n`));
  t.regex(refusal(0o777, gid + 1)?.remedy ?? '', new RegExp(`^chmod go-w ${folder}\n`));
});
