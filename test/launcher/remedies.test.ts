// What a refused build says to set can be pasted into the profile as it stands.
import test from 'ava';
import { appendFileSync } from 'node:fs';

import { Workshop } from './support.js';

const warmup = 'until = { log = "^warm$" }\nsettle = "20ms"';

/** The tables of a remedy, cut out as somebody would do who copies whole lines. */
function tables(stderr: string): readonly string[] {
  return [...stderr.matchAll(/^ *\[\[?[a-z]+\]\]?\n(?: *[a-z_]+ = .*\n)+/gm)].map(([lines]) => lines);
}

const held = `
import fcntl, mmap
log = open('a "quoted" [log]*.txt', 'a')
data = open('state.db', 'w+')
pid = open('app.pid', 'w')
print(os.getpid(), file=pid, flush=True)
locked = open('locked', 'a')
fcntl.flock(locked, fcntl.LOCK_EX)
with open('shared.bin', 'w+b') as file:
    file.truncate(4096)
    shared = mmap.mmap(file.fileno(), 4096)
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(('127.0.0.1', 9))
terminal = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)
`;

test('the tables of each refusal, pasted, let the next build succeed', (t) => {
  const workshop = new Workshop(t);
  const toml = workshop.profile('app', warmup, held);
  const refused = workshop.thaw('build', toml);
  t.is(refused.status, 1);
  t.regex(refused.stderr, /8 things cannot be taken/);
  const remedy = tables(refused.stderr);
  t.is(remedy.length, 8, refused.stderr);
  appendFileSync(toml, `\n${remedy.join('')}`);
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
});
