// The image of an app that is warm.
import { type CheckpointReport, environmentList, native } from '../engine/index.js';
import { size } from '../units.js';
import { type WarmUp, whenWarm } from './warm_up.js';

/** Warms the app up and writes its image; ends the app. @throws ThawError */
export function checkpointWarm(
  warmUp: WarmUp,
  image: string,
  guardsOff: readonly string[],
): Promise<CheckpointReport> {
  const { progress } = warmUp;
  return whenWarm(warmUp, ({ pid }, { callAddress }) =>
    progress.step(
      'checkpoint',
      () =>
        checkpoint(warmUp, pid, { image, guardsOff, ...(callAddress === undefined ? {} : { callAddress }) }),
      (report) => size(report.storedBytes),
    ),
  );
}

async function checkpoint(
  { definition, interrupt }: WarmUp,
  pid: number,
  more: { readonly image: string; readonly guardsOff: readonly string[]; readonly callAddress?: string },
): Promise<CheckpointReport> {
  const { name, program, args, env, cwd, policies, launch } = definition;
  interrupt.throwIfAborted();
  const report = await native.checkpoint({
    pid,
    leaveRunning: false,
    policies,
    program,
    args: [program, ...args],
    env: environmentList(env),
    cwd,
    profile: name,
    deliver: launch.args === 'deliver',
    inherit: launch.inherit,
    ...more,
  });
  interrupt.throwIfAborted(); // It could not be stopped in between.
  return report;
}
