// Stores in a registry: thaw push and thaw pull against Debian's docker-registry, with skopeo as a witness.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { challengeOf } from '../../launcher/registry/auth.js';
import { type Manifest, digestOf } from '../../launcher/registry/oci.js';
import { baseOf, parseReference } from '../../launcher/registry/reference.js';
import { RegistryServer, run, thaw } from './registry_support.js';
import { Sealed, expectCold, expectDone, expectWarm, lacking } from './sealed.js';
import { keyPair } from './keys.js';

const missing = ['docker-registry', 'skopeo'].find(
  (tool) => spawnSync(tool, ['--version']).error !== undefined,
);
const reason = lacking() ?? (missing === undefined ? undefined : `there is no ${missing}`);
const asRoot = reason === undefined ? test.serial : test.serial.skip;

/** htpasswd of user thaw with the password frost. */
const PASSWORDS = 'thaw:$2b$05$abcdefghijklmnopqrstuuuOJ1Chb55kpazUVXYsYvP3PXzJjtILW\n';
const LOGIN = Buffer.from('thaw:frost').toString('base64');

test('what a reference names', (t) => {
  const read = (text: string): string => {
    const reference = parseReference(text);
    return `${baseOf(reference)} ${reference.digest ?? reference.tag}`;
  };
  t.is(read('localhost:5000/web'), 'http://localhost:5000/v2/web/ latest');
  t.is(read('127.0.0.1:5000/a/b:1.2'), 'http://127.0.0.1:5000/v2/a/b/ 1.2');
  t.is(read('[::1]:5000/a/b:1.2'), 'http://[::1]:5000/v2/a/b/ 1.2');
  // A name that only begins like the loopback's leaves the machine.
  t.is(read('127.0.0.1.example.com/a'), 'https://127.0.0.1.example.com/v2/a/ latest');
  t.is(read('registry.example.com/a:1'), 'https://registry.example.com/v2/a/ 1');
  const digest = digestOf(Buffer.from('x'));
  t.is(read(`registry.example.com/a:1@${digest}`), `https://registry.example.com/v2/a/ ${digest}`);
  for (const wrong of [
    'web',
    'apps/web:1',
    'localhost/',
    'localhost/Web',
    'localhost/a:b c',
    'http://localhost/a',
    'localhost/../a',
  ])
    t.throws(() => parseReference(wrong), { message: /does not name an artefact/ }, wrong);
});

test('what a registry asks for', (t) => {
  t.deepEqual(challengeOf('Bearer realm="https://a/token",service="reg, istry",scope="x"'), {
    scheme: 'bearer',
    parameters: { realm: 'https://a/token', service: 'reg, istry', scope: 'x' },
  });
  t.is(challengeOf('Negotiate abc, Basic realm="a b"')?.scheme, 'basic');
  t.is(challengeOf('Digest realm="x"'), undefined);
});

