// What a server's headers say the time is: commands such as `curl -sf` show no headers.
import { request } from 'node:http';

export interface Dated {
  /** The header as it came. */
  readonly date: string;
  /** Milliseconds since 1970 when it came. */
  readonly at: number;
}

const LIMIT_MS = 1000;

/** Undefined where whoever listens on `port` of this machine does not speak HTTP, or dates nothing. Never throws. */
export async function httpDate(port: number): Promise<Dated | undefined> {
  for (const host of ['127.0.0.1', '::1']) {
    const date = await dateOf(host, port);
    if (date !== undefined) return { date, at: Date.now() };
  }
  return undefined;
}

function dateOf(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(LIMIT_MS);
    request({ host, port, method: 'HEAD', path: '/', agent: false, signal })
      .once('response', (response) => {
        response.resume().once('error', () => undefined);
        resolve(response.headers.date);
      })
      // Again after the response, where the connection is cut off then.
      .on('error', () => {
        resolve(undefined);
      })
      .end();
  });
}
