// Test files under an emulated Node: AVA runs there as it does here, and its report is read.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../engine/support/paths.js';
import type { GuestCpu } from '../../../launcher/cpus.js';

/** The CPU that this process is emulated for; undefined: it is not. */
export const emulatedCpu = process.env['THAW_EMULATED_CPU'] as GuestCpu | undefined;

export interface Result {
  readonly title: string;
  readonly passed: boolean;
  /** What AVA says about it: the failed assertion. */
  readonly details: string;
}

const runMs = 1_080_000;

/** Runs compiled test files of this project in cross/user.sh. @throws Error when AVA itself did not come to its end */
export async function runInside(cpu: GuestCpu, files: readonly string[]): Promise<readonly Result[]> {
  const ava = join(root, 'node_modules', 'ava', 'entrypoints', 'cli.mjs');
  const command = ['env', `THAW_EMULATED_CPU=${cpu}`, 'node', ava, '--tap', ...files];
  const report = await output(join(root, 'cross', 'user.sh'), [cpu, ...command]);
  const results = parse(report);
  const planned = Number(/^1\.\.(\d+)$/m.exec(report)?.[1]);
  if (planned !== results.length || planned === 0)
    throw new Error(`AVA under emulation of ${cpu} told of ${results.length} tests:\n${report}`);
  return results;
}

/** Path of a compiled test file, as AVA takes it. */
export function testFile(name: string): string {
  const path = join('dist', 'test', name);
  // AVA takes no notice of a name that matches nothing.
  if (!existsSync(join(root, path))) throw new Error(`there is no ${path}`);
  return path;
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: runMs, cwd: root });
    const parts: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => parts.push(part));
    child.once('error', reject);
    child.once('close', () => {
      resolve(Buffer.concat(parts).toString());
    });
  });
}

/** TAP: a line per test, indented lines of details behind it. */
function parse(report: string): Result[] {
  const results: Result[] = [];
  const blocks = report.split(/^(?=(?:not )?ok \d+ - )/m).slice(1);
  for (const block of blocks) {
    const [, not, title = ''] = /^(not )?ok \d+ - (.*)$/m.exec(block) ?? [];
    results.push({ title, passed: not === undefined, details: block.replace(/^1\.\.\d+$[^]*/m, '').trim() });
  }
  return results;
}
