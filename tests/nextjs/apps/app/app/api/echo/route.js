import { headers } from '../../../answers';

export async function POST(request) {
  return new Response(await request.text(), { headers: headers() });
}
