// What the builder has to know of an image's inputs.
import type { Definition } from '../definition/schema.js';
import { type Image, native } from '../engine/index.js';

/** Files that the app both reads and writes: its own data, which an image must not overwrite. */
export function inputWarnings({ inputs }: Image): string[] {
  return inputs
    .filter(({ written }) => written)
    .map(({ path }) => `the app reads and writes ${path}: each launch after it has changed is a cold start`);
}

/** A root identity that the profile names and that is none. */
export function rootWarnings({ inputs }: Definition, { requirements }: Image): string[] {
  const { root_identity: file } = inputs;
  return file === '' || requirements.rootIdentity === file
    ? []
    : [`${file} stands for nothing: it does not lie on a squashfs or erofs; inputs are compared one by one`];
}

/** What the training and trial launches have changed themselves. */
export function changedByTrial(image: string): string[] {
  return native
    .verify(image, { data: false })
    .problems.filter(({ condition }) => condition === 'input')
    .map(({ what }) => `${what}, by the app's own launch: the next one is a cold start`);
}
