// The profile whose image a service's command is launched from: as thaw-exec finds it (native/store/store.cc).
import { native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import type { Stores } from '../store/stores.js';
import type { Unit } from './unit.js';

/** @throws ThawError where there is none, with what to write into one */
export function profileOf(
  stores: Stores,
  unit: Unit,
  argv: readonly [string, ...string[]],
  folder: string,
): string {
  const [program] = argv;
  const keys = [
    native.launchKey(program, argv.slice(1), folder),
    native.launchKey(program, argv.slice(1), ''),
    native.launchKey(program, null, folder),
    native.launchKey(program, null, ''),
  ];
  const found = keys
    .flatMap((key) => stores.all.map((store) => store.profileOf(key)))
    .find((name) => name !== undefined);
  if (found !== undefined) return found;
  throw new ThawError(
    `no profile in ${stores.all.map(({ root }) => root).join(' or ')} is for what ${unit.name} starts: ${argv.join(' ')}, in ${folder}`,
    {
      remedy: `build one with thaw build --like-unit ${unit.name} web.toml, in which stands:\n${skeleton(unit, argv, folder)}`,
    },
  );
}

/** The folder that the service starts in. `home`: of its user. */
export function folderOf(unit: Unit, home: string): string {
  const folder = (unit.one('WorkingDirectory') ?? '/').replace(/^-/, '');
  return folder === '~' ? home : folder;
}

function skeleton(unit: Unit, [program, ...args]: readonly [string, ...string[]], folder: string): string {
  const user = unit.one('User');
  const notifies = (unit.one('Type') ?? '').startsWith('notify');
  return [
    `name = ${JSON.stringify(
      unit.name
        .replace(/\.service$/, '')
        .toLowerCase()
        .replaceAll(/[^a-z0-9._-]+/g, '-'),
    )}`,
    `program = ${JSON.stringify(program)}`,
    `args = ${JSON.stringify(args)}`,
    `cwd = ${JSON.stringify(folder)}`,
    ...(user === undefined ? [] : [`user = ${JSON.stringify(user)}`]),
    '[warmup]',
    notifies ? 'until = { notify = true }' : 'until = { idle = "1s" }',
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}
