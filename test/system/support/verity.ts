// Runs in a guest, as root, with an ext4 on /data that has the feature `verity`: what the kernel does for an image under
// fs-verity, and what a launch makes of it. Prints one line of JSON for each step.
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import { callerAccount } from '../../../launcher/app/account.js';
import { minimalEnvironment } from '../../../launcher/app/setting.js';
import { native } from '../../../launcher/engine/index.js';
import { verityDigest } from '../../../launcher/signing/verity.js';
import { PATIENCE_MS } from '../../patience.js';

/** Of a page that only the app's own work touches. */
const dataMark = 'THAW_DATA_MARK';
/** Of the arguments, which the metadata hold. */
const metadataMark = 'THAW_METADATA_MARK';
const app = `
import sys
mark = '_'.join(['THAW', 'DATA', 'MARK']).encode()
page = bytearray(b'.' * (64 << 10))
page[20000:20000 + len(mark)] = mark
print('warm', flush=True)
sys.stdin.readline()
print(page[20000:20000 + len(mark)].decode(), flush=True)
`;
const command = ['/usr/bin/python3', '-c', app, metadataMark];
const store = '/data/store';
/** The guest's root has no compiled modules, which a first start would add. */
const declared = { PYTHONDONTWRITEBYTECODE: '1' };
/** Where the app is built and launched. */
const folder = '/tmp';

const report = (step: string, found: unknown): void => {
  console.log(JSON.stringify({ step, found }));
};

function run(program: string, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(program, args, {
    encoding: 'utf8',
    cwd: folder,
    input: '\n',
    timeout: PATIENCE_MS,
    env: { ...minimalEnvironment(callerAccount()), ...declared, THAW_STORE: store, THAW_LOG: 'warn' },
  });
}

const thaw = (...args: string[]): SpawnSyncReturns<string> =>
  run(process.execPath, ['/share/dist/launcher/cli.js', ...args]);
const launch = (...options: string[]): unknown => {
  const { status, signal, stdout, stderr } = run(native.thawExec(), [...options, '--', ...command]);
  return { status, signal, stdout, stderr };
};

function build(): string {
  const definition = join(folder, 'verity.toml');
  const words = command.slice(1).map((word) => JSON.stringify(word));
  writeFileSync(
    definition,
    [
      'name = "verity"',
      `program = "${command[0] ?? ''}"`,
      `args = [${words.join(', ')}]`,
      `env = { ${Object.entries(declared)
        .map(([name, value]) => `${name} = "${value}"`)
        .join(', ')} }`,
      '[warmup]',
      'until = { log = "warm$" }',
      'stdin = "open"',
    ].join('\n'),
  );
  const { status, stdout, stderr } = thaw('build', definition);
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  return realpathSync(join(store, 'profiles/verity/current.thaw'));
}

/** With a key of its own, as a device that trusts nothing else. */
function requireSignature(image: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync('/tmp/key.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  mkdirSync('/etc/thaw', { recursive: true });
  writeFileSync('/etc/thaw/require-signature.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync('/etc/thaw/require-verity', '');
  const { status, stderr } = thaw('sign', '--key', '/tmp/key.pem', image);
  if (status !== 0) throw new Error(stderr);
}

function writeTo(image: string): string {
  try {
    closeSync(openSync(image, 'r+'));
    return 'allowed';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

const device = (): string =>
  /^(\S+) \/data /m.exec(readFileSync('/proc/mounts', 'utf8'))?.[1] ?? '/data is not mounted';

/** Flips a bit of each of the marks in an ext4, as worn-out flash would. @returns how many there were */
function flip(disk: string, mark: string): number {
  const file = openSync(disk, 'r+');
  const chunk = Buffer.alloc(8 << 20);
  let found = 0;
  for (let base = 0, size = readSync(file, chunk, 0, chunk.length, 0); size > 0;) {
    for (let at = chunk.indexOf(mark); at >= 0 && at < size; at = chunk.indexOf(mark, at + 1)) {
      writeSync(file, Buffer.from([mark.charCodeAt(0) ^ 1]), 0, 1, base + at);
      found++;
    }
    base += size;
    size = readSync(file, chunk, 0, chunk.length, base);
  }
  closeSync(file);
  return found;
}

function needs(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
}

function damage(mark: string): boolean {
  const disk = device();
  needs('umount', '/data');
  const found = flip(disk, mark);
  needs('mount', '-t', 'ext4', disk, '/data');
  return found > 0;
}

const image = build();
report('digest', { kernel: native.measureVerity(image), ours: verityDigest(image).toString('hex') });
requireSignature(image);
report('verify', thaw('verify', image).stdout);
report('launch', launch('--no-fallback'));
report('write', writeTo(image));

report('data damaged', damage(dataMark));
report('launch of damaged data', launch('--no-fallback'));
report('verify of damaged data', thaw('verify', image).stdout);

report('metadata damaged', damage(metadataMark));
report('launch of damaged metadata', launch());
report('verify of damaged metadata', thaw('verify', image).stdout);
