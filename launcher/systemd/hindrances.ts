// Settings of a unit under which an image cannot be launched, or not for ever: a row each.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Definition } from '../definition/schema.js';
import type { Image } from '../engine/index.js';
import { callsOf } from '../store/calls.js';
import { callFilter } from './call_filter.js';
import type { Unit } from './unit.js';
import { words } from './words.js';

export interface Service {
  readonly unit: Unit;
  readonly definition: Definition;
  readonly image: Image;
  /** Of the device. */
  readonly stores: readonly string[];
  /** The one of these in which records of launches go. */
  readonly keeper: string;
  readonly thawExec: string;
  /** The drop-in allows the calls of a launch. */
  readonly allowsCalls: boolean;
}

export interface Finding {
  readonly setting: string;
  /** refused: the service would not work; cold: each launch would be a cold start; note: something to know. */
  readonly effect: 'refused' | 'cold' | 'note';
  readonly what: string;
  readonly remedy: string;
}

interface Hindrance {
  readonly setting: string;
  readonly effect: Finding['effect'];
  /** What is in the way; undefined: nothing. */
  readonly what: (service: Service) => string | undefined;
  readonly remedy: string | ((service: Service) => string);
}

/** Triggers that fire before the app says that it is ready, at a call that each launch makes anew. */
const HELD_BEFORE: readonly string[] = ['connect', 'syscall'];

// prettier-ignore
const HINDRANCES: readonly Hindrance[] = [
  { setting: 'Type', effect: 'refused', what: ({ unit }) => (unit.one('Type') === 'forking' ? 'with Type=forking the service is a child of what is started, and an image has one process' : undefined),
    remedy: 'have the program stay in the foreground, and set Type=exec or Type=notify' },
  { setting: 'Type', effect: 'refused', what: readyIsLost,
    remedy: 'set warmup.until = { notify = true } in the profile and build it again: then the launch says READY=1 for the app' },
  { setting: 'RootDirectory', effect: 'cold', what: ({ unit }) => setTo(unit, 'RootDirectory', 'RootImage') && 'the service sees another root than the one that the image was built in',
    remedy: 'build the profile in that root (docs/firmware.md), with thaw-exec and the store in it' },
  { setting: 'DynamicUser', effect: 'cold', what: ({ unit }) => (unit.isOn('DynamicUser') ? 'the user exists only while the service runs, and an image is for the user that it was built as' : undefined),
    remedy: 'make a user (systemd-sysusers), set User= and DynamicUser=no, and `user` in the profile' },
  { setting: 'SystemCallFilter', effect: 'cold', what: missingCalls, remedy: 'thaw unit --allow-calls adds them, or add @system-service' },
  { setting: 'MemoryDenyWriteExecute', effect: 'cold', what: ({ unit }) => (unit.isOn('MemoryDenyWriteExecute') ? 'it forbids to make memory executable, as a launch does with code that it has placed' : undefined),
    remedy: 'leave it out for this unit' },
  { setting: 'NoExecPaths', effect: 'cold', what: notExecutable, remedy: ({ stores, thawExec }) => `add ExecPaths=${[thawExec, ...stores].join(' ')}` },
  { setting: 'ProtectHome', effect: 'cold', what: hiddenFiles, remedy: 'keep what the app uses, thaw-exec and the store, where the service sees them, and build again' },
  { setting: 'SELinuxContext', effect: 'cold', what: ({ unit, image }) => setTo(unit, 'SELinuxContext', 'AppArmorProfile', 'SmackProcessLabel') && `the image was made in the security context '${image.requirements.securityLabel}'`,
    remedy: 'build the profile in the context that the service has' },
  { setting: 'Personality', effect: 'note', what: ({ unit }) => setTo(unit, 'Personality') && 'the app gets the personality of the build instead', remedy: '' },
  { setting: 'Sockets', effect: 'cold', what: activatedBySocket, remedy: 'let the service open its socket itself' },
  { setting: 'LoadCredential', effect: 'note', what: ({ unit }) => setTo(unit, 'LoadCredential', 'LoadCredentialEncrypted', 'SetCredential', 'SetCredentialEncrypted', 'ImportCredential') && 'credentials are not there while the image is built, and what the app has read of them is in the image',
    remedy: 'have the app read them after its checkpoint' },
  { setting: 'CPUQuota', effect: 'note', what: ({ unit, image }) => (asksFor(image, 'cpus') ? setTo(unit, 'CPUQuota', 'AllowedCPUs', 'CPUAffinity') && 'the app has asked for its CPUs: with others than in its warm-up, each launch is cold' : undefined),
    remedy: 'set inputs.ignore_machine = ["cpus"] in the profile, where the app can do without' },
  { setting: 'MemoryMax', effect: 'note', what: ({ unit, image }) => (asksFor(image, 'memory') ? setTo(unit, 'MemoryMax', 'MemoryHigh') && 'the app has asked for its limit of memory: with another one than in its warm-up, each launch is cold' : undefined),
    remedy: 'set inputs.ignore_machine = ["memory"] in the profile, where the app can do without' },
  { setting: 'PrivateUsers', effect: 'note', what: ({ unit }) => (unit.isOn('PrivateUsers') ? 'no time namespace can be had: after a boot, launches are cold until the clocks have passed those of the checkpoint' : undefined),
    remedy: 'build as root, whose images begin near zero' },
  { setting: 'RestrictNamespaces', effect: 'note', what: ({ unit }) => (setTo(unit, 'RestrictNamespaces') && !/^(no|0|off|false)$/i.test(unit.one('RestrictNamespaces') ?? '') ? 'no time namespace can be had: the clocks of the app jump, and after a boot launches are cold until they have passed those of the checkpoint' : undefined),
    remedy: 'build as root, whose images begin near zero, or leave it out' },
  { setting: 'ProtectSystem', effect: 'note', what: ({ unit, keeper, definition }) => (/^strict$/i.test(unit.one('ProtectSystem') ?? '') && !writable(unit, keeper) ? `the store cannot be written: ${definition.name} is launched, but nothing records early deaths (docs/guard.md) or asks for a new image` : undefined),
    remedy: ({ keeper, definition }) => `add ReadWritePaths=${join(keeper, 'profiles', definition.name)}` },
];

