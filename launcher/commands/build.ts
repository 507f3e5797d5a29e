// thaw build: makes and installs the images of profiles.
import type { Variables } from '../app/setting.js';
import { command, print, printJson } from '../command.js';
import { readDefinition } from '../definition/read.js';
import { UsageError } from '../errors.js';
import { interruptible, interruptibly } from '../interruption.js';
import { readEnvironmentFile } from '../likeness/env_file.js';
import { unitEnvironment } from '../likeness/unit.js';
import {
  type TypedOption,
  count,
  flag,
  grouped,
  guardsOff,
  json,
  repeated,
  store,
  text,
} from '../options.js';
import { Stores } from '../store/stores.js';
import { table } from '../columns.js';
import { duration, size } from '../units.js';
import { GUEST_CPUS } from '../cpus.js';
import { buildForTarget } from '../firmware/build.js';
import type { TargetRow } from '../firmware/guest.js';
import { type MatrixRow, buildMatrix } from '../matrix/build.js';
import { makefile } from '../matrix/makefile.js';
import { readMatrix } from '../matrix/read.js';
import { type Attempt, attempt } from '../building/attempt.js';
import type { Built } from '../building/build.js';

/** Options of builds with --target. */
const ofDevice = {
  root: device(
    '--root <PATH>',
    "the device's root: a folder, or an image (squashfs, erofs, ext4), which is made again in one step",
  ),
  output: device('--output <FILE>', 'write the new image there instead'),
  kernel: device(
    '--kernel <FILE>',
    "the device's kernel; with virtio (mmio, blk, console), overlayfs and squashfs. Default: Debian's",
  ),
  modules: device(
    '--modules <DIR>',
    'modules of that kernel, where these are not built in: .../lib/modules/VERSION',
  ),
  model: device(
    '--model <CPU>',
    "QEMU's name of the device's CPU, as cortex-a53; an image needs all features that it was made with",
  ),
  memory: device('--memory <MB>', 'of the guest; images are kept there while they are made. Default: 2048'),
};

/** Options of builds with --matrix. */
const ofMatrix = {
  matrix: grouped(
    'For a fleet:',
    text('--matrix <FILE.toml>', 'build the sealed stores of many models and roots (docs/how-to/fleet.md)'),
  ),
  jobs: grouped('For a fleet:', count('--jobs <N>', 'so many at a time; default: 1')),
  only: grouped(
    'For a fleet:',
    repeated('--only <NAME>', 'of the matrix, this one alone; several times', String),
  ),
  makefile: grouped(
    'For a fleet:',
    flag('--makefile', 'build nothing: print a makefile with a target for each'),
  ),
};

export default command({
  about: [
    'For each profile: starts its app, waits until it is warm, exercises it, writes its image, proves the image with a ' +
      "trial launch, and installs it. When something is wrong the old image stays. The app's output is kept beside the " +
      'image, in warmup.log and trial.log.',
    'For a device (--target): boots its root file system under QEMU, does the same inside, and puts the store into the ' +
      'root, in /var/lib/thaw, and thaw-exec, where the root has none, in /usr/bin. Paths in the profiles are those of the ' +
      'device. Unless all profiles go well, the root stays what it was.',
  ].join('\n\n'),
  options: {
    store,
    json,
    guardsOff,
    likeUnit: text(
      '--like-unit <UNIT>',
      'warm up with the environment that systemd gives this service; a name, or a unit file',
    ),
    likeEnv: text(
      '--like-env <FILE>',
      'warm up with the environment in this file: lines NAME=value, or a copy of /proc/PID/environ',
    ),
    target: device('--target <CPU>', `build for this CPU: ${GUEST_CPUS.join(' or ')}`),
    ...ofDevice,
    ...ofMatrix,
  },
  operands: ['[PROFILE.toml...]'],
  run(options, [paths]) {
    const { target, matrix } = options;
    if (matrix !== undefined) return buildAll(matrix, options, paths);
    expectNone(ofMatrix, options, '--matrix');
    if (paths.length === 0) throw new UsageError('PROFILE.toml is missing');
    if (target !== undefined) return buildInRoot(target, options, paths);
    expectNone(ofDevice, options, '--target');
    return buildHere(options, paths);
  },
});

/** @throws UsageError where one of a group of options is given to a build of another kind */
function expectNone(
  group: Readonly<Record<string, TypedOption<unknown>>>,
  given: Readonly<Record<string, unknown>>,
  whose: string,
): void {
  const isGiven = (value: unknown): boolean =>
    value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);
  const stray = Object.entries(group).find(([key]) => isGiven(given[key]));
  if (stray !== undefined) throw new UsageError(`${stray[1].option.long ?? ''} is for builds with ${whose}`);
}

interface MatrixOptions extends Common {
  readonly jobs: number | undefined;
  readonly only: readonly string[];
  readonly makefile: boolean;
}

/** @throws UsageError */
function buildAll(
  path: string,
  { jobs = 1, only, makefile: makes, json, guardsOff, store }: MatrixOptions,
  profiles: readonly string[],
): Promise<number> | number {
  if (profiles.length > 0) throw new UsageError('the profiles of --matrix are named in it');
  if (store !== undefined)
    throw new UsageError('--store is not for --matrix, which says where its stores go');
  const matrix = readMatrix(path);
  if (makes) {
    print(makefile(matrix, 'thaw'));
    return 0;
  }
  const names = matrix.cells.map(({ name }) => name);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`${path} has no ${unknown}`, { remedy: `it has: ${names.join(', ')}` });
  const cells = matrix.cells.filter(({ name }) => only.length === 0 || only.includes(name));
  return interruptibly(async (interrupt) => {
    const rows = await buildMatrix(matrix, cells, { jobs, guardsOff, interrupt });
    if (json) printJson(rows);
    else print(matrixTable(rows));
    return rows.every(({ result }) => result !== 'failed') ? 0 : 1;
  });
}

