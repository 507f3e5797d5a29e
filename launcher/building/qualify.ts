// What every image goes through before launches use it: a training launch, a reading of what the storage has of it, and a
// trial launch.
import type { ImageLaunch } from '../app/launch.js';
import { type Image, native } from '../engine/index.js';
import type { Progress } from '../progress.js';
import { trial } from '../proving/trial.js';
import { verify } from '../proving/verify.js';
import { size } from '../units.js';
import { train } from '../training/train.js';

/** Records the working set of an image that is not installed yet, and proves that its app works. @throws ThawError */
export async function qualify(launch: ImageLaunch, progress: Progress): Promise<void> {
  const { image, setting } = launch;
  verify(image, setting, { data: false });
  await progress.step(
    'train',
    () => train(launch),
    () => trained(native.show(image)),
  );
  await progress.step('verify', () => {
    verify(image, setting, { data: true, fromStorage: true });
  });
  await progress.step('trial launch', () => trial(launch, progress));
}

function trained({ header, workingSet }: Image): string {
  return size((workingSet.readPages + workingSet.writtenPages) * header.pageSize);
}
