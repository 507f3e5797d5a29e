// Who listens where, from the kernel's own table.
import { readFileSync } from 'node:fs';

const LISTEN = '0A';

/** True if somebody listens on the port, in the network namespace of process `pid`. */
export function listens(port: number, pid: number | 'self' = 'self'): boolean {
  return [`/proc/${pid}/net/tcp`, `/proc/${pid}/net/tcp6`].some((table) =>
    lines(table).some((line) => isListener(line, port)),
  );
}

/** A line reads "0: 0100007F:1F90 00000000:0000 0A ...": local address, remote address, state, in hexadecimal. */
function isListener(line: string, port: number): boolean {
  const [, local = '', , state] = line.trim().split(/\s+/);
  return state === LISTEN && parseInt(local.split(':')[1] ?? '', 16) === port;
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1);
  } catch {
    return []; // No IPv6 here.
  }
}
