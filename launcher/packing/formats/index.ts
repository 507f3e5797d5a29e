// The table of the file systems that stores can be sealed as.
import { UsageError } from '../../errors.js';
import { erofs } from './erofs.js';
import type { Compression, Format } from './format.js';
import { squashfs } from './squashfs.js';

export type { Compression, Format } from './format.js';

export const FORMATS: readonly Format[] = [erofs, squashfs];

/** By the ending of the file. @throws UsageError for another one */
export function formatOf(output: string): Format {
  const format = FORMATS.find(({ name }) => output.endsWith(`.${name}`));
  if (format !== undefined) return format;
  const endings = FORMATS.map(({ name }) => `.${name}`).join(', ');
  throw new UsageError(`${output} does not say what it is to be`, {
    remedy: `its name ends with one of: ${endings}`,
  });
}

/** @throws UsageError */
export function formatNamed(wanted: string): Format {
  const format = FORMATS.find(({ name }) => name === wanted);
  if (format !== undefined) return format;
  throw new UsageError(
    `there is no format ${wanted}; accepted: ${FORMATS.map(({ name }) => name).join(', ')}`,
  );
}

/** What has been measured as the best for storage of that rate, in megabytes a second. */
export function compressionFor({ choices }: Format, rate: number): Compression {
  const choice = choices.find(({ upTo }) => rate <= upTo) ?? choices.at(-1);
  if (choice === undefined) throw new RangeError('a format without a choice');
  return choice.compression;
}
