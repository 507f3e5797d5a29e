// The environment that systemd gives a service (systemd.exec(5), "Environment Variables in Spawned Processes"), read from the
// unit's files: no service manager needs to run.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { accountOf } from '../app/account.js';
import type { Variables } from '../app/setting.js';
import { entries } from '../store/store.js';
import { assignmentsIn } from '../systemd/syntax.js';
import { seconds } from '../systemd/time_span.js';
import { type Unit, loadUnit } from '../systemd/unit.js';
import { words } from '../systemd/words.js';
import { readEnvironmentFile, variablesOf } from './env_file.js';

/** What systemd gives every system service. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin';
const LOCALE_FILES = ['/etc/locale.conf', '/etc/default/locale'];

/** `unit`: a name (`web.service`), or a unit file, whose drop-ins are beside it. @throws ThawError */
export async function unitEnvironment(unit: string): Promise<Variables> {
  const { givenByDefault, said } = await environmentOf(loadUnit({ unit }));
  return { ...givenByDefault, ...said };
}

/** What a service gets, apart: without anybody having said so, and because the unit or the machine's settings say so. */
export interface UnitEnvironment {
  readonly givenByDefault: Variables;
  readonly said: Variables;
}

/** @throws ThawError */
export async function environmentOf(unit: Unit): Promise<UnitEnvironment> {
  const unset = unit.all('UnsetEnvironment').flatMap(words);
  const said = {
    ...managersDefault(unit.root),
    ...locale(unit.root),
    ...directories(unit),
    ...watchdog(unit),
    ...passed(unit.all('PassEnvironment')),
    ...variablesOf(unit.all('Environment').flatMap(words)),
    ...files(unit.all('EnvironmentFile'), unit.root),
  };
  return {
    givenByDefault: without(
      { PATH, ...defaultLocale(unit.root), ...(await login(unit.one('User'), unit.root)) },
      unset,
    ),
    said: without(said, unset),
  };
}

/** DefaultEnvironment= of the service manager (systemd-system.conf(5)). */
function managersDefault(root: string): Variables {
  const places = ['/usr/lib', '/usr/local/lib', '/run', '/etc'].map((folder) =>
    join(root, folder, 'systemd'),
  );
  const dropIns = places.flatMap((folder) => {
    const own = join(folder, 'system.conf.d');
    return entries(own).map((entry) => join(own, entry));
  });
  const lines = [join(root, '/etc/systemd/system.conf'), ...dropIns]
    .filter((path) => path.endsWith('.conf') && existsSync(path))
    .flatMap((path) => assignmentsIn(readFileSync(path, 'utf8')))
    .filter(({ section, key }) => section === 'Manager' && key === 'DefaultEnvironment');
  const values = lines.map(({ value }) => value);
  return variablesOf(values.slice(values.lastIndexOf('') + 1).flatMap(words));
}

const DIRECTORIES: readonly (readonly [setting: string, variable: string, above: string])[] = [
  ['RuntimeDirectory', 'RUNTIME_DIRECTORY', '/run'],
  ['StateDirectory', 'STATE_DIRECTORY', '/var/lib'],
  ['CacheDirectory', 'CACHE_DIRECTORY', '/var/cache'],
  ['LogsDirectory', 'LOGS_DIRECTORY', '/var/log'],
  ['ConfigurationDirectory', 'CONFIGURATION_DIRECTORY', '/etc'],
];

/** Those of a dynamic user lie in folders that nobody else can enter. */
function directories(unit: Unit): Variables {
  const apart = unit.isOn('DynamicUser') ? ['STATE_DIRECTORY', 'CACHE_DIRECTORY', 'LOGS_DIRECTORY'] : [];
  return Object.fromEntries(
    DIRECTORIES.flatMap(([setting, variable, above]) => {
      const names = unit.all(setting).flatMap(words);
      const folder = apart.includes(variable) ? join(above, 'private') : above;
      const paths = names.map((name) => join(folder, name.split(':')[0] ?? ''));
      return names.length === 0 ? [] : [[variable, paths.join(':')]];
    }),
  );
}

function watchdog(unit: Unit): Variables {
  const span = seconds(unit.one('WatchdogSec') ?? '0');
  return span > 0 && Number.isFinite(span) ? { WATCHDOG_USEC: String(Math.round(span * 1e6)) } : {};
}

/** Only the service manager knows them: it is process 1, which root may look into. */
function passed(lists: readonly string[]): Variables {
  const names = lists.flatMap(words);
  if (names.length === 0) return {};
  const manager = readEnvironmentFile('/proc/1/environ');
  return Object.fromEntries(Object.entries(manager).filter(([name]) => names.includes(name)));
}

function files(paths: readonly string[], root: string): Variables {
  const all = paths.map((path) => {
    const optional = path.startsWith('-');
    const file = join(root, optional ? path.slice(1) : path);
    return optional && !existsSync(file) ? {} : readEnvironmentFile(file);
  });
  return Object.assign({}, ...all) as Variables;
}

function locale(root: string): Variables {
  const file = LOCALE_FILES.map((path) => join(root, path)).find(existsSync);
  return file === undefined ? {} : readEnvironmentFile(file);
}

/** Where nothing sets a locale, systemd sets what it was built with (its build option default-locale): Debian's, and its own default. */
function defaultLocale(root: string): Variables {
  return Object.keys(locale(root)).length === 0 ? { LANG: 'C.UTF-8' } : {};
}

/** A unit with User= gets what a login would set. */
async function login(user: string | undefined, root: string): Promise<Variables> {
  if (user === undefined) return {};
  const { name, home, shell } = root === '' ? await accountOf(user) : accountIn(root, user);
  return { HOME: home, LOGNAME: name, USER: name, SHELL: shell };
}

export interface RootAccount {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
}

/** An account of a device's root, by its name or number. */
export function accountIn(root: string, user: string): RootAccount {
  const file = join(root, '/etc/passwd');
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const found = lines.map((line) => line.split(':')).find(([name, , uid]) => name === user || uid === user);
  const [name = user, , uid = user, , , home = '/', shell = '/bin/sh'] = found ?? [];
  return { name, uid: Number(uid), home, shell };
}

/** UnsetEnvironment= names variables, or assignments that are taken away only as they stand. */
function without(variables: Variables, unset: readonly string[]): Variables {
  const gone = ([name, value]: readonly [string, string]): boolean =>
    unset.includes(name) || unset.includes(`${name}=${value}`);
  return Object.fromEntries(Object.entries(variables).filter((variable) => !gone(variable)));
}
