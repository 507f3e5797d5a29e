// How a device mounts a sealed store at its boot.
import type { Verity } from './verity.js';

export interface Place {
  /** The store's file, or its partition, on the device. */
  readonly what: string;
  readonly where: string;
  readonly type: string;
  readonly verity: Verity | undefined;
}

/** Nothing in a store is executed, and none of it is a device. */
const OPTIONS = ['ro', 'nosuid', 'nodev', 'noexec'];

const VERITY_NAME = 'thaw-store';

/** A unit's name for a path (systemd.unit(5)): - stands for a slash, \xNN for all that is not plain. */
export function unitName(path: string): string {
  const trimmed = path.replace(/^\/+|\/+$/g, '').replace(/\/+/g, '/');
  const escaped = Array.from(Buffer.from(trimmed), (byte, i) => {
    const char = String.fromCharCode(byte);
    if (char === '/') return '-';
    const plain = /[\w:]/.test(char) || (char === '.' && i > 0);
    return plain ? char : `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return escaped.length === 0 ? '-' : escaped.join('');
}

/** What is mounted: with dm-verity, the device that it makes of the file. */
function source({ what, verity }: Place): { readonly what: string; readonly options: readonly string[] } {
  if (verity !== undefined) return { what: `/dev/mapper/${VERITY_NAME}`, options: OPTIONS };
  return { what, options: what.startsWith('/dev/') ? OPTIONS : ['loop', ...OPTIONS] };
}

export function mountUnit(place: Place): { readonly name: string; readonly text: string } {
  const { what, options } = source(place);
  const { where, type, verity } = place;
  const service = `systemd-veritysetup@${unitName(VERITY_NAME)}.service`;
  const needs = verity === undefined ? [] : [`Requires=${service}`, `After=${service}`];
  const lines = [
    ...['[Unit]', 'Description=Warm apps', ...needs, ''],
    ...['[Mount]', `What=${what}`, `Where=${where}`, `Type=${type}`, `Options=${options.join(',')}`, ''],
    ...['[Install]', 'WantedBy=local-fs.target'],
  ];
  return { name: `${unitName(where)}.mount`, text: `${lines.join('\n')}\n` };
}

export function fstabLine(place: Place): string {
  const { what, options } = source(place);
  const escaped = [what, place.where].map((path) => path.replaceAll('\\', '\\134').replaceAll(' ', '\\040'));
  return [...escaped, place.type, options.join(','), '0', '0'].join(' ');
}

/** A line of /etc/veritytab (veritytab(5)), and the command that does the same by hand. */
export function verityLines(
  place: Place,
): { readonly veritytab: string; readonly command: string } | undefined {
  const { what, verity } = place;
  if (verity === undefined) return undefined;
  const { rootHash, hashOffset } = verity;
  return {
    veritytab: `${VERITY_NAME} ${what} ${what} ${rootHash} hash-offset=${hashOffset}`,
    command: `veritysetup open --hash-offset=${hashOffset} ${what} ${VERITY_NAME} ${what} ${rootHash}`,
  };
}
