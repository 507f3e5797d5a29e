import { existsSync } from 'node:fs';

import { type Image, native } from '../launcher/engine/index.js';
import { output } from './command.js';
import { benchProgram } from './paths.js';
import type { Thaw } from './thaw.js';

/** What of an image's launch is in the page cache: the image and the files that the app maps. */
export class LaunchFiles {
  readonly image: string;
  /** The program and its libraries. */
  readonly mapped: readonly string[];
  readonly #workingSetBytes: number;

  constructor(thaw: Thaw, profile: string) {
    this.image = thaw.image(profile);
    const image = native.show(this.image);
    this.mapped = mappedFiles(image);
    const { readPages, writtenPages } = image.workingSet;
    this.#workingSetBytes = Math.min(
      (readPages + writtenPages) * image.header.pageSize,
      image.sizes.storedPages * image.header.pageSize,
    );
  }

  /** Drops them, but for pages that running programs map. @returns how many bytes stay */
  drop(): number {
    return Number(output([benchProgram('page_cache'), 'drop', this.image, ...this.mapped]));
  }

  /** Reads as many bytes of the image as its working set has, in one sweep. @returns milliseconds */
  readWorkingSet(): number {
    return (
      Number(output([benchProgram('page_cache'), 'read', this.image, String(this.#workingSetBytes)])) / 1e6
    );
  }
}

function mappedFiles({ files }: Image): string[] {
  return files.filter(({ mapped, path }) => mapped && existsSync(path)).map(({ path }) => path);
}
