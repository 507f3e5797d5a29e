// Launches from mutated images by the real thaw-exec. Arguments: how many [SEED]. Three kinds in turn:
//   damaged   the checksum is wrong: the app must start cold
//   signed    the checksum is right, and the device requires a signature, which the image had before: cold, too
//   deceiving the checksum is right, and nothing is required: whoever can write an image can have it do anything, as with a
//             program, so the app may come out wrong, or sleep for years (its timer slack); but thaw-exec ends in the app or
//             in a cold start, and does not hang
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { generateKeyPairSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { signImage } from '../../launcher/signing/signature.js';
import { App } from '../engine/support/app.js';
import { self } from '../engine/support/identity.js';
import { cpu, root, thawExec } from '../engine/support/paths.js';

const BATCH = 100;
const MILLISECONDS = 10_000;
const GOOD = 9;
const kinds = ['damaged', 'signed', 'deceiving'] as const;
type Kind = (typeof kinds)[number];

const [count = 300, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const work = mkdtempSync(join(tmpdir(), 'thaw-fuzz-'));
const mutateImage = join(root, 'build', 'fuzz', 'mutate-image');
const outcomes = new Map<string, number>();
let wrong = 0;

/** Its checksum is no longer right: the last bit of the header's field. */
function spoilHash(image: string): void {
  const bytes = readFileSync(image);
  const at = 48;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  chmodSync(image, 0o644);
  writeFileSync(image, bytes);
}

function launch(kind: Kind, image: string, command: readonly string[], etc: string): string {
  const exec = [thawExec, '--image', image, '--', ...command];
  const enter = ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc];
  const [program = '', ...args] = kind === 'signed' ? [...enter, ...exec] : exec;
  const { status, signal, error, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: MILLISECONDS,
    killSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'], THAW_LOG: 'trace' },
  });
  const cold = stderr.includes('; starting cold');
  if (status === GOOD) return cold ? 'cold' : 'warm';
  const resumed = stderr.includes('thaw-exec: commit');
  const how = error === undefined ? (signal ?? `exit ${status}`) : resumed ? 'sleeps as the app' : 'hung';
  return `${how}${cold ? ' after a cold start' : ''}`;
}

const app = new App('actor', self);
try {
  await app.start();
  await app.checkpoint();
  app.release([`exit ${GOOD}`]);
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signature = signImage(app.image, privateKey);
  const whole = readFileSync(app.image);
  const etc = join(work, 'etc');
  mkdirSync(join(etc, 'thaw'), { recursive: true });
  writeFileSync(
    join(etc, 'thaw', 'require-signature.pem'),
    publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    { mode: 0o644 },
  );
  process.stdout.write(`${cpu}: ${count} launches, seed ${seed}\n`);
  for (let begin = 0; begin < count; begin += BATCH) {
    const folder = join(work, 'images');
    mkdirSync(folder);
    execFileSync(mutateImage, [
      app.image,
      String(seed + begin),
      String(Math.min(BATCH, count - begin)),
      folder,
    ]);
    readdirSync(folder).forEach((file, i) => {
      const kind = kinds[i % kinds.length] as Kind;
      const image = join(folder, file);
      if (kind === 'damaged') spoilHash(image);
      if (kind === 'signed') copyFileSync(signature, `${image}.sig`);
      const outcome = launch(kind, image, app.command, etc);
      const what = `${kind}: ${outcome}`;
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      // Some mutations change nothing.
      const same = kind === 'deceiving' || readFileSync(image).equals(whole);
      const started = outcome === 'cold' || (outcome === 'warm' && same);
      if (started || (kind === 'deceiving' && outcome !== 'hung' && !outcome.includes('cold'))) return;
      wrong++;
      copyFileSync(image, join(root, 'build', 'fuzz', `launch-${seed + begin}-${file}`));
      process.stdout.write(`${what}: build/fuzz/launch-${seed + begin}-${file}\n`);
    });
    rmSync(folder, { recursive: true, force: true });
  }
  for (const [what, times] of [...outcomes].sort()) process.stdout.write(`${what}: ${times}\n`);
} finally {
  await app.end();
  rmSync(work, { recursive: true, force: true });
}
process.exitCode = wrong === 0 ? 0 : 1;
