// The disk that a path is on, and how much its kernel reads at once.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';

import { ThawError } from '../launcher/errors.js';
import { output } from './command.js';
import { setUp } from './lacking.js';

/** What kernels read around a fault by default (VM_READAHEAD_PAGES), as on devices. */
export const READ_AHEAD_KB = 128;

/** "major:minor" of the whole disk: a partition cannot be limited. @throws ThawError if there is none */
export function diskOf(path: string): string {
  const { dev } = statSync(path);
  const major = ((dev >>> 8) & 0xfff).toString();
  const minor = ((dev & 0xff) | ((dev >>> 12) & 0xfff00)).toString();
  const folder = `/sys/dev/block/${major}:${minor}`;
  if (!existsSync(folder)) throw new ThawError(`${path} is not on a disk`);
  return readFileSync(
    existsSync(`${folder}/partition`) ? `${folder}/../dev` : `${folder}/dev`,
    'utf8',
  ).trim();
}

/** Sets the same for what is mounted there: loop devices take over what the disk beneath has. */
export function readAheadAsDevices(mounted: string): void {
  const device = output(['mountpoint', '--fs-devno', mounted]).trim();
  writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, String(READ_AHEAD_KB));
}

/**
 * Does `work` while the disk that holds `path` reads ahead as devices do. Build machines may read megabytes around each fault, which says nothing
 * about a device. @throws LackingError if that cannot be set here
 */
export async function withDevicesReadAhead(path: string, work: () => Promise<void>): Promise<void> {
  const { file, before } = setUp('cannot set how much the disk reads ahead', () => {
    const file = `/sys/dev/block/${diskOf(path)}/queue/read_ahead_kb`;
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, String(READ_AHEAD_KB));
    return { file, before };
  });
  try {
    await work();
  } finally {
    writeFileSync(file, before);
  }
}
