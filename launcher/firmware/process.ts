// Programs of the build machine: QEMU's script, file system tools.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { ThawError } from '../errors.js';

/** Runs a program. @throws ThawError with what it said, or which package has it */
export async function runTool(program: string, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  child.stdin.on('error', () => undefined); // It ended without reading all: its exit code tells.
  child.stdin.end(input);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return output;
  } catch (error) {
    throw missing(program, error);
  }
  const said = (errors.trim() === '' ? output : errors).trimEnd().split('\n').slice(-10).join('\n  | ');
  throw new ThawError(`${program} failed:\n  | ${said}`);
}

export function missing(program: string, cause: unknown): ThawError {
  return new ThawError(`cannot run ${program}`, {
    remedy: 'cross/setup.sh installs what building for a device needs',
    cause,
  });
}
