// A server that is none: what it does with who connects is one of the ways of a piece of JavaScript.
import type { ExecutionContext } from 'ava';
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';

import { endChild } from '../../bench/end_child.js';
import { until } from '../../bench/until.js';

/** It has its name only when it listens. */
const LISTEN = `const [, path, way] = process.argv, net = require('net');
net.createServer((s) => { s.on('error', () => {}); ways[way](s); s.resume(); })
  .listen(path + '.new', () => require('fs').renameSync(path + '.new', path));
`;

/** `ways`: defines `ways`, functions of a socket by their names. While `work` runs, the server is at `path`. */
export async function withFakeServer(
  t: ExecutionContext,
  ways: string,
  path: string,
  way: string,
  work: () => void,
): Promise<void> {
  const server = spawn(process.execPath, ['-e', ways + LISTEN, path, way], { stdio: 'inherit' });
  t.teardown(() => server.kill('SIGKILL'));
  await until(() => existsSync(path), way);
  work();
  await endChild(server);
  rmSync(path, { force: true });
}
