// Storage as slow as a device's flash: the kernel limits what this process and its children read from one disk.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ThawError } from '../launcher/errors.js';
import { diskOf } from './disk.js';
import { setUp } from './lacking.js';

const GROUP = 'thaw-bench';

interface Controller {
  /** The folder of the control group that all processes are in at first. */
  readonly root: string;
  readonly file: string;
  readonly limit: (device: string, bytesPerSecond: number) => string;
}

/** Does `work` with reads from the disk that holds `path` limited. @throws LackingError saying why that is not possible here */
export async function throttled(
  path: string,
  bytesPerSecond: number,
  work: () => Promise<void>,
): Promise<void> {
  const { group, before } = setUp('cannot limit what is read from the disk', () => {
    const { root, file, limit } = controller();
    const group = join(root, GROUP);
    const before = ownGroup(root);
    mkdirSync(group, { recursive: true });
    writeFileSync(join(group, file), limit(diskOf(path), bytesPerSecond));
    writeFileSync(join(group, 'cgroup.procs'), String(process.pid));
    return { group, before };
  });
  try {
    await work();
  } finally {
    writeFileSync(join(before, 'cgroup.procs'), String(process.pid));
    rmdirSync(group);
  }
}

/** cgroup v2's io.max where the io controller is there, else v1's blkio.throttle. */
function controller(): Controller {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  for (const [, root = '', type] of mounts) {
    if (type !== 'cgroup2' || !/\bio\b/.test(readFileSync(join(root, 'cgroup.controllers'), 'utf8')))
      continue;
    try {
      writeFileSync(join(root, 'cgroup.subtree_control'), '+io');
    } catch {
      continue; // The controller cannot be switched on in every place that offers it.
    }
    return { root, file: 'io.max', limit: (device, rate) => `${device} rbps=${rate}` };
  }
  const v1 = mounts.find(
    ([, , type, options = '']) => type === 'cgroup' && options.split(',').includes('blkio'),
  )?.[1];
  if (v1 !== undefined && existsSync(join(v1, 'blkio.throttle.read_bps_device')))
    return { root: v1, file: 'blkio.throttle.read_bps_device', limit: (device, rate) => `${device} ${rate}` };
  throw new ThawError('this kernel has neither the io controller of cgroup v2 nor blkio.throttle of v1');
}

/** Where this process is now, to go back to. */
function ownGroup(root: string): string {
  const lines = readFileSync('/proc/self/cgroup', 'utf8').trim().split('\n');
  const line =
    lines.find((one) => /^\d+:[^:]*blkio[^:]*:/.test(one)) ?? lines.find((one) => one.startsWith('0::'));
  return join(root, line?.split(':')[2] ?? '/');
}
