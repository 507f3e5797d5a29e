// Memory mapped from the image behaves as anonymous memory. That each guard that makes it so is needed: hazards.slow.test.ts.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { type App, type CheckpointOptions, Skipped } from './support/app.js';
import { checkRow, expectFailure, expectSuccess, title, withApp } from './support/check.js';
import { type Identity, identities, root, user } from './support/identity.js';
import { workFolder } from './support/paths.js';
import { hazards } from './support/rows.js';

for (const identity of identities)
  for (const hazard of hazards) test(title(hazard, identity), (t) => checkRow(t, hazard, identity));

/** Whether all memory of the app is mapped from the image, and guarded. */
const isGuarded = (image: string): boolean => native.show(image).processes.every(({ guards }) => guards);

for (const app of ['hazard_dontneed_static', 'hazard_dontneed_musl_static', 'hazard_go'])
  test(`${app} is guarded, and so is its launch when it is checkpointed`, (t) =>
    withApp(t, { app }, user, async (running) => {
      await running.start();
      await running.checkpoint({});
      t.true(isGuarded(running.image));
      running.hold();
      const restored = await running.launchAndHold();
      const second = `${running.image}.2`;
      expectSuccess(t, 'checkpoint', await running.tryCheckpoint({}, second, restored.pid));
      t.true(isGuarded(second));
      await restored.outcome;
    }));

test('the memory of a static program is copied where nothing tells where its functions are', (t) =>
  withApp(t, { app: 'hazard_dontneed_musl_stripped' }, user, async (app) => {
    await app.start();
    await app.checkpoint({});
    t.false(isGuarded(app.image));
    app.release();
    expectSuccess(t, 'launch', await app.launch().outcome);
  }));

/** Checkpoints memory_exec, and calls `work` with its image on a file system that is mounted noexec. */
function onNoexec(
  t: ExecutionContext,
  identity: Identity,
  options: CheckpointOptions,
  work: (app: App, image: string) => Promise<void>,
): Promise<void> {
  return withApp(t, { app: 'memory_exec' }, identity, async (app) => {
    const mounted = mkdtempSync(join(workFolder('noexec'), 'm-'));
    const tmpfs = ['-t', 'tmpfs', '-o', 'noexec,nosuid,mode=755,size=64m'];
    const mount = spawnSync('mount', [...tmpfs, 'thaw-test', mounted]);
    try {
      if (mount.status !== 0) throw new Skipped(`mount: ${mount.stderr.toString()}`);
      await app.start();
      await app.checkpoint(options);
      const image = join(mounted, 'app.thaw');
      copyFileSync(app.image, image);
      app.release();
      await work(app, image);
    } finally {
      spawnSync('umount', ['-l', mounted]);
      rmSync(mounted, { recursive: true, force: true });
    }
  });
}

// A file system mounted noexec gives no executable mappings of its files, the image included.
if (root !== undefined) {
  const identity = root;
  test('memory_exec with an image on a noexec file system', (t) =>
    onNoexec(t, identity, {}, async (app, image) => {
      for (let i = 0; i < 3; i++) expectSuccess(t, 'launch from noexec', await app.launch({}, image).outcome);
    }));

  test('memory_exec on a noexec file system fails without the guard "mprotect"', (t) =>
    onNoexec(t, identity, { guardsOff: ['mprotect'] }, async (app, image) => {
      expectFailure(t, await app.launch({}, image).outcome);
    }));
}
