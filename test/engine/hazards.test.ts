// Memory mapped from the image behaves as anonymous memory, and each guard that makes it so is needed: with the guard
// switched off at the checkpoint, its test app fails.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { checkRow, expectSuccess, title, withApp } from './support/check.js';
import { identities, root, user } from './support/identity.js';
import { workFolder } from './support/paths.js';
import { hazards } from './support/rows.js';

for (const identity of identities)
  for (const hazard of hazards) test(title(hazard, identity), (t) => checkRow(t, hazard, identity));

for (const hazard of hazards)
  for (const guard of hazard.guards)
    test(`${hazard.app} fails without the guard "${guard}"`, (t) =>
      withApp(t, hazard, user, async (app) => {
        await app.start();
        await app.checkpoint({ ...hazard, guardsOff: [guard] });
        app.release();
        const outcome = await app.launch().outcome;
        t.not(outcome.code, 0, 'the app passed: its guard is not what keeps the hazard away');
        t.not(outcome.code, 125, `the launch was not possible: ${outcome.stderr}`);
      }));

// A file system mounted noexec gives no executable mappings of its files, the image included.
if (root !== undefined) {
  const identity = root;
  test('memory_exec with an image on a noexec file system', (t) =>
    withApp(t, { app: 'memory_exec' }, identity, async (app) => {
      const mounted = mkdtempSync(join(workFolder('noexec'), 'm-'));
      const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'noexec,nosuid,mode=755,size=64m', 'thaw-test', mounted]);
      if (mount.status !== 0) {
        t.log(`mount: ${mount.stderr.toString()}`);
        t.pass();
        return;
      }
      try {
        await app.start();
        await app.checkpoint();
        const image = join(mounted, 'app.thaw');
        copyFileSync(app.image, image);
        app.release();
        for (let i = 0; i < 3; i++) expectSuccess(t, 'launch from noexec', await app.launch({}, image).outcome);
      } finally {
        spawnSync('umount', ['-l', mounted]);
        rmSync(mounted, { recursive: true, force: true });
      }
    }));
}