asRoot("a pushed store is another device's after a pull, and launches warm there", async (t) => {
  const app = new Sealed(t);
  const { folder } = app.workshop;
  const registry = await new RegistryServer(t).start();
  const mine = keyPair(app.workshop, 'mine');
  const ref = `${registry.host}/apps/web:1`;
  expectDone(t, app.workshop.thaw('sign', '--key', mine.secret, 'app'));
  const file = join(folder, 'web.erofs');
  expectDone(t, app.workshop.thaw('pack', '-o', file));
  const pushed = await thaw(folder, {}, 'push', '--key', mine.secret, ref, file);
  t.is(pushed.status, 0, pushed.stderr);
  t.regex(pushed.stdout, new RegExp(`^${registry.host}/apps/web@sha256:[0-9a-f]{64}\n$`));

  const raw = await run(['skopeo', 'inspect', '--tls-verify=false', '--raw', `docker://${ref}`]);
  const manifest = JSON.parse(raw.stdout) as Manifest;
  t.is(manifest.artifactType, 'application/vnd.thaw.store.v1');
  t.deepEqual(
    manifest.layers.map(({ mediaType, digest }) => [mediaType, digest]),
    [['application/vnd.thaw.store.v1.layer+erofs', digestOf(readFileSync(file))]],
  );
  // A copy by another program is the same artefact, with its signature.
  const copy = `${registry.host}/mirror/web:1`;
  const copied = await run([
    'skopeo',
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${ref}`,
    `docker://${copy}`,
  ]);
  t.is(copied.status, 0, copied.stderr);

  rmSync(app.folder, { recursive: true });
  const device = join(folder, 'device.erofs');
  const pulled = await thaw(folder, {}, 'pull', '--key', mine.open, '-o', device, copy);
  t.is(pulled.status, 0, pulled.stderr);
  t.true(readFileSync(device).equals(readFileSync(file)));
  app.mount(t, device);
  expectWarm(t, app.launch(app.at));
  t.regex(app.thaw(app.at, 'verify', '--key', mine.open, 'app').stdout, /^app: good$/m);
  // Whether there is something new is one request.
  const again = await thaw(folder, {}, 'pull', '--json', '--key', mine.open, '-o', device, copy);
  const { came, requests } = JSON.parse(again.stdout) as { came: boolean; requests: number };
  t.deepEqual([came, requests], [false, 1]);
});

asRoot('a layer that was changed in the registry is refused by name, and replaces nothing', async (t) => {
  const app = new Sealed(t);
  const { folder } = app.workshop;
  const registry = await new RegistryServer(t).start();
  const ref = `${registry.host}/web:1`;
  const pushed = await thaw(folder, {}, 'push', ref, app.workshop.store);
  t.is(pushed.status, 0, pushed.stderr);
  const [, digest = ''] = /@(sha256:\w+)/.exec(pushed.stdout) ?? [];
  const { layers, config } = JSON.parse(readFileSync(registry.blob(digest), 'utf8')) as Manifest;
  const blob = registry.blob(layers[0]?.digest ?? '');
  const bytes = readFileSync(blob);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(blob, bytes);
  const device = join(folder, 'device.erofs');
  writeFileSync(device, 'the old one');
  const refused = await thaw(folder, {}, 'pull', '-o', device, ref);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /what the registry has as sha256:\w+ is something else: sha256:/);
  t.is(readFileSync(device, 'utf8'), 'the old one');
  t.deepEqual(
    readdirSync(folder).filter((name) => name.includes('.pull-')),
    [],
  );

  // Longer, shorter, and another config.
  writeFileSync(blob, Buffer.concat([bytes, bytes]));
  t.regex(
    (await thaw(folder, {}, 'pull', '-o', device, ref)).stderr,
    /sends more than the \d+ bytes|is something else/,
  );
  writeFileSync(registry.blob(config.digest), '{}');
  t.regex((await thaw(folder, {}, 'pull', '-o', 'fresh.erofs', ref)).stderr, /is something else/);
  t.is(readFileSync(device, 'utf8'), 'the old one');
  rmSync(app.folder, { recursive: true });
  rmSync(device);
  expectCold(t, app.launch(app.at), /^/);
});

