// What a server's headers say, first of all the time: commands such as `curl -sf` show no headers.
import { request } from 'node:http';

export interface HttpAnswer {
  /** Where it came from: "http://127.0.0.1:8123/". */
  readonly url: string;
  readonly status: number;
  /** The `Date:` header as it came, if it has one. */
  readonly date: string | undefined;
  /** Milliseconds since 1970 when it came. */
  readonly at: number;
}

const LIMIT_MS = 1000;

/**
 * Undefined where whoever listens on `port` of this machine does not speak HTTP. It is asked once: a server of another
 * protocol may take that for an attack, and say so in its log.
 * @throws when `interrupt` is aborted
 */
export async function httpAnswer(port: number, interrupt: AbortSignal): Promise<HttpAnswer | undefined> {
  for (const host of ['127.0.0.1', '::1']) {
    const { connected, answer } = await ask(host, port, interrupt);
    interrupt.throwIfAborted();
    if (connected) return answer;
  }
  return undefined;
}

interface Asked {
  readonly connected: boolean;
  readonly answer?: HttpAnswer;
}

function ask(host: string, port: number, interrupt: AbortSignal): Promise<Asked> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  return new Promise((resolve) => {
    let connected = false;
    const none = (): void => {
      resolve({ connected });
    };
    const asked = request({ host, port, method: 'HEAD', path: '/', agent: false, signal: interrupt })
      .once('socket', (socket) => socket.once('connect', () => (connected = true)))
      .once('response', (response) => {
        response.resume().once('error', () => undefined);
        const { statusCode = 0, headers } = response;
        resolve({ connected, answer: { url, status: statusCode, date: headers.date, at: Date.now() } });
      })
      .once('upgrade', (_, socket) => {
        socket.destroy();
        none();
      })
      // Again after the response, where the connection is cut off then.
      .on('error', none)
      .once('close', () => {
        clearTimeout(timer);
        none();
      });
    // No AbortSignal.timeout(): in Node.js 20 one that only AbortSignal.any() knows is collected, and never fires.
    const timer = setTimeout(() => {
      none();
      asked.destroy();
    }, LIMIT_MS);
    asked.end();
  });
}
