export const dynamic = 'force-dynamic';

// Waits before it answers, at most 20 seconds: shows that a stop or a release cuts off no request.
export async function GET(request) {
  const asked = Number(new URL(request.url).searchParams.get('ms')) || 0;
  const ms = Math.min(Math.max(asked, 0), 20_000);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return Response.json({ waited: ms });
}
