// thaw pull: the store that is for this device, out of a registry.
import { resolve } from 'node:path';

import { table } from '../columns.js';
import { command, print, printJson } from '../command.js';
import { UsageError } from '../errors.js';
import { interruptibly } from '../interruption.js';
import { countOr, flag, json, text } from '../options.js';
import { Progress } from '../progress.js';
import { Cache } from '../registry/cache.js';
import { Registry } from '../registry/client.js';
import { thisDevice } from '../registry/needs.js';
import { type Entry, candidates, choose, get, nameOf } from '../registry/pull.js';
import { parseReference, textOf } from '../registry/reference.js';
import { type Candidate, ranked } from '../registry/resolve.js';
import { requiredKeys } from '../signing/keys.js';
import { size } from '../units.js';

export default command({
  about:
    'Gets the sealed store that is for this device from an OCI registry (thaw push), by the features of its CPU, its page size ' +
    'and its files. It is compared with its digest as it comes, and takes the place of FILE in one step: what was there stays ' +
    'until then. What was interrupted is gone on with. A device that requires signatures takes nothing that is not signed by ' +
    'one of its keys. Mount the store as thaw pack says (docs/how-to/fleet.md).',
  options: {
    output: text('-o, --output <FILE>', "FILE.erofs or FILE.squashfs: where the device's store is"),
    explain: flag('--explain', 'say what there is, and why it is or is not for this device; get nothing'),
    model: text('--model <MODEL>', 'the store of this model, whatever this machine is: for another device'),
    key: text(
      '--key <PUBLIC.pem>',
      'it must be signed by one of these keys; default: as launches here require',
    ),
    maxSize: countOr('--max-size <MB>', 'take nothing larger', 4096),
    json,
  },
  operands: ['<REF>'],
  run({ output, explain, model, key, maxSize, json }, [name]) {
    const reference = parseReference(name);
    if (output === undefined && !explain)
      throw new UsageError('--output is missing', { remedy: 'or --explain' });
    const wanted = { device: thisDevice(), model, keys: requiredKeys(key) };
    return interruptibly(async (interrupt) => {
      const cache = output === undefined ? undefined : new Cache(resolve(output));
      const registry = new Registry(reference, 'pull', interrupt, cache);
      const all = await candidates(registry, wanted.device);
      if (output === undefined || explain) return explanation(all, json);
      const choice = await choose(registry, all, wanted);
      if (!output.endsWith(`.${choice.format}`))
        throw new UsageError(`${output} does not say what it will be`, {
          remedy: `its name must end with .${choice.format}`,
        });
      const path = resolve(output);
      const came = await get(registry, choice, path, maxSize * 1e6, new Progress('pull'));
      cache?.tidy();
      const { digest, size: bytes } = choice.layer;
      const { requests } = registry;
      if (json)
        printJson({
          reference: textOf(reference),
          ...{ output: path, model: choice.entry.model, digest, size: bytes, came, requests },
        });
      else print(`${path}: ${nameOf(choice.entry)}, ${size(bytes)}${came ? '' : ', was there'}\n`);
      return 0;
    });
  },
});

/** Exit code 1 where nothing is for this device. */
function explanation(all: readonly Candidate<Entry>[], json: boolean): number {
  const fitting = ranked(all);
  const [best] = fitting;
  if (json)
    printJson(
      all.map((candidate) => ({
        ...{ model: candidate.entry.model, digest: candidate.entry.digest, size: candidate.entry.size },
        ...{ needs: candidate.needs ?? null, hindrances: candidate.hindrances, root: candidate.hasRoot },
        chosen: candidate === best,
      })),
    );
  else
    print(
      table(
        COLUMNS,
        all.map((candidate) => row(candidate, candidate === best)),
      ),
    );
  return best === undefined ? 1 : 0;
}

const COLUMNS = [
  { title: '' },
  { title: 'MODEL' },
  { title: 'CPU' },
  { title: 'SIZE', right: true },
  { title: 'PROFILES' },
  { title: 'HERE' },
];

function row({ entry, needs, hindrances, hasRoot }: Candidate<Entry>, chosen: boolean): string[] {
  const fits = hasRoot ? 'fits, and is of this root' : needs === undefined ? 'does not tell' : 'fits';
  return [
    chosen ? '>' : '',
    nameOf(entry),
    needs?.cpu ?? '?',
    size(entry.size),
    (needs?.profiles ?? []).join(' '),
    hindrances.length === 0 ? fits : hindrances.join('; '),
  ];
}
