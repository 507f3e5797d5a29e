// A fleet on paper: which devices of how many models get which store of an index, by the very code of `thaw pull`, and what that
// asks of a registry. main.ts prints it; docs/how-to/fleet.md has its figures.
import { native } from '../../launcher/engine/index.js';
import type { Device, Needs } from '../../launcher/registry/needs.js';
import { bytesOf, digestOf, ARTIFACT, INDEX, MANIFEST, MODEL, SUMMARY } from '../../launcher/registry/oci.js';
import { judge, ranked } from '../../launcher/registry/resolve.js';

export interface Fleet {
  readonly devices: number;
  readonly models: number;
  /** Of a store, sealed, in bytes. */
  readonly storeSize: number;
}

/** What kinds of CPU there are: the words of HWCAP or CPUID, each kind with what the one before has. */
const CPUS: readonly { readonly cpu: string; readonly share: number; readonly kinds: readonly string[] }[] = [
  { cpu: 'armv7', share: 0.3, kinds: ['9850d7:0', '3fb0d7:0', '3fb0d7:1f'] },
  {
    cpu: 'aarch64',
    share: 0.6,
    kinds: ['83:0:84448004:4:0', 'ff:0:84448004:4:0', '1fff:0:84448004:4:0', '19ffff:1:84448004:4:0'],
  },
  {
    cpu: 'x86_64',
    share: 0.1,
    kinds: ['4298220b:20:0:0', '7ed8320b:23a9:0:20', '7ffa320b:bf27ab:10:21'],
  },
];

/** A root with its own libc is built for as many models. */
const MODELS_OF_A_ROOT = 4;
/** Updates of the root: the share of devices that has the newest, the one before, and older ones, of which no store is kept. */
const RELEASES = [0.9, 0.08, 0.02];
/** Stores of so many releases are in the index. */
const KEPT = 2;
/** So many devices lack a feature of their model's CPU: another stepping, another kernel. */
const ODD = 0.01;

interface Model {
  readonly name: string;
  readonly cpu: string;
  readonly words: string;
  readonly root: string;
}

const padded = (words: string): string =>
  [...words.split(':'), ...Array<string>(8).fill('0')].slice(0, 8).join(':');

function modelsOf(count: number): Model[] {
  return CPUS.flatMap(({ cpu, share, kinds }) =>
    Array.from({ length: Math.round(count * share) }, (_, i) => ({
      name: `${cpu}-${i}`,
      cpu,
      words: padded(kinds[i % kinds.length] ?? '0'),
      root: `${cpu}-${Math.floor(i / MODELS_OF_A_ROOT)}`,
    })),
  );
}

const idOf = (text: string): string => digestOf(Buffer.from(text)).slice(7, 47);

/** What makes a root one: another libc, and another program. */
const buildIds = (root: string, release: number): Readonly<Record<string, string>> => ({
  '/lib/ld-linux.so.3': idOf(`${root} ld`),
  '/lib/libc.so.6': idOf(`${root} libc ${release}`),
  '/usr/bin/app': idOf(`${root} app ${release}`),
});

const constants = { imageVersion: 9, pageSize: 4096 };

function needsOf({ name, cpu, words, root }: Model, release: number): Needs {
  const of = { ...constants, cpu, cpuFeatures: [words], buildIds: { ...buildIds(root, release) } };
  return { version: 1, model: name, profiles: ['app'], roots: [], ...of };
}

function deviceOf({ cpu, words, root }: Model, release: number, odd: boolean): Device {
  const ids = buildIds(root, release);
  const [first = '0', ...others] = words.split(':');
  // The highest feature of the first word is not there.
  const bits = BigInt(`0x${first}`);
  const less = bits & ~(1n << BigInt(bits.toString(2).length - 1));
  return {
    ...constants,
    cpu,
    cpuFeatureWords: [odd ? less.toString(16) : first, ...others].join(':'),
    buildId: (path) => ids[path] ?? '',
    rootContent: () => '',
  };
}

