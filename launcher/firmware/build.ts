// Build-time profiles: the images of a device's apps, made on another machine in the device's own root file system. The root is
// booted under QEMU, its profiles are built inside, and the store is put into the root. Until the last step the root stays what
// it was.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { ThawError } from '../errors.js';
import { native } from '../engine/index.js';
import { logOf, msSince } from '../log.js';
import { Progress } from '../progress.js';
import { size } from '../units.js';
import { Guest, type GuestSetting, type TargetRow, expectGuests } from './guest.js';
import { type Root, openRoot } from './roots/index.js';
import { diskUsage, imagesIn } from './store.js';

const firmwareLog = logOf('firmware');

export interface TargetRequest extends GuestSetting {
  /** The device's root: a folder, or an image. */
  readonly root: string;
  /** Where the new root goes; default: in place of the old one. */
  readonly output?: string | undefined;
  /** Takes what the guest has made, by the device's paths, in place of the root, which stays as it is. */
  readonly deliver?: (additions: string) => Promise<void>;
  /** What progress is told under; default: the CPU. */
  readonly title?: string;
}

/** Returns how each profile went; unless all went well, the root is what it was. @throws ThawError */
export async function buildForTarget(
  definitions: readonly Definition[],
  request: TargetRequest,
  interrupt: AbortSignal,
): Promise<readonly TargetRow[]> {
  expectGuests();
  expectDifferentNames(definitions);
  expectOwners(definitions);
  const root = openRoot(request.root);
  const { deliver } = request;
  if (deliver === undefined) root.expectWritable(request.output);
  const progress = new Progress(request.title ?? request.cpu);
  const work = mkdtempSync(join(tmpdir(), 'thaw-target-'));
  try {
    const image = await progress.step(
      'root',
      () => root.image(work),
      () => root.what,
    );
    const guest = new Guest(request, work, interrupt);
    const rows = await guest.build(image, definitions, progress);
    if (rows.every(({ ok }) => ok)) {
      await progress.step(
        'verify',
        () => {
          expectForeignFree(guest.additions);
        },
        () => `${imagesIn(guest.additions).length} images`,
      );
      interrupt.throwIfAborted();
      await (deliver?.(guest.additions) ?? addStore(root, guest.additions, request, progress));
    }
    return rows;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function addStore(
  root: Root,
  additions: string,
  { root: path, output }: TargetRequest,
  progress: Progress,
): Promise<void> {
  const begin = performance.now();
  await progress.step(
    `write ${output ?? path}`,
    () => root.add(additions, output),
    () => `${size(diskUsage(additions))} added`,
  );
  firmwareLog.info({ root: output ?? path, bytes: diskUsage(additions), ms: msSince(begin) }, 'store added');
}

/** An image that depends on the guest's own files could not be launched on the device. */
function expectForeignFree(additions: string): void {
  for (const image of imagesIn(additions)) {
    const { files, requirements } = native.show(image);
    const foreign = files.find(({ path }) => path.startsWith('/run/guest/') || path.startsWith('/in/'));
    if (foreign !== undefined)
      throw new ThawError(
        `the image of ${requirements.profile} uses ${foreign.path}, which the device does not have`,
        { remedy: 'install that program in the root, or correct the profile' },
      );
  }
}

/** An image is for the profile's user alone, and only root can make files of other owners. */
function expectOwners(definitions: readonly Definition[]): void {
  const foreign = definitions.find(({ user }) => user !== undefined && user !== 'root' && user !== '0');
  if (foreign === undefined || process.geteuid?.() === 0) return;
  throw new ThawError(
    `the image of ${foreign.name} is for user ${foreign.user ?? ''}, to whom only root can give it`,
    {
      remedy: 'run this as root or under fakeroot',
    },
  );
}

function expectDifferentNames(definitions: readonly Definition[]): void {
  const seen = new Set<string>();
  for (const { name, file } of definitions) {
    if (seen.has(name)) throw new ThawError(`${file}: the name ${name} is another profile's, too`);
    seen.add(name);
  }
}
