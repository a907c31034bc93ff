import { headers, pause } from '../../../answers';

export const dynamic = 'force-dynamic';

export async function GET(request) {
  await pause(new URL(request.url).searchParams.get('ms'));
  return new Response('waited', { headers: headers() });
}
