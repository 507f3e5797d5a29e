// The protocol of varlink (https://varlink.org): a call is an object of JSON and a NUL on a unix socket, and so is its reply.
import { type Server, type Socket, createConnection, createServer } from 'node:net';

import { ThawError, messageOf } from '../errors.js';

export type Parameters = Readonly<Record<string, unknown>>;

interface Call {
  readonly method: string;
  readonly parameters?: Parameters;
  /** No reply is wanted. */
  readonly oneway?: boolean;
}

interface Reply {
  readonly parameters: Parameters;
  /** Its name; undefined: the call went well. */
  readonly error?: string;
}

/** What a method throws for its caller. */
export class CallError extends Error {
  constructor(
    readonly error: string,
    readonly parameters: Parameters = {},
  ) {
    super(error);
  }
}

/** `thaw.Daemon`: its description in varlink's own language, and what its methods do. */
export interface Interface {
  readonly name: string;
  readonly description: string;
  readonly methods: Readonly<Record<string, (parameters: Parameters) => Parameters>>;
}

const SERVICE = 'org.varlink.service';

/** More than this is no call of ours. */
const MOST_BYTES = 65_536;

/** A server of one interface, and of that which each service has. */
export function varlinkServer(served: Interface, version: string): Server {
  return createServer((socket) => {
    socket.on('error', () => socket.destroy());
    onMessages(socket, (text) => {
      const reply = answer(text, served, version);
      if (reply !== undefined) socket.write(`${JSON.stringify(reply)}\0`);
    });
  });
}

function answer(text: string, served: Interface, version: string): Reply | undefined {
  let oneway = false;
  const replied = (reply: Reply): Reply | undefined => (oneway ? undefined : reply);
  try {
    const call = parseCall(text);
    oneway = call.oneway === true;
    return replied({ parameters: methodOf(call.method, served, version)(call.parameters ?? {}) });
  } catch (error) {
    if (error instanceof CallError) return replied({ error: error.error, parameters: error.parameters });
    return replied({ error: `${served.name}.Failed`, parameters: { what: messageOf(error) } });
  }
}

/** @throws CallError */
function parseCall(text: string): Call {
  const invalid = (parameter: string): CallError =>
    new CallError(`${SERVICE}.InvalidParameter`, { parameter });
  let call: Partial<Call> | null;
  try {
    call = JSON.parse(text) as Partial<Call> | null;
  } catch {
    throw invalid('');
  }
  if (typeof call?.method !== 'string') throw invalid('method');
  if (typeof (call.parameters ?? {}) !== 'object') throw invalid('parameters');
  return { ...call, method: call.method };
}

/** @throws CallError */
function methodOf(
  method: string,
  { name, description, methods }: Interface,
  version: string,
): (parameters: Parameters) => Parameters {
  const dot = method.lastIndexOf('.');
  const [wanted, last] = [method.slice(0, dot), method.slice(dot + 1)];
  const missing = (): CallError => new CallError(`${SERVICE}.MethodNotFound`, { method });
  if (wanted === name) {
    const found = Object.entries(methods).find(([each]) => each === last)?.[1];
    if (found === undefined) throw missing();
    return found;
  }
  if (wanted !== SERVICE) throw new CallError(`${SERVICE}.InterfaceNotFound`, { interface: wanted });
  if (last === 'GetInfo')
    return () => ({ vendor: 'thaw', product: 'thawd', version, url: '', interfaces: [SERVICE, name] });
  if (last !== 'GetInterfaceDescription') throw missing();
  return (parameters) => {
    if (parameters['interface'] === name) return { description };
    throw new CallError(`${SERVICE}.InterfaceNotFound`, { interface: parameters['interface'] });
  };
}

function onMessages(socket: Socket, take: (text: string) => void): void {
  let rest = Buffer.alloc(0);
  socket.on('data', (part: Buffer) => {
    rest = Buffer.concat([rest, part]);
    for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
      const text = rest.toString('utf8', 0, end);
      rest = rest.subarray(end + 1);
      take(text);
    }
    if (rest.length > MOST_BYTES) socket.destroy();
  });
}

/** Calls a method of the service at `path`. @throws ThawError */
export function call(path: string, method: string, parameters: Parameters): Promise<Parameters> {
  return new Promise((resolve, reject) => {
    const failed = (what: string): void => {
      reject(new ThawError(what, { remedy: 'is thawd running? systemctl start thawd, or thaw daemon' }));
    };
    const socket = createConnection(path, () => {
      socket.write(`${JSON.stringify({ method, parameters })}\0`);
    });
    socket.on('error', (error) => {
      failed(`cannot reach the daemon at ${path}: ${error.message}`);
    });
    socket.on('close', () => {
      failed(`the daemon at ${path} has not answered`);
    });
    // Its own replies may be longer than the calls that it takes.
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\0');
      if (end < 0) return;
      const reply = JSON.parse(text.slice(0, end)) as Partial<Reply>;
      if (reply.error === undefined) resolve(reply.parameters ?? {});
      else reject(new ThawError(`${reply.error}: ${JSON.stringify(reply.parameters ?? {})}`));
      socket.destroy();
    });
  });
}
