// What a project's own `build` script may do beside `next build`: here, leave a note of the build.
import { readFile, writeFile } from 'node:fs/promises';

const build = (await readFile('.next/BUILD_ID', 'utf8')).trim();
await writeFile('public/build.json', `${JSON.stringify({ build })}\n`);
