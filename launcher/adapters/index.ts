// The table of adapters, and which of them an app gets.
import { closeSync, openSync, readSync } from 'node:fs';
import { basename } from 'node:path';

import type { Adapter } from './adapter.js';
import { java } from './java.js';
import { node } from './node.js';
import { python } from './python.js';
import { ruby } from './ruby.js';

/** By the name of the runtime, which is also the value of a profile's key `adapter`. */
export const adapters = { python, node, ruby, java } as const satisfies Record<string, Adapter>;

export type AdapterName = keyof typeof adapters;

export const adapterNames = Object.keys(adapters) as readonly AdapterName[];

/** What a profile's key `adapter` can say. */
export type AdapterChoice = AdapterName | 'auto' | 'none';

/** The adapter of an app, as its profile says or as its program's name tells; undefined: none. */
export function adapterOf(choice: AdapterChoice, program: string): AdapterName | undefined {
  if (choice === 'none') return undefined;
  return choice === 'auto' ? runtimeOf(program) : choice;
}

function runtimeOf(program: string): AdapterName | undefined {
  return byName(basename(program)) ?? byName(interpreterOf(program));
}

function byName(name: string): AdapterName | undefined {
  return adapterNames.find((one) => adapters[one].program.test(name));
}

/** The name of a script's interpreter, from its first line: `#!/usr/bin/python3`, `#!/usr/bin/env node`. */
function interpreterOf(program: string): string {
  const [path = '', argument = ''] = firstLine(program).slice('#!'.length).trim().split(/\s+/);
  const name = basename(path);
  return name === 'env' ? basename(argument) : name;
}

/** Of a script; '' for what is none, or is not there. */
export function firstLine(program: string): string {
  const bytes = Buffer.alloc(256);
  let size: number;
  try {
    const file = openSync(program, 'r');
    try {
      size = readSync(file, bytes);
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
  const text = bytes.toString('latin1', 0, size);
  return text.startsWith('#!') ? (text.split('\n', 1)[0] ?? '') : '';
}
