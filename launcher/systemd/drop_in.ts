// The drop-in that puts thaw-exec before a service's program.
import type { EnvironmentPlan } from './warm_environment.js';
import type { ExecLine } from './exec_line.js';
import { quotedWord } from './words.js';

/** It sorts behind override.conf of `systemctl edit`, which would else start the program itself again. */
export const DROP_IN = 'zz-thaw.conf';

export interface DropIn {
  readonly unit: string;
  readonly profile: string;
  readonly execLine: ExecLine;
  readonly thawExec: string;
  /** undefined: where thaw-exec looks by itself. */
  readonly stores: readonly string[] | undefined;
  readonly isNotify: boolean;
  readonly environment: EnvironmentPlan;
  readonly triesFilter: boolean;
  /** For SystemCallFilter=. */
  readonly calls: readonly string[];
}

const HEADER = '# Written by thaw unit';

/** Whether `text` is of a drop-in that thaw has written. */
export function isDropIn(text: string): boolean {
  return text.startsWith(HEADER);
}

export function dropInText(plan: DropIn): string {
  const { unit, profile, execLine, environment } = plan;
  const { set, unset } = environment;
  return [
    `${HEADER} ${unit}, for the image of the profile ${profile}; thaw unit --revert ${unit} takes it away.`,
    `# Instead of: ExecStart=${execLine.prefixes}${execLine.program}${execLine.rest}`,
    '[Service]',
    'ExecStart=',
    `ExecStart=${execLine.prefixes}${command(plan)} -- ${execLine.program}${execLine.rest}`,
    ...(Object.keys(set).length + unset.length === 0 ? [] : ['# As the app was warmed up:']),
    ...Object.entries(set).map(([name, value]) => `Environment=${quotedWord(`${name}=${value}`)}`),
    ...(unset.length === 0 ? [] : [`UnsetEnvironment=${unset.join(' ')}`]),
    ...(plan.triesFilter
      ? ['# The filter of system calls lets a child process try it:', 'Environment=THAW_FILTER=try']
      : []),
    ...(plan.calls.length === 0
      ? []
      : ['# What a launch calls:', `SystemCallFilter=${plan.calls.join(' ')}`]),
    '',
  ].join('\n');
}

function command({ thawExec, stores, isNotify }: DropIn): string {
  return [
    quotedWord(thawExec),
    ...(stores === undefined ? [] : ['--store', quotedWord(stores.join(':'), true)]),
    ...(isNotify ? ['--notify'] : []),
  ].join(' ');
}
