// Specifiers of unit files, as far as the unit's name and file tell them (systemd.unit(5)). Others are not guessed.
import { dirname } from 'node:path';

import { ThawError } from '../errors.js';

/** What they stand for in a unit of the system's service manager. */
function known(name: string, file: string): Readonly<Record<string, string>> {
  const stem = name.replace(/\.[^.]*$/, '');
  const at = stem.indexOf('@');
  const [prefix, instance] = at < 0 ? [stem, ''] : [stem.slice(0, at), stem.slice(at + 1)];
  const last = prefix.split('-').at(-1) ?? '';
  return {
    ...{ '%': '%', n: name, N: stem, p: prefix, P: unescaped(prefix), i: instance, I: unescaped(instance) },
    ...{ j: last, J: unescaped(last), f: `/${unescaped(instance === '' ? prefix : instance)}` },
    ...{ t: '/run', S: '/var/lib', C: '/var/cache', L: '/var/log', E: '/etc', T: '/tmp', V: '/var/tmp' },
    ...{ u: 'root', U: '0', g: 'root', G: '0', h: '/root', s: '/bin/sh' },
    ...{ d: `/run/credentials/${name}`, y: file, Y: dirname(file) },
  };
}

/** @throws ThawError naming a specifier that only the running system tells */
export function specified(value: string, { name, file }: { name: string; file: string }): string {
  const texts = known(name, file);
  return value.replaceAll(/%(.)/g, (_, letter: string) => {
    const text = texts[letter];
    if (text !== undefined) return text;
    throw new ThawError(
      `${name}: \`${value}\` has the specifier %${letter}, which only the running system tells`,
      {
        remedy:
          'write what it stands for; for an environment, use thaw build --like-env with a file that has it',
      },
    );
  });
}

/** As systemd-escape(1) writes paths. */
function unescaped(text: string): string {
  return text
    .replaceAll('-', '/')
    .replaceAll(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
