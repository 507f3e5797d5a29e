// What a systemd unit with a filter of system calls has to say for an image to be launched there (docs/filter.md).
import type { Image } from '../engine/index.js';

/** What 32-bit ARM calls some of them, in one libc or another; names that a kernel does not know do no harm. */
export const ARMV7_NAMES: readonly string[] = [
  '_llseek',
  'arm_fadvise64_64',
  'fchown32',
  'fcntl64',
  'fstatfs64',
  'ftruncate64',
  'futex_time64',
  'getegid32',
  'geteuid32',
  'getgid32',
  'getuid32',
  'mmap2',
  'rt_sigtimedwait_time64',
  'sendfile64',
  'statx',
  'timer_settime64',
  'timerfd_settime64',
  'utimensat_time64',
];

/** The calls of a launch, by name. */
export function callsOf({ header, calls }: Image): string[] {
  return [...new Set([...calls, ...(header.cpu === 'armv7' ? ARMV7_NAMES : [])])].sort();
}

/** Lines for its [Service]; those of other lines are allowed as well. */
export function filterLines(image: Image): string {
  return `SystemCallFilter=${callsOf(image).join(' ')}\nEnvironment=THAW_FILTER=try\n`;
}
