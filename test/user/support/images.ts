// Images of ARM programs, for emulation that has no ptrace to make them: a guest of that CPU does.
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { GuestCpu } from '../../../launcher/cpus.js';
import { alone } from '../../engine/support/cores.js';
import { root } from '../../engine/support/paths.js';
import { runGuest, said } from '../../system/support/guest.js';

export const imageApps = ['actor', 'threads', 'fd_epoll', 'memory_file'] as const;

/** Where the images of a CPU are; APP.thaw. */
export function imageFolder(cpu: GuestCpu): string {
  return join(root, 'build', cpu, 'images');
}

/** Starts each app, waits until it is ready, and takes its image; as a user would by hand. */
const script = `set -e
for app in ${imageApps.join(' ')}; do
  folder=/tmp/$app; mkdir $folder
  "$1/apps/clean" "$1/apps/$app" $folder/.status $folder/go $folder </dev/null >$folder/output 2>&1 &
  tries=0
  until [ -e $folder/.status ]; do
    tries=$((tries + 1)); [ $tries -lt 600 ] || { cat $folder/output >&2; exit 1; }
    sleep 0.1
  done
  node /share/dist/launcher/cli.js checkpoint --pid $! --image /out/$app.thaw \
    --policy "type=file,path=$folder/output,action=append"
done`;

/** Has a guest make the images, if there are none or the engine is newer. @throws Error with what the guest said */
export function makeImages(cpu: GuestCpu): Promise<string> {
  return alone(`images for ${cpu}`, () => makeImagesUnlessThere(cpu));
}

async function makeImagesUnlessThere(cpu: GuestCpu): Promise<string> {
  const folder = imageFolder(cpu);
  const engine = join(root, 'build', cpu, 'thaw.node');
  if (existsSync(folder) && statSync(folder).mtimeMs > statSync(engine).mtimeMs) return folder;
  const aside = `${folder}.new`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  const outcome = await runGuest({
    cpu,
    command: ['sh', '-c', script, 'sh', `/share/build/${cpu}`],
    out: aside,
  });
  if (outcome.status !== 0) throw new Error(`no images for ${cpu}: ${said(outcome)}`);
  rmSync(folder, { recursive: true, force: true });
  renameSync(aside, folder);
  return folder;
}
