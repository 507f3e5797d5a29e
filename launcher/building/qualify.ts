// What every image goes through before launches use it: a training launch, a reading of what the storage has of it, and a trial launch.
import type { Definition } from '../definition/definition.js';
import { ThawError, messageOf } from '../errors.js';
import { type Image, type VerifyOptions, native } from '../native.js';
import type { Progress } from '../progress.js';
import { size } from '../table.js';
import { type Setting, lastLines } from '../app/app.js';
import { train } from '../training/train.js';
import { trial } from '../proving/trial.js';

const LOG_LINES = 10;

/** Records the working set of `image`, which is not installed yet, and proves that its app works. @throws ThawError */
export async function trainAndProve(
  definition: Definition,
  image: string,
  setting: Setting,
  log: string,
  progress: Progress,
  interrupt: AbortSignal,
): Promise<void> {
  verify(image, setting, { data: false });
  await progress.step(
    'train',
    () => train(definition, image, setting, log, interrupt),
    () => trained(native.show(image)),
  );
  await progress.step('verify', () => {
    verify(image, setting, { data: true, fromStorage: true });
  });
  await progress.step('trial launch', () => trial(definition, image, setting, log, interrupt));
}

function verify(image: string, { account }: Setting, options: VerifyOptions): void {
  const { problems } = native.verify(image, options);
  // Another user's image is not for the builder: the trial, as that user, will tell.
  const real = problems.filter(({ condition }) => condition !== 'user' || account.change === undefined);
  const [first] = real;
  if (first === undefined) return;
  throw new ThawError(real.map(({ what }) => what).join('\n'), { remedy: first.remedy });
}

function trained({ header, workingSet }: Image): string {
  return size((workingSet.readPages + workingSet.writtenPages) * header.pageSize);
}

/** An error of work on a profile, with the end of what its app wrote. */
export function explained(name: string, log: string, error: unknown): ThawError {
  const lines = lastLines(log, LOG_LINES);
  const output = lines.length === 0 ? '' : `\n  ${log}:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
  const remedy = error instanceof ThawError ? error.remedy : undefined;
  return new ThawError(`${name}: ${messageOf(error)}${output}`, { remedy, cause: error });
}
