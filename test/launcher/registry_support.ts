// A registry of Debian's (docker-registry) on the loopback, and a gate before it that behaves as others do, or badly.
import type { ExecutionContext } from 'ava';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';

import { cli } from '../engine/support/paths.js';
import { until } from '../engine/support/process.js';
import { PATIENCE_MS } from '../patience.js';
import { freePort } from './support.js';

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that the test's own servers can answer meanwhile. */
export async function run(
  command: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly timeout?: number } = {},
): Promise<Ended> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { timeout: PATIENCE_MS, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (texts.stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (texts.stderr += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, ...texts };
}

/** Without the credentials of whoever runs the tests. */
export function thaw(folder: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): Promise<Ended> {
  const alone = { DOCKER_CONFIG: join(folder, 'docker'), XDG_RUNTIME_DIR: folder };
  return run([process.execPath, cli, ...args], { cwd: folder, env: { ...process.env, ...alone, ...env } });
}

export class RegistryServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'thaw-registry-'));
  readonly #servers: Server[] = [];
  #child: ChildProcess | undefined;
  host = '';

  constructor(t: ExecutionContext) {
    chmodSync(this.folder, 0o700);
    t.teardown(() => {
      this.#child?.kill('SIGKILL');
      for (const server of this.#servers) {
        server.close();
        server.closeAllConnections();
      }
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** `passwords`: the text of an htpasswd file; without one, anybody may do anything. */
  async start(passwords?: string): Promise<this> {
    this.host = `localhost:${await freePort()}`;
    mkdirSync(join(this.folder, 'blobs'), { recursive: true });
    const file = join(this.folder, 'htpasswd');
    if (passwords !== undefined) writeFileSync(file, passwords);
    const auth = passwords === undefined ? '' : `auth:\n  htpasswd:\n    realm: test\n    path: ${file}\n`;
    const config = join(this.folder, 'config.yml');
    writeFileSync(
      config,
      `version: 0.1\nlog: { level: error }\nstorage:\n  filesystem: { rootdirectory: ${this.folder}/blobs }\n` +
        `http: { addr: "${this.host.replace('localhost', '127.0.0.1')}" }\n${auth}`,
    );
    this.#child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    await until('the registry listens', async () => {
      const response = await fetch(`http://${this.host}/v2/`).catch(() => undefined);
      return response !== undefined;
    });
    return this;
  }

  /** The file in which it keeps a blob. */
  blob(digest: string): string {
    const hex = digest.replace('sha256:', '');
    return join(this.folder, 'blobs/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  }

  /** Another host that passes requests on, unless `gate` answers them. */
  async behind(gate: (asked: IncomingMessage, answer: ServerResponse) => boolean): Promise<string> {
    const [name = '', port = ''] = this.host.split(':');
    const server = createServer((asked, answer) => {
      if (gate(asked, answer)) return;
      const { method, url, headers } = asked;
      const host = this.host;
      const onward = request(
        { host: name, port, method, path: url, headers: { ...headers, host } },
        (answered) => {
          answer.writeHead(answered.statusCode ?? 500, answered.headers);
          answered.pipe(answer);
        },
      );
      onward.on('error', () => answer.destroy());
      asked.pipe(onward);
    });
    this.#servers.push(server);
    const free = await freePort();
    server.listen(free, '127.0.0.1');
    await once(server, 'listening');
    return `localhost:${free}`;
  }
}
