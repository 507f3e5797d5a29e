// What the builder has to know of an image's inputs.
import type { Definition } from '../definition/schema.js';
import { type Image, native } from '../engine/index.js';
import { size } from '../units.js';

/** Of more files than these, as databases have, one warning tells. */
const MOST_NAMED = 4;

/** Files that the app both reads and writes: its own data, which an image must not overwrite. */
export function inputWarnings({ inputs }: Image): string[] {
  const paths = inputs.filter(({ written }) => written).map(({ path }) => path);
  return paths.length > MOST_NAMED
    ? [
        `the app reads and writes ${paths[0]} and ${paths.length - 1} other files: each launch after one of them has changed is a ` +
          'cold start (details: thaw show)',
      ]
    : paths.map(
        (path) => `the app reads and writes ${path}: each launch after it has changed is a cold start`,
      );
}

/** What a launch reads at most (native/image/fingerprint.h). */
const MOST_TO_READ = 32 << 20;

/** Files that each launch would have to read whole, where that is more than it does. */
export function readWarnings({ inputs }: Image): string[] {
  const all = inputs.filter((input) => input.read).sort((a, b) => b.size - a.size);
  const [largest] = all;
  const bytes = all.reduce((sum, input) => sum + input.size, 0);
  return largest === undefined || bytes <= MOST_TO_READ
    ? []
    : [
        `each launch from this store will be a cold start: the file system of ${largest.path}, which has ${size(largest.size)}, keeps no ` +
          `change times, and a launch reads no more than ${size(MOST_TO_READ)} to compare\n` +
          `    set inputs.root_identity, or inputs.ignore = ["${largest.path}"], in the profile`,
      ];
}

/** A root identity that the profile names and that is none. */
export function rootWarnings({ inputs }: Definition, { requirements }: Image): string[] {
  const { root_identity: file } = inputs;
  if (file === '' || requirements.rootIdentity === file) return [];
  const { whyNot } = native.knownRoot(file);
  const reason = whyNot === '' ? 'has changed during the build' : whyNot;
  return [
    `${file} stands for no other file, for it ${reason}: each launch compares all inputs, and reads it if it is one`,
  ];
}

/** What the training and trial launches have changed themselves. */
export function changedByTrial(image: string): string[] {
  return native
    .verify(image, { data: false })
    .problems.filter(({ condition }) => condition === 'input')
    .map(({ what }) => `${what}, by the app's own launch: the next one is a cold start`);
}
