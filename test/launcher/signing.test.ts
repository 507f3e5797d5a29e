// Signatures: thaw sign, thaw verify --key, and a device whose /etc/thaw requires them.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { verityDigest } from '../../launcher/signing/verity.js';
import { cli, thawExec, wrongWorkingSet } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { type Keys, keyPair } from './keys.js';
import { Workshop, sleeper, sleeperImage } from './support.js';

/** What `fsverity digest` of fsverity-utils says of such files. */
const VERITY = [
  [1000, '9058d2b47bc2d0b154ed6e9632599b5ab1500302b96fa8fe1997a72d4b363be5'],
  [4096, 'dba6800c0bddc2369f4f0ab54798f65f5a8c1f49adc4a4792a831ff4b093e2d7'],
  [4097, 'fefe00b4a113721b31dbc100ba46ff68ba3c9ca6dc62c6a3c1e71db190c68f9f'],
  [524288, '6b40aefbc1898eafdc47d18eb36f21505eb6957ac25cae1410c13bd369661dbb'],
  [528385, '25089d1e4c3e42c63ee3d40df9e353f793e51d8eeb89b3662c40ff501c8e07ab'],
  [2097157, '8022cfa95f2ba7013a5cc4da479155968651e445e28e3736a7d0cd27c6967c29'],
] as const;

test.serial('the fs-verity digest of a file is the one that fsverity-utils compute', (t) => {
  const workshop = new Workshop(t);
  for (const [size, digest] of VERITY) {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) bytes[i] = i * 7 + (i >> 8);
    if (size > 100_000) bytes.fill(0, 8192, 90_000);
    t.is(verityDigest(workshop.write('file', bytes)).toString('hex'), digest, `${size} bytes`);
  }
});

function sign(t: ExecutionContext, workshop: Workshop, image: string, { secret }: Keys): void {
  const { status, stdout, stderr } = workshop.thaw('sign', '--key', secret, image);
  t.is(status, 0, stderr);
  t.is(stdout, `${image}.sig\n`);
}

