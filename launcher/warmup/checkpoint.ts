// The image of an app that is warm.
import { type CheckpointOptions, type CheckpointReport, environmentList, native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import { size } from '../units.js';
import { type Warm, type WarmUp, whenWarm } from './warm_up.js';

const checkpointLog = logOf('checkpoint');

/** Warms the app up and writes its image; ends the app. @throws ThawError */
export function checkpointWarm(
  warmUp: WarmUp,
  image: string,
  guardsOff: readonly string[],
): Promise<CheckpointReport> {
  const { progress } = warmUp;
  return whenWarm(warmUp, (warm) =>
    progress.step(
      'checkpoint',
      () => checkpoint(warmUp, warm, { image, guardsOff, startedWith: environmentList(warm.env) }),
      (report) => size(report.storedBytes),
    ),
  );
}

async function checkpoint(
  { definition, interrupt, progress }: WarmUp,
  { app: { pid }, ready: { callAddress }, watch, lent }: Warm,
  more: Pick<CheckpointOptions, 'image' | 'guardsOff' | 'startedWith'>,
): Promise<CheckpointReport> {
  const { name, program, args, env, cwd, policies, launch, clocks, inputs, images } = definition;
  interrupt.throwIfAborted();
  const begin = performance.now();
  checkpointLog.debug({ pid, image: more.image, guardsOff: more.guardsOff }, 'checkpoint begins');
  const report = await native.checkpoint({
    pid,
    leaveRunning: false,
    policies,
    program,
    args: [program, ...args],
    env: environmentList(env),
    environmentRule: launch.env,
    ignoredVariables: launch.ignore_env,
    cwd,
    anyFolder: launch.cwd === 'any',
    profile: name,
    deliver: launch.args === 'deliver',
    clocksJump: clocks === 'jump',
    inherit: launch.inherit,
    keepPid: launch.keep_pid,
    pidNamespace: launch.pids !== 'corrected',
    userNamespace: launch.pids === 'user-namespace',
    layouts: images,
    ...(launch.guard === false ? {} : { guard: launch.guard }),
    ...more,
    ...(callAddress === undefined ? {} : { callAddress }),
    ...(watch === undefined
      ? {}
      : {
          inputs: {
            watch,
            ignore: [...inputs.ignore, ...lent],
            add: inputs.add,
            ignoreMachine: inputs.ignore_machine,
            rootIdentity: inputs.root_identity,
          },
        }),
  });
  const { storedBytes: bytes, threads, mappings, descriptors, frozenMs } = report;
  checkpointLog.info(
    { pid, image: more.image, bytes, threads, mappings, descriptors, frozenMs, ms: msSince(begin) },
    'checkpointed',
  );
  for (const warning of report.warnings) progress.warn(warning);
  interrupt.throwIfAborted(); // It could not be stopped in between.
  return report;
}
