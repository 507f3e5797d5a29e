// A large blob into a file: hashed as it comes, gone on with after an interruption, never more than was announced, and given
// its name when it is whole and the right one.
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { ThawError, messageOf } from '../errors.js';
import { logOf } from '../log.js';
import { putInPlace } from '../store/replace.js';
import { isAlive } from '../store/install.js';
import { freeIn } from '../store/room.js';
import { size } from '../units.js';
import type { Registry } from './client.js';
import type { Descriptor } from './oci.js';

const registryLog = logOf('registry');

/** How often in a row nothing may come of it. */
const TRIES = 5;
const PAUSE_MS = 500;

/** @throws ThawError; what has come so far stays, for the next time, unless it is wrong */
export async function download(
  registry: Registry,
  blob: Descriptor,
  output: string,
  told: (done: number, all: number) => void,
): Promise<void> {
  const aside = claim(output, blob.digest);
  const hash = createHash('sha256');
  let done = await hashed(aside, blob.size, hash);
  expectRoom(output, blob.size - done);
  for (let tries = 0; done < blob.size; tries++) {
    const before = done;
    try {
      await goOn();
    } catch (error) {
      if (done > before) tries = 0;
      if (tries + 1 >= TRIES || !isTransient(error)) throw error;
      registryLog.warn({ digest: blob.digest, at: done, error: messageOf(error) }, 'download broke off');
      await setTimeout(PAUSE_MS * 2 ** tries, undefined, { signal: registry.interrupt });
    }
  }
  finish(aside, blob, hash, output);

  async function goOn(): Promise<void> {
    const { from, body } = await registry.blobFrom(blob.digest, done);
    if (from !== done) throw new ThawError(`the registry goes on at ${from}, not at ${done}`, restart(aside));
    const file = openSync(aside, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
    try {
      for await (const chunk of (body.body ?? []) as AsyncIterable<Uint8Array>) {
        if (done + chunk.length > blob.size) {
          rmSync(aside, { force: true });
          throw new ThawError(`the registry sends more than the ${blob.size} bytes of ${blob.digest}`);
        }
        writeAll(file, chunk);
        hash.update(chunk);
        told((done += chunk.length), blob.size);
      }
    } finally {
      closeSync(file);
    }
    if (done < blob.size) throw new ThawError('the connection has ended', { code: 'UNREACHABLE' });
  }
}

/** Without ranges, all has to come at once: the hash has begun with what is there. */
function restart(aside: string): { readonly remedy: string } {
  rmSync(aside, { force: true });
  return { remedy: 'call it again: it begins anew' };
}

function finish(aside: string, { digest }: Descriptor, hash: Hash, output: string): void {
  const found = `sha256:${hash.digest('hex')}`;
  if (found === digest) {
    putInPlace(aside, output);
    return;
  }
  rmSync(aside, { force: true });
  throw new ThawError(`what the registry has as ${digest} is something else: ${found}`, {
    remedy: 'push it again; somebody may have changed it in the registry. What was there before stays',
  });
}

/**
 * The file that this process alone writes to, named by its pid. What a process that has ended left of the same blob is taken
 * over by a rename, which only one can do; the rest goes.
 */
function claim(output: string, digest: string): string {
  const folder = dirname(output);
  const start = `.${basename(output)}.pull-`;
  const kind = `${start}${digest.slice('sha256:'.length, 'sha256:'.length + 16)}-`;
  const own = join(folder, `${kind}${process.pid}`);
  for (const file of readdirSync(folder).filter((name) => name.startsWith(start))) {
    const path = join(folder, file);
    if (path !== own && isAlive(Number(/\d+$/.exec(file)?.[0]))) continue;
    if (file.startsWith(kind) && !existsSync(own)) takeOver(path, own);
    else if (path !== own) rmSync(path, { force: true });
  }
  if (existsSync(own) && !isOwn(own)) rmSync(own, { force: true });
  if (!existsSync(own)) closeSync(openSync(own, 'wx', 0o600));
  return own;
}

/** What others could still write to is not gone on with: a store holds what root will launch. */
function isOwn(path: string): boolean {
  const status = lstatSync(path);
  const { uid, mode, nlink } = status;
  return status.isFile() && uid === process.geteuid?.() && nlink === 1 && (mode & 0o022) === 0;
}

function takeOver(path: string, own: string): void {
  try {
    renameSync(path, own);
  } catch (error) {
    registryLog.debug({ path, error: messageOf(error) }, 'somebody else took it');
  }
}

/** How many bytes are there; they go into the hash. */
async function hashed(aside: string, most: number, hash: Hash): Promise<number> {
  if (!existsSync(aside)) return 0;
  if (statSync(aside).size > most) truncateSync(aside, 0);
  let done = 0;
  for await (const chunk of createReadStream(aside, { highWaterMark: 1 << 20 })) {
    hash.update(chunk as Buffer);
    done += (chunk as Buffer).length;
  }
  return done;
}

function expectRoom(output: string, needed: number): void {
  const free = freeIn(dirname(output));
  if (free >= needed) return;
  throw new ThawError(`there is no room for ${size(needed)} beside ${output}: ${size(free)} are free`, {
    remedy: 'the old store stays until the new one is whole; make room, or name another folder',
  });
}

function writeAll(file: number, chunk: Uint8Array): void {
  for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
}

/** fetch's own errors of a body that ends early are TypeErrors. */
function isTransient(error: unknown): boolean {
  return error instanceof ThawError ? error.code === 'UNREACHABLE' : error instanceof TypeError;
}
