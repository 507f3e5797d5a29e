// thaw build: makes and installs the images of profiles.
import { guards, parse, print, printJson } from '../command.js';
import type { Definition } from '../definition/schema.js';
import { readDefinition } from '../definition/read.js';
import { ThawError, UsageError, messageOf } from '../errors.js';
import { interruptible } from '../interruption.js';
import { Progress } from '../progress.js';
import { errorReport } from '../report.js';
import { Store } from '../store/store.js';
import { duration, size, table } from '../table.js';
import { ARM_CPUS } from '../firmware/cpu.js';
import { type TargetRow, buildForTarget } from '../firmware/target.js';
import { type Built, build } from '../building/build.js';

export const help = `usage: thaw build [--store DIR] [--json] [--guards-off NAME,...] PROFILE.toml...
       thaw build --target CPU --root DIR|IMAGE [--output FILE] [options] PROFILE.toml...

For each profile: starts its app, waits until it is warm, exercises it, writes its image, proves the image with
a trial launch, and installs it. When something is wrong the old image stays. The app's output is kept beside the
image, in warmup.log and trial.log.

  --guards-off NAME,...    leave out guards of restored memory (for tests of what they guard against);
                           default: $THAW_GUARDS_OFF

For a device: boots its root file system under QEMU, does the same inside, and puts the store into the root, in
/var/lib/thaw, and thaw-exec, where the root has none, in /usr/bin. Paths in the profiles are those of the device.
Unless all profiles go well, the root stays what it was.

  --target CPU     aarch64 or armv7
  --root PATH      the device's root: a folder, or an image (squashfs, erofs, ext4), which is made again in one step
  --output FILE    write the new image there instead
  --kernel FILE    the device's kernel; with virtio (mmio, blk, console), overlayfs and squashfs. Default: Debian's
  --modules DIR    modules of that kernel, where these are not built in: .../lib/modules/VERSION
  --model CPU      QEMU's name of the device's CPU, as cortex-a53; an image needs all features that it was made with
  --memory MB      of the guest; images are kept there while they are made. Default: 2048
`;

interface Row {
  readonly name: string;
  readonly ms: number;
  readonly built?: Built;
  readonly error?: ThawError;
}

/** What the summary shows of it. */
interface SummaryRow {
  readonly name: string;
  readonly ms: number;
  readonly built?: Pick<Built, 'onDisk'> & {
    readonly report: Pick<Built['report'], 'threads' | 'mappings' | 'descriptors'>;
  };
}

const TARGET_OPTIONS = ['root', 'output', 'kernel', 'modules', 'model', 'memory'] as const;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    store: { type: 'string' },
    json: { type: 'boolean' },
    'guards-off': { type: 'string' },
    target: { type: 'string' },
    root: { type: 'string' },
    output: { type: 'string' },
    kernel: { type: 'string' },
    modules: { type: 'string' },
    model: { type: 'string' },
    memory: { type: 'string' },
  });
  if (positionals.length === 0) throw new UsageError('PROFILE.toml is missing');
  const { target } = values;
  if (target !== undefined) return buildInRoot(target, values, positionals);
  const stray = TARGET_OPTIONS.find((name) => values[name] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} is for builds with --target`);
  const store = new Store(values.store);
  // A mistake in the last definition shall not come to light after minutes of work on the first.
  const definitions = positionals.map((path) => readDefinition(path));
  const guardsOff = guards(values['guards-off']);
  const interruption = interruptible();
  const rows: Row[] = [];
  for (const definition of definitions) {
    rows.push(await buildOne(definition, store, guardsOff, interruption.signal));
    const interrupted = interruption.exitCode();
    if (interrupted !== undefined) return interrupted;
  }
  if (values.json === true) printJson(rows.map(json));
  else print(rows.length === 1 ? line(rows[0]) : summary(rows));
  return rows.some(({ error }) => error !== undefined) ? 1 : 0;
}

type TargetOption = (typeof TARGET_OPTIONS)[number];
type TargetValues = Readonly<
  Partial<Record<TargetOption | 'store' | 'guards-off', string> & { json: boolean }>
>;

async function buildInRoot(target: string, values: TargetValues, paths: readonly string[]): Promise<number> {
  const cpu = ARM_CPUS.find((name) => name === target);
  if (cpu === undefined) throw new UsageError(`--target is ${target}; accepted: ${ARM_CPUS.join(', ')}`);
  const { root, output, kernel, modules, model, memory } = values;
  if (root === undefined) throw new UsageError("--target needs --root, the device's root file system");
  if (values.store !== undefined)
    throw new UsageError('--store is not for --target: the store is in the root');
  const definitions = paths.map((path) => readDefinition(path, true));
  const interruption = interruptible();
  const guardsOff = guards(values['guards-off']);
  const request = { cpu, root, output, kernel, modules, model, memory, guardsOff };
  try {
    const rows = await buildForTarget(definitions, request, interruption.signal);
    if (values.json === true) printJson(rows);
    else print(summary(rows.map(rowOfTarget)));
    return rows.every(({ ok }) => ok) ? 0 : 1;
  } catch (error) {
    const interrupted = interruption.exitCode();
    if (interrupted === undefined) throw error;
    return interrupted;
  }
}

function rowOfTarget({ name, ms, onDisk = 0, report }: TargetRow): SummaryRow {
  return report === undefined ? { name, ms } : { name, ms, built: { onDisk, report } };
}

async function buildOne(
  definition: Definition,
  store: Store,
  guardsOff: readonly string[],
  interrupt: AbortSignal,
): Promise<Row> {
  const { name } = definition;
  const begin = performance.now();
  try {
    const progress = new Progress(name);
    const built = await build(definition, store, { guardsOff, progress, interrupt });
    return { name, ms: performance.now() - begin, built };
  } catch (error) {
    const told = error instanceof ThawError ? error : new ThawError(messageOf(error), { cause: error });
    process.stderr.write(errorReport(told));
    return { name, ms: performance.now() - begin, error: told };
  }
}

function json({ name, ms, built, error }: Row): unknown {
  if (error !== undefined) return { name, ok: false, ms, error: error.message, remedy: error.remedy ?? '' };
  return { ok: true, ms, ...built };
}

function line(row: Row | undefined): string {
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
