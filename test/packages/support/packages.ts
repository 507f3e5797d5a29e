// Packages as `npm run package` makes them, of what is built.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { root, workFolder } from '../../engine/support/paths.js';

/** What a program prints. @throws Error with what it said, when it fails */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string } = {},
): string {
  return execFileSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: 'pipe',
    ...options,
  });
}

/** CPU:TRIPLET:ARCHITECTURE, from the table of CPUs. */
function row(cpu: string): string {
  const script = '. scripts/common.sh; load_cpu "$1"; echo "$cpu:$triplet:$debian_architecture"';
  return run('sh', ['-c', script, 'sh', cpu]).trim();
}

export const architecture = (cpu: string): string => row(cpu).split(':')[2] ?? '';

export class Packages {
  readonly folder: string;
  readonly names: readonly string[];

  constructor(cpus: readonly string[]) {
    this.folder = mkdtempSync(join(workFolder('packages'), 'made-'));
    run(process.execPath, [join(root, 'dist/scripts/packaging/main.js'), this.folder, ...cpus.map(row)]);
    this.names = readdirSync(this.folder);
  }

  /** The one file of that package and kind. @throws Error when there is none, or several */
  path(name: string, architectureOrKind: string): string {
    const found = this.names.filter((each) => each.startsWith(name) && each.endsWith(architectureOrKind));
    if (found.length !== 1) throw new Error(`${name}*${architectureOrKind}: ${found.join(' ') || 'none'}`);
    return join(this.folder, found[0] ?? '');
  }

  deb(name: string, arch: string): string {
    return this.path(`${name}_`, `_${arch}.deb`);
  }
}
