import { subscribe } from 'node:diagnostics_channel';

// A request that takes longer than this is given up. Keep it below TimeoutStopSec of the unit.
const LONGEST_REQUEST_MS = 25_000;

// With NEXT_MANUAL_SIG_HANDLE set, Next.js leaves SIGTERM to the app. Ending the process at once would cut off
// every answer that is on its way, so: take no new connections, let the running requests finish, then exit.
export function drainOnSignal() {
  if (!process.env.NEXT_MANUAL_SIG_HANDLE) return; // Next.js drains by itself

  const servers = new Set();
  let running = 0;
  let stopping = false;

  const exitWhenIdle = () => {
    if (stopping && running === 0) process.exit(0);
  };

  subscribe('http.server.request.start', ({ server, response }) => {
    servers.add(server);
    running += 1;
    if (stopping) response.setHeader('Connection', 'close');
    response.once('close', () => {
      running -= 1;
      setImmediate(exitWhenIdle);
    });
  });

  const stop = (signal) => {
    if (stopping) return;
    stopping = true;
    console.log(`${signal}: finishing ${running} running request(s)`);
    for (const server of servers) server.close();
    setTimeout(() => process.exit(1), LONGEST_REQUEST_MS);
    setImmediate(exitWhenIdle);
  };

  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
