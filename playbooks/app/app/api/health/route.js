import { readFile } from 'node:fs/promises';
import path from 'node:path';

export const dynamic = 'force-dynamic';

export async function GET() {
  const build = await readFile(path.join(process.cwd(), '.next', 'BUILD_ID'), 'utf8');
  return Response.json({ status: 'ok', build: build.trim() });
}
