// thaw pack: a store as one read-only file, for devices.
import { resolve } from 'node:path';

import { command, print, printJson } from '../command.js';
import { UsageError } from '../errors.js';
import { countOr, flag, json, names, parsed, required, store, text, textOr } from '../options.js';
import { type Compression, type Format, compressionFor, formatOf } from '../packing/formats/index.js';
import { type Place, fstabLine, mountUnit, verityLines } from '../packing/mount.js';
import { type Packed, USUAL_RATE, pack } from '../packing/pack.js';
import { Stores } from '../store/stores.js';
import { size } from '../units.js';

export default command({
  about:
    'Makes one read-only file of a store, compressed and with the images first: an erofs or a squashfs, which the device mounts ' +
    'at boot and thaw-exec finds as any store. Owners and modes stay. Says how to mount it (docs/how-to/flash.md).',
  options: {
    store,
    output: required(text('-o, --output <FILE>', 'FILE.erofs or FILE.squashfs; replaced in one step')),
    profiles: parsed('--profiles <NAME,...>', 'these alone, in this order; default: all', names),
    storage: countOr(
      '--storage <MB/S>',
      "what the device's storage gives: chooses the compression",
      USUAL_RATE,
    ),
    compress: text(
      '--compress <ALGORITHM>',
      "another compression, as the format's tool names it; none: none",
    ),
    cluster: parsed('--cluster <KB>', 'and in units of this size', clusterSize),
    verity: flag('--verity', 'add the hashes of dm-verity, and say the root hash'),
    at: textOr('--at <DIR>', 'where the device mounts it', '/usr/share/thaw'),
    on: text('--on <FILE>', 'the file, or the partition, on the device; default: where it is now'),
    json,
  },
  operands: ['[STORE]'],
  async run({ output, at, on, json, ...options }, [operand]) {
    if (operand !== undefined && options.store !== undefined)
      throw new UsageError('one of STORE and --store is enough');
    const [from] = new Stores(operand ?? options.store).all;
    if (from === undefined) throw new UsageError('which store?');
    const format = formatOf(output);
    const packed = await pack(from, { ...options, output, format, compression: chosen(format, options) });
    const place = { what: on ?? resolve(output), where: at, type: format.name, verity: packed.verity };
    if (json)
      printJson({ ...packed, mount: mountUnit(place), fstab: fstabLine(place), ...verityLines(place) });
    else print(words(packed, place));
    return 0;
  },
});

function clusterSize(text: string): number {
  const kilobytes = Number(text);
  const fits = Number.isInteger(Math.log2(kilobytes)) && kilobytes >= 4 && kilobytes <= 1024;
  if (fits) return kilobytes << 10;
  throw new UsageError(`--cluster is ${text}; accepted: a power of two from 4 to 1024`);
}

interface Wanted {
  readonly storage: number;
  readonly compress: string | undefined;
  readonly cluster: number | undefined;
}

function chosen(format: Format, { storage, compress, cluster }: Wanted): Compression {
  const best = compressionFor(format, storage);
  return { algorithm: compress ?? best.algorithm, cluster: cluster ?? best.cluster };
}

function words({ output, size: bytes, before, verity, fsVerity }: Packed, place: Place): string {
  const unit = mountUnit(place);
  const lines = verityLines(place);
  return [
    `${output}: ${size(bytes)}, of ${size(before)}`,
    `fs-verity digest sha256:${fsVerity}`,
    ...(verity === undefined ? [] : [`dm-verity root hash ${verity.rootHash}`]),
    ...(lines === undefined ? [] : ['', '# /etc/veritytab', lines.veritytab, '# or by hand', lines.command]),
    '',
    `# /etc/systemd/system/${unit.name}`,
    unit.text,
    '# or in /etc/fstab',
    fstabLine(place),
    '',
    `# and for launches, before a store that can be written to`,
    `THAW_STORE=${place.where}:/var/lib/thaw`,
    '',
  ].join('\n');
}
