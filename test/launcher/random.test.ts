// Random numbers of libraries: no two launches of an image draw the same, whatever the pid does.
import test, { type ExecutionContext } from 'ava';

import { Workshop, buildWithLargePid, python } from './support.js';

interface App {
  readonly program: string;
  readonly file: string;
  readonly source: string;
}

const node: App = {
  program: process.execPath,
  file: 'app.cjs',
  source: `const crypto = require('crypto');
const fs = require('fs');
crypto.randomBytes(8);
console.log('warm');
const timer = setInterval(() => {
  if (!fs.existsSync('go')) return;
  clearInterval(timer);
  const key = crypto.generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
  console.log('bytes', crypto.randomBytes(8).toString('hex'));
  console.log('key', key.toString('hex'));
}, 5);
`,
};

const ruby: App = {
  program: '/usr/bin/ruby',
  file: 'app.rb',
  source: `require 'openssl'
OpenSSL::Random.random_bytes(8)
$stdout.sync = true
puts 'warm'
sleep 0.005 until File.exist?('go')
puts 'bytes ' + OpenSSL::Random.random_bytes(8).unpack1('H*')
`,
};

/** Debian's own tools need both libraries, so they are there; libgnutls learns of a fork by pthread_atfork only. */
const libraries: App = {
  program: python,
  file: 'app.py',
  source: `import ctypes, os, ssl, time
gcrypt, gnutls = ctypes.CDLL('libgcrypt.so.20'), ctypes.CDLL('libgnutls.so.30')
gcrypt.gcry_check_version(None)
def draw():
    buffer = ctypes.create_string_buffer(8)
    yield 'openssl', ssl.RAND_bytes(8)
    gcrypt.gcry_randomize(buffer, 8, 1); yield 'gcrypt', buffer.raw
    gcrypt.gcry_create_nonce(buffer, 8); yield 'gcrypt_nonce', buffer.raw
    for level in range(3): gnutls.gnutls_rnd(level, buffer, 8); yield f'gnutls_{level}', buffer.raw
list(draw())
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.001)
for name, value in draw(): print(name, value.hex(), flush=True)
`,
};

function profileOf(workshop: Workshop, { program, file, source }: App, launch: string): string {
  workshop.write(file, source);
  return workshop.write(
    'app.toml',
    `name = "app"\nprogram = "${program}"\nargs = ["${file}"]\n` +
      `[warmup]\nuntil = { log = "warm$" }\nsettle = "500ms"\n[launch]\n${launch}\n`,
  );
}

/** What two launches draw has nothing in common. */
function drawTwice(t: ExecutionContext, workshop: Workshop): void {
  workshop.write('go', '');
  const launch = (): string[] => {
    const { status, stdout, stderr } = workshop.thaw('run', 'app', '--no-fallback');
    t.is(status, 0, stderr);
    return stdout.trim().split('\n');
  };
  const first = launch();
  const second = launch();
  t.true(first.length > 0);
  t.deepEqual(
    first.map((line) => line.split(' ')[0]),
    second.map((line) => line.split(' ')[0]),
  );
  t.deepEqual(
    first.filter((line) => second.includes(line)),
    [],
  );
}

for (const [name, app] of Object.entries({ node, ruby, libraries }))
  test(`no two launches draw the same where a launch corrects the pid: ${name}`, (t) => {
    const workshop = new Workshop(t);
    if (buildWithLargePid(t, workshop, profileOf(workshop, app, '')) === undefined) return;
    drawTwice(t, workshop);
  });

for (const kept of ['keep_pid = true', 'pids = "namespace"']) {
  test(`OpenSSL draws anew in an app that keeps its pid: ${kept}`, (t) => {
    const workshop = new Workshop(t);
    if (process.getuid?.() !== 0) {
      t.pass();
      return;
    }
    const built = workshop.thaw('build', profileOf(workshop, node, kept));
    t.is(built.status, 0, built.stderr);
    drawTwice(t, workshop);
  });

  test(`an app whose library repeats its numbers does not keep its pid: ${kept}`, (t) => {
    const workshop = new Workshop(t);
    if (process.getuid?.() !== 0) {
      t.pass();
      return;
    }
    const built = workshop.thaw('build', profileOf(workshop, libraries, kept));
    t.not(built.status, 0);
    t.regex(built.stderr, /repeats its random numbers in launches with one pid/);
  });
}
