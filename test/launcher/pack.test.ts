// Sealed stores: what thaw pack makes, and that launches from there go by all the rules.
import test from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

import { native } from '../../launcher/engine/index.js';
import { fstabLine, mountUnit, unitName } from '../../launcher/packing/mount.js';
import { thawExec } from '../engine/support/paths.js';
import { until } from '../engine/support/process.js';
import { PATIENCE_MS } from '../patience.js';
import { Sealed, expectCold, expectDone, expectWarm, lacking } from './sealed.js';
import { Workshop, sleeper, sleeperImage } from './support.js';

const FORMATS = ['erofs', 'squashfs'] as const;

test('how a device mounts a sealed store', (t) => {
  t.is(unitName('/usr/share/thaw'), 'usr-share-thaw');
  t.is(unitName('/opt/my-apps/.x y'), 'opt-my\\x2dapps-.x\\x20y');
  t.is(unitName('/'), '-');
  const place = { what: '/apps.erofs', where: '/usr/share/thaw', type: 'erofs', verity: undefined };
  t.is(fstabLine(place), '/apps.erofs /usr/share/thaw erofs loop,ro,nosuid,nodev,noexec 0 0');
  t.regex(
    mountUnit(place).text,
    /\[Mount\]\nWhat=\/apps\.erofs\nWhere=\/usr\/share\/thaw\nType=erofs\nOptions=loop,ro/,
  );
  const partition = { ...place, what: '/dev/mmcblk0p7' };
  t.is(fstabLine(partition), '/dev/mmcblk0p7 /usr/share/thaw erofs ro,nosuid,nodev,noexec 0 0');
  const verified = mountUnit({ ...place, verity: { rootHash: '00', hashOffset: 4096 } }).text;
  t.regex(verified, /Requires=systemd-veritysetup@thaw\\x2dstore\.service/);
  t.regex(verified, /What=\/dev\/mapper\/thaw-store/);
});

const reason = lacking();
const asRoot = reason === undefined ? test.serial : test.serial.skip;

/** What lies in a folder: names, owners, modes, content. */
function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const path = join(folder, name);
      const { mode, uid, gid, size } = lstatSync(path);
      const link = lstatSync(path).isSymbolicLink();
      const content = link ? readlinkSync(path) : lstatSync(path).isFile() ? String(size) : '';
      return `${name} ${mode.toString(8)} ${uid}:${gid} ${content}`;
    });
}

for (const format of FORMATS)
  asRoot(`a launch from a sealed store: ${format}`, (t) => {
    const app = new Sealed(t);
    app.seal(t, format);
    const kept = listing(app.workshop.store).filter(
      (line) => !/\.log |\/deaths |\/history\.jsonl /.test(line),
    );
    t.deepEqual(listing(app.at), kept);
    rmSync(app.folder, { recursive: true });
    expectWarm(t, app.launch(app.at));
    expectWarm(t, app.launch(app.at, '', ['--profile', 'app']));
    t.regex(app.thaw(app.at, 'verify', 'app').stdout, /^app: good$/m);
    t.regex(app.thaw(app.at, 'list').stdout, /^app /m);
  });

for (const format of FORMATS)
  asRoot(`what is in the page cache is not read ahead once more: ${format}`, (t) => {
    const app = new Sealed(t);
    app.seal(t, format);
    const found = (): string | undefined => {
      const { stdout, stderr } = app.launch(app.at, '', [], 'debug');
      t.is(stdout, 'done\n', stderr);
      return /the page cache (\w+) the working set\n/.exec(stderr)?.[1];
    };
    t.is(found(), 'lacks');
    // It is told by time: whoever takes the CPU meanwhile makes it look as if something were lacking.
    const later: (string | undefined)[] = [];
    while (!later.includes('holds') && later.length < 20) later.push(found());
    t.true(later.includes('holds'), later.join());
  });

for (const format of FORMATS)
  asRoot(`what is packed twice is the same: ${format}`, (t) => {
    const app = new Sealed(t);
    const packed = (): Buffer => {
      app.seal(t, format);
      return readFileSync(join(app.workshop.folder, `store.${format}`));
    };
    const first = packed();
    t.true(first.equals(packed()));
    t.true(
      first.length <
        0.5 * lstatSync(join(app.folder, readlinkSync(join(app.folder, 'current.thaw')))).blocks * 512,
    );
  });

