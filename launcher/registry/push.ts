// Pushing stores: their layers and configs, a manifest for each, and an index where there are several or where one is asked for.
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as v from 'valibot';

import { platformOf } from '../cpus.js';
import { ThawError, UsageError } from '../errors.js';
import type { Format } from '../packing/formats/index.js';
import type { Progress } from '../progress.js';
import { size } from '../units.js';
import { Registry } from './client.js';
import * as oci from './oci.js';
import type { Reference } from './reference.js';
import { type Sealed, sealed } from './sealed.js';
import { signatureOf } from './signature.js';

export interface PushOptions {
  /** `[MODEL=]STORE` */
  readonly stores: readonly string[];
  readonly format: Format;
  readonly key: KeyObject | undefined;
  /** Adds to the index that is there, in the place of entries of the same models. */
  readonly add: boolean;
  readonly progress: Progress;
}

export interface Pushed {
  readonly digest: string;
  readonly manifests: readonly { readonly model: string; readonly digest: string; readonly size: number }[];
  readonly requests: number;
}

/** @throws ThawError, UsageError */
export async function push(
  reference: Reference,
  { stores, format, key, add, progress }: PushOptions,
  interrupt: AbortSignal,
): Promise<Pushed> {
  if (reference.digest !== undefined)
    throw new UsageError('what is pushed gets its digest by what it is: name a tag');
  const named = stores.map(modelAndStore);
  const twice = named.find(({ model }, i) => named.findIndex((one) => one.model === model) !== i);
  if (twice !== undefined)
    throw new UsageError(
      twice.model === '' ? 'several stores need names: MODEL=STORE' : `${twice.model} is named twice`,
    );
  const registry = new Registry(reference, 'pull,push', interrupt);
  const work = mkdtempSync(join(tmpdir(), 'thaw-push-'));
  try {
    const stored: Stored[] = [];
    for (const { model, store } of named) {
      const what = model === '' ? basename(store) : model;
      const one = await progress.step(`seal ${what}`, () => sealed(store, model, format, work), sizeOf);
      stored.push(await progress.step(`push ${what}`, (told) => pushStore(registry, one, key, told)));
    }
    const old = add ? await oldEntries(registry) : [];
    const digest = await pushName(registry, stored, old, add);
    return {
      digest,
      manifests: stored.map(({ entry: { digest, annotations } }, i) => ({
        model: named[i]?.model ?? '',
        digest,
        size: Number(annotations['thaw.size'] ?? 0),
      })),
      requests: registry.requests,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const sizeOf = ({ size: bytes }: Sealed): string => size(bytes);

function modelAndStore(text: string): { readonly model: string; readonly store: string } {
  const { model = '', store = text } = /^(?<model>[\w.+-]+)=(?<store>.+)$/.exec(text)?.groups ?? {};
  return { model, store };
}

interface Stored {
  /** Its manifest, as it was pushed. */
  readonly bytes: Buffer;
  /** For an index. */
  readonly entry: oci.Descriptor;
}

async function pushStore(
  registry: Registry,
  store: Sealed,
  key: KeyObject | undefined,
  told: (done: number, all: number) => void,
): Promise<Stored> {
  const { needs, summary, format, digest, path } = store;
  await registry.putFile(digest, path, store.size, (done) => {
    told(done, store.size);
  });
  const needed = oci.bytesOf(needs);
  const config = oci.describe(oci.CONFIG, needed);
  await registry.putBytes(config.digest, needed);
  const layer: oci.Descriptor = {
    mediaType: oci.layerType(format),
    digest,
    size: store.size,
    annotations: { [oci.TITLE]: `${needs.model === '' ? 'store' : needs.model}.${format}` },
  };
  const what = { artifactType: oci.ARTIFACT, config, layers: [layer] } as const;
  const words = {
    [oci.CREATED]: new Date(store.madeAtMs).toISOString(),
    [oci.PROFILES]: needs.profiles.join(' '),
    ...(needs.model === '' ? {} : { [oci.MODEL]: needs.model }),
  };
  const signature = key === undefined ? {} : signatureOf(what, key);
  const manifest = {
    schemaVersion: 2,
    mediaType: oci.MANIFEST,
    ...what,
    annotations: { ...words, ...signature },
  };
  const bytes = oci.bytesOf(manifest);
  const described = oci.describe(oci.MANIFEST, bytes);
  await registry.putManifest(described.digest, oci.MANIFEST, bytes);
  const { architecture = needs.cpu, variant } = platformOf(needs.cpu) ?? {};
  const entry: oci.Descriptor = {
    ...described,
    artifactType: oci.ARTIFACT,
    platform: { architecture, os: 'linux', ...(variant === undefined ? {} : { variant }) },
    annotations: {
      ...words,
      'thaw.size': String(store.size),
      [oci.SUMMARY]: oci.bytesOf(summary).toString('utf8'),
    },
  };
  return { bytes, entry };
}

/** Of the index that the tag names; none where nothing is there yet. */
async function oldEntries(registry: Registry): Promise<readonly oci.Descriptor[]> {
  const { tag } = registry.reference;
  const stored = await registry.manifest(tag).catch((error: unknown) => {
    if (error instanceof ThawError && error.code === '404') return undefined;
    throw error;
  });
  if (stored === undefined) return [];
  const index = v.safeParse(oci.indexSchema, JSON.parse(stored.bytes.toString('utf8')));
  if (index.success) return index.output.manifests;
  throw new ThawError(`${tag} is no index that could be added to`, { remedy: 'push all stores at once' });
}

/** The manifest itself where there is but one. Returns its digest. */
async function pushName(
  registry: Registry,
  stored: readonly Stored[],
  old: readonly oci.Descriptor[],
  add: boolean,
): Promise<string> {
  const { tag } = registry.reference;
  const [first] = stored;
  if (first === undefined) throw new UsageError('which store?');
  if (stored.length === 1 && !add) {
    await registry.putManifest(tag, oci.MANIFEST, first.bytes);
    return first.entry.digest;
  }
  const entries = stored.map(({ entry }) => entry);
  const models = entries.map(({ annotations }) => annotations[oci.MODEL]);
  const kept = old.filter(({ annotations }) => !models.includes(annotations[oci.MODEL]));
  const manifests = [...kept, ...entries];
  const bytes = oci.bytesOf({
    schemaVersion: 2,
    mediaType: oci.INDEX,
    artifactType: oci.ARTIFACT,
    manifests,
  });
  if (bytes.length > oci.MOST_OF_MANIFEST) throw new ThawError('the index is larger than registries take');
  await registry.putManifest(tag, oci.INDEX, bytes);
  return oci.digestOf(bytes);
}
