// Launches of an image that is not installed yet: what training and proving have in common.
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import type { Definition } from '../definition/schema.js';
import { type FaultRecorder, type ImageProcess, native } from '../engine/index.js';
import { ThawError } from '../errors.js';
import { procText } from '../instances/processes.js';
import { App } from './app.js';
import type { Setting } from './setting.js';

export interface ImageLaunch {
  readonly definition: Definition;
  readonly image: string;
  readonly setting: Setting;
  /** File for what the app writes. */
  readonly log: string;
  readonly interrupt: AbortSignal;
}

/**
 * What keeps others away from its data trusts that nobody changes them: a launch would write what it remembers over what an
 * instance before has left, as a database server would that does not know of the last transactions.
 */
function expectOwnData(image: string): void {
  const { processes, inputs } = native.show(image);
  const locks = processes.some(
    ({ descriptors, idNotices, mappings }) =>
      descriptors.some(({ policy }) => policy === 'relock') ||
      idNotices.some(({ form }) => form === 'written pid file') ||
      mappings.some(({ name }) => name.startsWith('/SYSV')),
  );
  const written = inputs.filter((input) => input.written);
  if (!locks || written.length === 0) return;
  const { problems } = native.verify(image, { data: false });
  const changed = problems.find(
    ({ condition, what }) => condition === 'input' && written.some(({ path }) => what.startsWith(`${path} `)),
  );
  if (changed === undefined) return;
  throw new ThawError(`${changed.what}, by an instance of the build, and the app locks its data`, {
    remedy:
      'take the checkpoint before the app reads them (warmup.until = { syscall = ... } or { call = true }), or let it only read them: see docs/how-to/postgresql.md',
  });
}

/**
 * Launches the image with its own arguments; it never starts cold, and goes on where an instance before has changed the app's
 * files, unless the app locks them. `env` is added to the app's. @throws ThawError
 */
export function launch(
  { definition: { program, args }, image, setting, log }: ImageLaunch,
  env: Setting['env'] = {},
  faults?: FaultRecorder,
): App {
  expectOwnData(image);
  const thawExec = native.thawExec();
  const command = [
    thawExec,
    '--image',
    image,
    '--no-fallback',
    '--any-inputs',
    '--',
    program,
    ...args,
  ] as const;
  return new App(
    command,
    { ...setting, env: { THAW_LOG: 'warn', ...setting.env, ...env }, kept: true },
    log,
    faults === undefined ? {} : { faults },
  );
}

/** What the kernel keeps of a process's name (TASK_COMM_LEN). */
const NAME_LENGTH = 15;
const RETRY_MS = 20;

/**
 * Resolves when the launch is over: the app runs, or has ended, or the time is over. Until then nothing that happens tells anything
 * of the app, and signals wait: on a busy machine, a conversation with a server may take longer than an app is watched for.
 */
export async function launchOver(
  { definition: { warmup }, image, interrupt }: ImageLaunch,
  app: App,
): Promise<void> {
  const launcher = basename(native.thawExec()).slice(0, NAME_LENGTH);
  const [root] = native.show(image).processes;
  const ended = app.exit.then(() => true);
  const deadline = performance.now() + warmup.timeoutMs;
  while (performance.now() < deadline) {
    const pid = restored(root, app.pid);
    const name = pid === undefined ? undefined : procText(`${pid}/comm`)?.trim();
    if (name !== undefined && ![launcher, ''].includes(name)) return;
    if (await Promise.race([ended, setTimeout(RETRY_MS, false, { signal: interrupt })])) return;
  }
}

/**
 * The process that has the app's memory, of a launch that was started as `started`: where the image keeps its pid, that is a
 * child, for which `started` stands. undefined: it has ended.
 */
export function processOf(image: string, started: number): number | undefined {
  return restored(native.show(image).processes[0], started);
}

function restored(root: ImageProcess | undefined, started: number): number | undefined {
  if (root?.keepsPid !== true) return started;
  const children = (procText(`${started}/task/${started}/children`) ?? '')
    .split(' ')
    .filter(Boolean)
    .map(Number);
  // The last of them is the id in the innermost namespace.
  return children.find((pid) =>
    new RegExp(`^NSpid:.*\\b${root.pid}$`, 'm').test(procText(`${pid}/status`) ?? ''),
  );
}