asRoot('a damaged sealed store is told by its dm-verity tree', (t) => {
  const app = new Sealed(t);
  const output = join(app.workshop.folder, 'store.squashfs');
  const said = app.seal(t, 'squashfs', '--verity');
  const [, hash = ''] = /root hash ([0-9a-f]{64})/.exec(said) ?? [];
  const [, offset = ''] = /hash-offset=(\d+)/.exec(said) ?? [];
  const verify = (): number | null =>
    spawnSync('veritysetup', ['verify', `--hash-offset=${offset}`, output, output, hash]).status;
  t.is(verify(), 0);
  expectWarm(t, app.launch(app.at));
  spawnSync('umount', [app.at]);
  const bytes = readFileSync(output);
  bytes[5000] = (bytes[5000] ?? 0) ^ 1;
  writeFileSync(output, bytes);
  t.not(verify(), 0);
});

asRoot('an image that another user could have made is not launched from there', (t) => {
  const app = new Sealed(t);
  const image = join(app.folder, readlinkSync(join(app.folder, 'current.thaw')));
  chownSync(image, 1234, 1234);
  app.seal(t, 'erofs');
  expectCold(t, app.launch(app.at), /belongs to user 1234/);
  chownSync(image, 0, 0);
  chmodSync(image, 0o420);
  app.seal(t, 'squashfs');
  expectCold(t, app.launch(app.at), /can be written by others/);
});

asRoot('a store that was sealed where it was built sees every change of an input', (t) => {
  const app = new Sealed(t, "open('state').read()\n");
  app.seal(t, 'erofs');
  expectWarm(t, app.launch(app.at));
  const state = join(app.workshop.folder, 'state');
  const { atime, mtime } = statSync(state);
  // Another file of the same size and time, as a copy of the image would take it for the same.
  rmSync(state);
  writeFileSync(state, 'two\n');
  utimesSync(state, atime, mtime);
  expectCold(t, app.launch(app.at), /state has changed since the image was made/);
});

asRoot('an image that is out of date: the next store is tried, and a rebuilt one goes there', (t) => {
  const app = new Sealed(t, "open('state').read()\n");
  app.seal(t, 'squashfs');
  rmSync(app.folder, { recursive: true });
  const stores = `${app.at}:${app.second}`;
  expectWarm(t, app.launch(stores));
  t.deepEqual(readdirSync(app.second), [], 'a launch that is warm leaves nothing');

  app.workshop.write('state', 'another\n');
  const request = join(app.second, 'profiles', 'app', 'rebuild');
  expectCold(t, app.launch(stores), /state has changed since the image was made/);
  t.regex(readFileSync(request, 'utf8'), /state has changed/);
  t.regex(app.thaw(stores, 'list').stdout, /sealed .*\(out of date\)\n$/);
  expectDone(t, app.thaw(stores, 'rebuild'));
  t.false(existsSync(request));
  const again = app.launch(stores);
  expectWarm(t, again);
  t.regex(again.stderr, /state has changed.*; trying the next store\n/);
  t.false(existsSync(request), 'there is a new image');
  expectWarm(t, app.launch(`${app.second}:${app.at}`));
  const { stdout } = app.thaw(stores, 'list');
  t.regex(stdout, /app +\S+\/sealed [^]*app +\S+\/second /);
});

asRoot('what is measured of a sealed image is kept in the store that can be written to', (t) => {
  const app = new Sealed(t);
  app.seal(t, 'erofs');
  app.workshop.write('go', '');
  const stores = `${app.at}:${app.second}`;
  expectDone(t, app.thaw(stores, 'bench', 'app', '--runs', '1'));
  const history = readFileSync(join(app.second, 'profiles/app/history.jsonl'), 'utf8');
  t.regex(history, /^\{"kind":"starts",[^\n]*"image":"[0-9a-f]+"[^\n]*\}\n$/);
  writeFileSync(join(app.second, 'profiles/app/rebuild'), 'a file has changed');
  const report = app.thaw(stores, 'report', 'app', '-o', '-');
  expectDone(t, report);
  t.true(report.stdout.includes(/"at":\d+/.exec(history)?.[0] ?? 'no time'), 'the measurement');
  t.regex(report.stdout, /a file has changed/);
  t.regex(app.thaw(app.at, 'bench', 'app', '--runs', '1').stderr, /is read-only[^]*--store DIR/);
});

