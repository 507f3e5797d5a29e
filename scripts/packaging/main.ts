// `npm run package` (scripts/package.sh), once everything is built: writes the npm package, and for each CPU Debian packages
// with their SBOMs. Arguments: the folder that they are written to, which is emptied, and CPU:TRIPLET:ARCHITECTURE...
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ThawError } from '../../launcher/errors.js';
import { main } from '../../launcher/main.js';
import { architectureOf, writeDeb } from './deb.js';
import { type Release, release } from './release.js';
import { NO_NPM, type Made, npmPart, sbom } from './sbom.js';
import { Stage } from './stage.js';
import { type Material, PACKAGES, type Package, npmNames } from './table.js';
import { buildTools, parseTarget, run } from './target.js';

const [output = '', ...rows] = process.argv.slice(2);

/** @throws ThawError when there is something else in it */
function emptyOutput(): void {
  mkdirSync(output, { recursive: true });
  const names = readdirSync(output);
  const other = names.find((name) => !/\.(deb|tgz|spdx\.json)$/.test(name));
  if (other !== undefined)
    throw new ThawError(`${output} is emptied before packages are written to it, and it holds ${other}`, {
      remedy: 'name a folder of packages alone, or an empty one',
    });
  for (const name of names) rmSync(join(output, name));
}

/** Packs for npm, and unpacks that: what runs is listed once, in `files` of package.json. */
function npmPackage(work: string): string {
  const [{ filename }] = JSON.parse(
    run('npm', 'pack', '--ignore-scripts', '--json', '--pack-destination', output),
  ) as [{ filename: string }];
  run('tar', '-xzf', join(output, filename), '-C', work);
  return join(work, 'package');
}

function writeSbom(fileName: string, made: Omit<Made, 'fileName' | 'sha256'>, of: Release): void {
  const sha256 = createHash('sha256')
    .update(readFileSync(join(output, fileName)))
    .digest('hex');
  const document = sbom({ ...made, fileName, sha256 }, of);
  const name = fileName.replace(/\.(deb|tgz)$/, '.spdx.json');
  writeFileSync(join(output, name), `${JSON.stringify(document, null, 2)}\n`);
}

function writePackage(row: Package, material: Material, work: string): void {
  const { target, release: of } = material;
  const architecture = architectureOf(row, material);
  const stage = new Stage(join(work, `${row.name}-${architecture}`), of.epoch);
  const fileName = writeDeb(row, material, stage, output);
  const linked = row.linked?.(target) ?? [];
  writeSbom(
    fileName,
    {
      name: row.name,
      architecture,
      linked,
      tools: row.linked === undefined ? [] : buildTools(target),
      npm: row.npm === true ? npmPart(npmNames(material.npm)) : NO_NPM,
    },
    of,
  );
}

await main('package', () => {
  const targets = rows.map(parseTarget);
  const of = release();
  // dpkg-deb's own files have this time, too.
  process.env['SOURCE_DATE_EPOCH'] = String(of.epoch);
  const work = mkdtempSync(join(tmpdir(), 'thaw-package-'));
  try {
    emptyOutput();
    const npm = npmPackage(work);
    for (const target of targets)
      for (const row of PACKAGES)
        if (row.everywhere !== true || target === targets[0])
          writePackage(row, { release: of, target, npm }, work);
    return Promise.resolve(0);
  } finally {
    rmSync(work, { recursive: true });
  }
});
