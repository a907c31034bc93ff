import { headers, large } from '../../../answers';

export const dynamic = 'force-dynamic';

export async function GET() {
  return new Response(large, { headers: headers() });
}
