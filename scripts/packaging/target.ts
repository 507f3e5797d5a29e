// The CPU that is packed for, and what its compiler links into programs.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { ThawError } from '../../launcher/errors.js';

export interface Target {
  readonly cpu: string;
  readonly triplet: string;
  /** Debian's word: amd64, arm64, armhf. */
  readonly architecture: string;
}

/** A Debian package of the building machine, or one that the cross build has unpacked. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: string;
  readonly sourceVersion: string;
}

/** @throws ThawError for anything but CPU:TRIPLET:ARCHITECTURE (scripts/package.sh) */
export function parseTarget(row: string): Target {
  const [cpu, triplet, architecture] = row.split(':');
  if (cpu === undefined || triplet === undefined || architecture === undefined)
    throw new ThawError(`'${row}' is no CPU:TRIPLET:ARCHITECTURE`, { remedy: 'npm run package' });
  return { cpu, triplet, architecture };
}

export const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { cwd: projectFolder, encoding: 'utf8', maxBuffer: 1 << 26 });

/** A tool of the target's binutils or compiler. Not by PATH: what stands there may be a compiler cache. */
export const toolOf = (target: Target, tool: string): string => `/usr/bin/${target.triplet}-${tool}`;

/** Whose file it is. Since /lib is /usr/lib, Debian's list may have it without /usr. */
function ownerOf(file: string): DebianPackage {
  const path = realpathSync(file);
  const found = [path, path.replace(/^\/usr/, '')].flatMap((name) => {
    try {
      return [
        execFileSync('dpkg-query', ['-S', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      ];
    } catch {
      return [];
    }
  })[0];
  const name = found?.split(': ')[0]?.split(',')[0];
  if (name === undefined)
    throw new ThawError(`${path} is of no Debian package`, { remedy: 'npm run package on Debian' });
  const format = '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}';
  const [own = '', version = '', architecture = '', source = '', sourceVersion = ''] = run(
    'dpkg-query',
    '-W',
    '-f',
    format,
    name,
  ).split(' ');
  return { name: own, version, architecture, source, sourceVersion };
}

/** libsodium: this machine's, or that which cross/libraries.sh has unpacked and noted. */
function sodium(target: Target): DebianPackage {
  const cache = process.env['THAW_CROSS_CACHE'] ?? join(projectFolder, 'build/cross-cache');
  const note = join(cache, target.cpu, 'libraries/.of-libsodium-dev');
  const archive = existsSync(note) ? readFileSync(note, 'utf8').split(' ')[0] : undefined;
  if (archive === undefined || archive === '') return ownerOf(`/usr/lib/${target.triplet}/libsodium.a`);
  const [name = '', version = '', rest = ''] = archive.split('_');
  const plain = decodeURIComponent(version);
  return {
    name,
    version: plain,
    architecture: rest.replace(/\.deb$/, ''),
    source: 'libsodium',
    // A rebuild without a change of the source (+b1) has the source's version.
    sourceVersion: plain.replace(/\+b\d+$/, ''),
  };
}

const unique = (packages: readonly DebianPackage[]): readonly DebianPackage[] => [
  ...new Map(packages.map((each) => [each.name, each])).values(),
];

function librariesOf(target: Target, names: readonly string[]): readonly DebianPackage[] {
  return names.map((name) => ownerOf(run(toolOf(target, 'g++'), `-print-file-name=${name}`).trim()));
}

/** What thaw-exec holds besides thaw. */
export const inThawExec = (target: Target): readonly DebianPackage[] =>
  unique([
    ...librariesOf(target, ['libc.a', 'libstdc++.a', 'libgcc.a']),
    sodium(target),
    ownerOf('/usr/include/xxhash.h'),
  ]);

/** What thaw.node and the adapter for Java hold besides thaw. */
export const inThaw = (target: Target): readonly DebianPackage[] =>
  unique([...librariesOf(target, ['libstdc++.a', 'libgcc.a']), ownerOf('/usr/include/xxhash.h')]);

/** What both are made with. */
export const buildTools = (target: Target): readonly DebianPackage[] =>
  unique([toolOf(target, 'g++'), toolOf(target, 'ld'), '/usr/bin/cmake', '/usr/bin/python3'].map(ownerOf));

/** What a program needs of the device's libraries, as Debian says it. */
export function neededBy(target: Target, files: readonly string[]): readonly string[] {
  const dynamic = files.map((file) => run(toolOf(target, 'readelf'), '-d', '-V', '--wide', file)).join('\n');
  const newest = [...dynamic.matchAll(/\bGLIBC_(\d+\.\d+)/g)]
    .map((match) => match[1] ?? '')
    .sort((a, b) => Number(a.split('.')[1]) - Number(b.split('.')[1]))
    .at(-1);
  const compiler = run(toolOf(target, 'g++'), '-dumpversion').trim();
  const known: Readonly<Record<string, string>> = {
    'libstdc++': `libstdc++6 (>= ${compiler})`,
    libgcc_s: 'libgcc-s1',
    libatomic: 'libatomic1',
  };
  const more = [...dynamic.matchAll(/\(NEEDED\)[^[]*\[([^\]]*?)\.so/g)].flatMap(
    (match) => known[match[1] ?? ''] ?? [],
  );
  return [`libc6 (>= ${newest ?? '2.36'})`, ...new Set(more.sort())];
}
