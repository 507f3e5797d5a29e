// A matrix: stores of how many models, made in which roots, of which profiles. Its file, and the cells that it comes to.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'toml';
import * as v from 'valibot';

import { GUEST_CPUS, type GuestCpu } from '../cpus.js';
import { ThawError, messageOf } from '../errors.js';
import { FORMATS, type Format, formatNamed } from '../packing/formats/index.js';

const name = v.pipe(v.string(), v.regex(/^[\w.+]+$/, 'a name has letters, digits, _, . and +'));

const schema = v.strictObject({
  /** Where the stores go. */
  output: v.optional(v.string(), 'stores'),
  format: v.optional(v.picklist(FORMATS.map((format) => format.name)), 'erofs'),
  profiles: v.optional(v.array(v.string()), []),
  models: v.pipe(
    v.array(
      v.strictObject({
        name,
        /** Without one, it is built for and on this machine. */
        target: v.optional(v.picklist(GUEST_CPUS)),
        /** As QEMU calls it. */
        cpu: v.optional(v.string()),
        /** Default: all of its target. */
        roots: v.optional(v.array(v.string())),
      }),
    ),
    v.minLength(1, 'a matrix has models'),
  ),
  roots: v.optional(
    v.array(
      v.strictObject({
        name,
        target: v.picklist(GUEST_CPUS),
        path: v.string(),
        kernel: v.optional(v.string()),
        modules: v.optional(v.string()),
        memory: v.optional(v.string()),
        /** In place of those of the matrix. */
        profiles: v.optional(v.array(v.string())),
      }),
    ),
    [],
  ),
});

export interface CellRoot {
  readonly name: string;
  readonly path: string;
  readonly kernel: string | undefined;
  readonly modules: string | undefined;
  readonly memory: string | undefined;
}

/** One store: of one model in one root. */
export interface Cell {
  readonly name: string;
  readonly model: string;
  readonly profiles: readonly string[];
  /** undefined: this machine. */
  readonly device:
    { readonly target: GuestCpu; readonly cpu: string | undefined; readonly root: CellRoot } | undefined;
}

export interface Matrix {
  readonly file: string;
  readonly output: string;
  readonly format: Format;
  readonly cells: readonly Cell[];
}

/** @throws ThawError */
export function readMatrix(path: string): Matrix {
  const file = resolve(path);
  const found = v.safeParse(schema, tomlOf(file));
  if (!found.success) {
    const [issue] = found.issues;
    throw new ThawError(`${path}: ${v.getDotPath(issue) ?? 'it'}: ${issue.message}`, {
      remedy: 'docs/how-to/fleet.md has an example',
    });
  }
  const { output, format, profiles, models, roots } = found.output;
  const below = (text: string): string => resolve(dirname(file), text);
  const optional = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : below(text);
  const cells = models.flatMap((model): Cell[] => {
    const { target } = model;
    if (target === undefined)
      return [{ name: model.name, model: model.name, profiles: profiles.map(below), device: undefined }];
    const own = roots.filter((root) => root.target === target && (model.roots?.includes(root.name) ?? true));
    if (own.length === 0) throw new ThawError(`${path}: the model ${model.name} has no root`);
    return own.map((root) => ({
      name: `${model.name}-${root.name}`,
      model: model.name,
      profiles: (root.profiles ?? profiles).map(below),
      device: {
        target,
        cpu: model.cpu,
        root: {
          name: root.name,
          path: below(root.path),
          kernel: optional(root.kernel),
          modules: optional(root.modules),
          memory: root.memory,
        },
      },
    }));
  });
  expectSound(path, cells);
  return { file, output: below(output), format: formatNamed(format), cells };
}

function tomlOf(file: string): unknown {
  try {
    return parse(readFileSync(file, 'utf8')) as unknown;
  } catch (error) {
    throw new ThawError(`cannot read ${file}: ${messageOf(error)}`, { remedy: 'name a matrix (TOML)' });
  }
}

function expectSound(path: string, cells: readonly Cell[]): void {
  const twice = cells.find((cell, i) => cells.findIndex((one) => one.name === cell.name) !== i);
  if (twice !== undefined) throw new ThawError(`${path}: ${twice.name} is there twice`);
  const empty = cells.find(({ profiles }) => profiles.length === 0);
  if (empty !== undefined) throw new ThawError(`${path}: ${empty.name} has no profiles`);
}
