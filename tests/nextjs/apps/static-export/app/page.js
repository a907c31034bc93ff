import Link from 'next/link';
import Counter from './counter';

export default function Page() {
  return (
    <main>
      <h1>Release one</h1>
      <Counter />
      <Link href="/about">About</Link> <Link href="/blog/first">First post</Link>
    </main>
  );
}
