// What every image goes through before launches use it: a training launch, a reading of what the storage has of it, and a
// trial launch.
import type { ImageLaunch } from '../app/launch.js';
import { type Image, native } from '../engine/index.js';
import type { Progress } from '../progress.js';
import { trial } from '../proving/trial.js';
import { verify } from '../proving/verify.js';
import { size } from '../units.js';
import { train } from '../training/train.js';

const NO_ROOM =
  'the working set does not stand first in the image, so that launches from slow storage take longer\n' +
  '    make room for one more image in the store, then thaw train';

/**
 * Records the working set of an image that is not installed yet, and proves that its app works.
 *
 * @returns whether the image was written anew for it
 * @throws ThawError
 */
export async function qualify(launch: ImageLaunch, progress: Progress): Promise<boolean> {
  const { image, setting } = launch;
  verify(image, setting, { data: false });
  const order = await progress.step(
    'train',
    () => train(launch),
    () => trained(native.show(image)),
  );
  if (order === 'no room') progress.warn(NO_ROOM);
  await progress.step('verify', () => {
    verify(image, setting, { data: true, fromStorage: true });
  });
  await progress.step('trial launch', () => trial(launch, progress));
  return order === 'first';
}

function trained({ header, workingSet }: Image): string {
  return size((workingSet.readPages + workingSet.writtenPages) * header.pageSize);
}
