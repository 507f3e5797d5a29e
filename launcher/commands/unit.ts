// thaw unit: a drop-in for a systemd service, which launches it from its image.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

import { accountOf } from '../app/account.js';
import { command, print, printJson } from '../command.js';
import { type Image, native } from '../engine/index.js';
import { ThawError, UsageError } from '../errors.js';
import { accountIn, environmentOf } from '../likeness/unit.js';
import { flag, json, stores, text } from '../options.js';
import { Stores } from '../store/stores.js';
import { DROP_IN, dropInText, isDropIn } from '../systemd/drop_in.js';
import { execStart } from '../systemd/exec_line.js';
import { type Finding, type Service, callsToAllow, findings, triesFilter } from '../systemd/hindrances.js';
import { placeIn } from '../systemd/place.js';
import { folderOf, profileOf } from '../systemd/profile_of.js';
import { type Unit, loadUnit } from '../systemd/unit.js';
import { environmentPlan } from '../systemd/warm_environment.js';

export default command({
  about: [
    'Writes a drop-in for a systemd service: thaw-exec before its program, and of the environment that its profile was warmed ' +
      'up with what nobody has said otherwise. All else stays as the unit has it. UNIT is a name, or a unit file, whose drop-ins ' +
      'are beside it; systemd need not run.',
    'What keeps the service from being launched from its image is named, with a remedy; then nothing is written, and the exit ' +
      'code is 1.',
  ].join('\n\n'),
  options: {
    store: stores("where the device's profiles and images are; several in order, see thaw --help"),
    json,
    root: text('--root <DIR>', "the device's root: units, accounts, store and thaw-exec are those in there"),
    output: text(
      '--output <FILE>',
      `write the drop-in there, - for standard output; default: ${DROP_IN} of the unit in /etc`,
    ),
    diff: flag('--diff', 'only show what would change; exit code 1 if anything would'),
    revert: flag('--revert', 'take the drop-in away'),
    allowCalls: flag('--allow-calls', 'let the drop-in add to SystemCallFilter= what a launch calls'),
    anyway: flag('--anyway', 'write it even if each launch would be a cold start'),
  },
  operands: ['<UNIT>'],
  async run(options, [operand]) {
    const { root = '', output, diff, revert } = options;
    if (revert && (diff || output !== undefined))
      throw new UsageError('--revert excludes --diff and --output');
    const path = dropInPath(operand, root);
    if (revert) return takeAway(path, operand);
    const plan = await planOf(options, operand, path);
    const bad = plan.found.filter(
      ({ effect }) => effect === 'refused' || (effect === 'cold' && !options.anyway),
    );
    if (options.json) printJson({ ...plan, path: output ?? path, written: bad.length === 0 && !diff });
    tell(plan);
    if (bad.length > 0) return 1;
    if (diff) return show(path, plan.text);
    write(output ?? path, plan.text, options.json);
    return 0;
  },
});

interface Options {
  readonly store: string | undefined;
  readonly root: string | undefined;
  readonly allowCalls: boolean;
}

interface Plan {
  readonly unit: string;
  readonly profile: string;
  readonly found: readonly Finding[];
  readonly text: string;
}

async function planOf(
  { store: wanted, root = '', allowCalls }: Options,
  operand: string,
  own: string,
): Promise<Plan> {
  const unit = loadUnit({ unit: operand, root, without: own });
  const execLine = execStart(unit);
  const environment = await environmentOf(unit);
  const place = placeIn(root, wanted);
  const stores = new Stores(place.stores.map((path) => join(root, path)));
  const argv = execLine.argv({ ...environment.givenByDefault, ...environment.said });
  const profile = profileOf(stores, unit, argv, folderOf(unit, await homeOf(unit, root)));
  const store = stores.of(profile);
  const image = native.show(store.current(profile));
  const service: Service = {
    ...{ unit, image, allowsCalls: allowCalls },
    ...place,
    keeper: place.stores[stores.all.indexOf(stores.keeperOf(profile))] ?? '',
    definition: store.definition(profile),
  };
  const plan = environmentPlan(image, environment);
  const found = [
    ...findings(service),
    ...differences(plan.differ, unit),
    ...(await strangers(unit, image, root, execLine.prefixes)),
  ];
  const dropIn = dropInText({
    ...{ unit: unit.name, profile, execLine, thawExec: place.thawExec, environment: plan },
    stores: place.areDefault ? undefined : place.stores,
    isNotify:
      (unit.one('Type') ?? '').startsWith('notify') && service.definition.warmup.until.kind === 'notify',
    triesFilter: triesFilter(service),
    calls: allowCalls ? callsToAllow(service) : [],
  });
  return { unit: unit.name, profile, found, text: dropIn };
}

