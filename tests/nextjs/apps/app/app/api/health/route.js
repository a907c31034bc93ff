import { build, headers } from '../../../answers';

export const dynamic = 'force-dynamic';

export async function GET() {
  return Response.json({ build: build() }, { headers: headers() });
}
