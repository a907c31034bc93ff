import Link from 'next/link';

export default function Blog() {
  return <Link href="/blog/first">All posts</Link>;
}
