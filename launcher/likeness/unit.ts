// The environment that systemd gives a service (systemd.exec(5), "Environment Variables in Spawned Processes"), read from the
// unit's files: no service manager needs to run.
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { ThawError, messageOf } from '../errors.js';
import { accountOf } from '../app/account.js';
import type { Variables } from '../app/setting.js';
import { entries } from '../store/store.js';
import { readEnvironmentFile, variablesOf } from './env_file.js';
import { words } from './words.js';

/** In the order in which systemd looks (systemd.unit(5)). */
const FOLDERS = [
  '/etc/systemd/system',
  '/run/systemd/system',
  '/usr/local/lib/systemd/system',
  '/usr/lib/systemd/system',
  '/lib/systemd/system',
];
/** What systemd gives every system service. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';
const LOCALE_FILES = ['/etc/locale.conf', '/etc/default/locale'];

/** `unit`: a name (`web.service`), or a unit file, whose drop-ins are beside it. @throws ThawError */
export async function unitEnvironment(unit: string): Promise<Variables> {
  const file = unit.includes('/') ? unit : findUnit(unit);
  const settings = serviceSettings(file, basename(unit));
  return without(
    {
      PATH,
      ...locale(),
      ...(await login(settings.get('User')?.at(-1))),
      ...passed(settings.get('PassEnvironment') ?? []),
      ...variablesOf((settings.get('Environment') ?? []).flatMap(words)),
      ...files(settings.get('EnvironmentFile') ?? []),
    },
    (settings.get('UnsetEnvironment') ?? []).flatMap(words),
  );
}

function findUnit(name: string): string {
  const full = name.includes('.') ? name : `${name}.service`;
  const template = full.replace(/@[^.]*\./, '@.');
  const found = [full, template]
    .flatMap((one) => FOLDERS.map((folder) => join(folder, one)))
    .find(existsSync);
  if (found !== undefined) return found;
  throw new ThawError(`there is no unit ${full}`, {
    remedy: `name its file; looked for in ${FOLDERS.join(', ')}`,
  });
}

/** The assignments of [Service], of the unit and then of its drop-ins; an empty one resets its list. */
function serviceSettings(file: string, name: string): ReadonlyMap<string, readonly string[]> {
  const settings = new Map<string, string[]>();
  for (const one of [file, ...dropIns(file)]) {
    let section = '';
    for (const line of read(one)
      .replaceAll('\\\n', ' ')
      .split('\n')
      .map((text) => text.trim())) {
      section = /^\[(.*)\]$/.exec(line)?.[1] ?? section;
      const [, key, value] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(line) ?? [];
      if (section !== 'Service' || key === undefined || value === undefined) continue;
      settings.set(key, value === '' ? [] : [...(settings.get(key) ?? []), specified(key, value, name)]);
    }
  }
  return settings;
}

function dropIns(file: string): string[] {
  const name = basename(file);
  const folders = new Set([dirname(file), ...(FOLDERS.includes(dirname(file)) ? FOLDERS : [])]);
  return [...folders]
    .map((folder) => join(folder, `${name}.d`))
    .flatMap((folder) => entries(folder).map((entry) => join(folder, entry)))
    .filter((path) => path.endsWith('.conf'));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ThawError(`cannot read the unit ${file}: ${messageOf(error)}`);
  }
}

const WITH_SPECIFIERS = ['Environment', 'EnvironmentFile', 'User'];

/** The specifiers that the unit's name tells (systemd.unit(5)); others are not guessed. */
function specified(key: string, value: string, name: string): string {
  if (!WITH_SPECIFIERS.includes(key)) return value;
  const stem = name.replace(/\.[^.]*$/, '');
  const [prefix = '', instance = ''] = stem.split('@');
  const known: Readonly<Record<string, string>> = {
    '%': '%',
    n: name,
    N: stem,
    p: prefix,
    i: instance,
    I: instance,
  };
  return value.replaceAll(/%(.)/g, (_, letter: string) => {
    const text = known[letter];
    if (text !== undefined) return text;
    throw new ThawError(`${name}: ${key}= has the specifier %${letter}`, {
      remedy: 'use --like-env with a file that holds what it stands for',
    });
  });
}

/** Only the service manager knows them: it is process 1, which root may look into. */
function passed(lists: readonly string[]): Variables {
  const names = lists.flatMap(words);
  if (names.length === 0) return {};
  const manager = readEnvironmentFile('/proc/1/environ');
  return Object.fromEntries(Object.entries(manager).filter(([name]) => names.includes(name)));
}

function files(paths: readonly string[]): Variables {
  const all = paths.map((path) => {
    const optional = path.startsWith('-');
    const file = optional ? path.slice(1) : path;
    return optional && !existsSync(file) ? {} : readEnvironmentFile(file);
  });
  return Object.assign({}, ...all) as Variables;
}

function locale(): Variables {
  const file = LOCALE_FILES.find(existsSync);
  return file === undefined ? {} : readEnvironmentFile(file);
}

/** A unit with User= gets what a login would set. */
async function login(user: string | undefined): Promise<Variables> {
  if (user === undefined) return {};
  const { name, home, shell } = await accountOf(user);
  return { HOME: home, LOGNAME: name, USER: name, SHELL: shell };
}

/** UnsetEnvironment= names variables, or assignments that are taken away only as they stand. */
function without(variables: Variables, unset: readonly string[]): Variables {
  const gone = ([name, value]: readonly [string, string]): boolean =>
    unset.includes(name) || unset.includes(`${name}=${value}`);
  return Object.fromEntries(Object.entries(variables).filter((variable) => !gone(variable)));
}
