// Build-time profiles: the images of a device's apps, made on another machine in the device's own root file system. The root is
// booted under QEMU, its profiles are built inside, and the store is put into the root. Until the last step the root stays what
// it was.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Definition } from '../definition/schema.js';
import { ThawError } from '../errors.js';
import { native } from '../engine/index.js';
import { Progress } from '../progress.js';
import { size } from '../units.js';
import { Guest, type GuestSetting } from './guest.js';
import { type Root, openRoot } from './root.js';
import { diskUsage, imagesIn } from './store.js';

/** What the guest's `thaw build --json` says of each profile. */
export interface TargetRow {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly onDisk?: number;
  readonly error?: string;
  readonly report?: { readonly threads: number; readonly mappings: number; readonly descriptors: number };
}

export interface TargetRequest extends GuestSetting {
  /** The device's root: a folder, or an image. */
  readonly root: string;
  /** Where the new root goes; default: in place of the old one. */
  readonly output?: string | undefined;
}

/** Returns how each profile went; unless all went well, the root is what it was. @throws ThawError */
export async function buildForTarget(
  definitions: readonly Definition[],
  request: TargetRequest,
  interrupt: AbortSignal,
): Promise<readonly TargetRow[]> {
  expectDifferentNames(definitions);
  const root = openRoot(request.root);
  root.expectWritable(request.output);
  const progress = new Progress(request.cpu);
  const work = mkdtempSync(join(tmpdir(), 'thaw-target-'));
  try {
    const image = await progress.step(
      'root',
      () => root.image(work),
      () => root.what,
    );
    const guest = new Guest(request, work, interrupt);
    const rows = await guest.build(image, definitions, progress);
    if (rows.every(({ ok }) => ok)) await addStore(root, guest.additions, request, progress, interrupt);
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
  interrupt: AbortSignal,
): Promise<void> {
  await progress.step(
    'verify',
    () => {
      expectForeignFree(additions);
    },
    () => `${imagesIn(additions).length} images`,
  );
  interrupt.throwIfAborted();
  await progress.step(
    `write ${output ?? path}`,
    () => root.add(additions, output),
    () => `${size(diskUsage(additions))} added`,
  );
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

function expectDifferentNames(definitions: readonly Definition[]): void {
  const seen = new Set<string>();
  for (const { name, file } of definitions) {
    if (seen.has(name)) throw new ThawError(`${file}: the name ${name} is another profile's, too`);
    seen.add(name);
  }
}
