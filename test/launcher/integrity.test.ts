// Page data that the storage has lost: no launch looks at it before the app does, so `thaw verify` does.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { Workshop, sleeperImage } from './support.js';

/** Where the image has data for the app's stack, which is never all zero. */
function stackAt(image: string, t: ExecutionContext): number {
  const [process] = native.show(image).processes;
  const stack = process?.mappings.find(({ name }) => name === '[stack]');
  t.truthy(stack);
  const bytes = readFileSync(image);
  const at = bytes.indexOf('THAW_TEST_MARK=');
  t.true(at > 0);
  return at - (at % 4096);
}

test.serial('verify finds a hole in the page data, and says where and whose it was', async (t) => {
  const workshop = new Workshop(t);
  const image = await sleeperImage(workshop);
  t.is(workshop.thaw('verify', image).stdout, `${image}: good\n`);
  const at = stackAt(image, t);
  chmodSync(image, 0o644);
  execFileSync('fallocate', ['--punch-hole', '--offset', String(at), '--length', '4096', image]);
  const { status, stdout } = workshop.thaw('verify', image);
  t.is(status, 1);
  t.regex(
    stdout,
    /page data: the image's page data is damaged: 1 of its blocks of 1 MB, the first at byte \d+, where the app's memory at [0-9a-f]+-[0-9a-f]+ .*begins or goes on\n {2}make the image again \(thaw build\) or copy it again\n$/,
  );
  t.is(workshop.thaw('verify', '--no-data', image).stdout, `${image}: good\n`);
});

test.serial('verify finds a bit that has flipped where there were zeros', async (t) => {
  const workshop = new Workshop(t);
  const image = await sleeperImage(workshop);
  const bytes = readFileSync(image);
  let at = 4096;
  while (!bytes.subarray(at, at + 4096).every((byte) => byte === 0)) at += 4096;
  chmodSync(image, 0o644);
  const file = openSync(image, 'r+');
  writeSync(file, Buffer.from([1]), 0, 1, at + 77);
  closeSync(file);
  t.regex(workshop.thaw('verify', image).stdout, /is damaged: 1 of its blocks/);
});

test.serial('a copy whose holes were filled is as good', async (t) => {
  const workshop = new Workshop(t);
  const image = await sleeperImage(workshop);
  const copy = join(workshop.folder, 'copy.thaw');
  execFileSync('cp', ['--sparse=never', '--preserve=mode', image, copy]);
  t.true(statSync(copy).blocks > statSync(image).blocks);
  t.is(workshop.thaw('verify', copy).stdout, `${copy}: good\n`);
});
