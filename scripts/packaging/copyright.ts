// debian/copyright in its machine-readable form (DEP-5), made of the licences that lie beside what is packed.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { ThawError } from '../../launcher/errors.js';

const LICENCE_FILE = /^(licen[cs]e|copying)(\.\w+)?$/i;

/** As a field's further lines: none is empty. */
const folded = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');

/** Debian calls the MIT licence Expat. */
const debianName = (spdx: string): string => (spdx === 'MIT' ? 'Expat' : spdx);

function holders(text: string): readonly string[] {
  const lines = [...text.matchAll(/^\W*copyright (?:\(c\)|©)?\s*(\S.*)$/gim)].map(
    (match) => match[1]?.trim() ?? '',
  );
  return lines.length === 0 ? ['the authors of the package'] : lines;
}

/** Of licences that every Debian system has, the text is not repeated (Policy 12.5). */
const COMMON: Readonly<Record<string, string>> = {
  'Apache-2.0':
    'On Debian systems, the text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.',
};

function stanza(files: string, licence: string, whole: string): string {
  const text = COMMON[licence] ?? whole;
  return `Files: ${files}\nCopyright: ${holders(whole).join('\n ')}\nLicense: ${debianName(licence)}\n${folded(text)}\n`;
}

/** thaw's own part. */
export function ownCopyright(): string {
  const text = readFileSync(join(projectFolder, 'LICENSE'), 'utf8').replace(/^MIT License\n/, '');
  return (
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: thaw\n' +
    `Source: the repository whose commit the changelog names\n\n${stanza('*', 'MIT', text)}`
  );
}

/** Of the libraries that thaw-exec holds. */
export const linkedCopyright = (): string =>
  readFileSync(join(projectFolder, 'packaging/debian/linked.copyright'), 'utf8');

/** Folders of npm packages below one with node_modules, nested ones as well. */
export function npmPackages(folder: string): readonly string[] {
  const modules = join(folder, 'node_modules');
  return listed(modules)
    .flatMap((name) =>
      name.startsWith('@') ? listed(join(modules, name)).map((each) => join(name, each)) : [name],
    )
    .flatMap((name) => [join(modules, name), ...npmPackages(join(modules, name))]);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/**
 * Of the npm packages below a folder; `at` is where that folder will be.
 * @throws ThawError when one has no licence
 */
export function npmCopyright(folder: string, at: string): string {
  const stanzas = npmPackages(folder).map((each) => {
    const { license } = JSON.parse(readFileSync(join(each, 'package.json'), 'utf8')) as { license?: string };
    const file = readdirSync(each).find((name) => LICENCE_FILE.test(name));
    if (license === undefined)
      throw new ThawError(`${each} names no licence`, { remedy: 'use another npm package' });
    const text =
      file === undefined
        ? `It names this licence, and holds no text of it: ${license}.`
        : readFileSync(join(each, file), 'utf8');
    return stanza(`${join(at, each.slice(folder.length))}/*`, license, text);
  });
  return stanzas.join('\n');
}

/** Their files, which are not packed a second time. */
export const isLicence = (name: string): boolean => LICENCE_FILE.test(name);
