// Pulling a store: which one of an index is this device's, whether it is signed as the device demands, and then its file.
import type { KeyObject } from 'node:crypto';
import { statSync } from 'node:fs';
import * as v from 'valibot';

import { ThawError } from '../errors.js';
import type { Progress } from '../progress.js';
import { size } from '../units.js';
import { Registry, type StoredManifest } from './client.js';
import { download } from './download.js';
import { type Device, type Needs, needsSchema } from './needs.js';
import * as oci from './oci.js';
import { textOf } from './reference.js';
import { type Candidate, judge, ranked } from './resolve.js';
import { digestOfFile } from './sealed.js';
import { expectSigned } from './signature.js';

export interface Wanted {
  readonly device: Device;
  /** This model's, whatever this machine is: for another device. */
  readonly model: string | undefined;
  /** One of them must have signed; undefined: nobody has to. */
  readonly keys: readonly KeyObject[] | undefined;
}

/** A store in the registry. */
export interface Entry {
  readonly digest: string;
  readonly model: string;
  /** Of the sealed store, as it says itself. */
  readonly size: number;
  readonly manifest: oci.Manifest | undefined;
}

/** Those of what the reference names, each with what speaks against it here. @throws ThawError */
export async function candidates(registry: Registry, device: Device): Promise<Candidate<Entry>[]> {
  const { reference } = registry;
  const stored = await registry.manifest(reference.digest ?? reference.tag);
  const kind = v.safeParse(v.object({ mediaType: v.string() }), json(stored));
  if (kind.success && kind.output.mediaType === oci.MANIFEST) {
    const manifest = manifestOf(stored, textOf(reference));
    const needs = await needsIn(registry, manifest);
    return [judge(entryOf(stored.digest, manifest), needs, device)];
  }
  const index = v.safeParse(oci.indexSchema, json(stored));
  if (!index.success) throw foreign(textOf(reference), index.issues[0].message);
  return index.output.manifests
    .filter(({ mediaType }) => mediaType === oci.MANIFEST)
    .map(({ digest, annotations }) => {
      const entry = {
        digest,
        model: modelIn(annotations),
        size: Number(annotations['thaw.size'] ?? 0),
        manifest: undefined,
      };
      return judge(entry, summary(annotations[oci.SUMMARY]), device);
    });
}

export interface Choice {
  readonly entry: Entry;
  readonly needs: Needs;
  readonly layer: oci.Descriptor;
  readonly format: string;
}

/** The best one of all that fit by what their own configs say; an index only has summaries. @throws ThawError */
export async function choose(
  registry: Registry,
  all: readonly Candidate<Entry>[],
  { device, model, keys }: Wanted,
): Promise<Choice> {
  const what = textOf(registry.reference);
  const fitting = model === undefined ? ranked(all) : all.filter(({ entry }) => entry.model === model);
  const told = all.map(({ entry, hindrances }) => `${nameOf(entry)}: ${hindrances.join('; ')}`);
  for (const { entry } of fitting) {
    const manifest = entry.manifest ?? manifestOf(await registry.manifest(entry.digest), what);
    if (keys !== undefined) expectSigned(`${what} (${nameOf(entry)})`, manifest, keys);
    const needs = await needsIn(registry, manifest);
    const [hindrance] = model === undefined ? judge(entry, needs, device).hindrances : [];
    if (hindrance === undefined) return { entry, needs, ...layerOf(manifest, what) };
    told.push(`${nameOf(entry)}: ${hindrance}`);
  }
  const known = all.map(({ entry }) => nameOf(entry)).join(', ');
  throw model === undefined
    ? new ThawError(`${what} has no store for this device`, {
        remedy: `${told.join('\n    ')}\n    push one for it, or let it build its own (thaw build)`,
      })
    : new ThawError(`${what} has no store for ${model}`, { remedy: `it has: ${known}` });
}

/** Whether there was something to get. @throws ThawError; what `output` was stays then */
export async function get(
  registry: Registry,
  { layer, entry }: Choice,
  output: string,
  most: number,
  progress: Progress,
): Promise<boolean> {
  if (layer.size > most)
    throw new ThawError(
      `${nameOf(entry)} has ${size(layer.size)}, more than the ${size(most)} that are taken`,
      {
        remedy: 'allow more with --max-size',
      },
    );
  const there = statSync(output, { throwIfNoEntry: false });
  if (there?.isFile() === true && there.size === layer.size && (await digestOfFile(output)) === layer.digest)
    return false;
  await progress.step(
    'pull',
    (told) => download(registry, layer, output, told),
    () => size(layer.size),
  );
  return true;
}

export const nameOf = ({ model, digest }: Entry): string => (model === '' ? digest.slice(0, 19) : model);

function entryOf(digest: string, manifest: oci.Manifest): Entry {
  return {
    digest,
    model: modelIn(manifest.annotations),
    size: manifest.layers[0]?.size ?? 0,
    manifest,
  };
}

/** As thaw push takes it. */
function modelIn(annotations: Readonly<Record<string, string>>): string {
  const model = annotations[oci.MODEL] ?? '';
  return /^[\w.+-]*$/.test(model) ? model : '';
}

function manifestOf(stored: StoredManifest, what: string): oci.Manifest {
  const manifest = v.safeParse(oci.manifestSchema, json(stored));
  if (manifest.success) return manifest.output;
  throw foreign(what, manifest.issues[0].message);
}

async function needsIn(registry: Registry, { config }: oci.Manifest): Promise<Needs> {
  const what = textOf(registry.reference);
  if (config.mediaType !== oci.CONFIG) throw foreign(what, `its config is ${config.mediaType}`);
  const needs = v.safeParse(needsSchema, parsed(await registry.blob(config)));
  if (needs.success) return needs.output;
  throw foreign(what, needs.issues[0].message);
}

function layerOf(manifest: oci.Manifest, what: string): Pick<Choice, 'layer' | 'format'> {
  const [layer] = manifest.layers;
  const format = layer === undefined ? undefined : oci.formatOfLayer(layer.mediaType);
  if (layer === undefined || format === undefined || manifest.layers.length !== 1)
    throw foreign(what, 'it has no layer that is a sealed store');
  return { layer, format };
}

/** undefined: of another thaw. */
function summary(text: string | undefined): Needs | undefined {
  const needs = v.safeParse(needsSchema, text === undefined ? undefined : parsed(Buffer.from(text)));
  return needs.success ? needs.output : undefined;
}

const json = ({ bytes }: StoredManifest): unknown => parsed(bytes);

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function foreign(what: string, why: string): ThawError {
  return new ThawError(`${what} is not what thaw push makes: ${why}`, {
    remedy: 'look at the name and the tag (skopeo inspect --raw)',
  });
}