export function findings(service: Service): Finding[] {
  return HINDRANCES.flatMap(({ setting, effect, what, remedy }) => {
    const found = what(service);
    if (found === undefined) return [];
    return [{ setting, effect, what: found, remedy: typeof remedy === 'string' ? remedy : remedy(service) }];
  });
}

/** A filter of system calls is set by each of these. */
const FILTERS: readonly string[] = [
  ...['SystemCallFilter', 'SystemCallLog', 'SystemCallArchitectures', 'RestrictAddressFamilies'],
  ...[
    'RestrictNamespaces',
    'MemoryDenyWriteExecute',
    'RestrictRealtime',
    'RestrictSUIDSGID',
    'LockPersonality',
  ],
  ...[
    'ProtectKernelTunables',
    'ProtectKernelModules',
    'ProtectKernelLogs',
    'ProtectClock',
    'ProtectHostname',
  ],
  'PrivateDevices',
];

/**
 * Whether the launch is told that it may try the filter (docs/filter.md): only where the filter is known to allow that, since
 * one that does not may kill the service.
 */
export function triesFilter(service: Service): boolean {
  const { unit, allowsCalls } = service;
  const filtered = FILTERS.some((key) => {
    const value = unit.written(key).at(-1);
    return value !== undefined && !/^(0|no|n|false|f|off)$/i.test(value);
  });
  return filtered && (allowsCalls || missingCalls(service) === undefined);
}

/** Calls of a launch that the unit's filter does not allow. */
export function callsToAllow({ unit, image }: Service): string[] {
  const filter = callFilter(unit.all('SystemCallFilter'));
  if (filter === undefined || filter.unknown !== undefined) return [];
  return callsOf(image).filter((call) => !filter.allows(call));
}

function missingCalls(service: Service): string | undefined {
  const filter = callFilter(service.unit.all('SystemCallFilter'));
  if (filter === undefined || service.allowsCalls) return undefined;
  if (filter.unknown !== undefined)
    return `whether it allows a launch cannot be told: nobody here knows ${filter.unknown} (systemd-analyze)`;
  const missing = callsToAllow(service);
  return missing.length === 0 ? undefined : `it does not allow what a launch calls: ${missing.join(' ')}`;
}

