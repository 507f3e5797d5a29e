// A store that is to be pushed: a sealed one as it is, or one that is sealed for it. What it needs is told by its images.
import { createHash } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { native } from '../engine/index.js';
import { kindOf } from '../firmware/roots/index.js';
import { type Format, FORMATS } from '../packing/formats/index.js';
import { packWhole } from '../packing/pack.js';
import { ThawError } from '../errors.js';
import { Store } from '../store/store.js';
import { type Needs, needsOf, summaryOf } from './needs.js';

export interface Sealed {
  readonly path: string;
  readonly format: string;
  readonly digest: string;
  readonly size: number;
  readonly needs: Needs;
  /** For an index. */
  readonly summary: Needs;
  readonly madeAtMs: number;
}

/** What `work` gets is only needed until all is pushed. @throws ThawError */
export async function sealed(given: string, model: string, format: Format, work: string): Promise<Sealed> {
  const path = resolve(given);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw new ThawError(`there is no store ${path}`);
  if (!status.isDirectory()) return unpacked(path, model, work);
  const output = join(mkdtempSync(join(work, 'store-')), `store.${format.name}`);
  const store = new Store(path);
  await packWhole(store, output, format);
  return told(output, format, store, model);
}

async function unpacked(path: string, model: string, work: string): Promise<Sealed> {
  const kind = kindOf(path)?.name;
  const format = FORMATS.find(({ name }) => name === kind);
  if (format === undefined)
    throw new ThawError(`${path} is no sealed store`, { remedy: 'make it with thaw pack, or name a store' });
  const tree = join(mkdtempSync(join(work, 'tree-')), 'tree');
  await format.unpack(path, tree);
  try {
    return await told(path, format, new Store(tree), model);
  } finally {
    rmSync(dirname(tree), { recursive: true, force: true });
  }
}

async function told(path: string, { name }: Format, store: Store, model: string): Promise<Sealed> {
  const profiles = store.names();
  const images = profiles.flatMap((profile) => store.allCurrent(profile)).map((image) => native.show(image));
  if (images.length === 0)
    throw new ThawError(`${path} holds no images`, { remedy: 'thaw build, then thaw pack' });
  const needs = needsOf(images, profiles, model);
  const programs = images.map(({ requirements }) => requirements.program);
  return {
    path,
    format: name,
    digest: await digestOfFile(path),
    size: statSync(path).size,
    needs,
    summary: summaryOf(needs, programs),
    madeAtMs: Math.max(...images.map(({ requirements }) => requirements.madeAtMs)),
  };
}

export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
