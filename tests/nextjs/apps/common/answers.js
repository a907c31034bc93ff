// What the routes answer, for both routers. Every answer names its build.
import { readFileSync } from 'fs';
import path from 'path';

export function build() {
  return readFileSync(path.join(process.cwd(), '.next', 'BUILD_ID'), 'utf8').trim();
}

export function headers() {
  return { 'x-build': build() };
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, Math.min(Number(ms) || 0, 20_000)));
}

// 150 KiB: many packets, so that a connection that is cut off shows.
export const large = 'abcdefghijklmnopqrstuvwxyz012345\n'.repeat(4655);