test.serial('verify --key tells a good signature from every other', async (t) => {
  const workshop = new Workshop(t);
  const [mine, other] = [keyPair(workshop, 'mine'), keyPair(workshop, 'other')];
  const image = await sleeperImage(workshop);
  const verify = (keys: Keys): string => workshop.thaw('verify', '--key', keys.open, image).stdout;
  t.regex(verify(mine), /signature: there is no signature .*sleep\.thaw\.sig\n {2}sign the image/);
  sign(t, workshop, image, mine);
  t.is(verify(mine), `${image}: good\n`);
  t.regex(verify(other), /signature: the image's signature is by another key/);

  const signature = readFileSync(`${image}.sig`);
  const damaged = (at: number): Buffer => {
    const copy = Buffer.from(signature);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  chmodSync(`${image}.sig`, 0o644);
  writeFileSync(`${image}.sig`, damaged(40));
  t.regex(verify(mine), /signature is not by the key that it names/);
  writeFileSync(`${image}.sig`, damaged(223));
  t.regex(verify(mine), /signature is not by the key that it names/);
  writeFileSync(`${image}.sig`, signature.subarray(0, 223));
  t.regex(verify(mine), /is no signature that this thaw knows/);
  writeFileSync(`${image}.sig`, signature);
  t.is(verify(mine), `${image}: good\n`);
});

test.serial('page data that was changed with its checksum is not what was signed', async (t) => {
  const workshop = new Workshop(t);
  const mine = keyPair(workshop, 'mine');
  const image = await sleeperImage(workshop);
  sign(t, workshop, image, mine);
  const bytes = readFileSync(image);
  const at = bytes.indexOf('THAW_TEST_MARK=here');
  bytes.write('THAW_TEST_MARK=evil', at);
  chmodSync(image, 0o644);
  writeFileSync(image, bytes);
  const { stdout } = workshop.thaw('verify', '--no-data', '--key', mine.open, image);
  t.regex(stdout, /signature: the image is not the one that was signed/);
});

test.serial('what is no key is refused, with how to make one', async (t) => {
  const workshop = new Workshop(t);
  const image = await sleeperImage(workshop);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const secret = workshop.write('rsa.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const open = workshop.write('rsa.pub.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  const signed = workshop.thaw('sign', '--key', secret, image);
  t.is(signed.status, 1);
  t.regex(signed.stderr, /rsa\.pem is not an Ed25519 private key\n.*openssl genpkey -algorithm ed25519/);
  t.false(existsSync(`${image}.sig`));
  t.regex(workshop.thaw('verify', '--key', open, image).stderr, /is not an Ed25519 public key/);
  t.is(workshop.thaw('sign', image).status, 2);
});

test.serial('a damaged image is not signed', async (t) => {
  const workshop = new Workshop(t);
  const image = await sleeperImage(workshop);
  const bytes = readFileSync(image);
  bytes.write('THAW_TEST_MARK=gone', bytes.indexOf('THAW_TEST_MARK=here'));
  chmodSync(image, 0o644);
  writeFileSync(image, bytes);
  const { status, stderr } = workshop.thaw('sign', '--key', keyPair(workshop, 'mine').secret, image);
  t.is(status, 1);
  t.regex(stderr, /page data is damaged/);
});

test.serial('an image that is trained again loses its signature, one that goes takes it along', (t) => {
  const workshop = new Workshop(t);
  const toml = workshop.profile('app', 'until = { log = "warm$" }');
  t.is(workshop.thaw('build', toml).status, 0);
  const folder = join(workshop.store, 'profiles', 'app');
  const signatures = (): string[] =>
    spawnSync('ls', [folder], { encoding: 'utf8' })
      .stdout.split('\n')
      .filter((name) => name.endsWith('.sig'));
  const { secret } = keyPair(workshop, 'mine');
  t.is(workshop.thaw('sign', '--key', secret, 'app').status, 0);
  t.is(signatures().length, 1);
  t.is(workshop.thaw('train', 'app').status, 0);
  t.is(signatures().length, 0);
  t.is(workshop.thaw('sign', '--key', secret, 'app').status, 0);
  t.is(workshop.thaw('build', toml).status, 0);
  t.is(signatures().length, 0);
});

/** A device: an /etc of its own, which only root can make. */
class Device {
  readonly #etc = mkdtempSync(join(tmpdir(), 'thaw-etc-'));
  readonly policy = join(this.#etc, 'thaw', 'require-signature.pem');

  constructor(t: ExecutionContext) {
    mkdirSync(join(this.#etc, 'thaw'));
    t.teardown(() => {
      rmSync(this.#etc, { recursive: true, force: true });
    });
  }

  require(text: string): void {
    writeFileSync(this.policy, text, { mode: 0o644 });
  }

  requireVerity(): void {
    writeFileSync(join(this.#etc, 'thaw', 'require-verity'), '');
  }

  /** What thaw verify says on the device. */
  verify(image: string): string {
    const enter = 'mount --bind "$0" /etc && exec "$@"';
    const command = [process.execPath, cli, 'verify', image];
    return spawnSync('unshare', ['--mount', 'sh', '-c', enter, this.#etc, ...command], { encoding: 'utf8' })
      .stdout;
  }

  /** What thaw-exec does with the image; `code` 0: launched, 125: not. */
  launch(image: string, options: readonly string[] = ['--no-fallback']): SpawnSyncReturns<string> {
    const enter = 'mount --bind "$0" /etc && exec "$@"';
    const command = [thawExec, '--image', image, ...options, '--', ...sleeper];
    return spawnSync('unshare', ['--mount', 'sh', '-c', enter, this.#etc, ...command], {
      encoding: 'utf8',
      timeout: PATIENCE_MS,
      env: { PATH: process.env['PATH'], THAW_LOG: 'warn' },
    });
  }
}

const asRoot = process.getuid?.() === 0 ? test.serial : test.skip;

function expectRefused(t: ExecutionContext, device: Device, image: string, why: RegExp): void {
  const { status, stderr } = device.launch(image);
  t.is(status, 125, stderr);
  t.regex(stderr, why);
}

asRoot(
  'a device that requires signatures launches what is signed by its keys, and nothing else',
  async (t) => {
    const workshop = new Workshop(t);
    const device = new Device(t);
    const [mine, other] = [keyPair(workshop, 'mine'), keyPair(workshop, 'other')];
    const image = await sleeperImage(workshop);
    const good = (): void => {
      const { status, stderr } = device.launch(image);
      t.is(status, 0, stderr);
    };
    good();

    device.require(mine.pem);
    expectRefused(t, device, image, /sleep\.thaw\.sig: there is no signature, and this device requires one/);
    const cold = device.launch(image, []);
    t.is(cold.status, 0, cold.stderr);
    t.regex(cold.stderr, /there is no signature.*starting cold/);

    sign(t, workshop, image, other);
    expectRefused(t, device, image, /by none of the keys that this device trusts/);
    sign(t, workshop, image, mine);
    good();
    device.require(`the vendor's\n${other.pem}the owner's\n${mine.pem}`);
    good();

    // Of another image, and of this one as it is no more: its checksum is right.
    const second = await sleeperImage(workshop, 'second.thaw');
    copyFileSync(`${image}.sig`, `${second}.sig`);
    expectRefused(t, device, second, /the image is not the one that was signed/);
    t.is(spawnSync(wrongWorkingSet, [image, '1']).status, 0);
    expectRefused(t, device, image, /the image is not the one that was signed/);

    t.regex(device.verify(image), /signature: the image is not the one that was signed/);

    sign(t, workshop, image, mine);
    good();
    t.is(device.verify(image), `${image}: good\n`);
    device.requireVerity();
    t.regex(device.verify(image), /signature: the image's page data is not under fs-verity/);
    expectRefused(t, device, image, /page data is not under fs-verity, and this device requires that/);
  },
);

asRoot('a policy that cannot be right lets nothing through', async (t) => {
  const workshop = new Workshop(t);
  const device = new Device(t);
  const mine = keyPair(workshop, 'mine');
  const image = await sleeperImage(workshop);
  sign(t, workshop, image, mine);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  for (const [policy, why] of [
    ['', /holds no public key; put Ed25519 public keys into it/],
    [mine.pem.replace('-----END', '----'), /has a key without an end/],
    [mine.pem.replace('MCow', '!!!!'), /has a key that is not an Ed25519 public key/],
    [mine.pem + rsa.export({ type: 'spki', format: 'pem' }).toString(), /not an Ed25519 public key/],
  ] as const) {
    device.require(policy);
    expectRefused(t, device, image, why);
  }
  device.require(mine.pem);
  t.is(device.launch(image).status, 0);
  chmodSync(device.policy, 0o666);
  expectRefused(t, device, image, /can be written by others than root/);
  chmodSync(device.policy, 0o644);
  chownSync(device.policy, 65534, 0);
  expectRefused(t, device, image, /can be written by others than root/);
});
