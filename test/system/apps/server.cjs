// An HTTP server on 127.0.0.1:$PORT with what Node programs have: a worker thread that is asked through messages, timers, compiled
// functions, zlib (libuv's threads). A small one, as emulated CPUs are slow.
//
// GET /sum?n=    the worker's sum of the squares up to n, and how often the timer has ticked
// GET /instance  this process as it sees itself: pid and a counter of its own
'use strict';
const { readlinkSync } = require('node:fs');
const http = require('node:http');
const { promisify } = require('node:util');
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const zlib = require('node:zlib');

function squares(n) {
  let sum = 0;
  for (let i = 1; i <= n; i++) sum += i * i;
  return sum;
}

if (isMainThread) serve();
else parentPort.on('message', ({ id, n }) => parentPort.postMessage({ id, sum: squares(n) }));

function serve() {
  const worker = new Worker(__filename);
  const waiting = new Map();
  worker.on('message', ({ id, sum }) => waiting.get(id)(sum));
  const ask = (id, n) =>
    new Promise((resolve) => {
      waiting.set(id, resolve);
      worker.postMessage({ id, n });
    });
  let [ticks, asked, answered] = [0, 0, 0];
  setInterval(() => ticks++, 20);
  const squeeze = promisify(zlib.gzip);

  const answer = async (url) => {
    if (url.pathname === '/instance') {
      // process.pid is read once, at the start, which a launch from an image changes.
      return { pid: Number(readlinkSync('/proc/self')), answered: ++answered };
    }
    const sum = await ask(asked++, Number(url.searchParams.get('n')));
    const text = zlib.gunzipSync(await squeeze(`squares ${sum}`)).toString();
    return { text, ticks };
  };
  const server = http.createServer(async (request, response) => {
    response.end(JSON.stringify(await answer(new URL(request.url, 'http://localhost'))));
  });
  server.listen(Number(process.env.PORT), '127.0.0.1');
}
