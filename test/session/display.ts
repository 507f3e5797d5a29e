// A window in shared memory (window.c) on a compositor, as a profile.
import type { ExecutionContext } from 'ava';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

import { Compositor } from '../../bench/windows/compositor.js';
import { root, thawExec } from '../engine/support/paths.js';
import { type Workshop, builtWith } from '../launcher/support.js';
import { PATIENCE_MS } from '../patience.js';

const PROTOCOLS = ['xdg-shell', 'presentation-time'];
/** Weston's client that never stops drawing, and how its library tells of it. */
export const drawing = { program: '/usr/bin/weston-simple-shm', env: { WAYLAND_DEBUG: 'client' } } as const;
const DRAWN = 'wl_buffer@[0-9]+.release';

export class Display extends Compositor {
  constructor(
    private readonly t: ExecutionContext,
    readonly workshop: Workshop,
  ) {
    super(workshop.folder);
    t.teardown(() => {
      this.kill();
    });
  }

  profile(command: readonly string[]): string {
    const [program, ...args] = command;
    return this.workshop.write(
      'window.toml',
      `name = "window"\nprogram = "${program}"\nargs = ${JSON.stringify(args)}
env = { XDG_RUNTIME_DIR = "${this.folder}", WAYLAND_DISPLAY = "wayland-7" }
[warmup]\nuntil = { log = "^shown" }\nsettle = "100ms"\n[prove]\nrun = []\n[inputs]\nignore = ["go"]
[[policies]]\ntype = "socket"\npath = "${this.path}"\naction = "replay"\n`,
    );
  }

  /**
   * Of weston's own client, on the compositor at `path`. It is warm when it has drawn, which its library tells (WAYLAND_DEBUG): on a
   * busy machine it may take longer than any delay until it connects.
   */
  drawingProfile(path = this.path): string {
    const profile = readFileSync(this.profile([drawing.program]), 'utf8')
      .replaceAll(this.path, path)
      .replace(`"${this.display}" }`, `"${basename(path)}", WAYLAND_DEBUG = "client" }`)
      .replace('^shown', DRAWN)
      .replace('[prove]', 'timeout = "20s"\n[prove]');
    return this.workshop.write('window.toml', profile);
  }

  /** Of its profile, which succeeds. */
  build(command: readonly string[]): void {
    const built = this.workshop.thaw('build', this.profile(command));
    this.t.is(built.status, 0, built.stderr);
  }

  launch(command: readonly string[], variables: Readonly<Record<string, string>> = {}) {
    this.workshop.write('go', '');
    const result = spawnSync(thawExec, ['--store', this.workshop.store, '--', ...command], {
      cwd: this.workshop.folder,
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { ...builtWith, ...this.env, ...variables, THAW_LOG: 'info' },
    });
    rmSync(join(this.workshop.folder, 'go'));
    return result;
  }
}

/** The client, with what wayland-scanner makes of the protocols. */
export function compiledWindow(workshop: Workshop): string {
  const codes = PROTOCOLS.map((name) => {
    const xml = `/usr/share/wayland-protocols/stable/${name}/${name}.xml`;
    const code = join(workshop.folder, `${name}.c`);
    execFileSync('wayland-scanner', ['client-header', xml, join(workshop.folder, `${name}-client.h`)]);
    execFileSync('wayland-scanner', ['private-code', xml, code]);
    return code;
  });
  const program = join(workshop.folder, 'window');
  const source = join(root, 'test', 'session', 'window.c');
  execFileSync('cc', [
    '-O1',
    '-Wall',
    `-I${workshop.folder}`,
    '-o',
    program,
    source,
    ...codes,
    '-lwayland-client',
  ]);
  return program;
}

/** A module of weston, of this folder. @returns its path */
export function compiledModule(workshop: Workshop, name: string): string {
  const module = join(workshop.folder, `${name}.so`);
  const flags = execFileSync('pkg-config', ['--cflags', 'libweston-10'], { encoding: 'utf8' }).trim();
  const source = join(root, 'test', 'session', `${name}.c`);
  const all = ['-shared', '-fPIC', '-O1', '-Wall', ...flags.split(/\s+/), '-I/usr/include/weston'];
  execFileSync('cc', [...all, '-o', module, source]);
  return module;
}
