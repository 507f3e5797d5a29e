// Launches of an image that is not installed yet: what training and proving have in common.
import type { Definition } from '../definition/schema.js';
import { type FaultRecorder, native } from '../engine/index.js';
import { App } from './app.js';
import type { Setting } from './setting.js';

export interface ImageLaunch {
  readonly definition: Definition;
  readonly image: string;
  readonly setting: Setting;
  /** File for what the app writes. */
  readonly log: string;
  readonly interrupt: AbortSignal;
}

/**
 * Launches the image with its own arguments; it never starts cold, nor where an instance before has changed the app's files.
 * `env` is added to the app's. @throws ThawError
 */
export function launch(
  { definition: { program, args }, image, setting, log }: ImageLaunch,
  env: Setting['env'] = {},
  faults?: FaultRecorder,
): App {
  const thawExec = native.thawExec();
  const command = [
    thawExec,
    '--image',
    image,
    '--no-fallback',
    '--any-inputs',
    '--',
    program,
    ...args,
  ] as const;
  return new App(
    command,
    { ...setting, env: { THAW_LOG: 'warn', ...setting.env, ...env }, kept: true },
    log,
    faults === undefined ? {} : { faults },
  );
}
