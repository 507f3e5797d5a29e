// A fleet from end to end: a store built for a model's root (`thaw build --matrix`), signed and pushed to a registry, pulled by a
// device that has never seen it, and launched there. A store that was changed in the registry is refused, and the app starts cold.
import test from 'ava';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { digestOf } from '../../launcher/registry/oci.js';
import { cli, root as project } from '../engine/support/paths.js';
import { keyPair } from '../launcher/keys.js';
import { RegistryServer, run, thaw } from '../launcher/registry_support.js';
import { Workshop } from '../launcher/support.js';
import { runGuest, said } from './support/guest.js';
import { redis } from './support/redis.js';

const matrix = (root: string): string => `
profiles = ["redis.toml"]
[[models]]
name = "hub"
target = "aarch64"
[[roots]]
name = "1"
target = "aarch64"
path = "${root}"
`;

/** At their ports, the loopback of a device leads to the registries of this machine. */
const device = ({ changed, good }: Readonly<Record<'changed' | 'good', string>>): string => `
cat >/tmp/forward.js <<'END'
const net = require('net');
for (const port of [${changed}, ${good}])
  net.createServer((one) => {
    const host = net.connect(port, '10.0.2.2');
    one.pipe(host).pipe(one);
  }).listen(port, '127.0.0.1');
END
node /tmp/forward.js &
sleep 1
mkdir /tmp/store
pull() {
    node /share/dist/launcher/cli.js pull --key /in/maker.pub.pem "127.0.0.1:$1/apps:1" -o /tmp/apps.erofs 2>&1
    echo "pulled: $?, $(ls /tmp/*.erofs)"
}
launch() {
    THAW_LOG=info THAW_STORE=/tmp/store /share/build/aarch64/thaw-exec -- /usr/bin/redis-server --port 7379 --save "" 2>&1 &
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do answer=$(redis-cli -p 7379 get color 2>/dev/null) && break; sleep 1; done
    echo "answer: '$answer'"
    kill $!
    wait $!
}
cd /
pull ${changed}
launch
pull ${good}
mount -t erofs -o ro,loop /tmp/apps.erofs /tmp/store
launch
exit 0
`;

test('a device pulls the store that a matrix has built for it', async (t) => {
  t.timeout(1_800_000);
  const workshop = new Workshop(t);
  const inGuest = join(workshop.folder, 'in');
  mkdirSync(inGuest);
  const { secret, open } = keyPair(workshop, 'maker');
  copyFileSync(open, join(inGuest, 'maker.pub.pem'));
  const root = join(project, 'build/cross-cache/aarch64/root.squashfs');
  workshop.write('redis.toml', redis);
  workshop.write('fleet.toml', matrix(root));
  const built = await run([process.execPath, cli, 'build', '--matrix', 'fleet.toml'], {
    cwd: workshop.folder,
    timeout: 0,
  });
  t.is(built.status, 0, built.stderr);

  const store = join(workshop.folder, 'stores/hub-1.erofs');
  const pushed = async (): Promise<RegistryServer> => {
    const registry = await new RegistryServer(t).start();
    const name = `${registry.host}/apps:1`;
    const { status, stderr } = await thaw(workshop.folder, {}, 'push', '--key', secret, name, `hub=${store}`);
    t.is(status, 0, stderr);
    return registry;
  };
  const good = await pushed();
  const changed = await pushed();
  const blob = changed.blob(digestOf(readFileSync(store)));
  const bytes = readFileSync(blob);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
  writeFileSync(blob, bytes);

  const port = ({ host }: RegistryServer): string => host.replace('localhost:', '');
  const outcome = await runGuest({
    cpu: 'aarch64',
    net: true,
    in: inGuest,
    command: device({ changed: port(changed), good: port(good) }),
  });
  const [refused = '', cold = '', pulled = '', warm = ''] = outcome.stdout.split(
    /(?<=^(?:pulled|answer): .*\n)/m,
  );
  t.regex(refused, /something else.*\n[^]*pulled: 1, \n/, said(outcome));
  t.regex(cold, /starting cold[^]*answer: ''/);
  t.regex(pulled, /hub[^]*pulled: 0, \/tmp\/apps\.erofs\n/);
  t.regex(warm, /answer: 'blue'/, warm);
  t.notRegex(warm, /starting cold/);
});
