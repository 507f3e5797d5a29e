// The daemon with its sockets and its metrics, from its start to its end.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { once } from 'node:events';
import { dirname } from 'node:path';

import { native } from '../engine/index.js';
import { ThawError, messageOf } from '../errors.js';
import type { Stores } from '../store/stores.js';
import { Daemon, type Settings } from './daemon.js';
import { interfaceOf } from './interface.js';
import { metricsServer, writeMetrics } from './metrics.js';
import type { Rebuild } from './rebuild.js';
import type { Status } from './status.js';
import { notify, teller } from './told.js';
import { call, varlinkServer } from './varlink.js';

export interface Places {
  readonly socket: string;
  readonly metricsFile: string | undefined;
  readonly metricsSocket: string | undefined;
}

/** Until `interrupt` is aborted. @throws ThawError */
export async function serve(
  stores: Stores,
  settings: Settings,
  rebuild: Rebuild,
  { socket, metricsFile, metricsSocket }: Places,
  interrupt: AbortSignal,
): Promise<void> {
  await expectNone(socket);
  const tell = teller(process.env);
  let told = false;
  const publish = (status: Status): void => {
    if (metricsFile === undefined) return;
    try {
      writeMetrics(metricsFile, status);
      told = false;
    } catch (error) {
      if (!told) tell('warning', `cannot write ${metricsFile}: ${messageOf(error)}`);
      told = true;
    }
  };
  const daemon = new Daemon(stores, settings, rebuild, tell, publish);
  const places: readonly (readonly [string, number, Server])[] = [
    [socket, 0o600, varlinkServer(interfaceOf(daemon), native.version)],
    // Any user may read numbers, as with node_exporter.
    ...(metricsSocket === undefined
      ? []
      : [[metricsSocket, 0o666, metricsServer(() => daemon.status())] as const]),
  ];
  try {
    for (const [path, mode, server] of places) await listen(server, path, mode);
    notify(process.env, 'READY=1');
    await daemon.run(interrupt);
  } finally {
    notify(process.env, 'STOPPING=1');
    for (const [path, , server] of places) {
      server.close();
      rmSync(path, { force: true });
    }
  }
}

/** @throws ThawError where another daemon answers there */
async function expectNone(socket: string): Promise<void> {
  const other = await call(socket, 'org.varlink.service.GetInfo', {}).catch(() => undefined);
  if (other !== undefined)
    throw new ThawError(`a daemon runs already, at ${socket}`, { remedy: 'ask it: thaw daemon status' });
}

async function listen(server: Server, path: string, mode: number): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  rmSync(path, { force: true });
  // Until the mode is right, nobody else may call.
  const mask = process.umask(0o177);
  try {
    // Who stays connected does not keep the daemon from its end.
    server.on('connection', (client: Socket) => client.unref());
    server.listen(path);
    await once(server, 'listening');
    chmodSync(path, mode);
  } catch (error) {
    throw new ThawError(`cannot listen at ${path}: ${messageOf(error)}`, {
      remedy: 'choose another place with --socket or --metrics-socket',
      cause: error,
    });
  } finally {
    process.umask(mask);
  }
}