/** Steady, so that the same fleet comes each time: models are as frequent as 1, 1/2, 1/3, ... */
function* devicesOf(models: readonly Model[], count: number): Generator<readonly [Model, number, boolean]> {
  const weights = models.map((_, i) => 1 / (i + 1));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  for (const [i, model] of models.entries()) {
    const ofModel = Math.round((count * (weights[i] ?? 0)) / all);
    for (let n = 0; n < ofModel; n++) {
      const at = (n + 0.5) / ofModel;
      const release = at < (RELEASES[0] ?? 1) ? 0 : at < (RELEASES[0] ?? 1) + (RELEASES[1] ?? 0) ? 1 : 2;
      yield [model, release, n % Math.round(1 / ODD) === Math.round(1 / ODD) - 1];
    }
  }
}

export interface Outcome {
  readonly devices: number;
  readonly entries: number;
  readonly indexBytes: number;
  /** Devices that got a store that was made of their root: their own model's, or that of one whose CPU has less. */
  readonly own: number;
  readonly kin: number;
  /** Of those that got none: their root's release is not in the index, or its CPU lacks something. */
  readonly oldRoot: number;
  readonly lacking: number;
  /** Launches of these would be cold for all that: there must be none. */
  readonly wrong: number;
  /** Of all devices: of a day without news, and of one on which each gets a new store; without those for tokens. */
  readonly quietRequests: number;
  readonly newsRequests: number;
  readonly newsBytes: number;
  readonly resolveUs: number;
}

/** GETs of a device whose tag leads to another index: HEAD of it, index, manifest, config, layer (launcher/registry/pull.ts). */
const REQUESTS_OF_NEWS = 5;
/** Of a manifest and a config, with the build-ids of a hundred files. */
const SMALL_BYTES = 12_000;

export function simulate({ devices: count, models: kinds, storeSize }: Fleet): Outcome {
  const models = modelsOf(kinds);
  const stores = models.flatMap((model) =>
    Array.from({ length: KEPT }, (_, release) => ({ model, release, needs: needsOf(model, release) })),
  );
  const indexBytes = bytesOf({
    ...{ schemaVersion: 2, mediaType: INDEX, artifactType: ARTIFACT },
    manifests: stores.map(({ model, needs }) => ({
      ...{ mediaType: MANIFEST, digest: digestOf(bytesOf(needs)), size: 900, artifactType: ARTIFACT },
      platform: { architecture: model.cpu, os: 'linux' },
      annotations: {
        [MODEL]: model.name,
        'thaw.size': String(storeSize),
        [SUMMARY]: bytesOf(needs).toString(),
      },
    })),
  }).length;
  const counts = { devices: 0, own: 0, kin: 0, oldRoot: 0, lacking: 0, wrong: 0 };
  const known = new Map<string, 'own' | 'kin' | 'oldRoot' | 'lacking' | 'wrong'>();
  let spent = 0;
  for (const [model, release, odd] of devicesOf(models, count)) {
    const key = `${model.name} ${release} ${odd}`;
    let what = known.get(key);
    if (what === undefined) {
      const begin = performance.now();
      const device = deviceOf(model, release, odd);
      const [best] = ranked(stores.map((store) => judge(store, store.needs, device)));
      spent += performance.now() - begin;
      if (best === undefined) what = release < KEPT ? 'lacking' : 'oldRoot';
      else if (!isRight(best.entry.needs, model, release, device)) what = 'wrong';
      else what = best.entry.model.name === model.name ? 'own' : 'kin';
      known.set(key, what);
    }
    counts.devices++;
    counts[what]++;
  }
  const got = counts.own + counts.kin;
  return {
    ...counts,
    entries: stores.length,
    indexBytes,
    quietRequests: counts.devices,
    newsRequests: got * REQUESTS_OF_NEWS + (counts.devices - got) * 2,
    newsBytes: counts.devices * indexBytes + got * (storeSize + SMALL_BYTES),
    resolveUs: (1000 * spent) / known.size,
  };
}

/** Told without the code that chose. */
function isRight(needs: Needs, { cpu, root }: Model, release: number, device: Device): boolean {
  const [words = ''] = needs.cpuFeatures;
  const ofRoot = Object.entries(buildIds(root, release)).every(([path, id]) => needs.buildIds[path] === id);
  return needs.cpu === cpu && ofRoot && native.missingFeatures(cpu, words, device.cpuFeatureWords) === '';
}