async function homeOf(unit: Unit, root: string): Promise<string> {
  const user = unit.one('User') ?? 'root';
  return (root === '' ? await accountOf(user) : accountIn(root, user)).home;
}

function differences(names: readonly string[], unit: Unit): Finding[] {
  if (names.length === 0) return [];
  const remedy = `build the profile for this unit: thaw build --like-unit ${unit.name} PROFILE.toml`;
  const what = `the app was warmed up with other values of ${names.join(', ')}`;
  return [{ setting: 'Environment', effect: 'cold', what, remedy }];
}

/** An image is for one user. */
async function strangers(unit: Unit, image: Image, root: string, prefixes: string): Promise<Finding[]> {
  if (unit.isOn('DynamicUser')) return [];
  const name = /[+!]/.test(prefixes) ? 'root' : (unit.one('User') ?? 'root');
  const { uid } = root === '' ? await accountOf(name) : accountIn(root, name);
  if (uid === image.requirements.user) return [];
  const what = `the service runs as ${name} (${uid}), and the image is for user ${image.requirements.user}`;
  return [
    {
      setting: 'User',
      effect: 'cold',
      what,
      remedy: `set user = "${name}" in the profile and build it again`,
    },
  ];
}

function dropInPath(operand: string, root: string): string {
  if (operand.includes('/')) return join(dirname(operand), `${basename(operand)}.d`, DROP_IN);
  const { name } = loadUnit({ unit: operand, root });
  return join(root, '/etc/systemd/system', `${name}.d`, DROP_IN);
}

function tell({ found }: Plan): void {
  for (const { setting, effect, what, remedy } of found) {
    const head = { refused: 'cannot be launched', cold: 'each launch would be cold', note: 'note' }[effect];
    process.stderr.write(`${setting}= (${head}): ${what}\n${remedy === '' ? '' : `  ${remedy}\n`}`);
  }
}

function current(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** As diff(1) shows it. */
function show(path: string, text: string): number {
  if (current(path) === text) return 0;
  const old = existsSync(path) ? path : '/dev/null';
  try {
    execFileSync('diff', ['-u', '--label', old, '--label', path, old, '-'], {
      input: text,
      encoding: 'utf8',
    });
    return 0;
  } catch (error) {
    const { status, stdout } = error as { status?: number; stdout?: string };
    if (status !== 1) throw error;
    print(stdout ?? '');
    return 1;
  }
}

function write(path: string, text: string, quiet: boolean): void {
  if (path === '-') {
    if (!quiet) print(text);
    return;
  }
  const old = current(path);
  if (old !== '' && !isDropIn(old))
    throw new ThawError(`${path} is not by thaw`, {
      remedy: 'move it away, or name another file with --output',
    });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  if (!quiet) print(`${path}\n`);
  process.stderr.write('  it counts after systemctl daemon-reload, and for the next start of the service\n');
}

function takeAway(path: string, operand: string): number {
  const old = current(path);
  if (old === '') throw new ThawError(`${operand} has no drop-in of thaw's: there is no ${path}`);
  if (!isDropIn(old)) throw new ThawError(`${path} is not by thaw`, { remedy: 'take it away by hand' });
  rmSync(path);
  try {
    rmdirSync(dirname(path));
  } catch {
    // Others lie there.
  }
  process.stderr.write('  it is gone after systemctl daemon-reload, for the next start of the service\n');
  return 0;
}
