// Node's cluster: a primary that hands connections to four workers, and starts another where one has ended.
//
// GET /film?number=N   one film of the catalogue
// GET /worker          who has answered: its pid, its parent's, its number, and how often it has
//
// SIGHUP: each worker makes room for a new one. SIGTERM: all end when they have answered.
'use strict';

const cluster = require('node:cluster');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');

const WORKERS = 4;

function film(number) {
  return {
    number,
    title: `Film ${number}`,
    digest: crypto.createHash('sha256').update(String(number)).digest('hex'),
  };
}

/** As the kernel has it now: process.pid is read once, at the start. */
function currentPid() {
  return Number(fs.readlinkSync('/proc/self'));
}

function serve() {
  const films = new Map();
  for (let number = 1; number <= 20_000; number++) films.set(number, film(number));
  let answered = 0;
  const server = http.createServer((request, response) => {
    answered++;
    const url = new URL(request.url, 'http://localhost');
    const own = { pid: currentPid(), parent: process.ppid, worker: cluster.worker.id, answered };
    const answer =
      url.pathname === '/worker'
        ? own
        : url.pathname === '/film'
          ? films.get(Number(url.searchParams.get('number') ?? 1))
          : undefined;
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json', connection: 'close' });
    response.end(JSON.stringify(answer ?? null));
  });
  server.listen(Number(process.env.PORT ?? 8208), '127.0.0.1');
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
  });
}

function lead() {
  let ending = false;
  let listening = 0;
  const living = () => Object.values(cluster.workers);
  for (let i = 0; i < WORKERS; i++) cluster.fork();
  cluster.on('listening', () => {
    if (++listening === WORKERS) console.log('ready');
  });
  cluster.on('exit', (worker, code, signal) => {
    if (!ending) {
      console.log(`a worker has ended (${signal ?? code})`);
      cluster.fork();
    } else if (living().length === 0) {
      console.log('all have ended');
      process.exit(0);
    }
  });
  process.on('SIGHUP', () => {
    for (const worker of living()) worker.process.kill('SIGTERM');
  });
  process.on('SIGTERM', () => {
    ending = true;
    for (const worker of living()) worker.process.kill('SIGTERM');
  });
}

if (cluster.isPrimary) lead();
else serve();
