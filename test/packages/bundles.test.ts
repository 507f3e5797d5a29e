// Sealed stores in the bundles of updaters: RAUC's and SWUpdate's, looked at by these programs themselves; and casync's chunks.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/addon.js';

function onlyWith(...tools: readonly string[]): typeof test | typeof test.skip {
  return tools.every((tool) => spawnSync(tool, ['--version']).error === undefined) ? test : test.skip;
}

class Vendor {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-bundle-'));
  readonly cert = join(this.folder, 'cert.pem');
  readonly store = join(this.folder, 'apps.erofs');

  constructor(readonly t: ExecutionContext) {
    t.teardown(() => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    writeFileSync(this.store, randomBytes(64 << 10));
    const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(this.folder, 'key.pem')];
    this.run('openssl', 'req', '-x509', ...key, '-out', this.cert, '-subj', '/CN=vendor', '-days', '3650');
  }

  run(program: string, ...args: readonly string[]): string {
    const { status, stdout, stderr } = this.try(program, ...args);
    this.t.is(status, 0, stderr + stdout);
    return stdout;
  }

  try(program: string, ...args: readonly string[]): SpawnSyncReturns<string> {
    const env = {
      ...{ COMPATIBLE: 'vendor-board', VERSION: '7', HARDWARE: '1.0 1.1', DEVICE: '/dev/mmcblk0p7' },
      ...{ CERT: this.cert, KEY: join(this.folder, 'key.pem'), PATH: process.env['PATH'] },
    };
    return spawnSync(program, args, { encoding: 'utf8', env, cwd: this.folder });
  }

  /** By the script in packaging/. */
  bundle(kind: string, ending: string): string {
    const output = join(this.folder, `update.${ending}`);
    this.run('sh', join(projectFolder, 'packaging', kind, 'bundle.sh'), this.store, output);
    return output;
  }

  /** With one bit of the store changed. */
  damage(bundle: string): void {
    const bytes = readFileSync(bundle);
    const at = bytes.indexOf(readFileSync(this.store).subarray(4096, 4128));
    this.t.true(at > 0);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(bundle, bytes);
  }
}

onlyWith('rauc', 'openssl')('a bundle for RAUC, with a slot for the store', (t) => {
  const vendor = new Vendor(t);
  const bundle = vendor.bundle('rauc', 'raucb');
  const said = vendor.run('rauc', `--keyring=${vendor.cert}`, '--output-format=json', 'info', bundle);
  const { compatible, version, images } = JSON.parse(said) as {
    compatible: string;
    version: string;
    images: readonly Readonly<Record<string, { filename: string; size: number }>>[];
  };
  t.deepEqual([compatible, version], ['vendor-board', '7']);
  t.deepEqual(
    images.map((image) => [image['thaw']?.filename, image['thaw']?.size]),
    [['store.img', 64 << 10]],
  );
  const stranger = new Vendor(t);
  t.regex(vendor.try('rauc', `--keyring=${stranger.cert}`, 'info', bundle).stderr, /signature verification/i);
});

onlyWith(
  'swupdate',
  'cpio',
  'openssl',
)('an update for SWUpdate, which checks it', (t) => {
  const vendor = new Vendor(t);
  const update = vendor.bundle('swupdate', 'swu');
  const check = (board: string, cert = vendor.cert): string => {
    const { stdout, stderr } = vendor.try('swupdate', '-c', '-k', cert, '-H', board, '-i', update);
    return stdout + stderr;
  };
  t.regex(check('board:1.1'), /SWUPDATE successful/);
  t.notRegex(check('board:2.0'), /SWUPDATE successful/);
  t.notRegex(check('board:1.1', new Vendor(t).cert), /SWUPDATE successful/);
  vendor.damage(update);
  t.notRegex(check('board:1.1'), /SWUPDATE successful/);
});

onlyWith('casync')('what a changed store costs on the wire by chunks', (t) => {
  const vendor = new Vendor(t);
  const old = randomBytes(4 << 20);
  writeFileSync(join(vendor.folder, 'old'), old);
  old.write('changed', 2 << 20);
  writeFileSync(join(vendor.folder, 'new'), old);
  const said = vendor.run('sh', join(projectFolder, 'scripts/fleet/wire.sh'), 'old', 'new');
  const [size = 0, bytes = 0, chunks = 0] = said.split(' ').map(Number);
  t.is(size, 4 << 20);
  t.true(chunks >= 1 && chunks <= 3 && bytes < 600_000, said);
});
