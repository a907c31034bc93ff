import Link from 'next/link';

// Incremental static regeneration: served from the cache, made anew at most every 10 seconds.
export const revalidate = 10;

export const metadata = { title: 'News' };

export default function News() {
  return (
    <main>
      <h1>News</h1>
      <p>Made at <time>{new Date().toISOString()}</time></p>
      <p><Link href="/">Back</Link></p>
    </main>
  );
}
