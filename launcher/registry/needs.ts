// What a store's images need of the device that launches them, as far as a device can tell before it has them: the config of
// an artefact. A launch checks all of it again, and more (docs/launch-checks.md).
import { statSync } from 'node:fs';
import * as v from 'valibot';

import { type Image, native } from '../engine/index.js';
import { ThawError } from '../errors.js';

/** What is shown on terminals: without control characters. */
const plain = v.pipe(v.string(), v.regex(/^\P{Cc}*$/u, 'a text has control characters'));

export const needsSchema = v.object({
  version: v.literal(1),
  /** What the vendor calls the device; ''. */
  model: plain,
  profiles: v.array(plain),
  cpu: plain,
  /** Of the format of images. */
  imageVersion: v.number(),
  pageSize: v.number(),
  /** Of each image that has others than the ones before, as `missingFeatures` takes them. */
  cpuFeatures: v.array(v.string()),
  /** What names the content of the root file system; several where images name several. */
  roots: v.array(v.object({ file: plain, content: v.string() })),
  /** By path: of the files that images map. */
  buildIds: v.record(plain, v.string()),
});

export type Needs = v.InferOutput<typeof needsSchema>;

/** @throws ThawError where no one device could launch all of them */
export function needsOf(images: readonly Image[], profiles: readonly string[], model: string): Needs {
  const one = <T>(what: string, of: (image: Image) => T): T => {
    const values = [...new Set(images.map(of))];
    const [value] = values;
    if (value !== undefined && values.length === 1) return value;
    throw new ThawError(`the images of the store are not for one device: ${what} ${values.join(' and ')}`, {
      remedy: 'push a store for each, into one index',
    });
  };
  const roots = images
    .map(({ requirements: { rootIdentity, rootContent } }) => ({ file: rootIdentity, content: rootContent }))
    .filter(({ file }) => file !== '');
  return {
    version: 1,
    model,
    profiles: [...profiles],
    cpu: one('CPUs', ({ header }) => header.cpu),
    imageVersion: one('formats', ({ header }) => header.version),
    pageSize: one('pages of', ({ header }) => header.pageSize),
    cpuFeatures: [...new Set(images.map(({ requirements }) => requirements.cpuFeatureWords))],
    roots: [...new Map(roots.map((root) => [`${root.file}\0${root.content}`, root])).values()],
    buildIds: Object.fromEntries(images.flatMap(buildIds).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function buildIds({ files }: Image): [string, string][] {
  return files
    .filter(({ mapped, program, buildId }) => (mapped || program) && buildId !== '')
    .map(({ path, buildId }) => [path, buildId]);
}

/** libc, the loader and the programs: those that differ between any two roots that were not built of the same. */
const TELLING = /\/(?:ld-[^/]*|ld-linux[^/]*|libc)\.so[^/]*$/;
const MOST_TELLING = 8;

/** The same for an index, which every device reads: with few build-ids. */
export function summaryOf(needs: Needs, programs: readonly string[]): Needs {
  const entries = Object.entries(needs.buildIds);
  const telling = entries.filter(([path]) => TELLING.test(path) || programs.includes(path));
  return { ...needs, buildIds: Object.fromEntries(telling.slice(0, MOST_TELLING)) };
}

/** A device as images see it. */
export interface Device {
  readonly cpu: string;
  readonly imageVersion: number;
  readonly pageSize: number;
  readonly cpuFeatureWords: string;
  /** '' without one. */
  readonly buildId: (path: string) => string;
  /** '' where nothing stands for the file system. */
  readonly rootContent: (file: string) => string;
}

export function thisDevice(): Device {
  const known = new Map<string, string>();
  return {
    ...native.machine(),
    imageVersion: native.vocabulary().imageVersion,
    // The same files are asked for by each entry of an index.
    buildId: (path) => {
      const id = known.get(path) ?? native.buildId(path);
      known.set(path, id);
      return id;
    },
    // What a registry names is not opened unless it can be one: opening a device may do something.
    rootContent: (file) => {
      const status = statSync(file, { throwIfNoEntry: false });
      return status?.isFile() === true || status?.isDirectory() === true
        ? native.knownRoot(file).content
        : '';
    },
  };
}

/** Why each launch from this store would be cold; nothing: as far as can be told, none would. */
export function hindrances(needs: Needs, device: Device): string[] {
  const { cpu, imageVersion, pageSize } = needs;
  // What follows would be told in the words of another CPU.
  if (cpu !== device.cpu) return [`it is for ${cpu}`];
  const missing = new Set(
    needs.cpuFeatures.flatMap((needed) => {
      const names = native.missingFeatures(cpu, needed, device.cpuFeatureWords);
      if (names === null) return ['what this thaw does not know'];
      return names === '' ? [] : names.split(', ');
    }),
  );
  const other = Object.entries(needs.buildIds).filter(([path, id]) => device.buildId(path) !== id);
  const [first] = other.map(([path]) =>
    device.buildId(path) === '' ? `${path} is not here` : `another ${path}`,
  );
  return [
    ...(imageVersion === device.imageVersion
      ? []
      : [`images of format ${imageVersion}, launches here take ${device.imageVersion}`]),
    ...(pageSize === device.pageSize ? [] : [`pages of ${pageSize} bytes`]),
    ...(missing.size === 0 ? [] : [`CPU features: ${[...missing].join(', ')}`]),
    ...(first === undefined
      ? []
      : [other.length === 1 ? first : `${first} and ${other.length - 1} more files`]),
  ];
}

/** Whether its root is known to be the device's, so that launches compare nothing else there. */
export function hasRoot({ roots }: Needs, device: Device): boolean {
  return roots.length > 0 && roots.every(({ file, content }) => device.rootContent(file) === content);
}