asRoot('with no place to write, a launch still falls back', (t) => {
  const app = new Sealed(t, "open('state').read()\n");
  app.seal(t, 'erofs');
  app.workshop.write('state', 'another\n');
  chmodSync(app.second, 0o777);
  expectCold(t, app.launch(`${app.at}:${app.second}`), /state has changed/);
  t.deepEqual(readdirSync(app.second), [], 'others could lead what is written there elsewhere');
});

asRoot('the guard keeps its records of sealed images in the store that can be written to', async (t) => {
  const dies =
    "import atexit\natexit.register(lambda: os._exit(3) if open('go').read() == 'die' else None)\n";
  const app = new Sealed(t, dies, 'launch = { guard = { within = "20s", tries = 2 } }');
  app.seal(t, 'erofs');
  const stores = `${app.at}:${app.second}`;
  const [image = ''] = readdirSync(join(app.at, 'profiles', 'app')).filter((name) =>
    /^[0-9a-f]+\.thaw$/.test(name),
  );
  const id = image.replace('.thaw', '');
  t.teardown(() => {
    rmSync(native.store.goodSign + id, { force: true });
  });
  const record = join(app.second, 'profiles', 'app', 'deaths', id);
  for (const said of ['status 3\n', 'status 3\nstatus 3\n']) {
    const { status, stdout, stderr } = app.launch(stores, 'die');
    t.is(status, 3);
    t.is(stdout, 'done\n', stderr);
    await until('the record', () => existsSync(record) && readFileSync(record, 'utf8') === said);
  }
  t.regex(app.thaw(stores, 'list').stdout, /set aside after 2 early deaths: status 3/);
  t.regex(app.thaw(stores, 'verify', 'app').stdout, /set aside after 2 early deaths/);
  expectCold(t, app.launch(stores), /the last 2 launches of this image died early/);
});

asRoot('signatures go into a sealed store, and count there', async (t) => {
  const workshop = new Workshop(t);
  const etc = join(workshop.folder, 'etc');
  mkdirSync(join(etc, 'thaw'), { recursive: true });
  const folder = join(workshop.store, 'profiles', 'app');
  mkdirSync(folder, { recursive: true });
  const made = await sleeperImage(workshop);
  const file = `${native.show(made).header.id}.thaw`;
  renameSync(made, join(folder, file));
  symlinkSync(file, join(folder, 'current.thaw'));
  writeFileSync(join(folder, 'definition.json'), '{}');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const secret = workshop.write('private.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(
    join(etc, 'thaw', 'require-signature.pem'),
    publicKey.export({ type: 'spki', format: 'pem' }),
    { mode: 0o644 },
  );
  const at = join(workshop.folder, 'sealed');
  mkdirSync(at);
  t.teardown(() => spawnSync('umount', ['--lazy', at]));
  const launch = (): SpawnSyncReturns<string> => {
    spawnSync('umount', ['--lazy', at]);
    const output = join(workshop.folder, 'store.erofs');
    expectDone(t, workshop.thaw('pack', '-o', output));
    expectDone(t, spawnSync('mount', ['-o', 'loop,ro', output, at], { encoding: 'utf8' }));
    const image = join(at, 'profiles', 'app', file);
    const command = [thawExec, '--image', image, '--no-fallback', '--', ...sleeper];
    return spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', 'mount --bind "$0" /etc && exec "$@"', etc, ...command],
      {
        encoding: 'utf8',
        timeout: PATIENCE_MS,
      },
    );
  };
  t.regex(launch().stderr, /there is no signature, and this device requires one/);
  expectDone(t, workshop.thaw('sign', '--key', secret, join(folder, file)));
  const { status, stderr } = launch();
  t.is(status, 0, stderr);
});