asRoot(
  'a device that requires signatures takes none without, none by others and none of something else',
  async (t) => {
    const app = new Sealed(t);
    const { folder } = app.workshop;
    const registry = await new RegistryServer(t).start();
    const [mine, other] = [keyPair(app.workshop, 'mine'), keyPair(app.workshop, 'other')];
    const ref = `${registry.host}/web:1`;
    const device = join(folder, 'device.squashfs');
    const pull = async (): Promise<string> =>
      (await thaw(folder, {}, 'pull', '--key', mine.open, '-o', device, ref)).stderr;
    const push = (...args: readonly string[]): Promise<unknown> =>
      thaw(folder, {}, 'push', '--format', 'squashfs', ...args, ref, app.workshop.store);
    await push();
    t.regex(await pull(), /web:1 .* has no signature/);
    await push('--key', other.secret);
    t.regex(await pull(), /is signed by another key/);
    await push('--key', mine.secret);
    const manifest = JSON.parse(
      (await run(['skopeo', 'inspect', '--tls-verify=false', '--raw', `docker://${ref}`])).stdout,
    ) as Manifest;
    const layers = manifest.layers.map((layer) => ({ ...layer, size: layer.size - 1 }));
    const put = await fetch(`http://${registry.host}/v2/web/manifests/1`, {
      method: 'PUT',
      headers: { 'content-type': manifest.mediaType },
      body: JSON.stringify({ ...manifest, layers }),
    });
    t.is(put.status, 201);
    t.regex(await pull(), /is not what was signed/);
    t.false(existsSync(device));
    await push('--key', mine.secret);
    t.notRegex(await pull(), /thaw:/);
    t.true(existsSync(device));
  },
);

