// The tables of test apps (table.ts), as guests are told to check them.
import type { GuestCpu } from '../../../launcher/cpus.js';
import type { GuestOptions } from './guest.js';

/** Has the guest check one of the tables as root or as an ordinary user. */
export function tableCommand(
  cpu: GuestCpu,
  identity: 'root' | 'user',
  table: 'apps' | 'trees' | 'refusals',
): Pick<GuestOptions, 'user' | 'command'> {
  const script = '/share/dist/test/system/support/table.js';
  return {
    user: identity === 'root' ? 'root' : 'kiosk',
    command: ['node', script, `/share/build/${cpu}`, '/tmp/apps', identity, table],
  };
}

/** The lines that the guest has said. */
export function rowsSaid(stdout: string): Record<'ok' | 'skip' | 'bad', string[]> {
  const lines = stdout.split('\n');
  const starting = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `));
  return { ok: starting('ok'), skip: starting('skip'), bad: starting('bad') };
}
