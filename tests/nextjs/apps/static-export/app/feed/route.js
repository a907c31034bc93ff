export const dynamic = 'force-static';

export function GET() {
  return new Response('<feed/>', { headers: { 'Content-Type': 'application/atom+xml' } });
}