asRoot('what was interrupted is gone on with', async (t) => {
  const app = new Sealed(t);
  const { folder } = app.workshop;
  const registry = await new RegistryServer(t).start();
  expectDone(t, app.workshop.thaw('pack', '-o', join(folder, 'web.squashfs'), '--compress', 'none'));
  const { status, stderr } = await thaw(folder, {}, 'push', `${registry.host}/web:1`, 'web.squashfs');
  t.is(status, 0, stderr);
  const bytes = readFileSync(join(folder, 'web.squashfs'));
  const layer = digestOf(bytes);
  const asked: (string | undefined)[] = [];
  // Whoever asks gets a third of the file, and the connection ends.
  const gate = await registry.behind(({ url, headers, method }, answer) => {
    if (url?.endsWith(layer) !== true || method !== 'GET') return false;
    asked.push(headers.range);
    const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    const part = bytes.subarray(from, from + Math.ceil(bytes.length / 3));
    answer.writeHead(from === 0 ? 200 : 206, {
      'content-length': bytes.length - from,
      ...(from === 0 ? {} : { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    answer.write(part, () => {
      if (from + part.length === bytes.length) answer.end();
      else setTimeout(() => answer.destroy(), 200);
    });
    return true;
  });
  const pulled = await thaw(folder, {}, 'pull', '-o', 'device.squashfs', `${gate}/web:1`);
  t.is(pulled.status, 0, pulled.stderr);
  t.is(asked.length, 3, String(asked));
  t.is(asked[0], undefined);
  t.true(readFileSync(join(folder, 'device.squashfs')).equals(bytes));

  // What a killed process has left is taken over; what is wrong in it is found.
  rmSync(join(folder, 'device.squashfs'));
  const left = join(folder, `.device.squashfs.pull-${layer.slice(7, 23)}-4194303`);
  writeFileSync(left, bytes.subarray(0, 5000), { mode: 0o600 });
  asked.length = 0;
  t.is((await thaw(folder, {}, 'pull', '-o', 'device.squashfs', `${gate}/web:1`)).status, 0);
  t.is(asked[0], 'bytes=5000-');
  rmSync(join(folder, 'device.squashfs'));
  writeFileSync(left, 'x'.repeat(5000), { mode: 0o600 });
  t.regex(
    (await thaw(folder, {}, 'pull', '-o', 'device.squashfs', `${gate}/web:1`)).stderr,
    /is something else/,
  );
  t.deepEqual(
    readdirSync(folder).filter((name) => /device/.test(name)),
    ['.device.squashfs.seen'],
  );
});

asRoot('registries that ask who it is: by password, and by a token', async (t) => {
  const app = new Sealed(t);
  const { folder } = app.workshop;
  const registry = await new RegistryServer(t).start(PASSWORDS);
  const login = (host: string): NodeJS.ProcessEnv => ({
    REGISTRY_AUTH_FILE: app.workshop.write(
      'auth.json',
      JSON.stringify({ auths: { [host]: { auth: LOGIN } } }),
    ),
  });
  const refused = await thaw(folder, {}, 'push', `${registry.host}/web:1`, app.workshop.store);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /401.*\n.*docker login/);
  const pushed = await thaw(
    folder,
    login(registry.host),
    'push',
    `${registry.host}/web:1`,
    app.workshop.store,
  );
  t.is(pushed.status, 0, pushed.stderr);

  const basic = `Basic ${LOGIN}`;
  const scopes: (string | null)[] = [];
  const gate: string = await registry.behind((asked, answer) => {
    const url = new URL(asked.url ?? '', `http://${gate}`);
    if (url.pathname === '/token') {
      scopes.push(url.searchParams.get('scope'));
      answer.writeHead(asked.headers.authorization === basic ? 200 : 401);
      answer.end(JSON.stringify({ token: 'melt' }));
      return true;
    }
    if (asked.headers.authorization !== 'Bearer melt') {
      const challenge = `Bearer realm="http://${gate}/token",service="here"`;
      answer.writeHead(401, { 'www-authenticate': challenge }).end();
      return true;
    }
    asked.headers.authorization = basic;
    return false;
  });
  const pulled = await thaw(folder, login(gate), 'pull', '-o', 'device.erofs', `${gate}/web:1`);
  t.is(pulled.status, 0, pulled.stderr);
  t.deepEqual(scopes, ['repository:web:pull']);
  // A password goes to no server without TLS.
  const thief = await registry.behind((_, answer) => {
    answer.writeHead(401, { 'www-authenticate': 'Bearer realm="http://example.com/token"' }).end();
    return true;
  });
  const stolen = await thaw(folder, login(thief), 'pull', '-o', 'device.erofs', `${thief}/web:1`);
  t.regex(stolen.stderr, /names a server for tokens that is not asked/);
});

asRoot('an index has a store for each model, and says why it is not for this device', async (t) => {
  const app = new Sealed(t);
  const { folder } = app.workshop;
  const registry = await new RegistryServer(t).start();
  const ref = `${registry.host}/web:1`;
  expectDone(t, app.workshop.thaw('pack', '-o', join(folder, 'a.erofs')));
  expectDone(t, app.workshop.thaw('pack', '-o', join(folder, 'b.squashfs')));
  t.is((await thaw(folder, {}, 'push', ref, 'a.erofs', 'b.squashfs')).status, 2);
  const pushed = await thaw(folder, {}, 'push', ref, 'one=a.erofs', 'two=b.squashfs');
  t.is(pushed.status, 0, pushed.stderr);
  const added = await thaw(folder, {}, 'push', '--add', ref, 'three=a.erofs', 'two=b.squashfs');
  t.is(added.status, 0, added.stderr);
  const { stdout } = await thaw(folder, {}, 'pull', '--explain', ref);
  t.regex(stdout, />\s+one\s+x86_64\s.*app\s+fits\n.*three.*\n.*two/);
  const other = await thaw(folder, {}, 'pull', '--model', 'two', '-o', 'device.squashfs', ref);
  t.is(other.status, 0, other.stderr);
  t.regex(
    (await thaw(folder, {}, 'pull', '--model', 'four', '-o', 'x.erofs', ref)).stderr,
    /no store for four\n.*one, three, two/,
  );
  t.is((await thaw(folder, {}, 'pull', '-o', 'device.squashfs', ref)).status, 2);
  const copied = await run([
    'skopeo',
    'copy',
    '-q',
    '--all',
    '--src-tls-verify=false',
    `docker://${ref}`,
    `oci:${folder}/layout:web`,
  ]);
  t.is(copied.status, 0, copied.stderr);
});

test.after.always(() => {
  if (reason !== undefined) console.log(`not tried: ${reason}`);
});
