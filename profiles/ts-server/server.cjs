// Checks and compiles TypeScript over HTTP on 127.0.0.1:$PORT, with the TypeScript compiler held in memory.
//
// POST /compile   body: a module's source. Answer: {"javascript": "...", "problems": ["line 1: ..."]}
// GET  /double?n= a fixed module with that number in it, compiled: an answer that differs with each request
// GET  /instance  this process as it sees itself: pid, a counter of its own, the compiler's version
// GET  /collect   collects garbage
//
// Before it listens it does what each request will need: loads the compiler, parses the standard library's declarations
// and checks a program against them. That is its warm-up.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const v8 = require('node:v8');
const vm = require('node:vm');
const ts = require('typescript');

const FILE = '/request.ts';
const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  lib: ['lib.es2022.full.d.ts'],
  strict: true,
  types: [],
  skipLibCheck: false,
};

const EXERCISE = `
  interface Channel { readonly number: number; readonly name: string; tags?: ReadonlyArray<string> }
  type Index<T, K extends keyof T> = Map<T[K], T>;
  export function indexBy<T, K extends keyof T>(all: Iterable<T>, key: K): Index<T, K> {
    const index: Index<T, K> = new Map();
    for (const one of all) index.set(one[key], one);
    return index;
  }
  export class Guide {
    private readonly byName: Index<Channel, 'name'>;
    constructor(channels: Channel[]) { this.byName = indexBy(channels, 'name'); }
    find(name: string): Channel | undefined { return this.byName.get(name); }
    async load(url: string): Promise<number> { return (await (await fetch(url)).text()).length; }
    *tags(): Generator<string> { for (const { tags = [] } of this.byName.values()) yield* tags; }
  }
`;

/** Holds the compiler's state between requests: parsed declarations are kept, only the request's own file is new. */
class Compiler {
  #host = ts.createCompilerHost(OPTIONS, true);
  #parsed = new Map();
  #program = undefined;

  constructor() {
    const readFromDisk = this.#host.getSourceFile.bind(this.#host);
    this.#host.getSourceFile = (name, languageVersion) => {
      if (!this.#parsed.has(name)) this.#parsed.set(name, readFromDisk(name, languageVersion));
      return this.#parsed.get(name);
    };
    const existsOnDisk = this.#host.fileExists.bind(this.#host);
    this.#host.fileExists = (name) => name === FILE || existsOnDisk(name);
  }

  /** @returns {{javascript: string, problems: string[]}} */
  compile(source) {
    this.#parsed.set(FILE, ts.createSourceFile(FILE, source, OPTIONS.target, true));
    this.#program = ts.createProgram([FILE], OPTIONS, this.#host, this.#program);
    const file = this.#program.getSourceFile(FILE);
    const found = [
      ...this.#program.getSyntacticDiagnostics(file),
      ...this.#program.getSemanticDiagnostics(file),
    ];
    let javascript = '';
    this.#program.emit(file, (name, text) => (javascript = text));
    return { javascript, problems: found.map((problem) => describe(file, problem)) };
  }

  /** Checks every declaration of the standard library too, as a build that does not skip them would. */
  checkLibrary() {
    return this.#program.getSemanticDiagnostics().length;
  }
}

function describe(file, problem) {
  const line = file.getLineAndCharacterOfPosition(problem.start ?? 0).line + 1;
  return `line ${line}: ${ts.flattenDiagnosticMessageText(problem.messageText, '\n')}`;
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => resolve(Buffer.concat(parts).toString('utf8')));
    request.on('error', reject);
  });
}

/** As the kernel has it now: process.pid is read once, at the start, which a launch from an image changes. */
function currentPid() {
  return Number(fs.readlinkSync('/proc/self'));
}

/** Compacts the heap, too: an image then has fewer and fuller pages of it, and no request soon has to wait for a collection. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
}

function send(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function main() {
  const compiler = new Compiler();
  compiler.compile(EXERCISE);
  compiler.checkLibrary();
  let answered = 0;

  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname === '/compile' && request.method === 'POST') {
      send(response, 200, compiler.compile(await readBody(request)));
    } else if (url.pathname === '/double') {
      const n = Number(url.searchParams.get('n') ?? 1);
      send(
        response,
        200,
        compiler.compile(`const n: number = ${n};\nexport const answer: string = n * 2;\n`),
      );
    } else if (url.pathname === '/instance') {
      send(response, 200, { pid: currentPid(), answered: ++answered, typescript: ts.version });
    } else if (url.pathname === '/collect') {
      collectGarbage();
      send(response, 200, { heap: process.memoryUsage().heapUsed });
    } else {
      send(response, 404, { error: 'no such page' });
    }
  });
  server.listen(Number(process.env.PORT ?? 8201), '127.0.0.1');
}

main();