function readyIsLost({ unit, definition: { warmup } }: Service): string | undefined {
  const type = unit.one('Type') ?? '';
  if (!type.startsWith('notify') || warmup.until.kind === 'notify' || HELD_BEFORE.includes(warmup.until.kind))
    return undefined;
  return `with Type=${type} systemd waits for READY=1, which a launched app may have said in its warm-up, and never says again`;
}

function notExecutable({ unit, stores, thawExec }: Service): string | undefined {
  const paths = (key: string): string[] =>
    unit
      .all(key)
      .flatMap(words)
      .map((path) => path.replace(/^[-+]+/, ''));
  const covers = (list: readonly string[], path: string): number =>
    Math.max(-1, ...list.filter((one) => isBelow(path, one)).map(({ length }) => length));
  const [no, yes] = [paths('NoExecPaths'), paths('ExecPaths')];
  const barred = [thawExec, ...stores].filter((path) => covers(no, path) > covers(yes, path));
  return barred.length === 0 ? undefined : `nothing can be executed from ${barred.join(' and ')}`;
}

/** Places that the service does not see as the build did. */
function hidden(unit: Unit): string[] {
  const home = unit.one('ProtectHome') ?? '';
  // Options follow behind a colon.
  const places = (key: string): string[] =>
    unit
      .all(key)
      .flatMap(words)
      .map((path) => path.replace(/^[-+]+/, '').split(':')[0] ?? '');
  return [
    ...(/^(yes|true|1|on|tmpfs)$/i.test(home) ? ['/home', '/root', '/run/user'] : []),
    ...(unit.isOn('PrivateTmp') || unit.isOn('DynamicUser') ? ['/tmp', '/var/tmp'] : []),
    ...places('InaccessiblePaths'),
    ...places('TemporaryFileSystem'),
    ...places('RuntimeDirectory').map((name) => join('/run', name)),
  ];
}

function hiddenFiles({ unit, image, stores, thawExec }: Service): string | undefined {
  const places = hidden(unit);
  const used = [
    ...image.files
      .filter(({ mapped, keptOpen, program }) => mapped || keptOpen || program)
      .map(({ path }) => path),
    // Such a place itself is there.
    ...image.inputs
      .filter(({ kind, path }) => kind !== 'missing' && !(kind === 'exists' && places.includes(path)))
      .map(({ path }) => path),
    ...[...stores, thawExec],
  ];
  const lost = used.filter((path) => places.some((place) => isBelow(path, place)));
  if (lost.length === 0) return undefined;
  const [first = ''] = lost;
  const more = lost.length === 1 ? '' : ` and ${lost.length - 1} more`;
  const settings = [
    'ProtectHome',
    'PrivateTmp',
    'InaccessiblePaths',
    'TemporaryFileSystem',
    'RuntimeDirectory',
  ];
  const which = settings.filter((key) => unit.written(key).length > 0).map((key) => `${key}=`);
  return `the service does not see what the launch needs as the build did (${which.join(', ')}): ${first}${more}`;
}

function activatedBySocket({ unit }: Service): string | undefined {
  const socket = unit.name.replace(/\.service$/, '.socket');
  const beside = existsSync(join(dirname(unit.file), socket));
  if (unit.written('Sockets').length === 0 && !beside) return undefined;
  return `systemd opens the sockets (${beside ? socket : 'Sockets='}) and hands them over with LISTEN_PID=, another one at each start`;
}

/** What a unit's settings change is the caller's part of the machine (native/image/machine.h has the words), not the machine. */
function asksFor(image: Image, key: string): boolean {
  return image.requirements.machine.some((one) => one.key === key && one.what.includes('caller'));
}

/** The first of these settings that the unit has; undefined: none. */
function setTo(unit: Unit, ...keys: readonly string[]): string | undefined {
  return keys.find((key) => unit.written(key).length > 0);
}

function writable(unit: Unit, path: string): boolean {
  const paths = unit.all('ReadWritePaths').flatMap(words);
  return paths.some((one) => isBelow(path, one.replace(/^[-+]+/, '')) || isBelow(one, path));
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? '/' : `${folder.replace(/\/$/, '')}/`);
}
