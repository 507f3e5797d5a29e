// Where memory is short, what an image on a compressed file system holds is dropped and read again as well.
import test, { type ExecutionContext } from 'ava';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { sealTree } from '../../bench/sealed_store.js';
import { compressionFor, type Format, FORMATS } from '../../launcher/packing/formats/index.js';
import { lacking } from '../launcher/sealed.js';
import { PATIENCE_MS } from '../patience.js';
import type { App } from './support/app.js';
import { limitMib, sizeMib, withinMemory, withLarge } from './support/large.js';

/** Does `work` while the image is seen on a file system of that format. */
async function sealed(
  t: ExecutionContext,
  app: App,
  format: Format,
  work: () => Promise<void>,
): Promise<void> {
  const tree = join(app.folder, 'tree');
  const output = join(app.folder, `sealed.${format.name}`);
  const at = join(app.folder, 'at');
  for (const folder of [tree, at]) mkdirSync(folder);
  copyFileSync(app.image, join(tree, 'app.thaw'));
  await sealTree(format, tree, output, compressionFor(format, 20));
  const mount = (...options: string[]): void => {
    const mounted = spawnSync('mount', options, { encoding: 'utf8' });
    t.is(mounted.status, 0, mounted.stderr);
  };
  mount('-o', 'loop,ro', output, at);
  mount('--bind', join(at, 'app.thaw'), app.image);
  try {
    await work();
  } finally {
    spawnSync('umount', ['--lazy', app.image, at]);
  }
}

for (const format of FORMATS)
  test(`an app of ${sizeMib} MiB works within ${limitMib} MiB, launched from ${format.name}`, (t) =>
    withLarge(t, async (app) => {
      const why = lacking();
      if (why === undefined) {
        await sealed(t, app, format, () => withinMemory(t, app, PATIENCE_MS * 3));
      } else {
        t.log(why);
        t.pass();
      }
    }));
