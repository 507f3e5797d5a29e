// Writes a Debian package: control files, changelog, copyright, checksums, and the archive itself by dpkg-deb.
// Facts: deb-control(5), deb-changelog(5), Debian Policy.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import type { Release } from './release.js';
import type { Stage } from './stage.js';
import type { Material, Package } from './table.js';
import { run } from './target.js';

const LINE = 76;

/** Debian's own variables name another maintainer. */
function maintainer(): string {
  const { DEBFULLNAME: name = 'thaw authors', DEBEMAIL: mail = 'thaw@packages.invalid' } = process.env;
  return `${name} <${mail}>`;
}

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < LINE) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => ` ${line}`).join('\n');
}

/** Of a package that is the same everywhere: `all`. */
export const architectureOf = (row: Package, { target }: Material): string =>
  row.everywhere === true ? 'all' : target.architecture;

function control(row: Package, material: Material, depends: readonly string[], size: number): string {
  const { release, target } = material;
  const linked = row.linked?.(target) ?? [];
  const sources = [...new Set(linked.map((each) => `${each.source} (= ${each.sourceVersion})`))].sort();
  const fields: Readonly<Record<string, string>> = {
    Package: row.name,
    Source: 'thaw',
    Version: release.debian,
    Architecture: architectureOf(row, material),
    Maintainer: maintainer(),
    'Installed-Size': String(size),
    Depends: depends.join(', '),
    Recommends: (row.recommends?.(target) ?? []).join(', '),
    'Built-Using': sources.join(', '),
    Section: row.section,
    Priority: 'optional',
    'Multi-Arch': row.multiArch ?? '',
    Description: `${row.summary}\n${wrapped(row.description)}`,
  };
  return Object.entries(fields)
    .filter(([name, value]) => value !== '' && !(name === 'Source' && row.name === 'thaw'))
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/** As `date -R` in UTC. */
function mailDate(epoch: number): string {
  return new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
}

function changelog({ debian, commit, epoch }: Release): string {
  return (
    `thaw (${debian}) unstable; urgency=medium\n\n  * Packed from commit ${commit}; changelog.gz tells what is new.\n\n` +
    ` -- ${maintainer()}  ${mailDate(epoch)}\n`
  );
}

function documents(stage: Stage, row: Package, release: Release): void {
  const folder = join('usr/share/doc', row.name);
  stage.write(join(folder, 'copyright'), row.copyright(stage));
  stage.compressed(join(folder, 'changelog.Debian.gz'), changelog(release));
  stage.compressed(join(folder, 'changelog.gz'), readFileSync(join(projectFolder, 'CHANGELOG.md')));
}

function checksums(stage: Stage): string {
  return stage
    .files()
    .map(
      (path) =>
        `${createHash('md5')
          .update(readFileSync(stage.path(path)))
          .digest('hex')}  ${path}\n`,
    )
    .join('');
}

/** A program: what lies in a folder of programs, and thaw's command. */
const isProgram = (path: string): boolean => /^usr\/bin\/|\/cli\.js$/.test(path);

/** @returns the file's name in `folder` */
export function writeDeb(row: Package, material: Material, stage: Stage, folder: string): string {
  const { release } = material;
  const architecture = architectureOf(row, material);
  const depends = row.fill(stage, material);
  documents(stage, row, release);
  const [size, sums] = [stage.installedSize(), checksums(stage)];
  stage.write('DEBIAN/control', control(row, material, depends, size));
  stage.write('DEBIAN/md5sums', sums);
  stage.finish(isProgram);
  const name = `${row.name}_${release.debian}_${architecture}.deb`;
  // One thread: the compressed bytes depend on how many there are.
  run(
    'dpkg-deb',
    '--root-owner-group',
    '-Zxz',
    '--threads-max=1',
    '--build',
    stage.folder,
    join(folder, name),
  );
  return name;
}
