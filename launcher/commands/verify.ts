// thaw verify: every condition of a launch, and the page data; or whether images fit a device's root.
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { command, print, printJson } from '../command.js';
import { ThawError, UsageError } from '../errors.js';
import { type Problem, type Verdict, native } from '../engine/index.js';
import { storePath } from '../firmware/store.js';
import { flag, json, store, text } from '../options.js';
import { requiredKeys } from '../signing/keys.js';
import { signatureProblems, verityProblems } from '../signing/signature.js';
import { guardProblems } from '../store/guard.js';
import { imagePaths } from '../store/image.js';
import { Stores } from '../store/stores.js';
import { needs } from '../store/needs.js';
import { pairs } from '../columns.js';

export default command({
  about:
    'Checks all that a launch from the image would check, as the user who calls it, and reads the page data, which a launch ' +
    'does not. Exit code 1 when something is wrong; the problems are listed with their remedies.',
  options: {
    store,
    root: text(
      '--root <DIR>',
      "check against a device's root file system in this folder instead: whether the files that the image depends on are " +
        'there and are the same, for images of any CPU; and say what else it needs of the device. Without NAME or FILE: ' +
        'all images of the store in that root',
    ),
    data: flag(
      '--no-data',
      'do not read the page data to compare its checksums: that takes as long as reading the image',
    ),
    key: text(
      '--key <PUBLIC.pem>',
      'the image must be signed by one of these keys (thaw sign); its metadata and page data are compared with what was signed',
    ),
    json,
  },
  operands: ['[NAME|FILE...]'],
  run({ root, data, key, ...options }, [named]) {
    if (named.length === 0 && root === undefined) throw new UsageError('NAME or FILE is missing');
    const stores = new Stores(options.store ?? (root === undefined ? undefined : join(root, storePath())));
    const operands = named.length === 0 ? storedNames(stores) : named;
    const asked = { data, root, stores: stores.list, keys: requiredKeys(key, root) };
    const verified = operands.flatMap((operand) => {
      const paths = imagePaths(stores.of(operand), operand);
      const nameOf = (i: number): string =>
        paths.length === 1 ? operand : `${operand} (${i + 1} of ${paths.length})`;
      return paths.map((path, i) => verify(nameOf(i), path, asked));
    });
    if (options.json) printJson(verdicts(verified, root));
    else print(verified.map(verdictText).join(''));
    return verified.every(({ verdict }) => verdict.ok) ? 0 : 1;
  },
});

interface Verified {
  readonly image: string;
  readonly verdict: Verdict;
  /** What the device must have besides the files; known with --root. */
  readonly needs: readonly (readonly [string, string])[];
}

function storedNames(stores: Stores): string[] {
  const names = stores.names();
  if (names.length > 0) return names;
  throw new ThawError(`there are no profiles in ${stores.list}`, {
    remedy: 'make them with thaw build --target CPU --root DIR, or name an image',
  });
}

interface Asked {
  readonly data: boolean;
  readonly root: string | undefined;
  /** Where records of launches may be. */
  readonly stores: string;
  /** One of them must have signed. */
  readonly keys: readonly KeyObject[] | undefined;
}

function signingProblems(
  path: string,
  keys: readonly KeyObject[],
  root: string | undefined,
): readonly Problem[] {
  const signature = signatureProblems(path, keys);
  // What is looked at for another device will be copied there, which leaves fs-verity behind.
  if (signature.length > 0 || root !== undefined) return signature;
  return verityProblems(path, existsSync(native.store.requireVerity));
}

function verify(image: string, path: string, { data, root, stores, keys }: Asked): Verified {
  const found = native.verify(path, root === undefined ? { data } : { data, root });
  const has = (what: string): boolean => found.problems.some(({ condition }) => condition === what);
  const readable = !has('image');
  const problems = [
    ...found.problems,
    ...(readable && root === undefined ? guardProblems(path, stores) : []),
    ...(readable && !has('page data') && keys !== undefined ? signingProblems(path, keys, root) : []),
  ];
  const verdict = { ok: problems.length === 0, problems };
  return { image, verdict, needs: root !== undefined && readable ? needs(native.show(path)) : [] };
}

function verdicts(verified: readonly Verified[], root: string | undefined): unknown {
  const [one] = verified;
  if (root === undefined && verified.length === 1) return one?.verdict;
  return verified.map(({ image, verdict, needs }) => ({
    image,
    ...verdict,
    needs: Object.fromEntries(needs),
  }));
}

function verdictText({ image, verdict, needs }: Verified): string {
  const problems = verdict.problems.map(
    ({ condition, what, remedy }) =>
      `${image}: ${condition}: ${what}\n${remedy === '' ? '' : `  ${remedy}\n`}`,
  );
  const head = verdict.ok ? `${image}: good\n` : problems.join('');
  return needs.length === 0 ? head : head + pairs(needs).replace(/^(?=.)/gm, '  ');
}
