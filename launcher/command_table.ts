// The commands of thaw: help, manual pages and completions are made from this table (scripts/reference/).
import type { Command } from './command.js';

export interface Row {
  readonly name: string;
  readonly summary: string;
  /** Loaded when called: `thaw run` shall not wait for what only `thaw build` needs. */
  readonly load: () => Promise<{ readonly default: Command }>;
}

// prettier-ignore
export const COMMANDS: readonly Row[] = [
  { name: 'build', summary: 'start, warm up and checkpoint an app, prove and install its image; or do so in a device\'s root', load: () => import('./commands/build.js') },
  { name: 'rebuild', summary: 'build anew the images that launches found out of date', load: () => import('./commands/rebuild.js') },
  { name: 'train', summary: 'record anew which pages a launch touches', load: () => import('./commands/train.js') },
  { name: 'run', summary: 'become the app of a profile, warm if possible', load: () => import('./commands/run.js') },
  { name: 'list', summary: 'the profiles in the store', load: () => import('./commands/list.js') },
  { name: 'show', summary: 'what an image holds', load: () => import('./commands/show.js') },
  { name: 'top', summary: 'running instances of images, and their memory', load: () => import('./commands/top.js') },
  { name: 'verify', summary: 'whether an image can be launched here and now, or fits a device\'s root', load: () => import('./commands/verify.js') },
  { name: 'sign', summary: 'sign images, for devices that launch nothing without a signature', load: () => import('./commands/sign.js') },
  { name: 'remove', summary: 'remove profiles with their images', load: () => import('./commands/remove.js') },
  { name: 'gc', summary: 'remove images that nothing uses any more', load: () => import('./commands/gc.js') },
  { name: 'pack', summary: 'make one read-only, compressed file of a store, for devices', load: () => import('./commands/pack.js') },
  { name: 'push', summary: 'put stores into a registry, from which devices take theirs', load: () => import('./commands/push.js') },
  { name: 'pull', summary: 'get the store that is for this device from a registry', load: () => import('./commands/pull.js') },
  { name: 'report', summary: 'a page that shows a profile: times, memory, inputs, history', load: () => import('./commands/report.js') },
  { name: 'unit', summary: 'a drop-in that launches a systemd service from its image', load: () => import('./commands/unit.js') },
  { name: 'daemon', summary: 'keep images fresh: build those anew that are out of date, when the device is idle', load: () => import('./commands/daemon.js') },
  { name: 'bench', summary: 'how long an installed profile takes to start, cold and warm', load: () => import('./commands/bench.js') },
  { name: 'checkpoint', summary: 'write the image of a running process', load: () => import('./commands/checkpoint.js') },
  { name: 'restore', summary: 'become the process of an image', load: () => import('./commands/restore.js') },
  { name: 'doctor', summary: 'what this device or a process can and cannot do', load: () => import('./commands/doctor.js') },
];

export const ABOUT = 'exec() that skips the warm-up: starts big apps on small Linux devices at once.';

export const NOTES = `
thaw COMMAND --help says more. The store is --store DIR, else $THAW_STORE, else /var/lib/thaw for root and
\${XDG_STATE_HOME:-~/.local/state}/thaw for others; several, with a colon between two, are looked into in order.
Exit code: 0 done, 1 failure, 2 wrong usage.`;
