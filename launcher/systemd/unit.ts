// A service as systemd would load it: its file, found by its name, and its drop-ins, merged (systemd.unit(5)). No service
// manager needs to run, and the files may be those of a device's root.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { ThawError, messageOf } from '../errors.js';
import { entries } from '../store/store.js';
import { specified } from './specifiers.js';
import { type Assignment, assignmentsIn } from './syntax.js';

/** In the order in which systemd looks. */
const FOLDERS = [
  ...['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient'],
  ...['/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached'],
  ...['/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator'],
  ...['/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'],
  '/run/systemd/generator.late',
];

export interface UnitSource {
  /** A name (`web.service`, `web`), or a unit file, whose drop-ins are beside it. */
  readonly unit: string;
  /** Of the device; '': this machine. */
  readonly root?: string;
  /** A drop-in that does not count: the one that is to be written. */
  readonly without?: string;
}

export class Unit {
  readonly #settings = new Map<string, readonly string[]>();

  constructor(
    readonly name: string,
    readonly file: string,
    readonly dropIns: readonly string[],
    readonly root: string,
  ) {
    for (const path of [file, ...dropIns])
      for (const assignment of assignmentsIn(read(path))) this.#assign(assignment);
  }

  /** An empty value resets the list. */
  #assign({ section, key, value }: Assignment): void {
    const name = `${section}.${key}`;
    this.#settings.set(name, value === '' ? [] : [...(this.#settings.get(name) ?? []), value]);
  }

  /** All values of a setting of [Service], as written. */
  written(key: string, section = 'Service'): readonly string[] {
    return this.#settings.get(`${section}.${key}`) ?? [];
  }

  /** The same with what specifiers stand for. @throws ThawError */
  all(key: string): string[] {
    return this.written(key).map((value) => this.specified(value));
  }

  /** The value of a setting that has one: the last. @throws ThawError */
  one(key: string): string | undefined {
    return this.all(key).at(-1);
  }

  /** Of a setting that is yes or no; false where it is neither. */
  isOn(key: string): boolean {
    return /^(1|yes|y|true|t|on)$/i.test(this.written(key).at(-1) ?? '');
  }

  specified(value: string): string {
    return specified(value, this);
  }
}

/** @throws ThawError where there is no such unit */
export function loadUnit({ unit, root = '', without }: UnitSource): Unit {
  if (unit.includes('/'))
    return load(basename(unit), unit, [join(dirname(unit), `${basename(unit)}.d`)], root, without);
  const full = unit.includes('.') ? unit : `${unit}.service`;
  const file = findUnit(full, root);
  // Behind a link lies the unit's own name, and the other is an alias; drop-ins of both count.
  const target = basename(realpathSync(file));
  const own = target.includes('.') && !target.includes('@') ? target : full;
  return load(
    full.includes('@') ? full : own,
    file,
    dropInFolders([...new Set([full, own])], root),
    root,
    without,
  );
}

function load(
  name: string,
  file: string,
  folders: string[],
  root: string,
  without: string | undefined,
): Unit {
  if (!name.endsWith('.service'))
    throw new ThawError(`${name} is no service`, { remedy: 'name a .service unit' });
  expectUnmasked(name, file);
  return new Unit(
    name,
    file,
    dropIns(folders).filter((path) => path !== without),
    root,
  );
}

function findUnit(name: string, root: string): string {
  const template = name.replace(/@[^.]*\./, '@.');
  const found = [name, template]
    .flatMap((one) => FOLDERS.map((folder) => join(root, folder, one)))
    .find(existsSync);
  if (found !== undefined) return found;
  throw new ThawError(`there is no unit ${name}`, {
    remedy: `name its file; looked for in ${FOLDERS.map((folder) => join(root, folder)).join(', ')}`,
  });
}

function expectUnmasked(name: string, file: string): void {
  const status = statSync(file, { throwIfNoEntry: false });
  if (status !== undefined && (!status.isFile() || status.size === 0))
    throw new ThawError(`${name} is masked (${file})`, { remedy: `systemctl unmask ${name}` });
}

/** Nearest first: for each place where units lie, the unit's own folder, those of its prefixes, its template's; then all services'. */
function dropInFolders(names: readonly string[], root: string): string[] {
  const own = FOLDERS.flatMap((folder) => names.flatMap(dropInNames).map((name) => join(folder, name)));
  const all = FOLDERS.map((folder) => join(folder, 'service.d'));
  return [...own, ...all].map((folder) => join(root, folder));
}

function dropInNames(name: string): string[] {
  const stem = name.replace(/\.service$/, '');
  const [prefix = '', instance] = stem.split('@');
  const parts = prefix.split('-');
  const prefixes = parts.slice(1).map((_, i) => `${parts.slice(0, parts.length - 1 - i).join('-')}-`);
  const template = instance === undefined || instance === '' ? [] : [`${prefix}@`];
  return [stem, ...template, ...prefixes].map((one) => `${one}.service.d`);
}

/** Of files with one name the nearest counts; they are applied by name. A link to /dev/null takes one away. */
function dropIns(folders: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const folder of folders)
    for (const entry of entries(folder))
      if (entry.endsWith('.conf') && !found.has(entry)) found.set(entry, join(folder, entry));
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => path)
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ThawError(`cannot read the unit ${file}: ${messageOf(error)}`);
  }
}
