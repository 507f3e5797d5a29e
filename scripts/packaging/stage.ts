// A folder that becomes a package: every file with the mode and the time that it will have.
import {
  chmodSync,
  cpSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

export class Stage {
  constructor(
    readonly folder: string,
    readonly epoch: number,
  ) {}

  path(to: string): string {
    const path = join(this.folder, to);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  write(to: string, text: string | Uint8Array): void {
    writeFileSync(this.path(to), text);
  }

  /** As gzip -9n writes it: without name and time. */
  compressed(to: string, text: string | Uint8Array): void {
    this.write(to, gzipSync(text, { level: 9 }));
  }

  copy(from: string, to: string): void {
    cpSync(from, this.path(to), { recursive: true });
  }

  link(to: string, target: string): void {
    symlinkSync(target, this.path(to));
  }

  /** Its regular files below a folder, in an order that is always the same. */
  files(below = '.'): readonly string[] {
    return this.#entries(below).flatMap((entry) => (entry.kind === 'file' ? [entry.path] : []));
  }

  /** Policy 5.6.20: KiB, each file rounded up, and one for everything else. */
  installedSize(): number {
    return this.#entries('.').reduce(
      (sum, { kind, path }) =>
        sum + (kind === 'file' ? Math.ceil(statSync(join(this.folder, path)).size / 1024) : 1),
      0,
    );
  }

  /** Sets modes and times. `executable` tells of a path whether it is a program. */
  finish(executable: (path: string) => boolean): void {
    for (const { kind, path } of [...this.#entries('.'), { kind: 'folder', path: '.' }]) {
      const whole = join(this.folder, path);
      if (kind !== 'link') chmodSync(whole, kind === 'folder' || executable(path) ? 0o755 : 0o644);
      lutimesSync(whole, this.epoch, this.epoch);
    }
  }

  #entries(below: string): { readonly kind: string; readonly path: string }[] {
    return readdirSync(join(this.folder, below), { withFileTypes: true })
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .flatMap((entry) => {
        const path = join(below, entry.name);
        if (!entry.isDirectory()) return [{ kind: entry.isSymbolicLink() ? 'link' : 'file', path }];
        return [...this.#entries(path), { kind: 'folder', path }];
      });
  }
}