function matrixTable(rows: readonly MatrixRow[]): string {
  const right = true;
  return table(
    [
      { title: 'NAME' },
      { title: 'RESULT' },
      { title: 'TIME', right },
      { title: 'SIZE', right },
      { title: 'STORE' },
    ],
    rows.map(({ name, result, ms, size: bytes, output }) => [
      name,
      result,
      duration(ms),
      size(bytes),
      output,
    ]),
  );
}

function device(flags: string, description: string): ReturnType<typeof text> {
  return grouped('For a device:', text(flags, description));
}

interface Common {
  readonly store: string | undefined;
  readonly json: boolean;
  readonly guardsOff: readonly string[];
  readonly likeUnit: string | undefined;
  readonly likeEnv: string | undefined;
}

async function buildHere(
  { store: root, json, guardsOff, ...like }: Common,
  paths: readonly string[],
): Promise<number> {
  const store = new Stores(root).writable;
  // A mistake in the last definition shall not come to light after minutes of work on the first.
  const likeEnv = await environmentLike(like);
  const definitions = paths.map((path) => ({
    ...readDefinition(path),
    ...(likeEnv === undefined ? {} : { likeEnv }),
  }));
  const interruption = interruptible();
  const rows: Attempt[] = [];
  for (const definition of definitions) {
    rows.push(
      await attempt(definition.name, () => definition, store, { guardsOff, interrupt: interruption.signal }),
    );
    const interrupted = interruption.exitCode();
    if (interrupted !== undefined) return interrupted;
  }
  if (json) printJson(rows.map(result));
  else print(rows.length === 1 ? line(rows[0]) : summary(rows));
  return rows.some(({ error }) => error !== undefined) ? 1 : 0;
}

/** undefined: the minimal one. */
async function environmentLike({
  likeUnit,
  likeEnv,
}: Pick<Common, 'likeUnit' | 'likeEnv'>): Promise<Variables | undefined> {
  if (likeUnit !== undefined && likeEnv !== undefined)
    throw new UsageError('--like-unit and --like-env exclude each other');
  if (likeUnit !== undefined) return unitEnvironment(likeUnit);
  return likeEnv === undefined ? undefined : readEnvironmentFile(likeEnv);
}

type DeviceOptions = Common & Readonly<Record<keyof typeof ofDevice, string | undefined>>;

async function buildInRoot(
  target: string,
  { store, json, root, likeUnit, likeEnv, ...request }: DeviceOptions,
  paths: readonly string[],
): Promise<number> {
  const cpu = GUEST_CPUS.find((name) => name === target);
  if (cpu === undefined) throw new UsageError(`--target is ${target}; accepted: ${GUEST_CPUS.join(', ')}`);
  if (root === undefined) throw new UsageError("--target needs --root, the device's root file system");
  if (likeUnit !== undefined || likeEnv !== undefined)
    throw new UsageError('--like-unit and --like-env are not for --target: set `env` in the profiles');
  if (store !== undefined) throw new UsageError('--store is not for --target: the store is in the root');
  const definitions = paths.map((path) => readDefinition(path, true));
  const interruption = interruptible();
  try {
    const rows = await buildForTarget(definitions, { ...request, cpu, root }, interruption.signal);
    if (json) printJson(rows);
    else print(summary(rows.map(rowOfTarget)));
    return rows.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    const interrupted = interruption.exitCode();
    if (interrupted === undefined) throw error;
    return interrupted;
  }
}

/** What the summary shows of it. */
interface SummaryRow {
  readonly name: string;
  readonly ms: number;
  readonly built?: Pick<Built, 'onDisk'> & {
    readonly report: Pick<Built['report'], 'threads' | 'mappings' | 'descriptors'>;
  };
}

function rowOfTarget({ name, ms, onDisk = 0, report }: TargetRow): SummaryRow {
  return report === undefined ? { name, ms } : { name, ms, built: { onDisk, report } };
}

function result({ name, ms, built, error }: Attempt): unknown {
  if (error !== undefined) return { name, ok: false, ms, error: error.message, remedy: error.remedy ?? '' };
  return { ok: true, ms, ...built };
}

function line(row: Attempt | undefined): string {
  return row?.built === undefined ? '' : `${row.built.image}\n`;
}

function summary(rows: readonly SummaryRow[]): string {
  const right = true;
  return table(
    [
      { title: 'NAME' },
      { title: 'RESULT' },
      { title: 'TIME', right },
      { title: 'ON DISK', right },
      { title: 'THREADS', right },
      { title: 'MAPPINGS', right },
      { title: 'DESCRIPTORS', right },
    ],
    rows.map(({ name, ms, built }) =>
      built === undefined
        ? [name, 'failed', duration(ms)]
        : [
            name,
            'built',
            duration(ms),
            size(built.onDisk),
            ...[built.report.threads, built.report.mappings, built.report.descriptors].map(String),
          ],
    ),
  );
}
